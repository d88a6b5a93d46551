"""`agency audit`: what the exchange's log and this agency's own access log say, each line proven, also offline."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agency_client.cli.audit_filters import Case, PurposeCode, Reason, parse_day, parse_end, takes_filters
from agency_client.cli.evidence import check_evidence_file
from agency_client.cli.invocation import Invocation, get_invocation
from agency_client.terminal.output import Cell, Output, Tone

if TYPE_CHECKING:
    from agency_client.audit.asking import AuditOrder
    from agency_client.audit.purposes import LogPurpose
    from agency_client.local_store.access_chain import AccessEntry
    from agency_client.node import Node
    from schemas.key_documents import ExchangeSheet


def register(app: typer.Typer) -> None:
    """Add the verbs of this group."""
    group = typer.Typer(
        help="See what happened, with proof; export it; verify an export offline.",
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    group.command("list")(takes_filters(_list))
    group.command("show")(_show)
    group.command("export")(takes_filters(_export))
    group.command("transfers")(_transfers)
    group.command("verify")(_verify)
    group.command("evidence")(check_evidence_file)
    app.add_typer(group, name="audit")


def _list(
    context: typer.Context,
    reason: Reason,
    purpose: PurposeCode,
    filters: dict[str, Any],
    case: Case = None,
    officer: Annotated[str | None, typer.Option(help="Own access log only: what this officer did.")] = None,
    own: Annotated[bool, typer.Option("--own", help="Only the own access log; the exchange is not asked.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="So many records at most.")] = 500,
) -> None:
    """List what happened: the exchange's records and this agency's own access log, in the order of time.

    \b
    Examples:
      agency audit list --reason "yearly inspection" --purpose self-monitoring --since 2026-11-01
      agency audit list --reason "complaint 12" --purpose verification-of-lawfulness \\
          --message 5d1c8a52-6f0e-4b7a-9a53-0c7de1c5a9b4
      agency audit list --reason "who read it" --purpose self-monitoring --own --officer officer-17
    """
    from agency_client.audit.asking import AuditOrder, ask_records
    from agency_client.audit.rows import make_rows
    from agency_client.node import Node
    from agency_client.terminal.audit_pages import show_rows

    invocation, only_own = get_invocation(context), own or officer is not None
    order = AuditOrder(reason, _read_purpose(purpose), case, filters, limit)
    with Node(invocation.open_profile(), invocation.clock) as node:
        records = () if only_own else ask_records(node, order).records
        entries = _list_own(node, order, officer, is_noted=not only_own)
    rows = make_rows(records, entries)
    show_rows(invocation.output, rows)
    if records:
        invocation.output.say(f"{len(records)} records of the exchange, each proven to be in its log", Tone.GOOD)


def _show(
    context: typer.Context,
    index: Annotated[int, typer.Argument(min=0, help="The leaf's index, as `audit list` shows it.")],
    reason: Reason,
    purpose: PurposeCode,
    case: Case = None,
) -> None:
    """Show one record of the exchange whole, with its leaf, and what this agency's own log says of the same message.

    \b
    Example:
      agency audit show 42 --reason "complaint 12" --purpose verification-of-lawfulness
    """
    from agency_client.audit.asking import ask_record
    from agency_client.audit.rows import make_rows
    from agency_client.local_store.access_log import AccessFilter, list_entries
    from agency_client.node import Node
    from agency_client.terminal.audit_pages import show_rows
    from agency_client.witness.observer import hash_logged_record
    from schemas.codec import b64u_encode

    invocation = get_invocation(context)
    output = invocation.output
    with Node(invocation.open_profile(), invocation.clock) as node:
        found = ask_record(node, index, reason=reason, purpose=_read_purpose(purpose), case=case)
        logged = found.records[0]
        own: list[AccessEntry] = []
        if logged.record.message is not None:
            with node.store.read() as snapshot:
                own = list_entries(snapshot, AccessFilter(message=logged.record.message.id))
    leaf, wire = b64u_encode(hash_logged_record(logged)), logged.record.to_wire()
    _show_leaf(output, index, wire, leaf, found.checkpoint.size if found.checkpoint else 0)
    if own:
        output.say("in this agency's own access log:")
        show_rows(output, make_rows((), reversed(own)))
    output.write_json({"leaf": index, "record": wire, "salt": logged.salt, "leaf_hash": leaf, "proven": True})


def _show_leaf(output: Output, index: int, wire: dict[str, Any], leaf: str, log_size: int) -> None:
    from agency_client.terminal.audit_pages import spell_wire

    shown = [(name, value) for name, value in wire.items() if name not in ("v", "document")]
    output.show_details(
        [
            ("leaf", str(index)),
            *((name.replace("_", " "), spell_wire(value)) for name, value in shown),
            ("leaf hash", leaf),
            ("proven", Cell(f"in the log of {log_size} leaves", Tone.GOOD)),
        ]
    )


def _export(
    context: typer.Context,
    reason: Reason,
    purpose: PurposeCode,
    filters: dict[str, Any],
    out: Annotated[Path, typer.Option("--out", help="The new file; nothing is overwritten.", show_default=False)],
    case: Case = None,
) -> None:
    """Write records, every leaf, the signed checkpoint and the own access log into one file that proves itself.

    It goes as far as the pinned witnesses have seen the log; what is newer comes into a later export.

    \b
    Examples:
      agency audit export --reason "yearly inspection" --purpose self-monitoring --out 2026.jsonl
      agency audit verify 2026.jsonl
    """
    from agency_client.audit.asking import AuditOrder
    from agency_client.audit.exporting import export_audit
    from agency_client.node import Node

    invocation = get_invocation(context)
    output = invocation.output
    done = 0
    with (
        Node(invocation.open_profile(), invocation.clock) as node,
        output.show_progress("fetching the log's leaves", node.observer.read_seen().size) as advance,
    ):

        def tell(fetched: int, _: int) -> None:
            nonlocal done
            advance(fetched - done)
            done = fetched

        report = export_audit(node, out, AuditOrder(reason, _read_purpose(purpose), case, filters), tell)
    output.say(
        f"{report.path}: {report.records} records, {report.leaves} leaves, {report.entries} entries of the access log"
    )
    if report.left_out:
        output.say(f"{report.left_out} records are newer than what the witnesses have seen: left out", Tone.CAUTION)
    output.write_json(
        {
            "file": report.path,
            "lines": report.lines,
            "leaves": report.leaves,
            "records": report.records,
            "access_entries": report.entries,
            "left_out": report.left_out,
        }
    )


def _verify(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="An exported audit.", show_default=False)],
    exchange: Annotated[
        Path | None, typer.Option(help="The exchange's sheet, for who has no profile; its anchor comes with --anchor.")
    ] = None,
    anchor: Annotated[str | None, typer.Option(help="The exchange's anchor from paper: words or hexadecimal.")] = None,
    show: Annotated[bool, typer.Option("--show", help="Also print who did what, from the records that hold.")] = False,
) -> None:
    """Verify an exported audit offline: tree, checkpoint, every record, the keys, the access log and its signed heads.

    \b
    Examples:
      agency audit verify 2026.jsonl --show
      agency audit verify 2026.jsonl --exchange exchange.json --anchor "abandon ability able …"
    """
    verify_file(get_invocation(context), file, exchange, anchor, show=show)


def verify_file(
    invocation: Invocation,
    file: Path,
    exchange: Path | None = None,
    anchor: str | None = None,
    *,
    show: bool = False,
) -> None:
    """Verify an exported audit and show the verdict.

    Raises:
        VerificationFailedError: a part of it does not hold.
    """
    from agency_client.audit.checking import check_bundle, split_lines
    from agency_client.audit.rows import make_rows
    from agency_client.errors import VerificationFailedError
    from agency_client.terminal.audit_pages import describe_verdict, show_rows, show_verdict

    output = invocation.output
    sheet = _load_sheet(invocation, exchange, anchor, file)
    with file.open("rb") as lines, output.show_progress("verifying", file.stat().st_size) as advance:
        verdict = check_bundle(split_lines(lines), sheet, advance, now=invocation.clock.now())
    show_verdict(output, verdict)
    if show:
        show_rows(output, make_rows(verdict.records, ()))
    output.write_json(describe_verdict(verdict))
    if not verdict.holds:
        raise VerificationFailedError(
            f"{file} does not hold", fix="keep the file and ask whose log it is", code="audit"
        )


def _list_own(node: "Node", order: "AuditOrder", officer: str | None, *, is_noted: bool) -> "list[AccessEntry]":
    """Return what the agency's own log says, newest first; on record unless the same asking was noted already."""
    from agency_client.audit.asking import note_asking
    from agency_client.local_store.access_log import AccessFilter, list_entries
    from schemas.log.records import Action

    filters = order.filters
    wanted = AccessFilter(
        officer=officer,
        action=Action(filters["action"]) if "action" in filters else None,
        message=filters.get("message"),
        partner=filters.get("partner"),
        since=filters.get("since"),
        until=filters.get("until"),
    )
    if not is_noted:
        note_asking(node, replace(order, verb="audit-own"))
    if {"types", "agreement"} & filters.keys() or filters.get("agency", node.agency) != node.agency:
        return []  # the own access log knows neither
    with node.store.read() as snapshot:
        return list_entries(snapshot, wanted, limit=order.limit)


def _transfers(
    context: typer.Context,
    reason: Reason,
    purpose: PurposeCode,
    case: Case = None,
    every: Annotated[bool, typer.Option("--all", help="Those on another ground than a derogation too.")] = False,
    since: Annotated[str | None, typer.Option(help="From this day on, like 2026-11-21.")] = None,
    until: Annotated[str | None, typer.Option(help="Up to this day's end.")] = None,
) -> None:
    """List the transfers by derogation, as the supervisor may ask for them: when, to whom, why, which data.

    \b
    Example:
      agency audit transfers --reason "asked by the supervisor" --purpose verification-of-lawfulness
    """
    from agency_client.audit.asking import AuditOrder
    from agency_client.audit.transfers import ask_transfers
    from agency_client.node import Node
    from agency_client.terminal.audit_pages import describe_transfer, show_transfers

    invocation = get_invocation(context)
    given = {"since": parse_day(since), "until": parse_end(until)}
    filters = {name: value for name, value in given.items() if value is not None}
    order = AuditOrder(reason, _read_purpose(purpose), case, filters, verb="audit-transfers")
    with Node(invocation.open_profile(), invocation.clock) as node:
        found = ask_transfers(node, order, only_derogations=not every)
    show_transfers(invocation.output, found)
    for record in found:
        invocation.output.write_json(describe_transfer(record))


def _read_purpose(code: str) -> "LogPurpose":
    from agency_client.audit.purposes import LogPurpose
    from agency_client.typed_codes import parse_code

    return parse_code(LogPurpose, code, "purpose")


def _load_sheet(invocation: Invocation, exchange: Path | None, anchor: str | None, bundle: Path) -> "ExchangeSheet":
    from agency_client.audit.checking import read_origin, split_lines
    from agency_client.epochs.sheets import load_sheet
    from agency_client.errors import UsageError
    from agency_client.node import Node
    from agency_client.profiles.joining import accept_sheet, read_exchange_sheet

    if exchange is None:
        with bundle.open("rb") as lines:
            origin = read_origin(split_lines(lines))
        with Node(invocation.open_profile(), invocation.clock) as node, node.store.read() as snapshot:
            return load_sheet(snapshot, origin)
    if anchor is None:
        raise UsageError("a sheet is believed by its anchor", fix="type it from paper: --anchor WORDS")
    return accept_sheet(read_exchange_sheet(exchange), anchor).sheet
