"""The outbox against a small model: nothing is lost, nothing is claimed twice, whatever order things happen in."""

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from agency_client.errors import ConflictError, NotFoundError
from agency_client.local_store.engine import Store
from agency_client.local_store.migrations import open_store
from agency_client.local_store.outbox import (
    WAITING,
    OutboxItem,
    OutboxState,
    begin_attempt,
    cancel_message,
    enqueue_message,
    list_due,
    list_outbox,
    load_item,
    record_not_arrived,
    record_refused,
    record_taken,
    record_unanswered,
    requeue_taken,
    retry_now,
    settle_delivery,
)
from agency_client.local_store.problems import Problem
from agency_client.local_store.sent import Delivery, DeliveryFact, RecordedFact, list_facts
from agency_client.local_store.statuses import list_due_statuses
from agency_client.local_store.streams import allocate_number, list_numbers, list_stream_states
from tests.agency_client.local_store.conftest import (
    KEY,
    MINUTE,
    NOON,
    enqueue,
    make_digest,
    make_id,
    make_sent_message,
    make_store,
    name_streams,
)

OFFLINE = Problem("offline", "the broker was not reached")
NOT_COVERED = Problem("not-covered", "no agreement covers this kind")
HANDED_OVER = RecordedFact(DeliveryFact.HANDED_OVER, NOON, evidence=make_digest(70))


def load(store: Store, number: int = 1) -> OutboxItem:
    with store.read() as snapshot:
        return load_item(snapshot, make_id(number))


@pytest.fixture
def queued(store: Store) -> Store:
    """Give a store with one message to two partners."""
    with store.write() as transaction:
        enqueue(transaction, 1, partners=("BE-IMM", "VN-IMM"), make_stream=name_streams())
    return store


def attempt(store: Store, number: int = 1) -> bool:
    with store.write() as transaction:
        return begin_attempt(transaction, make_id(number), at=NOON, in_doubt_until=NOON + MINUTE)


def test_a_message_that_does_not_carry_exactly_its_numbers_is_not_queued(store: Store) -> None:
    with store.write() as transaction:
        given = allocate_number(transaction, "VN-IMM", make_id(1), make_stream=name_streams(), at=NOON)
        for wrong in ([], [Delivery("VN-IMM", make_digest(1), given.stream, given.n + 1)]):
            with pytest.raises(ValueError, match="exactly the stream numbers"):
                enqueue_message(transaction, make_sent_message(1), wrong, b"sealed")
        right = [Delivery("VN-IMM", make_digest(1), given.stream, given.n)]
        enqueue_message(transaction, make_sent_message(1), right, b"sealed")


def test_the_most_urgent_goes_first(store: Store) -> None:
    make_stream = name_streams()
    with store.write() as transaction:
        for number, urgency in enumerate(("routine", "urgent", "threat-to-life", "urgent"), start=1):
            enqueue(transaction, number, make_stream=make_stream, at=NOON + number * MINUTE, urgency=urgency)
        due = list_due(transaction, now=NOON + timedelta(hours=1))
        assert [item.message_id for item in due] == [make_id(number) for number in (3, 2, 4, 1)]
        assert list_due(transaction, now=NOON) == []


def test_an_attempt_is_claimed_by_one_process_and_in_doubt_until_it_is_known(queued: Store) -> None:
    assert attempt(queued)
    assert not attempt(queued)
    with queued.read() as snapshot:
        assert list_due(snapshot, now=NOON + MINUTE / 2) == [], "the claim still stands"
        in_doubt = list_due(snapshot, now=NOON + MINUTE)
    assert [(item.state, item.attempts, item.envelope) for item in in_doubt] == [(OutboxState.IN_DOUBT, 1, b"sealed 1")]


def test_what_did_not_arrive_waits_with_its_reason_and_goes_again_unchanged(queued: Store) -> None:
    attempt(queued)
    with queued.write() as transaction:
        record_not_arrived(transaction, make_id(1), OFFLINE, at=NOON, next_attempt_at=NOON + 5 * MINUTE)
        assert list_due(transaction, now=NOON + MINUTE) == []
        assert retry_now(transaction, at=NOON + MINUTE) == 1
        item = list_due(transaction, now=NOON + MINUTE)[0]
    assert (item.state, item.problem, item.envelope) == (OutboxState.QUEUED, OFFLINE, b"sealed 1")


def test_what_is_in_doubt_after_a_problem_is_asked_about_at_once_and_not_while_its_attempt_goes_on(
    queued: Store,
) -> None:
    attempt(queued)
    with queued.write() as transaction:
        assert retry_now(transaction, at=NOON) == 0
        record_unanswered(transaction, make_id(1), OFFLINE, next_attempt_at=NOON + 9 * MINUTE)
        assert retry_now(transaction, at=NOON) == 1
        assert [item.state for item in list_due(transaction, now=NOON)] == [OutboxState.IN_DOUBT]


def test_a_question_without_answer_leaves_it_in_doubt(queued: Store) -> None:
    attempt(queued)
    with queued.write() as transaction:
        record_unanswered(transaction, make_id(1), OFFLINE, next_attempt_at=NOON + 9 * MINUTE)
    item = load(queued)
    assert (item.state, item.problem, item.next_attempt_at) == (OutboxState.IN_DOUBT, OFFLINE, NOON + 9 * MINUTE)


def test_the_sealed_bytes_stay_until_every_recipient_has_signed(queued: Store) -> None:
    attempt(queued)
    with queued.write() as transaction:
        record_taken(transaction, make_id(1), b"leaf", at=NOON)
        record_taken(transaction, make_id(1), b"another leaf", at=NOON)
        settle_delivery(transaction, make_id(1), "VN-IMM", HANDED_OVER)
    item = load(queued)
    assert (item.state, item.leaf, item.envelope) == (OutboxState.TAKEN, b"leaf", b"sealed 1")
    with queued.write() as transaction:
        settle_delivery(transaction, make_id(1), "BE-IMM", HANDED_OVER)
        record_taken(transaction, make_id(1), b"the answer came last", at=NOON)
    assert (load(queued).state, load(queued).envelope) == (OutboxState.SETTLED, None)
    with queued.read() as snapshot:
        assert list_outbox(snapshot) == []
        assert [item.message_id for item in list_outbox(snapshot, states=[OutboxState.SETTLED])] == [make_id(1)]


def test_a_broker_that_lost_everything_gets_it_again(queued: Store) -> None:
    attempt(queued)
    with queued.write() as transaction:
        record_taken(transaction, make_id(1), b"leaf", at=NOON)
        assert requeue_taken(transaction, at=NOON + MINUTE) == 1
        assert list_due(transaction, now=NOON + MINUTE)[0].envelope == b"sealed 1"


def test_a_refusal_voids_the_numbers_and_tells_both_partners(queued: Store) -> None:
    attempt(queued)
    with queued.write() as transaction:
        record_refused(transaction, make_id(1), NOT_COVERED, at=NOON)
        assert {due.partner for due in list_due_statuses(transaction)} == {"BE-IMM", "VN-IMM"}
        assert list_stream_states(transaction, "VN-IMM")[0].voided == (1,)
        assert list_facts(transaction, make_id(1), "VN-IMM") == [
            RecordedFact(DeliveryFact.REFUSED_BY_BROKER, NOON, "not-covered")
        ]
    item = load(queued)
    assert (item.state, item.problem, item.envelope) == (OutboxState.REFUSED, NOT_COVERED, None)
    with pytest.raises(ConflictError) as alarm, queued.write() as transaction:
        record_taken(transaction, make_id(1), b"leaf", at=NOON)
    assert alarm.value.code == "outbox-refused-to-taken"


def test_only_what_certainly_has_not_left_can_be_cancelled(queued: Store) -> None:
    attempt(queued)
    with pytest.raises(ConflictError, match="in-doubt"), queued.write() as transaction:
        cancel_message(transaction, make_id(1), reason="mistake", at=NOON)
    with queued.write() as transaction:
        record_not_arrived(transaction, make_id(1), OFFLINE, at=NOON, next_attempt_at=NOON)
        cancel_message(transaction, make_id(1), reason="mistake", at=NOON)
        assert list_stream_states(transaction, "BE-IMM")[0].voided == (1,)


def test_a_returned_message_voids_its_number_but_a_received_one_does_not(queued: Store) -> None:
    attempt(queued)
    returned = RecordedFact(DeliveryFact.RETURNED, NOON, "revoked", make_digest(71))
    with queued.write() as transaction:
        record_taken(transaction, make_id(1), b"leaf", at=NOON)
        settle_delivery(transaction, make_id(1), "VN-IMM", HANDED_OVER)
        settle_delivery(transaction, make_id(1), "VN-IMM", returned)
        settle_delivery(transaction, make_id(1), "BE-IMM", returned)
        assert list_stream_states(transaction, "VN-IMM")[0].voided == ()
        assert list_stream_states(transaction, "BE-IMM")[0].voided == (1,)
    assert load(queued).state is OutboxState.SETTLED


def test_a_held_message_is_not_settled(queued: Store) -> None:
    attempt(queued)
    with queued.write() as transaction:
        record_taken(transaction, make_id(1), b"leaf", at=NOON)
        for partner in ("BE-IMM", "VN-IMM"):
            settle_delivery(transaction, make_id(1), partner, RecordedFact(DeliveryFact.HELD, NOON))
    assert load(queued).state is OutboxState.TAKEN


def test_what_is_not_there_is_said_to_be_not_there(queued: Store) -> None:
    with queued.write() as transaction:
        with pytest.raises(NotFoundError, match="not sent to"):
            settle_delivery(transaction, make_id(1), "FR-IMM", HANDED_OVER)
        with pytest.raises(NotFoundError, match="outbox"):
            load_item(transaction, make_id(2))


@dataclass
class Model:
    """What the outbox should know of one message."""

    state: OutboxState = OutboxState.QUEUED
    settled: set[str] = field(default_factory=set)


class OutboxMachine(RuleBasedStateMachine):
    """Messages to two partners; answers come, stay away, come twice; the process dies between any two steps."""

    numbers = Bundle("numbers")
    partners = ("BE-IMM", "VN-IMM")

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        self.path = Path(self.folder.name) / "store.db"
        self.store = make_store(self.path)
        self.make_stream = name_streams()
        self.model: dict[int, Model] = {}

    def teardown(self) -> None:
        self.store.close()
        self.folder.cleanup()

    @rule(target=numbers)
    def enqueue_message(self) -> int:
        number = len(self.model) + 1
        with self.store.write() as transaction:
            enqueue(transaction, number, partners=self.partners, make_stream=self.make_stream)
        self.model[number] = Model()
        return number

    @rule()
    def die_while_sealing(self) -> None:
        def enqueue_and_die() -> None:
            with self.store.write() as transaction:
                enqueue(transaction, 999, partners=self.partners, make_stream=self.make_stream)
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            enqueue_and_die()

    @rule()
    def restart(self) -> None:
        self.store.close()
        self.store = open_store(self.path, KEY)

    @rule(number=numbers)
    def attempt(self, number: int) -> None:
        model = self.model[number]
        assert attempt(self.store, number) == (model.state is OutboxState.QUEUED)
        if model.state is OutboxState.QUEUED:
            model.state = OutboxState.IN_DOUBT

    def expect(self, number: int, allowed_from: set[OutboxState], target: OutboxState) -> bool:
        model = self.model[number]
        if model.state in allowed_from:
            model.state = target
            return True
        return False

    @rule(number=numbers)
    def not_arrived(self, number: int) -> None:
        allowed = self.expect(number, {OutboxState.IN_DOUBT}, OutboxState.QUEUED)
        self.call(allowed, lambda t: record_not_arrived(t, make_id(number), OFFLINE, at=NOON, next_attempt_at=NOON))

    @rule(number=numbers)
    def taken(self, number: int) -> None:
        if self.model[number].state is OutboxState.SETTLED:
            self.call(True, lambda t: record_taken(t, make_id(number), b"leaf", at=NOON))
            return
        from_states = {OutboxState.QUEUED, OutboxState.IN_DOUBT, OutboxState.TAKEN}
        allowed = self.expect(number, from_states, OutboxState.TAKEN)
        self.call(allowed, lambda t: record_taken(t, make_id(number), b"leaf", at=NOON))

    @rule(number=numbers)
    def refused(self, number: int) -> None:
        allowed = self.expect(number, {OutboxState.IN_DOUBT}, OutboxState.REFUSED)
        self.call(allowed, lambda t: record_refused(t, make_id(number), NOT_COVERED, at=NOON))

    @rule(number=numbers)
    def cancelled(self, number: int) -> None:
        allowed = self.expect(number, {OutboxState.QUEUED}, OutboxState.CANCELLED)
        self.call(allowed, lambda t: cancel_message(t, make_id(number), reason="mistake", at=NOON))

    @rule(number=numbers, partner=st.sampled_from(partners), fact=st.sampled_from(["handed-over", "expired", "held"]))
    def delivery(self, number: int, partner: str, fact: str) -> None:
        recorded = RecordedFact(DeliveryFact(fact), NOON, evidence=make_digest(number))
        self.call(True, lambda t: settle_delivery(t, make_id(number), partner, recorded))
        model = self.model[number]
        if fact != "held":
            model.settled.add(partner)
        dead = {OutboxState.REFUSED, OutboxState.CANCELLED}
        if model.settled == set(self.partners) and model.state not in dead:
            model.state = OutboxState.SETTLED

    @rule()
    def broker_restored(self) -> None:
        with self.store.write() as transaction:
            requeue_taken(transaction, at=NOON)
        for model in self.model.values():
            if model.state is OutboxState.TAKEN:
                model.state = OutboxState.QUEUED

    def call(self, allowed: bool, change: object) -> None:
        assert callable(change)
        if allowed:
            with self.store.write() as transaction:
                change(transaction)
        else:
            with pytest.raises(ConflictError), self.store.write() as transaction:
                change(transaction)

    @invariant()
    def every_message_is_where_the_model_says(self) -> None:
        with self.store.read() as snapshot:
            for number, model in self.model.items():
                item = load_item(snapshot, make_id(number))
                assert item.state is model.state
                assert (item.envelope is not None) == (model.state in WAITING)

    @invariant()
    def numbers_have_no_gap_and_each_belongs_to_one_message(self) -> None:
        with self.store.read() as snapshot:
            for partner in self.partners:
                given = [
                    number.n
                    for message in self.model
                    for number in list_numbers(snapshot, make_id(message))
                    if number.partner == partner
                ]
                assert given == list(range(1, len(self.model) + 1))

    @invariant()
    def a_number_is_voided_exactly_when_its_message_cannot_arrive(self) -> None:
        with self.store.read() as snapshot:
            for partner in self.partners:
                states = list_stream_states(snapshot, partner)
                voided = set(states[0].voided) if states else set()
                for number, model in self.model.items():
                    if model.state in (OutboxState.REFUSED, OutboxState.CANCELLED):
                        assert number in voided
                    elif not model.settled:
                        assert number not in voided


OutboxMachine.TestCase.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
TestOutboxMachine = OutboxMachine.TestCase
