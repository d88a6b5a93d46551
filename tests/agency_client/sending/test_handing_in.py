"""Handing in together: one call for what waits, each answered on its own, an answer believed as far as it proves."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest

from agency_client.errors import ConflictError, NotFoundError
from agency_client.local_store.outbox import OutboxItem, OutboxState, cancel_message, load_item
from agency_client.local_store.sent import SentMessage
from agency_client.node import Node
from agency_client.refusals import BusyError, RefusalDetails, RefusedError
from agency_client.sending import handing_in
from agency_client.sending.delivery import deliver_due, deliver_messages
from agency_client.sending.draft import Draft
from agency_client.sending.flow import send_alert
from agency_client.sending.handing_in import Load, Outgoing
from schemas.api import MESSAGE_BATCHES_PATH, MESSAGES_PATH
from schemas.batches import MAX_BATCH_MEMBERS, MAX_MESSAGE_BATCH_BYTES
from schemas.codec import b64u_encode
from schemas.log.records import RecordType
from schemas.markings import Purpose
from tests.support.bad_line import LostAnswer, LostRequest, Refusing, Tampering, tampered
from tests.support.lying_batches import refuse_member
from tests.support.lying_world import LyingWorld, make_ping

NOW = datetime(2026, 11, 21, tzinfo=UTC)
numbers = count()


@pytest.fixture
def gb(world: LyingWorld) -> Node:
    return world["GB"]


def queue(node: Node, how_many: int) -> list[str]:
    """Queue messages and return their ids."""
    return [send_alert(node, make_draft(), deliver=False).legs[0].message_id for _ in range(how_many)]


def make_draft() -> Draft:
    return Draft(
        alert=make_ping(own_reference=f"BATCH-{next(numbers)}"),
        purpose=Purpose.SYSTEM_TEST,
        necessity="It is needed there.",
        reason="case 74/08",
        recipients=("VN",),
    )


def load(node: Node, message_id: str) -> OutboxItem:
    with node.store.read() as snapshot:
        return load_item(snapshot, message_id)


def states(node: Node, message_ids: list[str]) -> list[str]:
    return [load(node, message_id).state.value for message_id in message_ids]


def lie(world: LyingWorld, change: Callable[[tuple[Any, ...]], tuple[Any, ...]]) -> None:
    """Let the exchange change what it answers about the members of a batch."""
    world.exchange.tamper[MESSAGE_BATCHES_PATH] = lambda answer: answer.model_copy(
        update={"members": change(answer.members)}
    )


def test_what_waits_together_goes_with_one_call_and_each_has_its_own_evidence(gb: Node) -> None:
    ids = queue(gb, 5)
    together, alone = Tampering(MESSAGE_BATCHES_PATH), Tampering(MESSAGES_PATH)
    with tampered(gb, together, alone):
        assert deliver_messages(gb, ids).taken == ids
    assert (together.calls, alone.calls) == (1, 0)
    assert len({load(gb, message_id).leaf for message_id in ids}) == 5
    assert states(gb, ids) == ["taken"] * 5


def test_one_alone_goes_as_it_always_went(gb: Node) -> None:
    (message_id,) = queue(gb, 1)
    together = Tampering(MESSAGE_BATCHES_PATH)
    with tampered(gb, together):
        assert deliver_messages(gb, [message_id]).taken == [message_id]
    assert together.calls == 0


def test_a_refused_member_ends_and_the_others_are_taken(world: LyingWorld, gb: Node) -> None:
    ids = queue(gb, 3)
    lie(world, lambda members: (members[0], refuse_member("not-covered", "no\nbody"), members[2]))
    report = deliver_messages(gb, ids)
    assert states(gb, ids) == ["taken", "refused", "taken"]
    assert (report.refused[ids[1]].code, report.refused[ids[1]].sentence) == ("not-covered", "no body")


def test_a_busy_member_is_queued_again_and_nothing_more_is_tried(world: LyingWorld, gb: Node) -> None:
    ids = queue(gb, 3)
    lie(world, lambda members: (members[0], refuse_member("busy"), members[2]))
    report = deliver_messages(gb, ids)
    assert states(gb, ids) == ["taken", "queued", "taken"]
    assert report.waiting[ids[1]].code == "busy"
    assert report.is_stopped


def test_a_member_whose_fate_the_exchange_does_not_tell_is_in_doubt(world: LyingWorld, gb: Node) -> None:
    ids = queue(gb, 3)
    lie(world, lambda members: (members[0], refuse_member("unavailable"), members[2]))
    report = deliver_messages(gb, ids)
    assert states(gb, ids) == ["taken", "in-doubt", "taken"]
    with gb.store.write() as transaction, pytest.raises(ConflictError):
        cancel_message(transaction, ids[1], reason="taken back", at=gb.clock.now())
    assert report.waiting[ids[1]].code == "unavailable"


@pytest.mark.parametrize("slug", ["busy", "member-busy", "unavailable", "inbox-full"])
def test_a_member_is_handed_in_again_when_the_exchange_asked_for_it(world: LyingWorld, gb: Node, slug: str) -> None:
    ids = queue(gb, 2)
    lie(world, lambda members: (members[0], refuse_member(slug, later=60)))
    before = gb.clock.now()
    deliver_messages(gb, ids)
    with gb.store.read() as snapshot:
        assert load_item(snapshot, ids[1]).next_attempt_at >= before + timedelta(seconds=59)


def test_a_message_whose_recipients_inbox_is_full_waits_and_the_others_go(world: LyingWorld, gb: Node) -> None:
    ids = queue(gb, 3)
    lie(world, lambda members: (members[0], refuse_member("inbox-full"), members[2]))
    report = deliver_messages(gb, ids)
    assert (report.taken, report.is_stopped) == ([ids[0], ids[2]], False)
    assert (report.waiting[ids[1]].code, report.refused) == ("inbox-full", {})
    world.exchange.tamper.clear()
    assert deliver_messages(gb, [ids[1]]).taken == [ids[1]]


def test_an_exchange_without_batches_is_asked_once_and_gets_them_one_by_one(
    gb: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handing_in, "MAX_BATCH_MEMBERS", 2)
    ids = queue(gb, 5)
    none = Refusing(MESSAGE_BATCHES_PATH, NotFoundError("there is nothing here"))
    alone = Tampering(MESSAGES_PATH)
    with tampered(gb, none, alone):
        assert deliver_messages(gb, ids).taken == ids
    assert (none.calls, alone.calls) == (1, len(ids))


@pytest.mark.parametrize("slug", ["too-large", "method-not-allowed", "malformed"])
def test_a_batch_that_is_refused_whole_holds_up_none_of_its_members(gb: Node, slug: str) -> None:
    ids = queue(gb, 2)
    refusal = RefusedError("not like this", RefusalDetails(slug, 413, (), ""))
    with tampered(gb, Refusing(MESSAGE_BATCHES_PATH, refusal)):
        assert deliver_messages(gb, ids).taken == ids


def test_what_was_claimed_and_not_tried_is_given_back(gb: Node) -> None:
    ids = queue(gb, 3)
    busy = BusyError("come again", code="busy", retry_after_seconds=9)
    with tampered(gb, Refusing(MESSAGE_BATCHES_PATH, NotFoundError("no")), alone := Refusing(MESSAGES_PATH, busy)):
        deliver_messages(gb, ids)
    assert alone.calls == 1
    assert states(gb, ids) == ["queued"] * 3
    assert set(deliver_due(gb).taken) == set(ids[1:])


def test_a_batch_that_never_left_is_queued_again_whole(gb: Node) -> None:
    ids = queue(gb, 3)
    with tampered(gb, lost := LostRequest(MESSAGE_BATCHES_PATH)):
        report = deliver_messages(gb, ids)
    assert lost.calls == 1
    assert states(gb, ids) == ["queued"] * 3
    assert {problem.code for problem in report.waiting.values()} == {"offline"}


def test_a_batch_without_an_answer_is_in_doubt_whole(gb: Node) -> None:
    ids = queue(gb, 3)
    with tampered(gb, LostAnswer(MESSAGE_BATCHES_PATH)):
        report = deliver_messages(gb, ids)
    assert states(gb, ids) == ["in-doubt"] * 3
    assert report.taken == []
    assert report.is_stopped


FALSE_ANSWERS: dict[str, Callable[[tuple[Any, ...]], tuple[Any, ...]]] = {
    "fewer": lambda members: members[:-1],
    "more": lambda members: (*members, members[-1]),
    "in another order": lambda members: members[::-1],
    "one leaf for all": lambda members: (members[0],) * len(members),
    "without proof": lambda members: tuple(
        member.model_copy(update={"proof": (b64u_encode(bytes(32)),)}) for member in members
    ),
}


@pytest.mark.parametrize("name", FALSE_ANSWERS)
def test_nothing_counts_as_taken_by_evidence_of_another_envelope(world: LyingWorld, gb: Node, name: str) -> None:
    ids = queue(gb, 4)
    lie(world, FALSE_ANSWERS[name])
    report = deliver_messages(gb, ids)
    proven = ids[:1] if name == "one leaf for all" else []
    assert report.taken == proven
    assert states(gb, ids) == ["taken"] * len(proven) + ["in-doubt"] * (4 - len(proven))
    assert report.refused == {}


def test_no_refusal_is_believed_beside_false_evidence(world: LyingWorld, gb: Node) -> None:
    """An exchange that answers in another order would else end a message that it has accepted."""
    ids = queue(gb, 3)
    lie(world, lambda members: (refuse_member("not-covered"), members[0], members[2]))
    report = deliver_messages(gb, ids)
    assert states(gb, ids) == ["in-doubt", "in-doubt", "taken"]
    assert report.refused == {}


def test_a_refusal_for_an_old_key_is_sealed_again_and_delivered_in_the_same_go(world: LyingWorld, gb: Node) -> None:
    queue(gb, 1)
    ids = queue(gb, 2)
    lie(world, lambda members: (refuse_member("number-conflict"), *members[1:]))
    report = deliver_messages(gb, ids)
    renewed = report.renewed[ids[0]]
    assert report.taken == [ids[1], renewed]
    assert states(gb, [*ids, renewed]) == ["refused", "taken", "taken"]


def test_a_held_message_is_not_in_the_batch(world: LyingWorld, gb: Node) -> None:
    ids = queue(gb, 3)
    with gb.store.write() as transaction:
        past = int(gb.clock.now().timestamp()) - 1
        transaction.execute("UPDATE sent_message SET expires_at = ? WHERE message_id = ?", past, ids[1])
    size = len(world.exchange.records)
    report = deliver_messages(gb, ids)
    accepted = [item.record.message for item in world.exchange.records[size:]]
    assert [reference.id for reference in accepted if reference is not None] == [ids[0], ids[2]]
    assert {item.record.type for item in world.exchange.records[size:]} == {RecordType.MESSAGE_ACCEPTED}
    assert report.refused[ids[1]].code == "deadline-passed"


def make_outgoing(name: str, *, size: int = 1000, refers_to: str | None = None) -> Outgoing:
    item = OutboxItem(name, bytes(size), OutboxState.QUEUED, 0, NOW, None, None, NOW)
    empty = SentMessage(name, f"digest of {name}", "", "", "", "", NOW, NOW, None, None, b"", None, "", NOW)
    return Outgoing(item, replace(empty, refers_to=refers_to), bytes(size))


def test_a_load_is_bounded_in_members() -> None:
    load = Load()
    for number in range(MAX_BATCH_MEMBERS):
        outgoing = make_outgoing(str(number))
        assert load.has_room_for(outgoing)
        load.add(outgoing)
    assert not load.has_room_for(make_outgoing("one too many"))
    assert len(load.take()) == MAX_BATCH_MEMBERS
    assert load.has_room_for(make_outgoing("next"))


def test_a_load_is_bounded_in_bytes_frame_included() -> None:
    frame = len(b'{"envelopes":[]}')
    load = Load()
    load.add(make_outgoing("first", size=1000))
    rest = MAX_MESSAGE_BATCH_BYTES - frame - 1001
    assert load.has_room_for(make_outgoing("fits", size=rest))
    assert not load.has_room_for(make_outgoing("does not", size=rest + 1))


def test_what_follows_up_another_message_never_goes_with_it() -> None:
    load = Load()
    load.add(make_outgoing("original"))
    assert not load.has_room_for(make_outgoing("correction", refers_to="digest of original"))
    assert load.has_room_for(make_outgoing("another", refers_to="digest of something else"))
