"""`agency trust`: anchors typed in from paper, shown to be compared, and what proved that somebody lied."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agency_client.cli.ceremony import show_anchor
from agency_client.cli.evidence import compare_checkpoint, write_checkpoint, write_evidence
from agency_client.cli.invocation import Invocation, get_invocation
from agency_client.terminal.output import Cell, Tone

if TYPE_CHECKING:
    from agency_client.local_store.contradictions import Contradiction
    from agency_client.node import Node
    from agency_client.statuses.freshness import StatusAge
    from agency_client.trust import MemberTrust

_TONES = {
    "trusted": Tone.GOOD,
    "unpinned": Tone.CAUTION,
    "unseen": Tone.CAUTION,
    "mismatch": Tone.BAD,
    "unknown": Tone.QUIET,
}


def register(app: typer.Typer) -> None:
    """Add the verbs of this group."""
    group = typer.Typer(
        help="Pin partners' anchors from paper, and compare.", no_args_is_help=True, rich_markup_mode=None
    )
    group.command("pin")(_pin)
    group.command("show")(_show)
    group.command("list")(_list)
    group.command("contradictions")(_contradictions)
    group.command("settle")(_settle)
    group.command("evidence")(write_evidence)
    group.command("checkpoint")(write_checkpoint)
    group.command("compare")(compare_checkpoint)
    app.add_typer(group, name="trust")


def _pin(
    context: typer.Context,
    agency: Annotated[str, typer.Argument(help="The partner's id, like VN.")],
    words: Annotated[str | None, typer.Option(help="The 24 words from the partner's paper.")] = None,
    hexadecimal: Annotated[str | None, typer.Option("--hex", help="The same in hexadecimal.")] = None,
    file: Annotated[
        Path | None, typer.Option(help="A file with the words or the hexadecimal, or the page of the ceremony.")
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Put it in place of another that is pinned.")] = False,
) -> None:
    """Trust a partner's roots: type in the anchor from the paper that it handed over in person. It is on record.

    \b
    Examples:
      agency trust pin VN
      agency trust pin VN --words "abandon ability able …"
    """
    from agency_client.node import Node
    from agency_client.trust import pin_partner, read_partner_anchor
    from agency_client.wire_names import parse_agency_id

    invocation = get_invocation(context)
    agency = parse_agency_id(agency)
    anchor = read_partner_anchor(_read_text(invocation, agency, words, hexadecimal, file), agency)
    with Node(invocation.open_profile(), invocation.clock) as node:
        _read_log_if_online(node)
        member = pin_partner(node, agency, anchor, replacing=replace)
    told = {"trusted": "and the log shows these very roots", "unseen": "the log does not name it yet"}
    invocation.output.say(f"{agency} is pinned; {told.get(member.standing, member.standing)}", _TONES[member.standing])
    invocation.output.write_json({"agency": agency, "anchor": anchor, "standing": member.standing})


def _show(
    context: typer.Context,
    agency: Annotated[str | None, typer.Argument(help="A partner's id; without it, ours and the exchange's.")] = None,
) -> None:
    """Show an anchor as words and hexadecimal, to read aloud or to compare with paper.

    \b
    Examples:
      agency trust show          this agency's own, to hand to partners, and the exchange's
      agency trust show VN
    """
    from agency_client.errors import NotFoundError
    from agency_client.node import Node
    from agency_client.own_keys.key_sets import get_own_anchor
    from agency_client.trust import describe_member, get_exchange_anchor
    from agency_client.wire_names import parse_agency_id

    invocation = get_invocation(context)
    with Node(invocation.open_profile(), invocation.clock) as node:
        if agency is None:
            _show_one(invocation, node.agency, "ours", get_own_anchor(node))
            _show_changed(invocation, describe_member(node, node.agency))
            _show_one(invocation, node.exchange, "exchange", get_exchange_anchor(node))
            return
        member = describe_member(node, parse_agency_id(agency))
    anchor = member.pin.anchor if member.pin else member.anchor_in_log
    if anchor is None:
        raise NotFoundError(f"nothing is known of {agency}", fix="check the id; then run: agency sync")
    _show_one(invocation, member.agency, member.standing, anchor)
    _show_changed(invocation, member)
    if member.standing == "unpinned":
        invocation.output.say("This is what the log claims. Compare it with the partner's paper before you pin it.")


def _list(context: typer.Context) -> None:
    """List every agency that is pinned or that the log names, and whether it is trusted.

    \b
    Example:
      agency trust list
    """
    from agency_client.node import Node
    from agency_client.statuses.standing import list_ages, load_whom_of_marked
    from agency_client.terminal.partner_pages import mark_agency, warn_of_ages
    from agency_client.trust import list_members

    invocation = get_invocation(context)
    with Node(invocation.open_profile(), invocation.clock) as node:
        members = list_members(node)
        own = node.agency
        ages = list_ages(node, (member.agency for member in members))
        whom = load_whom_of_marked(node, ages.values())
    rows = [
        (
            mark_agency(member.agency, ages),
            Cell("ours" if member.agency == own else member.standing, _TONES[member.standing]),
            member.timeline.newest_key_set.key_set.name if member.timeline else "",
            member.timeline.agency_class.value if member.timeline else "",
            f"{member.pin.pinned_at:%Y-%m-%d} by {member.pin.pinned_by}" if member.pin else "",
        )
        for member in members
    ]
    invocation.output.show_table(
        ("agency", "standing", "name", "class", "pinned"), rows, empty="no agency is known yet"
    )
    warn_of_ages(invocation.output, ages.values(), whom)
    invocation.output.write_json({"members": [_describe_listed(member, ages) for member in members]})


def _describe_listed(member: "MemberTrust", ages: "dict[str, StatusAge]") -> dict[str, object]:
    from agency_client.terminal.partner_pages import describe_age

    return {
        "agency": member.agency,
        "standing": member.standing,
        "partner_status": describe_age(ages[member.agency]) if member.agency in ages else None,
        "name": member.timeline.newest_key_set.key_set.name if member.timeline else None,
        "class": member.timeline.agency_class.value if member.timeline else None,
        "pinned_at": member.pin.pinned_at if member.pin else None,
        "pinned_by": member.pin.pinned_by if member.pin else None,
        "anchor": member.pin.anchor if member.pin else None,
    }


def _contradictions(context: typer.Context) -> None:
    """Show the proofs that somebody said two things, and what this node read and did not believe.

    Ends with 6 when there is any.

    \b
    Examples:
      agency trust contradictions
      agency trust evidence 1 -o evidence.json       what proves number 1, for anybody to check
    """
    from agency_client.node import Node
    from agency_client.terminal.exit_codes import ExitCode
    from agency_client.trust import list_alarms

    invocation = get_invocation(context)
    with Node(invocation.open_profile(), invocation.clock) as node:
        contradictions, suspicions = list_alarms(node)
    proofs = [
        (str(item.number), _date(item.found_at), _spell_proof(item), item.signer, item.kind.value)
        for item in contradictions
    ]
    doubts = [
        ("", _date(item.found_at), Cell("not believed", Tone.CAUTION), item.agency, item.sentence)
        for item in suspicions
    ]
    rows = [*proofs, *doubts]
    invocation.output.show_table(("no.", "found", "what", "who", "about"), rows, empty="nothing contradicts anything")
    invocation.output.write_json(
        {
            "contradictions": [_describe_contradiction(item) for item in contradictions],
            "suspicions": [
                {"leaf": item.leaf_index, "agency": item.agency, "code": item.code, "sentence": item.sentence}
                for item in suspicions
            ],
        }
    )
    if doubts or any(item.settled_at is None for item in contradictions):
        raise typer.Exit(ExitCode.VERIFICATION_FAILED)


def _describe_contradiction(item: "Contradiction") -> dict[str, object]:
    return {
        "number": item.number,
        "kind": item.kind.value,
        "signer": item.signer,
        "first": item.first,
        "second": item.second,
        "found_at": item.found_at,
        "settled_at": item.settled_at,
        "settled_by": item.settled_by,
        "settled_because": item.settled_because,
    }


def _spell_proof(item: "Contradiction") -> Cell:
    if item.settled_at is None:
        return Cell("proof", Tone.BAD)
    return Cell(f"settled {_date(item.settled_at)} by {item.settled_by}", Tone.QUIET)


def _settle(
    context: typer.Context,
    number: Annotated[int, typer.Argument(min=1, help="The proof's number: agency trust contradictions.")],
    reason: Annotated[str, typer.Option(help="How you know that the partner is honest, for the access log.")],
) -> None:
    """Settle a proof against a partner whose node was restored from a backup: two officers, each by this command.

    Call the partner's duty desk first, by the number in the agreement. The proof stays, with both names and reasons;
    what it stopped goes on. A proof against a log, or about keys, is not settled this way.

    \b
    Example:
      agency trust settle 1 --reason "called VN's duty desk: disk lost, restored from Tuesday's backup"
    """
    from agency_client.node import Node
    from agency_client.settling import settle_contradiction

    invocation = get_invocation(context)
    with Node(invocation.open_profile(), invocation.clock) as node:
        found = settle_contradiction(node, number, reason)
    if found.is_settled:
        invocation.output.say(f"Settled: what proof {number} against {found.proof.signer} stopped goes on.", Tone.GOOD)
    else:
        invocation.output.say("Approved by you; a second officer must approve it too, within 24 hours.", Tone.CAUTION)
    approved_by = [approval.officer for approval in found.approvals]
    state = "settled" if found.is_settled else "approved"
    invocation.output.write_json({"number": number, "state": state, "approved_by": approved_by})


def _read_log_if_online(node: "Node") -> None:
    """Read what the log says of the partner, so that a false anchor is noticed now and not later."""
    from agency_client.errors import NotAuthenticatedError, NotFoundError, OfflineError
    from agency_client.witness.walker import walk_log

    try:
        walk_log(node)
    except (OfflineError, NotAuthenticatedError, NotFoundError):
        return  # A node that is not enrolled yet, or not online, pins all the same.


def _date(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"


def _show_one(invocation: Invocation, name: str, standing: str, anchor: str) -> None:
    from keys.anchors import format_anchor_words

    show_anchor(invocation, f"anchor of {name} ({standing})", anchor)
    invocation.output.write_json(
        {"name": name, "standing": standing, "anchor": anchor, "words": format_anchor_words(anchor)}
    )


def _show_changed(invocation: Invocation, member: "MemberTrust") -> None:
    """Show the anchor of the roots that followed the pinned ones: to compare with the partner, not to pin."""
    if member.changed_anchor is not None:
        _show_one(invocation, member.agency, "its roots of now, to compare", member.changed_anchor)
        invocation.output.say("Its roots have changed, signed by those before them. What is pinned stays as it is.")


def _read_page(file: Path) -> str:
    from agency_client.profiles.public_files import read_foreign_text

    return read_foreign_text(file)


def _read_text(
    invocation: Invocation, agency: str, words: str | None, hexadecimal: str | None, file: Path | None
) -> str:
    from agency_client.errors import UsageError

    given = [text for text in (words, hexadecimal) if text is not None]
    if len(given) + (file is not None) > 1:
        raise UsageError("the anchor was given twice", fix="use one of --words, --hex and --file")
    if file is not None:
        return _read_page(file)
    return (
        given[0]
        if given
        else invocation.output.ask_line(
            f"The 24 words from the paper of {agency}", instead="add --words, --hex or --file"
        )
    )
