"""What `agency read` shows of a message, received or sent: where it comes from, what became of it, what it says.

Everything is shown between two banners with its marking; for a program it is one document.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from agency_client.attachments.listing import describe_attachments
from agency_client.duties.telling import Told
from agency_client.interchange.report.facts import ReportFacts
from agency_client.languages.words import Words
from agency_client.reading.lists import label_kind
from agency_client.reading.messages import ReadMessage, ReadOwnMessage
from agency_client.reading.terms import AppliedTerms
from agency_client.statuses.freshness import StatusAge
from agency_client.terminal.aftercare_pages import (
    describe_corrections,
    describe_standing,
    list_change_lines,
    list_correction_lines,
    make_corrected_page,
    show_standing,
)
from agency_client.terminal.alert_page import make_banner_rules
from agency_client.terminal.attachment_pages import describe_line, show_attachments
from agency_client.terminal.duty_pages import describe_open, show_checked, show_undeclared
from agency_client.terminal.marks import NOT_YET_WITNESSED
from agency_client.terminal.moments import spell_moment
from agency_client.terminal.notice_lines import show_checks, show_notices
from agency_client.terminal.origin_page import describe_origin, list_origin_lines
from agency_client.terminal.output import Cell, Output, Tone
from agency_client.terminal.partner_pages import describe_age, mark_agency
from schemas.agreements.answering import list_legal_deadlines
from schemas.alerts.base import Alert
from schemas.envelope import Message
from schemas.markings import Tlp, Urgency

_KID_CHARACTERS = 8


def show_received(
    output: Output,
    found: ReadMessage,
    ages: Mapping[str, StatusAge],
    words: Words,
    facts: ReportFacts | None = None,
) -> None:
    """Show a received message; with `facts` what became of it is said in the words of a language, else in English."""
    with _show_marking(output, found, words):
        if facts is None:
            _warn_of_later(output, found)
        else:
            show_notices(output, facts, words)
        _show_details(output, words, _list_received(found, ages, words))
        _show_page(output, found, words)
        if facts is None:
            _show_told(output, found.alert, found.told)
            _show_terms(output, found.applied)
        else:
            show_checks(output, facts, words)
    output.write_json(_describe_received(found, ages[found.stored.sender]))


def show_own(output: Output, found: ReadOwnMessage, ages: Mapping[str, StatusAge], words: Words) -> None:
    """Show a message that this agency sent."""
    with _show_marking(output, found, words):
        _show_details(output, words, _list_own(found, ages, words))
        _show_page(output, found, words)
        _show_told(output, found.alert, found.told)
    output.write_json(_describe_own(found, ages))


@contextmanager
def _show_marking(output: Output, found: ReadMessage | ReadOwnMessage, words: Words) -> Iterator[None]:
    """Show the marking above and below what is shown within."""
    agreed = () if found.told is None else found.told.conditions.agreed
    marking, rules = Tlp.from_code(found.stored.marking).label, make_banner_rules(found.alert, agreed, words)
    output.show_banner(marking, rules)
    yield
    output.show_banner(marking, rules)


def _list_received(found: ReadMessage, ages: Mapping[str, StatusAge], words: Words) -> list[tuple[str, str | Cell]]:
    stored, alert = found.stored, found.alert
    return [
        ("from", mark_agency(stored.sender, ages)),
        ("verified by", Cell(_spell_origin(found), Tone.GOOD)),
        ("kind", words.say(label_kind(alert.kind))),
        ("subject", Cell(alert.subject, Tone.STRONG)),
        ("urgency", words.say(Urgency.from_code(stored.urgency).label)),
        *_split_lines("because", alert.urgency_reason),
        ("sent", spell_moment(stored.issued_at)),
        *([("answer due", spell_moment(stored.reply_due))] if stored.reply_due else []),
        *_list_deadlines(stored.kind, stored.urgency, found.provenance.accepted_at, words),
        *_list_common(found.message, alert, words),
        ("message", stored.message_id),
        ("thread", alert.thread),
    ]


def _list_own(found: ReadOwnMessage, ages: Mapping[str, StatusAge], words: Words) -> list[tuple[str, str | Cell]]:
    stored, alert = found.stored, found.alert
    return [
        ("to", ", ".join(mark_agency(agency, ages).text for agency in found.recipients)),
        ("kind", words.say(label_kind(alert.kind))),
        ("subject", Cell(alert.subject, Tone.STRONG)),
        ("sealed", spell_moment(stored.issued_at)),
        ("written by", stored.officer),
        *_list_common(found.message, alert, words, ours="our reference", theirs="their reference"),
        ("message", stored.message_id),
        ("thread", alert.thread),
    ]


def _warn_of_later(output: Output, found: ReadMessage) -> None:
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


def _show_details(output: Output, words: Words, details: Iterable[tuple[str, str | Cell]]) -> None:
    output.show_details((words.say(label), value) for label, value in details)


def _show_page(output: Output, found: ReadMessage | ReadOwnMessage, words: Words) -> None:
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


def _show_told(output: Output, alert: Alert, told: Told | None) -> None:
    output.show_line("")
    show_checked(output, alert, () if told is None else told.doubts)
    show_undeclared(output, () if told is None else told.undeclared)


def _show_terms(output: Output, applied: AppliedTerms) -> None:
    """Say what the message asks that was not agreed, and what the agreement demands of its reader."""
    for item in applied.beyond:
        output.show_line(f"beyond the agreement: {item.sentence}", Tone.CAUTION)
    for receipt in applied.owed:
        output.show_line(f"the agreement demands the receipt {receipt.value}: answer it, or agency ack", Tone.QUIET)


def _spell_origin(found: ReadMessage) -> str:
    origin = found.provenance
    kids = "/".join(kid[:_KID_CHARACTERS] for kid in origin.kids)
    return (
        f"{origin.sender}, key set {origin.key_set}, keys {kids}; “{origin.agreement}” version {origin.version}; "
        f"log leaf {origin.leaf_index}"
    )


def _list_common(
    message: Message,
    alert: Alert,
    words: Words,
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


def _list_deadlines(kind: str, urgency: str, accepted_at: datetime, words: Words) -> list[tuple[str, str]]:
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


def _describe_received(found: ReadMessage, age: StatusAge) -> dict[str, Any]:
    stored = found.stored
    return {
        "id": stored.message_id,
        "digest": stored.digest,
        "from": stored.sender,
        "passed_on": describe_origin(found.origin),
        "partner_status": describe_age(age),
        "voided": found.is_voided,
        **_describe_sending(found),
        "withdrawn_at": stored.withdrawn_at,
        "followed_by": [{"id": later.message_id, "kind": later.kind} for later in found.followed_by],
        "verified": _describe_verified(found),
        **_describe_content(found),
        "beyond_terms": [{"code": item.code, "sentence": item.sentence} for item in found.applied.beyond],
        "receipts_owed": [receipt.value for receipt in found.applied.owed],
    }


def _describe_own(found: ReadOwnMessage, ages: Mapping[str, StatusAge]) -> dict[str, Any]:
    return {
        "id": found.stored.message_id,
        "digest": found.stored.digest,
        "to": found.recipients,
        "partner_status": {agency: describe_age(age) for agency, age in ages.items()},
        **_describe_sending(found),
        **_describe_content(found),
    }


def _describe_sending(found: ReadMessage | ReadOwnMessage) -> dict[str, Any]:
    return {
        "marking": found.stored.marking,
        "urgency": found.stored.urgency,
        "issued_at": found.stored.issued_at,
        "purpose": found.message.purpose.value,
        "necessity": found.message.necessity,
    }


def _describe_verified(found: ReadMessage) -> dict[str, Any]:
    origin = found.provenance
    return {
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
    }


def _describe_content(found: ReadMessage | ReadOwnMessage) -> dict[str, Any]:
    corrected, lines = found.corrected, describe_attachments(found.alert, found.message.attachments)
    return {
        "standing": describe_standing(found.standing),
        "corrections": describe_corrections(corrected),
        "corrected_alert": None if corrected is None else corrected.alert.to_wire(),
        "alert": found.alert.to_wire(),
        "attachments": [describe_line(line) for line in lines],
        **_describe_told(found.told),
    }


def _describe_told(told: Told | None) -> dict[str, Any]:
    if told is None:
        return {"conditions": None, "doubts": [], "undeclared": []}
    return {
        "conditions": told.conditions.describe(),
        "doubts": describe_open(told.doubts),
        "undeclared": [problem.problem for problem in told.undeclared],
    }
