"""What receiving asks of the store: owed receipts follow from states, holders of numbers and withdrawals are found."""

from collections.abc import Iterator
from typing import Any

import pytest

from agency_client.local_store.inbox import InboxState
from agency_client.local_store.received_work import (
    count_states,
    count_threads,
    find_answers,
    find_number_holder,
    has_thread,
    has_withdrawal,
    list_corrections,
    list_owed_receipts,
)
from agency_client.reading.messages import read_message
from keys.generation import generate_id
from keys.sealing import SealedMessage
from tests.support.lying_world import LyingWorld, lying_world, make_aftercare, make_ping, refer_to


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LyingWorld]:
    with lying_world(tmp_path_factory.mktemp("world"), "GB", "VN") as made:
        yield made


@pytest.fixture(scope="module")
def terms(world: LyingWorld) -> Any:
    return world.agree("GB", "VN", "all")


def receive_one(world: LyingWorld, terms: Any, **changes: Any) -> SealedMessage:
    """Let VN receive a message of GB."""
    sealed = world.craft("GB", "VN", terms, **changes)
    world.deliver(sealed, "VN")
    world.collect("VN")
    return sealed


def list_owed(world: LyingWorld, sealed: SealedMessage) -> set[tuple[str, str]]:
    """Return type and reason of what VN owes for a message."""
    with world["VN"].store.read() as snapshot:
        return {(item.type, item.reason) for item in list_owed_receipts(snapshot) if item.digest == sealed.digest}


def test_what_is_owed_follows_from_what_was_made_of_a_message(world: LyingWorld, terms: Any) -> None:
    opened = receive_one(world, terms)
    assert list_owed(world, opened) == {("handed-over", ""), ("verified", "")}
    waiting = receive_one(world, terms.model_copy(update={"title": "unknown"}))
    assert list_owed(world, waiting) == {("handed-over", "")}
    false = receive_one(world, terms, kind="facilitator")
    assert list_owed(world, false) == {("unverifiable", "header-mismatch")}
    strange = receive_one(world, terms, alert=make_ping(language="x"))
    assert list_owed(world, strange) == {("handed-over", ""), ("verified", ""), ("refused", "alert-invalid")}


@pytest.mark.parametrize("is_overtaken", [False, True])
def test_what_was_taken_back_unopened_was_handed_over_all_the_same(
    world: LyingWorld, terms: Any, is_overtaken: bool
) -> None:
    original = world.craft("GB", "VN", terms)
    placed = world.exchange.accept(original.envelope)
    if not is_overtaken:
        world.exchange.place("VN", placed)
    receive_one(world, terms, alert=make_aftercare("withdrawal", original, world), refers_to=refer_to(original))
    if is_overtaken:
        world.exchange.place("VN", placed)
        world.collect("VN")
    assert world.look_up("VN", original).state is InboxState.WITHDRAWN
    assert list_owed(world, original) == {("handed-over", "")}


def test_a_receipt_that_reading_could_not_sign_stays_owed(world: LyingWorld, terms: Any) -> None:
    opened = receive_one(world, terms)
    with world["VN"].store.write() as transaction:
        transaction.execute("UPDATE inbox_message SET read_at = 1 WHERE digest = ?", opened.digest)
    assert ("opened", "") in list_owed(world, opened)
    read_message(world["VN"], opened.header.id, reason="x")
    assert ("opened", "") not in list_owed(world, opened)


def test_withdrawals_and_corrections_are_found_by_what_they_are_about(world: LyingWorld, terms: Any) -> None:
    original = receive_one(world, terms)
    with world["VN"].store.read() as snapshot:
        assert not has_withdrawal(snapshot, "GB", original.digest)
    follow = [
        receive_one(world, terms, alert=make_aftercare(kind, original, world), refers_to=refer_to(original))
        for kind in ("correction", "withdrawal")
    ]
    with world["VN"].store.read() as snapshot:
        assert has_withdrawal(snapshot, "GB", original.digest)
        assert not has_withdrawal(snapshot, "BE", original.digest)
        assert list_corrections(snapshot, original.digest, ("correction",)) == [follow[0].digest]
        both = list_corrections(snapshot, original.digest, ("correction", "withdrawal"))
    assert both == [sealed.digest for sealed in follow]


def test_the_holder_of_a_number_is_found_by_its_evidence(world: LyingWorld, terms: Any) -> None:
    sealed = receive_one(world, terms)
    entry = sealed.header.recipients[0]
    with world["VN"].store.read() as snapshot:
        held = find_number_holder(snapshot, "GB", entry.stream, entry.n)
        assert held is not None
        assert sealed.envelope.payload.encode() in held
        assert find_number_holder(snapshot, "GB", entry.stream, entry.n + 1000) is None


def test_threads_are_counted_and_states_too(world: LyingWorld, terms: Any) -> None:
    thread = generate_id()
    for _ in range(2):
        receive_one(world, terms, alert=make_ping(thread=thread))
    with world["VN"].store.read() as snapshot:
        assert count_threads(snapshot, [thread, generate_id()]) == {thread: 2}
        assert has_thread(snapshot, thread)
        assert not has_thread(snapshot, generate_id())
        counts = count_states(snapshot)
    assert counts["unread"] <= counts[InboxState.OPENED.value]


def test_nothing_was_answered_where_nothing_was_sent(world: LyingWorld) -> None:
    with world["VN"].store.read() as snapshot:
        assert find_answers(snapshot, "A" * 43, "acknowledgement") == []
