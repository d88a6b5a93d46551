"""`agency audit`: what the exchange's log and this agency's own access log say, each line proven, also offline."""

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agency_client.cli.evidence import check_evidence_file
from agency_client.cli.invocation import Invocation, get_invocation
from agency_client.terminal.output import Cell, Output, Tone

if TYPE_CHECKING:
    from agency_client.audit.checking import AuditVerdict
    from agency_client.audit.rows import AuditRow
    from agency_client.local_store.access_chain import AccessEntry
    from agency_client.node import Node
    from schemas.key_documents import ExchangeSheet

_SHORT = 8
Reason = Annotated[str, typer.Option(help="Why you ask; it is on record here and at the exchange.", show_default=False)]
Case = Annotated[str | None, typer.Option(help="Your case reference.")]
TypeOption = Annotated[list[str] | None, typer.Option("--type", help="A record's type; again for more.")]
ActionOption = Annotated[str | None, typer.Option(help="collection, consultation, disclosure, erasure, access …")]
AgencyOption = Annotated[str | None, typer.Option(help="Who did it.")]
PartnerOption = Annotated[str | None, typer.Option(help="The other side.")]
MessageOption = Annotated[str | None, typer.Option(help="Everything about this message (full id).")]
AgreementOption = Annotated[str | None, typer.Option(help="Everything about this agreement (full id).")]
SinceOption = Annotated[str | None, typer.Option(help="From this day on, like 2026-11-21.")]
UntilOption = Annotated[str | None, typer.Option(help="Up to this day's end.")]


def register(app: typer.Typer) -> None:
    """Add the verbs of this group."""
    group = typer.Typer(
        help="See what happened, with proof; export it; verify an export offline.",
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    group.command("list")(_list)
    group.command("show")(_show)
    group.command("export")(_export)
    group.command("verify")(_verify)
    group.command("evidence")(check_evidence_file)
    app.add_typer(group, name="audit")


def _list(
    context: typer.Context,
    reason: Reason,
    case: Case = None,
    record_type: TypeOption = None,
    action: ActionOption = None,
    agency: AgencyOption = None,
    partner: PartnerOption = None,
    message: MessageOption = None,
    agreement: AgreementOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    officer: Annotated[str | None, typer.Option(help="Own access log only: what this officer did.")] = None,
    own: Annotated[bool, typer.Option("--own", help="Only the own access log; the exchange is not asked.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="So many records at most.")] = 500,
) -> None:
    """List what happened: the exchange's records and this agency's own access log, in the order of time.

    \b
    Examples:
      agency audit list --reason "yearly inspection" --since 2026-11-01
      agency audit list --reason "complaint 12" --message 5d1c8a52-6f0e-4b7a-9a53-0c7de1c5a9b4
      agency audit list --reason "who read it" --own --officer officer-17
    """
    from agency_client.audit.asking import AuditOrder, ask_records
    from agency_client.audit.rows import make_rows
    from agency_client.node import Node

    invocation = get_invocation(context)
    filters = _collect_filters(
        types=record_type, action=action, agency=agency, partner=partner, message=message, agreement=agreement,
        since=_parse_day(since), until=_parse_end(until),
    )  # fmt: skip
    with Node(invocation.open_profile(), invocation.clock) as node:
        only_own = own or officer is not None
        records = () if only_own else (ask_records(node, AuditOrder(reason, case, filters, limit))).records
        entries = _list_own(node, filters, officer, limit, reason if only_own else None, case)
    rows = make_rows(records, entries)
    _show_rows(invocation, rows)
    if records:
        invocation.output.say(f"{len(records)} records of the exchange, each proven to be in its log", Tone.GOOD)


def _show(
    context: typer.Context,
    index: Annotated[int, typer.Argument(min=0, help="The leaf's index, as `audit list` shows it.")],
    reason: Reason,
    case: Case = None,
) -> None:
    """Show one record of the exchange whole, with its leaf, and what this agency's own log says of the same message.

    \b
    Example:
      agency audit show 42 --reason "complaint 12"
    """
    from agency_client.audit.asking import ask_record
    from agency_client.audit.rows import make_rows
    from agency_client.local_store.access_log import AccessFilter, list_entries
    from agency_client.node import Node
    from agency_client.witness.observer import hash_logged_record
    from schemas.codec import b64u_encode

    invocation = get_invocation(context)
    output = invocation.output
    with Node(invocation.open_profile(), invocation.clock) as node:
        found = ask_record(node, index, reason=reason, case=case)
        logged = found.records[0]
        own: list[AccessEntry] = []
        if logged.record.message is not None:
            with node.store.read() as snapshot:
                own = list_entries(snapshot, AccessFilter(message=logged.record.message.id))
    leaf = b64u_encode(hash_logged_record(logged))
    wire = logged.record.to_wire()
    output.show_details(
        [
            ("leaf", str(logged.index)),
            *((name.replace("_", " "), _spell(value)) for name, value in wire.items() if name not in ("v", "document")),
            ("leaf hash", leaf),
            ("proven", Cell(f"in the log of {found.checkpoint.size if found.checkpoint else 0} leaves", Tone.GOOD)),
        ]
    )
    if own:
        output.say("in this agency's own access log:")
        _show_rows(invocation, make_rows((), reversed(own)))
    output.write_json({"leaf": index, "record": wire, "salt": logged.salt, "leaf_hash": leaf, "proven": True})


def _export(
    context: typer.Context,
    reason: Reason,
    out: Annotated[Path, typer.Option("--out", help="The new file; nothing is overwritten.", show_default=False)],
    case: Case = None,
    record_type: TypeOption = None,
    action: ActionOption = None,
    agency: AgencyOption = None,
    partner: PartnerOption = None,
    message: MessageOption = None,
    agreement: AgreementOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
) -> None:
    """Write records, every leaf, the signed checkpoint and the own access log into one file that proves itself.

    It goes as far as the pinned witnesses have seen the log; what is newer comes into a later export.

    \b
    Examples:
      agency audit export --reason "yearly inspection" --out 2026.jsonl
      agency audit verify 2026.jsonl
    """
    from agency_client.audit.asking import AuditOrder
    from agency_client.audit.exporting import export_audit
    from agency_client.node import Node

    invocation = get_invocation(context)
    output = invocation.output
    filters = _collect_filters(
        types=record_type, action=action, agency=agency, partner=partner, message=message, agreement=agreement,
        since=_parse_day(since), until=_parse_end(until),
    )  # fmt: skip
    done = 0
    with (
        Node(invocation.open_profile(), invocation.clock) as node,
        output.show_progress("fetching the log's leaves", node.observer.read_seen().size) as advance,
    ):

        def tell(fetched: int, _: int) -> None:
            nonlocal done
            advance(fetched - done)
            done = fetched

        report = export_audit(node, out, AuditOrder(reason, case, filters), tell)
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

    output = invocation.output
    sheet = _load_sheet(invocation, exchange, anchor, file)
    with file.open("rb") as lines, output.show_progress("verifying", file.stat().st_size) as advance:
        verdict = check_bundle(split_lines(lines), sheet, advance)
    _show_verdict(output, verdict)
    if show:
        _show_rows(invocation, make_rows(verdict.records, ()))
    output.write_json(_describe_verdict(verdict))
    if not verdict.holds:
        raise VerificationFailedError(
            f"{file} does not hold", fix="keep the file and ask whose log it is", code="audit"
        )


def _show_verdict(output: Output, verdict: "AuditVerdict") -> None:
    header = verdict.header
    output.say(f"export of {header.agency} from {header.made_at:%Y-%m-%d %H:%M} UTC: {header.reason}")
    for part in verdict.parts:
        mark, tone = ("holds", Tone.GOOD) if part.holds else (f"{part.failed} FAIL", Tone.BAD)
        output.show_line(f"{mark}\t{part.holding} {part.name}".replace("\t", ": "), tone)
        for sentence in part.failures:
            output.show_line(f"  {sentence}", Tone.BAD)
    output.say("everything holds" if verdict.holds else "IT DOES NOT HOLD", Tone.GOOD if verdict.holds else Tone.BAD)


def _describe_verdict(verdict: "AuditVerdict") -> dict[str, Any]:
    return {
        "holds": verdict.holds,
        "exchange": verdict.header.exchange,
        "agency": verdict.header.agency,
        "size": verdict.checkpoint.size if verdict.checkpoint else None,
        "parts": [
            {"name": part.name, "holding": part.holding, "failed": part.failed, "failures": part.failures}
            for part in verdict.parts
        ],
    }


def _show_rows(invocation: Invocation, rows: "Iterable[AuditRow]") -> None:
    from agency_client.terminal.moments import spell_moment

    output = invocation.output
    listed = list(rows)
    output.show_table(
        ("when", "leaf", "who", "action", "what", "between", "message", "about", "outcome", "reason"),
        [
            (
                spell_moment(row.time),
                f"{row.place} ✓" if row.source == "exchange" else Cell(f"own {row.place}", Tone.QUIET),
                row.who,
                row.action,
                row.what,
                row.partner,
                row.message[:_SHORT],
                row.about,
                Cell(row.outcome, Tone.BAD if row.what == "refused" or row.outcome == "denied" else Tone.NORMAL),
                row.reason,
            )
            for row in listed
        ],
        empty="nothing here",
    )
    for row in listed:
        output.write_json(
            {
                "source": row.source.value,
                "place": row.place,
                "time": row.time,
                "who": row.who,
                "action": row.action,
                "what": row.what,
                "about": row.about,
                "between": row.partner,
                "message": row.message or None,
                "outcome": row.outcome,
                "reason": row.reason or None,
            }
        )


def _list_own(
    node: "Node", filters: dict[str, Any], officer: str | None, limit: int, reason: str | None, case: str | None
) -> "list[AccessEntry]":
    from agency_client.local_store.access_log import AccessFilter, append_entry, list_entries
    from schemas.log.records import Action

    wanted = AccessFilter(
        officer=officer,
        action=Action(filters["action"]) if "action" in filters else None,
        message=filters.get("message"),
        partner=filters.get("partner"),
        since=filters.get("since"),
        until=filters.get("until"),
    )
    if reason is not None:
        with node.store.write() as transaction:
            append_entry(transaction, node.note_access(Action.CONSULTATION, "audit-own", reason, case=case))
    if {"types", "agreement"} & filters.keys() or filters.get("agency", node.agency) != node.agency:
        return []  # the own access log knows neither
    with node.store.read() as snapshot:
        return list_entries(snapshot, wanted, limit=limit)


def _collect_filters(**given: Any) -> dict[str, Any]:
    from agency_client.errors import UsageError
    from schemas.log.records import Action, RecordType

    filters = {name: value for name, value in given.items() if value is not None}
    for name, codes in (("types", RecordType), ("action", Action)):
        values = filters.get(name, [])
        for value in [values] if isinstance(values, str) else values:
            if value not in {code.value for code in codes}:
                raise UsageError(f"there is no {value!r}", fix=f"use one of: {', '.join(code.value for code in codes)}")
    return filters


def _parse_day(text: str | None) -> datetime | None:
    from datetime import UTC, date, time

    from agency_client.errors import UsageError

    if text is None:
        return None
    try:
        return datetime.combine(date.fromisoformat(text), time(), UTC)
    except ValueError as error:
        raise UsageError(f"{text!r} is no day", fix="write it like 2026-11-21") from error


def _parse_end(text: str | None) -> datetime | None:
    from datetime import timedelta

    day = _parse_day(text)
    return None if day is None else day + timedelta(days=1, seconds=-1)


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


def _spell(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_spell(item)}" for name, item in value.items())
    if isinstance(value, list):
        return "; ".join(_spell(item) for item in value)
    return str(value)
