"""The lists: most urgent first, filters that combine, threads in the order of time, all without decrypting."""

from datetime import timedelta
from typing import Any

import pytest

from agency_client.errors import NotFoundError
from agency_client.local_store.access_log import list_entries
from agency_client.local_store.inbox import InboxFilter, InboxState
from agency_client.reading.lists import label_kind, view_inbox, view_thread
from agency_client.reading.messages import ReadMessage, read_message
from keys.generation import generate_id
from keys.sealing import SealedMessage
from schemas.markings import Urgency
from tests.support.lying_world import LyingWorld, make_aftercare, make_ping, refer_to
from tests.support.witnesses import see_together


def receive_one(world: LyingWorld, terms: Any, **changes: Any) -> SealedMessage:
    """Let VN receive a message of GB, in a thread of its own unless the alert says otherwise."""
    alert = changes.pop("alert", None) or make_ping(thread=changes.pop("thread", generate_id()))
    sealed = world.craft("GB", "VN", terms, alert=alert, **changes)
    world.deliver(sealed, "VN")
    world.collect("VN")
    return sealed


def ids_of(world: LyingWorld, wanted: InboxFilter) -> list[str]:
    """Return the ids of a list."""
    return [row.message.message_id for row in view_inbox(world["VN"], wanted, limit=1000).rows]


def test_the_most_urgent_stands_first(world: LyingWorld, terms: Any) -> None:
    urgencies = (Urgency.ROUTINE, Urgency.THREAT_TO_LIFE, Urgency.URGENT)
    sent = {urgency: receive_one(world, terms, urgency=urgency).header.id for urgency in urgencies}
    found = [message_id for message_id in ids_of(world, InboxFilter()) if message_id in sent.values()]
    assert found == [sent[Urgency.THREAT_TO_LIFE], sent[Urgency.URGENT], sent[Urgency.ROUTINE]]


def test_filters_combine(world: LyingWorld, terms: Any) -> None:
    thread = generate_id()
    one, other = receive_one(world, terms, thread=thread), receive_one(world, terms)
    read_message(world["VN"], other.header.id, reason="x")
    assert one.header.id in ids_of(world, InboxFilter(unread=True))
    assert other.header.id not in ids_of(world, InboxFilter(unread=True))
    assert ids_of(world, InboxFilter(thread=thread, unread=True)) == [one.header.id]
    assert ids_of(world, InboxFilter(thread=thread, sender="BE")) == []
    assert ids_of(world, InboxFilter(thread=thread, kind="ping", since=world.clock.now() + timedelta(days=1))) == []


def test_what_the_witnesses_have_not_seen_is_marked_and_read_all_the_same(world: LyingWorld, terms: Any) -> None:
    thread = generate_id()
    sealed = receive_one(world, terms, thread=thread)

    def find_marks() -> tuple[bool, bool, bool]:
        (row,) = view_inbox(world["VN"], InboxFilter(thread=thread)).rows
        (entry,) = view_thread(world["VN"], thread)[1]
        found = read_message(world["VN"], sealed.header.id, reason="x")
        assert isinstance(found, ReadMessage)
        return row.is_witnessed, entry.is_witnessed, found.is_witnessed

    assert find_marks() == (False, False, False)
    see_together(*world.nodes.values())
    assert find_marks() == (True, True, True)


def test_a_list_reads_nothing_and_leaves_no_entry(world: LyingWorld, terms: Any) -> None:
    receive_one(world, terms)
    with world["VN"].store.read() as snapshot:
        before = len(list_entries(snapshot, limit=10_000))
    view = view_inbox(world["VN"], InboxFilter())
    with world["VN"].store.read() as snapshot:
        assert len(list_entries(snapshot, limit=10_000)) == before
    assert view.as_of is not None
    assert view.log_size > 0


def test_a_view_counts_what_is_set_aside(world: LyingWorld, terms: Any) -> None:
    before = view_inbox(world["VN"], InboxFilter()).counts.get("unverifiable", 0)
    receive_one(world, terms, kind="facilitator")
    view = view_inbox(world["VN"], InboxFilter(states=(InboxState.UNVERIFIABLE,)))
    assert view.counts["unverifiable"] == before + 1
    assert view.rows[0].subject == "", "nothing of what was not proven is shown as if it were"


def test_a_thread_tells_the_case_by_any_of_its_messages(world: LyingWorld, terms: Any) -> None:
    thread = generate_id()
    first = receive_one(world, terms, thread=thread)
    alert = make_aftercare("correction", first, world) | {"thread": thread}
    second = receive_one(world, terms, alert=alert, refers_to=refer_to(first))
    for reference in (thread, first.header.id[:8], second.header.id):
        found, entries = view_thread(world["VN"], reference)
        assert found == thread
        assert {entry.message_id for entry in entries} == {first.header.id, second.header.id}
        assert all(not entry.is_own for entry in entries)
    row = next(row for row in view_inbox(world["VN"], InboxFilter(thread=thread)).rows)
    assert row.thread_size == 2


def test_an_unknown_thread_is_not_found(world: LyingWorld) -> None:
    with pytest.raises(NotFoundError):
        view_thread(world["VN"], generate_id())


def test_a_kind_this_version_does_not_know_is_shown_by_its_code() -> None:
    assert (label_kind("ping"), label_kind("stowaway")) == ("Test message", "stowaway")
