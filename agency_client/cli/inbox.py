"""`agency inbox` and `agency thread`: what has come, most urgent first, as the store knows it; no broker is asked."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from agency_client.cli.invocation import get_invocation
from agency_client.terminal.output import Output

if TYPE_CHECKING:
    from agency_client.agreements.views import AgreementLine
    from agency_client.local_store.inbox import InboxFilter, InboxState
    from agency_client.matching.query import SearchQuery
    from agency_client.node import Node
    from agency_client.reading.lists import InboxView
    from agency_client.statuses.freshness import StatusAge
    from agency_client.statuses.standing import PartnerStanding

Person = Annotated[
    str | None, typer.Option(help="Only what may be about somebody of this name; the question is on record.")
]
Unverifiable = Annotated[
    bool, typer.Option("--unverifiable", help="What did not prove what it claims, and what was refused.")
]


@dataclass(frozen=True, slots=True)
class _Listing:
    """What the store knows of what has come, and of the partners and agreements it came from."""

    view: "InboxView"
    ages: "dict[str, StatusAge]"
    standings: "list[PartnerStanding]"
    agreements: "list[AgreementLine]"


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
    person: Person = None,
    document: Annotated[str | None, typer.Option(help="Only what names this document's number.")] = None,
    waiting: Annotated[bool, typer.Option("--waiting", help="What cannot be opened yet, and why.")] = False,
    unverifiable: Unverifiable = False,
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
    from agency_client.local_store.inbox import InboxFilter
    from agency_client.node import Node

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
    with Node(invocation.open_profile(), invocation.clock) as node:
        listing = _load(node, wanted, _make_query(person, document), limit)
    _show(invocation.output, listing, wanted, now, are_aside=waiting or unverifiable)


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
    from agency_client.reading.lists import view_thread
    from agency_client.statuses.standing import list_ages, load_whom_of_marked
    from agency_client.terminal.inbox_pages import describe_entry, show_thread
    from agency_client.terminal.partner_pages import warn_of_ages

    invocation = get_invocation(context)
    with Node(invocation.open_profile(), invocation.clock) as node:
        note_listing(node, "thread")
        thread, entries = view_thread(node, reference)
        ages = list_ages(node, (entry.partner for entry in entries))
        whom = load_whom_of_marked(node, ages.values())
    show_thread(invocation.output, thread, entries, ages)
    warn_of_ages(invocation.output, ages.values(), whom)
    for entry in entries:
        invocation.output.write_json(describe_entry(thread, entry, ages[entry.partner]))


def _load(node: "Node", wanted: "InboxFilter", query: "SearchQuery | None", limit: int) -> _Listing:
    from agency_client.agreements.views import list_lines
    from agency_client.statuses.standing import list_ages, list_standings

    view = _look(node, wanted, query, limit)
    ages = list_ages(node, (row.message.sender for row in view.rows))
    return _Listing(view, ages, list_standings(node), list_lines(node))


def _look(node: "Node", wanted: "InboxFilter", query: "SearchQuery | None", limit: int) -> "InboxView":
    """Put the look on record, as a list or as a search for somebody, and return what matches."""
    from agency_client.duties.listing import note_listing
    from agency_client.matching.searching import find_digests
    from agency_client.reading.lists import view_inbox

    if query is None:
        note_listing(node, "inbox")
    else:
        wanted = replace(wanted, digests=find_digests(node, query, "list-inbox"))
    return view_inbox(node, wanted, limit=limit)


def _show(output: Output, listing: _Listing, wanted: "InboxFilter", now: datetime, *, are_aside: bool) -> None:
    from agency_client.agreements.desks import say_whom_to_call
    from agency_client.terminal.agreement_pages import remind_of_agreements
    from agency_client.terminal.inbox_pages import describe_row, say_rest, show_inbox, show_set_aside
    from agency_client.terminal.partner_pages import warn_of_ages, warn_of_gaps

    view, ages = listing.view, listing.ages
    if are_aside:
        show_set_aside(output, view, ages)
    else:
        show_inbox(output, view, ages, now)
    say_rest(output, view, wanted)
    whom = {standing.agency: say_whom_to_call(standing.agency, standing.desks) for standing in listing.standings}
    warn_of_ages(output, ages.values(), whom)
    warn_of_gaps(output, listing.standings)
    remind_of_agreements(output, listing.agreements)
    for row in view.rows:
        output.write_json(describe_row(row, ages))


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
