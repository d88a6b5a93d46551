"""How an inbox looks, what was set aside of it, and one case from its first message on."""

from collections.abc import Sequence
from datetime import datetime

from agency_client.local_store.inbox import InboxFilter, InboxState
from agency_client.reading.lists import InboxRow, InboxView, ThreadEntry, label_kind
from agency_client.statuses.freshness import StatusAge
from agency_client.terminal.marks import mark_witnessed
from agency_client.terminal.moments import make_due_cell, spell_moment
from agency_client.terminal.output import Cell, Output, Tone
from agency_client.terminal.partner_pages import describe_age, mark_agency
from schemas.markings import Tlp, Urgency

SHORT_ID = 8
_URGENCY = {"threat-to-life": Tone.BAD, "urgent": Tone.CAUTION, "routine": Tone.NORMAL}


def show_inbox(output: Output, view: InboxView, ages: dict[str, StatusAge], now: datetime) -> None:
    """Show what came and can be opened, one message a line."""
    rows = []
    for row in view.rows:
        message = row.message
        urgency = Urgency.from_code(message.urgency).label
        rows.append(
            (
                Cell(message.message_id[:SHORT_ID], Tone.NORMAL if message.read_at else Tone.STRONG),
                Cell(urgency, _URGENCY[message.urgency]),
                make_due_cell(message.reply_due, message.answered_at, now),
                mark_agency(message.sender, ages),
                label_kind(message.kind),
                Cell(row.shown_subject, Tone.QUIET if message.withdrawn_at else Tone.NORMAL),
                Tlp.from_code(message.marking).label,
                str(row.thread_size),
                str(row.attachments or ""),
                _spell_state(row),
            )
        )
    titles = ("id", "urgency", "answer due", "from", "kind", "subject", "marking", "thread", "att.", "")
    output.show_table(titles, rows, empty="nothing here")


def show_set_aside(output: Output, view: InboxView, ages: dict[str, StatusAge]) -> None:
    """Show what waits or was set aside, with what it claims to be, and why."""
    rows = [
        (
            row.message.message_id[:SHORT_ID],
            mark_agency(row.message.sender, ages),
            row.message.kind,
            row.message.state.value,
            row.message.problem.sentence if row.message.problem else "tried again at the next sync",
        )
        for row in view.rows
    ]
    titles = ("id (claimed)", "from (claimed)", "kind (claimed)", "state", "why")
    output.show_table(titles, rows, empty="nothing here")


def say_rest(output: Output, view: InboxView, wanted: InboxFilter) -> None:
    """Say how much is not shown, and as of when all this is."""
    if output.is_json:
        return
    if InboxState.OPENED in wanted.states:
        waiting = view.counts.get("new", 0) + view.counts.get("verified", 0)
        aside = view.counts.get("unverifiable", 0) + view.counts.get("refused", 0)
        if waiting:
            output.say(f"{waiting} cannot be opened yet: agency inbox --waiting", Tone.CAUTION)
        if view.breaches:
            output.say(f"{view.breaches} notices of a breach are not answered: agency aftercare", Tone.BAD)
        if aside:
            output.say(f"{aside} were set aside: agency inbox --unverifiable", Tone.CAUTION)
    as_of = "never; run: agency sync" if view.as_of is None else f"{spell_moment(view.as_of)}, log size {view.log_size}"
    output.say(f"{view.counts.get('unread', 0)} unread; as of {as_of}")


def describe_row(row: InboxRow, ages: dict[str, StatusAge]) -> dict[str, object]:
    """Return one message of the list for a program."""
    message = row.message
    return {
        "id": message.message_id,
        "digest": message.digest,
        "from": message.sender,
        "path": row.path,
        "partner_status": describe_age(ages[message.sender]) if message.sender in ages else None,
        "kind": message.kind,
        "marking": message.marking,
        "urgency": message.urgency,
        "subject": row.subject,
        "thread": message.thread,
        "thread_size": row.thread_size,
        "attachments": row.attachments,
        "state": message.state.value,
        "problem": {"code": message.problem.code, "sentence": message.problem.sentence} if message.problem else None,
        "issued_at": message.issued_at,
        "received_at": message.received_at,
        "reply_due": message.reply_due,
        "read_at": message.read_at,
        "answered_at": message.answered_at,
        "withdrawn_at": message.withdrawn_at,
        "marks": row.marks,
        "leaf": message.leaf_index,
        "witnessed": row.is_witnessed,
    }


def show_thread(output: Output, thread: str, entries: Sequence[ThreadEntry], ages: dict[str, StatusAge]) -> None:
    """Show one case, a message a line, as it went."""
    output.say(f"thread {thread}: {len(entries)} messages")
    titles = ("when", "way", "agency", "kind", "subject", "handling", "state", "id")
    output.show_table(titles, [_list_entry(entry, ages) for entry in entries])


def describe_entry(thread: str, entry: ThreadEntry, age: StatusAge) -> dict[str, object]:
    """Return one message of a thread for a program."""
    return {
        "thread": thread,
        "id": entry.message_id,
        "direction": "sent" if entry.is_own else "received",
        "partner": entry.partner,
        "partner_status": describe_age(age),
        "kind": entry.kind,
        "subject": entry.subject,
        "handling": entry.handling,
        "at": entry.at,
        "state": entry.state,
        "marks": entry.marks,
        "witnessed": None if entry.is_own else entry.is_witnessed,
    }


def _list_entry(entry: ThreadEntry, ages: dict[str, StatusAge]) -> tuple[str | Cell, ...]:
    stands = ", ".join(dict.fromkeys([entry.state, *entry.marks]))
    return (
        spell_moment(entry.at),
        "to" if entry.is_own else "from",
        mark_agency(entry.partner, ages),
        label_kind(entry.kind),
        entry.subject,
        entry.handling,
        mark_witnessed(stands, Tone.NORMAL, is_witnessed=entry.is_witnessed),
        entry.message_id[:SHORT_ID],
    )


def _spell_state(row: InboxRow) -> Cell:
    if row.marks:
        return Cell(", ".join(row.marks), Tone.CAUTION)
    state, tone = ("read", Tone.QUIET) if row.message.read_at else ("unread", Tone.STRONG)
    return mark_witnessed(state, tone, is_witnessed=row.is_witnessed)
