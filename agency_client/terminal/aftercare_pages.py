"""Aftercare for a person: who has acted on a notice, what is due here, marks and corrected values beside a message."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from difflib import SequenceMatcher

from agency_client.aftercare.changing import ChangedField, CorrectedAlert
from agency_client.aftercare.overview import AgencyActing, NoticeLine, Overview
from agency_client.aftercare.rules import NOTHING_SAID, VICTIM_MARK, Standing
from agency_client.languages.words import ENGLISH, Words
from agency_client.local_store.inbox import InboxMessage
from agency_client.terminal.alert_page import Block, make_page
from agency_client.terminal.challenge_pages import describe_disputed, list_dispute_lines
from agency_client.terminal.moments import make_due_cell, spell_moment
from agency_client.terminal.output import Cell, Output, Tone
from schemas.alerts.base import Alert
from schemas.alerts.coded import NoticeEffect, RestrictedUse

ACTING_TITLES = ("about", "notice", "kind", "agency", "what it did", "when", "answer due")
SHORT_ID = 8
CORRECTED = "corrected to"
_TAKEN_AWAY = "taken away"
_NOTHING = f"({_TAKEN_AWAY})"

Row = tuple[str | Cell, ...]


def list_acting_rows(view: Overview, *, only_overdue: bool = False) -> list[Row]:
    """Return one row for each agency of each notice."""
    chosen = [
        (line, acting)
        for line in view.lines
        for acting in (line.list_overdue(view.now) if only_overdue else line.agencies)
    ]
    return [_make_acting_row(view, line, acting) for line, acting in chosen]


def list_due_rows(view: Overview, *, only_overdue: bool = False) -> list[Row]:
    """Return one row for each notice that a person here must answer."""
    return [
        (
            item.message.message_id[:SHORT_ID],
            Cell(item.notice.kind, Tone.BAD if item.is_breach else Tone.NORMAL),
            item.notice.author,
            NoticeEffect.from_code(item.notice.effect).label if item.notice.effect else "",
            make_due_cell(item.notice.acknowledge_by, None, view.now),
        )
        for item in view.due
        if not only_overdue or view.now > item.notice.acknowledge_by
    ]


def warn_of_late(output: Output, view: Overview) -> None:
    """Say who is late, and whom to call there."""
    for line, acting in view.overdue:
        call = view.whom_to_call.get(acting.reported_by or acting.agency, "")
        output.say(
            f"{acting.agency} has not acted on {line.notice.kind} {line.message_id[:SHORT_ID]}: {call}", Tone.BAD
        )


def show_standing(output: Output, standing: Standing, alert: Alert) -> None:
    """Show what must not be overlooked of a message that notices are about: above its page, in words."""
    for line in list_dispute_lines(standing.disputed):
        output.show_line(line, Tone.BAD)
    if standing.is_restricted:
        allowed = ", ".join(use.label for use in RestrictedUse if use in (standing.allowed_uses or ()))
        output.show_line(f"RESTRICTED: kept, and used for nothing but: {allowed or 'nothing'}", Tone.BAD)
    for path in standing.victims:
        output.show_line(f"{VICTIM_MARK}: {path}, {name_subject(alert, path)}: never a hit", Tone.BAD)
    for breach in standing.breaches:
        when = spell_moment(breach.said_at)
        output.show_line(f"BREACH told by {breach.author} on {when}: read its notice, and answer it", Tone.BAD)


def list_correction_lines(standing: Standing, followed_by: Iterable[InboxMessage]) -> Iterator[str]:
    """Give a line for each correction that came: whose it is, and through whom where another passed it on."""
    authors = {notice.digest: notice.author for notice in standing.corrections}
    for later in followed_by:
        author = authors.get(later.digest)
        if author is not None:
            whose = author if author == later.sender else f"{author}, through {later.sender}"
            yield f"CORRECTED by message {later.message_id} of {whose}: read it too"


def name_subject(alert: Alert, path: str) -> str:
    """Return who stands at a path of an alert, by the first name there; foreign words."""
    value: object = alert
    for step in path.split("."):
        if isinstance(value, tuple):
            value = value[int(step)] if step.isdecimal() and int(step) < len(value) else None
        else:
            value = getattr(value, step, None)
    names = getattr(value, "names", ())
    found = next((str(name.text) for name in names), None)
    parts = [str(part) for part in (getattr(value, "surname", None), getattr(value, "given_names", None)) if part]
    return found or " ".join(parts) or "whoever stands there"


def make_corrected_page(
    original: Alert,
    corrected: CorrectedAlert | None,
    standing: Standing = NOTHING_SAID,
    words: Words = ENGLISH,
) -> list[Block]:
    """Return an alert's page with what it says now beside what it said: `corrected to` under each line that changed.

    Victims of a misused identity are named as such where they stand.
    """
    return [_mark_victim(block, original, standing, words) for block in _merge_pages(original, corrected, words)]


def _merge_pages(original: Alert, corrected: CorrectedAlert | None, words: Words) -> list[Block]:
    before = make_page(original, words)
    if corrected is None or corrected.alert == original:
        return before
    after = {block.title: block for block in make_page(corrected.alert, words)}
    merged = [replace(block, lines=tuple(_merge_lines(block, after.pop(block.title, None), words))) for block in before]
    added = words.say("added by a correction")
    return [*merged, *(replace(block, title=f"{block.title} ({added})") for block in after.values())]


def _mark_victim(block: Block, alert: Alert, standing: Standing, words: Words) -> Block:
    is_victim = block.about in list_victims(alert, standing)
    return replace(block, title=f"{block.title} — {words.say(VICTIM_MARK)}") if is_victim else block


def list_victims(alert: Alert, standing: Standing) -> frozenset[str]:
    """Return the refs of the persons of an alert who are victims of a misused identity."""
    return frozenset(person.ref for place, person in enumerate(alert.persons) if f"persons.{place}" in standing.victims)


def list_change_lines(corrected: CorrectedAlert | None) -> list[tuple[str, str | Cell]]:
    """Return one line for each change: by whom, when, and why it was not applied where it was not."""
    if corrected is None:
        return []
    return [(f"{field.field}", _spell_change(field)) for field in corrected.fields]


def describe_corrections(corrected: CorrectedAlert | None) -> list[dict[str, object]]:
    """Return the changes as `--json` shows them."""
    if corrected is None:
        return []
    return [
        {
            "field": field.field,
            "was": field.was,
            "now": field.now,
            "by": field.author,
            "at": field.said_at,
            "notice": field.notice,
            "misfit": field.misfit or None,
        }
        for field in corrected.fields
    ]


def describe_standing(standing: Standing) -> dict[str, object]:
    """Return how a message stands as `--json` shows it."""
    allowed = standing.allowed_uses
    return {
        "withdrawn": standing.is_withdrawn,
        "restricted": standing.is_restricted,
        "still_allowed": None if allowed is None else [use.value for use in RestrictedUse if use in allowed],
        "victims": standing.victims,
        "corrected": bool(standing.corrections),
        "breach": bool(standing.breaches),
        "challenged": describe_disputed(standing.disputed),
    }


def _make_acting_row(view: Overview, line: NoticeLine, acting: AgencyActing) -> Row:
    return (
        line.target_id[:SHORT_ID],
        line.message_id[:SHORT_ID],
        line.notice.kind,
        _spell_agency(acting),
        _spell_effect(acting, is_overdue=acting in line.list_overdue(view.now)),
        "" if acting.at is None else spell_moment(acting.at),
        _make_due(line, acting, view),
    )


def _spell_change(field: ChangedField) -> Cell:
    words = f"{field.was or 'nothing'} → {field.now or _NOTHING}, {field.author}, {spell_moment(field.said_at)}"
    return Cell(f"NOT APPLIED, {field.misfit}: {words}", Tone.BAD) if field.misfit else Cell(words, Tone.CAUTION)


def _merge_lines(before: Block, after: Block | None, words: Words) -> Iterator[tuple[str, str]]:
    later: Sequence[tuple[str, str]] = after.lines if after is not None else ()
    matched = SequenceMatcher(None, before.lines, later, autojunk=False)
    for tag, first, last, new_first, new_last in matched.get_opcodes():
        yield from before.lines[first:last]
        if tag == "equal":
            continue
        yield from ((words.say(CORRECTED), text) for _, text in later[new_first:new_last])
        if tag == "delete":
            yield words.say(CORRECTED), f"({words.say(_TAKEN_AWAY)})"


def _spell_agency(acting: AgencyActing) -> str:
    if not acting.reported_by:
        return acting.agency
    way = " → ".join((acting.reported_by, *acting.path))
    return f"{acting.agency} (further on, by the word of {way})"


def _spell_effect(acting: AgencyActing, *, is_overdue: bool) -> Cell:
    if acting.ended:
        return Cell(f"never reached it: {acting.ended}", Tone.QUIET)
    if acting.effect is None:
        return Cell("NOT YET" if is_overdue else "not yet", Tone.BAD if is_overdue else Tone.CAUTION)
    words = acting.effect.label + (", late" if acting.is_late else "")
    return Cell(words, Tone.CAUTION if acting.is_late else Tone.GOOD)


def _make_due(line: NoticeLine, acting: AgencyActing, view: Overview) -> Cell:
    if acting.ended or acting.reported_by:
        return Cell("")
    return make_due_cell(line.notice.acknowledge_by, acting.answered_at, view.now)
