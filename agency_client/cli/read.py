"""`agency read` and `agency verify`: open one message with the reason on record; check one again, offline."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agency_client.cli.invocation import get_invocation
from agency_client.terminal.marks import NOT_YET_WITNESSED
from agency_client.terminal.output import Cell, Output, Tone

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from agency_client.duties.telling import Told
    from agency_client.interchange.report.facts import ReportFacts
    from agency_client.languages.words import Words
    from agency_client.reading.messages import ReadMessage, ReadOwnMessage
    from agency_client.reading.terms import AppliedTerms
    from agency_client.statuses.freshness import StatusAge
    from schemas.alerts.base import Alert
    from schemas.envelope import Message

_KID_CHARACTERS = 8


def register(app: typer.Typer) -> None:
    """Add the verbs of this group."""
    app.command("read")(_read)
    app.command("verify")(_verify)


def _read(
    context: typer.Context,
    message_id: Annotated[str, typer.Argument(help="The message's id, or its beginning.")],
    reason: Annotated[str | None, typer.Option(help="Why; it stands in this agency's access log.")] = None,
    case: Annotated[str | None, typer.Option(help="Your case reference.")] = None,
    use: Annotated[
        str | None, typer.Option("--for", help="What a restricted message is read for, like legal-claim.")
    ] = None,
) -> None:
    """Read a message. The reason is on record before anything is decrypted; the sender gets a receipt.

    What was corrected stands beside what the message said. A restricted one is shown only for what it is kept for.

    \b
    Examples:
      agency read 5d1c8a52 --reason "traveller at gate B14" --case 74/08
      agency read 5d1c8a52 --reason "the court asks" --for legal-claim
      agency read 5d1c8a52 --reason "answer the request" --json
      agency --lang fr read 5d1c8a52 --reason "traveller at gate B14"
    """
    from agency_client.node import Node
    from agency_client.reading.messages import ReadOwnMessage, read_message
    from agency_client.statuses.standing import list_ages, load_whom_of_marked
    from agency_client.terminal.partner_pages import warn_of_ages
    from agency_client.typed_codes import parse_code
    from schemas.alerts.coded import RestrictedUse

    invocation = get_invocation(context)
    output = invocation.output
    why = reason or output.ask_line("Reason for reading", instead='give it with --reason "…"')
    with Node(invocation.open_profile(), invocation.clock) as node:
        wanted = None if use is None else parse_code(RestrictedUse, use, "for")
        found = read_message(node, message_id, reason=why, case=case, use=wanted)
        partners = found.recipients if isinstance(found, ReadOwnMessage) else (found.stored.sender,)
        ages = list_ages(node, partners)
        whom = load_whom_of_marked(node, ages.values())
        facts = None
        if invocation.words.language.code != "en":
            from agency_client.interchange.report.exporting import gather_facts

            facts = gather_facts(node, found)
    if isinstance(found, ReadOwnMessage):
        _show_own(output, found, ages, invocation.words)
    else:
        _show_received(output, found, ages, invocation.words, facts)
    warn_of_ages(output, ages.values(), whom)


def _verify(
    context: typer.Context,
    subject: Annotated[
        str, typer.Argument(metavar="ID|FILE", help="A message's id, or its beginning; or what was exported.")
    ],
    reason: Annotated[str, typer.Option(help="Why; the content is decrypted to be checked.")] = "verification",
) -> None:
    """Check a received message again, offline: log, sender, signatures, agreement, content. Nothing of it is shown.

    A file is what `agency export` or `agency audit export` wrote; of the first no profile is needed.

    \b
    Examples:
      agency verify 5d1c8a52
      agency verify alert.json
      agency verify 2026.jsonl
    """
    from agency_client.cli.audit import verify_file
    from agency_client.cli.export import is_message_bundle, verify_bundle_file
    from agency_client.node import Node
    from agency_client.reading.messages import list_check_lines, verify_again

    invocation = get_invocation(context)
    if Path(subject).is_file():
        check = verify_bundle_file if is_message_bundle(Path(subject)) else verify_file
        check(invocation, Path(subject))
        return
    output = invocation.output
    with Node(invocation.open_profile(), invocation.clock) as node:
        found, checks = verify_again(node, subject, reason=reason)
    for line in list_check_lines(checks):
        output.show_line(line, Tone.GOOD)
    output.say(f"message {found.message_id} of {found.sender}: every step holds", Tone.GOOD)
    steps = [{"name": check.name, "sentence": check.sentence} for check in checks]
    output.write_json({"id": found.message_id, "digest": found.digest, "from": found.sender, "checks": steps})


def _show_received(
    output: Output,
    found: "ReadMessage",
    ages: "dict[str, StatusAge]",
    words: "Words",
    facts: "ReportFacts | None" = None,
) -> None:
    """Show a received message; with `facts` what became of it is said in the words of a language, else in English."""
    from agency_client.reading.lists import label_kind
    from agency_client.terminal.alert_page import make_banner_rules
    from agency_client.terminal.moments import spell_moment
    from agency_client.terminal.origin_page import describe_origin
    from agency_client.terminal.partner_pages import describe_age, mark_agency
    from schemas.markings import Tlp, Urgency

    stored, alert, origin = found.stored, found.alert, found.provenance
    marking, rules = Tlp.from_code(stored.marking).label, make_banner_rules(alert, _list_agreed(found), words)
    output.show_banner(marking, rules)
    if facts is None:
        _warn_of_later(output, found)
    else:
        from agency_client.terminal.notice_lines import show_notices

        show_notices(output, facts, words)
    _show_header(
        output,
        words,
        [
            ("from", mark_agency(stored.sender, ages)),
            ("verified by", Cell(_spell_origin(found), Tone.GOOD)),
            ("kind", words.say(label_kind(alert.kind))),
            ("subject", Cell(alert.subject, Tone.STRONG)),
            ("urgency", words.say(Urgency.from_code(stored.urgency).label)),
            *_split_lines("because", alert.urgency_reason),
            ("sent", spell_moment(stored.issued_at)),
            *([("answer due", spell_moment(stored.reply_due))] if stored.reply_due else []),
            *_list_deadlines(stored.kind, stored.urgency, origin.accepted_at, words),
            *_list_common(found.message, alert, words),
            ("message", stored.message_id),
            ("thread", alert.thread),
        ],
    )
    _show_page(output, found, words)
    if facts is None:
        _show_told(output, alert, found.told)
        _show_terms(output, found.applied)
    else:
        from agency_client.terminal.notice_lines import show_checks

        show_checks(output, facts, words)
    output.show_banner(marking, rules)
    output.write_json(
        {
            "id": stored.message_id,
            "digest": stored.digest,
            "from": stored.sender,
            "passed_on": describe_origin(found.origin),
            "partner_status": describe_age(ages[stored.sender]),
            "voided": found.is_voided,
            "marking": stored.marking,
            "urgency": stored.urgency,
            "issued_at": stored.issued_at,
            "purpose": found.message.purpose.value,
            "necessity": found.message.necessity,
            "withdrawn_at": stored.withdrawn_at,
            "followed_by": [{"id": later.message_id, "kind": later.kind} for later in found.followed_by],
            "verified": {
                "sender": origin.sender,
                "key_set": origin.key_set,
                "kids": origin.kids,
                "agreement": origin.agreement,
                "version": origin.version,
                "leaf": origin.leaf_index,
                "accepted_at": origin.accepted_at,
                "disputed": origin.is_disputed,
                "witnessed": found.is_witnessed,
                "checks": [{"name": check.name, "sentence": check.sentence} for check in found.checks],
            },
            **_describe_later(found),
            "alert": alert.to_wire(),
            "attachments": _describe_attached(found),
            **_describe_told(found.told),
            "beyond_terms": [{"code": item.code, "sentence": item.sentence} for item in found.applied.beyond],
            "receipts_owed": [receipt.value for receipt in found.applied.owed],
        }
    )


def _show_terms(output: Output, applied: "AppliedTerms") -> None:
    """Say what the message asks that was not agreed, and what the agreement demands of its reader."""
    for item in applied.beyond:
        output.show_line(f"beyond the agreement: {item.sentence}", Tone.CAUTION)
    for receipt in applied.owed:
        output.show_line(f"the agreement demands the receipt {receipt.value}: answer it, or agency ack", Tone.QUIET)


def _show_own(output: Output, found: "ReadOwnMessage", ages: "dict[str, StatusAge]", words: "Words") -> None:
    from agency_client.reading.lists import label_kind
    from agency_client.terminal.alert_page import make_banner_rules
    from agency_client.terminal.moments import spell_moment
    from agency_client.terminal.partner_pages import describe_age, mark_agency
    from schemas.markings import Tlp

    stored, alert = found.stored, found.alert
    marking, rules = Tlp.from_code(stored.marking).label, make_banner_rules(alert, _list_agreed(found), words)
    output.show_banner(marking, rules)
    _show_header(
        output,
        words,
        [
            ("to", ", ".join(mark_agency(agency, ages).text for agency in found.recipients)),
            ("kind", words.say(label_kind(alert.kind))),
            ("subject", Cell(alert.subject, Tone.STRONG)),
            ("sealed", spell_moment(stored.issued_at)),
            ("written by", stored.officer),
            *_list_common(found.message, alert, words, ours="our reference", theirs="their reference"),
            ("message", stored.message_id),
            ("thread", alert.thread),
        ],
    )
    _show_page(output, found, words)
    _show_told(output, alert, found.told)
    output.show_banner(marking, rules)
    output.write_json(
        {
            "id": stored.message_id,
            "digest": stored.digest,
            "to": found.recipients,
            "partner_status": {agency: describe_age(age) for agency, age in ages.items()},
            "marking": stored.marking,
            "urgency": stored.urgency,
            "issued_at": stored.issued_at,
            "purpose": found.message.purpose.value,
            "necessity": found.message.necessity,
            **_describe_later(found),
            "alert": alert.to_wire(),
            "attachments": _describe_attached(found),
            **_describe_told(found.told),
        }
    )


def _warn_of_later(output: Output, found: "ReadMessage") -> None:
    from agency_client.terminal.aftercare_pages import list_correction_lines
    from agency_client.terminal.moments import spell_moment
    from agency_client.terminal.origin_page import list_origin_lines

    for line, tone in list_origin_lines(found.origin):
        output.show_line(line, tone)
    if found.provenance.is_disputed:
        words = "its sender has revoked the key that signed it, from an earlier moment: it may be somebody else's"
        output.show_line(f"DISPUTED: {words}", Tone.BAD)
    if found.stored.withdrawn_at:
        whom = "its sender" if found.origin is None else f"{found.origin.originator}, or by its sender,"
        output.show_line(f"WITHDRAWN by {whom} on {spell_moment(found.stored.withdrawn_at)}", Tone.BAD)
    if found.is_voided:
        words = "its sender holds that it never arrived, and may have sent another in its place"
        output.show_line(f"VOIDED: {words}", Tone.BAD)
    for line in list_correction_lines(found.standing, found.followed_by):
        output.show_line(line, Tone.BAD)
    if not found.is_witnessed:
        leaf = found.provenance.leaf_index
        seen = f"only this node and the exchange have seen its place in the log so far (leaf {leaf})"
        output.show_line(f"{NOT_YET_WITNESSED}: {seen}", Tone.CAUTION)


def _describe_later(found: "ReadMessage | ReadOwnMessage") -> "dict[str, Any]":
    from agency_client.terminal.aftercare_pages import describe_corrections, describe_standing

    corrected = found.corrected
    return {
        "standing": describe_standing(found.standing),
        "corrections": describe_corrections(corrected),
        "corrected_alert": None if corrected is None else corrected.alert.to_wire(),
    }


def _describe_attached(found: "ReadMessage | ReadOwnMessage") -> "list[dict[str, Any]]":
    from agency_client.attachments.listing import describe_attachments
    from agency_client.terminal.attachment_pages import describe_line

    return [describe_line(line) for line in describe_attachments(found.alert, found.message.attachments)]


def _spell_origin(found: "ReadMessage") -> str:
    origin = found.provenance
    kids = "/".join(kid[:_KID_CHARACTERS] for kid in origin.kids)
    return (
        f"{origin.sender}, key set {origin.key_set}, keys {kids}; “{origin.agreement}” version {origin.version}; "
        f"log leaf {origin.leaf_index}"
    )


def _list_common(
    message: "Message",
    alert: "Alert",
    words: "Words",
    *,
    ours: str = "their reference",
    theirs: str = "our reference",
) -> list[tuple[str, str]]:
    answers = words.say("message {id}").format(id=alert.in_reply_to.id) if alert.in_reply_to else None
    return [
        ("purpose", words.say(message.purpose.label)),
        *_split_lines("necessity", message.necessity),
        *_list_if(("in reply to", answers)),
        ("unit, officer", f"{alert.unit}, {alert.officer}"),
        *_list_if((ours, alert.own_reference), (theirs, alert.partner_reference)),
    ]


def _list_deadlines(kind: str, urgency: str, accepted_at: "datetime", words: "Words") -> list[tuple[str, str]]:
    from datetime import timedelta

    from agency_client.terminal.moments import spell_moment
    from schemas.agreements.answering import list_legal_deadlines
    from schemas.markings import Urgency

    lawful = list_legal_deadlines(kind, Urgency.from_code(urgency))
    return [
        ("by law", f"{spell_moment(accepted_at + timedelta(minutes=item.minutes))}: {words.say(item.label)}")
        for item in lawful
    ]


def _split_lines(label: str, text: str | None) -> list[tuple[str, str]]:
    lines = text.split("\n") if text else []
    return [(label if number == 0 else "", line) for number, line in enumerate(lines)]


def _list_if(*pairs: tuple[str, str | None]) -> list[tuple[str, str]]:
    return [(label, value) for label, value in pairs if value is not None]


def _show_header(output: Output, words: "Words", details: "Iterable[tuple[str, str | Cell]]") -> None:
    output.show_details((words.say(label), value) for label, value in details)


def _show_page(output: Output, found: "ReadMessage | ReadOwnMessage", words: "Words") -> None:
    from agency_client.attachments.listing import describe_attachments
    from agency_client.terminal.aftercare_pages import list_change_lines, make_corrected_page, show_standing
    from agency_client.terminal.attachment_pages import show_attachments

    show_standing(output, found.standing, found.alert)
    for block in make_corrected_page(found.alert, found.corrected, found.standing, words):
        output.show_line("")
        output.show_line(block.title, Tone.STRONG)
        output.show_details(block.lines)
    show_attachments(output, describe_attachments(found.alert, found.message.attachments))
    changes = list_change_lines(found.corrected)
    if changes:
        output.show_line("")
        output.show_line(words.say("Corrections"), Tone.STRONG)
        output.show_details(changes)


def _list_agreed(found: "ReadMessage | ReadOwnMessage") -> "tuple[str, ...]":
    return () if found.told is None else found.told.conditions.agreed


def _show_told(output: Output, alert: "Alert", told: "Told | None") -> None:
    from agency_client.terminal.duty_pages import show_checked, show_undeclared

    output.show_line("")
    show_checked(output, alert, () if told is None else told.doubts)
    show_undeclared(output, () if told is None else told.undeclared)


def _describe_told(told: "Told | None") -> "dict[str, Any]":
    from agency_client.terminal.duty_pages import describe_open

    if told is None:
        return {"conditions": None, "doubts": [], "undeclared": []}
    return {
        "conditions": told.conditions.describe(),
        "doubts": describe_open(told.doubts),
        "undeclared": [problem.problem for problem in told.undeclared],
    }
