"""`agency inbox` and `agency thread`: what has come, most urgent first, as the store knows it; no broker is asked."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from agency_client.cli.invocation import Invocation, get_invocation
from agency_client.terminal.marks import mark_witnessed
from agency_client.terminal.output import Cell, Output, Tone

if TYPE_CHECKING:
    from agency_client.local_store.inbox import InboxFilter, InboxState
    from agency_client.matching.query import SearchQuery
    from agency_client.reading.lists import InboxRow, InboxView
    from agency_client.statuses.freshness import StatusAge

SHORT_ID = 8
_URGENCY = {"threat-to-life": Tone.BAD, "urgent": Tone.CAUTION, "routine": Tone.NORMAL}


def register(app: typer.Typer) -> None:
    """Add the verbs of this group."""
    app.command("inbox")(_inbox)
    app.command("thread")(_thread)


def _inbox(
    context: typer.Context,
    unread: Annotated[bool, typer.Option("--unread", help="Only what nobody has read.")] = False,
    unanswered: Annotated[bool, typer.Option("--unanswered", help="Only what nobody has answered.")] = False,
    sender: Annotated[str | None, typer.Option("--from", help="Only of this agency.")] = None,
    kind: Annotated[str | None, typer.Option(help="Only of this kind.")] = None,
    thread: Annotated[str | None, typer.Option(help="Only of this thread.")] = None,
    due: Annotated[float | None, typer.Option(help="Only what is to be answered within so many hours.")] = None,
    since: Annotated[str | None, typer.Option(help="Only what came since a day, like 2026-11-21.")] = None,
    person: Annotated[
        str | None, typer.Option(help="Only what may be about somebody of this name; the question is on record.")
    ] = None,
    document: Annotated[str | None, typer.Option(help="Only what names this document's number.")] = None,
    waiting: Annotated[bool, typer.Option("--waiting", help="What cannot be opened yet, and why.")] = False,
    unverifiable: Annotated[
        bool, typer.Option("--unverifiable", help="What did not prove what it claims, and what was refused.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="So many at most.")] = 200,
) -> None:
    """List what has come: the most urgent first, then what is due first.

    \b
    Examples:
      agency inbox --unread
      agency inbox --from VN-IMM --kind document-fraud --since 2026-11-01
      agency inbox --person "Anna Maria Eriksson"
      agency inbox --due 4                    to be answered within four hours
      agency inbox --unverifiable             what was set aside, with the reason
    """
    from agency_client.agreements.desks import say_whom_to_call
    from agency_client.agreements.views import list_lines
    from agency_client.duties.listing import note_listing
    from agency_client.local_store.inbox import InboxFilter
    from agency_client.matching.searching import find_digests
    from agency_client.node import Node
    from agency_client.reading.lists import view_inbox
    from agency_client.statuses.standing import list_ages, list_standings
    from agency_client.terminal.agreement_pages import remind_of_agreements
    from agency_client.terminal.partner_pages import warn_of_ages, warn_of_gaps

    invocation = get_invocation(context)
    now = invocation.clock.now()
    wanted = InboxFilter(
        states=_choose_states(waiting=waiting, unverifiable=unverifiable),
        unread=unread,
        unanswered=unanswered,
        sender=sender,
        kind=kind,
        thread=thread,
        due_before=None if due is None else now + timedelta(hours=due),
        since=None if since is None else _parse_day(since),
    )
    query = _make_query(person, document)
    with Node(invocation.open_profile(), invocation.clock) as node:
        if query is None:
            note_listing(node, "inbox")
        else:
            wanted = replace(wanted, digests=find_digests(node, query, "list-inbox"))
        view = view_inbox(node, wanted, limit=limit)
        standings, ages = list_standings(node), list_ages(node, (row.message.sender for row in view.rows))
        agreements = list_lines(node)
    if waiting or unverifiable:
        _show_set_aside(invocation.output, view, ages)
    else:
        _show_rows(invocation.output, view, ages, now)
    _say_rest(invocation, view, wanted)
    whom = {standing.agency: say_whom_to_call(standing.agency, standing.desks) for standing in standings}
    warn_of_ages(invocation.output, ages.values(), whom)
    warn_of_gaps(invocation.output, standings)
    remind_of_agreements(invocation.output, agreements)
    for row in view.rows:
        invocation.output.write_json(_describe_row(row, ages))


def _thread(
    context: typer.Context,
    reference: Annotated[str, typer.Argument(help="A thread's id, or the id of one of its messages.")],
) -> None:
    """Show one case from its first message on: what came, what went out, and how each stands.

    \b
    Example:
      agency thread 5d1c8a52
    """
    from agency_client.duties.listing import note_listing
    from agency_client.node import Node
    from agency_client.reading.lists import label_kind, view_thread
    from agency_client.statuses.standing import list_ages, load_whom_of_marked
    from agency_client.terminal.moments import spell_moment
    from agency_client.terminal.partner_pages import describe_age, mark_agency, warn_of_ages

    invocation = get_invocation(context)
    with Node(invocation.open_profile(), invocation.clock) as node:
        note_listing(node, "thread")
        thread, entries = view_thread(node, reference)
        ages = list_ages(node, (entry.partner for entry in entries))
        whom = load_whom_of_marked(node, ages.values())
    invocation.output.say(f"thread {thread}: {len(entries)} messages")
    invocation.output.show_table(
        ("when", "way", "agency", "kind", "subject", "handling", "state", "id"),
        [
            (
                spell_moment(entry.at),
                "to" if entry.is_own else "from",
                mark_agency(entry.partner, ages),
                label_kind(entry.kind),
                entry.subject,
                entry.handling,
                mark_witnessed(
                    ", ".join(dict.fromkeys([entry.state, *entry.marks])),
                    Tone.NORMAL,
                    is_witnessed=entry.is_witnessed,
                ),
                entry.message_id[:SHORT_ID],
            )
            for entry in entries
        ],
    )
    warn_of_ages(invocation.output, ages.values(), whom)
    for entry in entries:
        invocation.output.write_json(
            {
                "thread": thread,
                "id": entry.message_id,
                "direction": "sent" if entry.is_own else "received",
                "partner": entry.partner,
                "partner_status": describe_age(ages[entry.partner]),
                "kind": entry.kind,
                "subject": entry.subject,
                "handling": entry.handling,
                "at": entry.at,
                "state": entry.state,
                "marks": entry.marks,
                "witnessed": None if entry.is_own else entry.is_witnessed,
            }
        )


def _make_query(person: str | None, document: str | None) -> "SearchQuery | None":
    from agency_client.matching.query import SearchQuery

    if person is None and document is None:
        return None
    return SearchQuery(names=(person,) if person else (), documents=(document,) if document else ())


def _choose_states(*, waiting: bool, unverifiable: bool) -> "tuple[InboxState, ...]":
    from agency_client.local_store.inbox import InboxState

    states: list[InboxState] = []
    if waiting:
        states += [InboxState.NEW, InboxState.VERIFIED]
    if unverifiable:
        states += [InboxState.UNVERIFIABLE, InboxState.REFUSED]
    return tuple(states) or (InboxState.OPENED, InboxState.SEALED)


def _parse_day(text: str) -> datetime:
    from datetime import UTC, date, time

    from agency_client.errors import UsageError

    try:
        return datetime.combine(date.fromisoformat(text), time(), UTC)
    except ValueError as error:
        raise UsageError(f"{text!r} is no day", fix="write it like 2026-11-21") from error


def _show_rows(output: Output, view: "InboxView", ages: "dict[str, StatusAge]", now: datetime) -> None:
    from agency_client.reading.lists import label_kind
    from agency_client.terminal.moments import make_due_cell
    from agency_client.terminal.partner_pages import mark_agency
    from schemas.markings import Tlp, Urgency

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


def _spell_state(row: "InboxRow") -> Cell:
    if row.marks:
        return Cell(", ".join(row.marks), Tone.CAUTION)
    state, tone = ("read", Tone.QUIET) if row.message.read_at else ("unread", Tone.STRONG)
    return mark_witnessed(state, tone, is_witnessed=row.is_witnessed)


def _show_set_aside(output: Output, view: "InboxView", ages: "dict[str, StatusAge]") -> None:
    from agency_client.terminal.partner_pages import mark_agency

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


def _say_rest(invocation: Invocation, view: "InboxView", wanted: "InboxFilter") -> None:
    from agency_client.local_store.inbox import InboxState
    from agency_client.terminal.moments import spell_moment

    output = invocation.output
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


def _describe_row(row: "InboxRow", ages: "dict[str, StatusAge]") -> dict[str, object]:
    from agency_client.terminal.partner_pages import describe_age

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
