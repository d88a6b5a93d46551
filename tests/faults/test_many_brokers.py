"""Two real brokers on one real PostgreSQL database: one exchange, one log, whichever of them is asked or dies."""

import os
import signal
import ssl
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from pathlib import Path
from time import monotonic

import httpx
import pytest

from broker.following import STALE_SECONDS
from keys.certificates import make_tls_ca
from schemas.agreements.steps import StepAction
from schemas.api import (
    CHECKPOINT_PATH,
    CONSISTENCY_PATH,
    KEY_SETS_PATH,
    LEASE_PATH,
    LEAVES_PATH,
    REVOCATIONS_PATH,
    STEPS_PATH,
    CheckpointAnswer,
    ConsistencyAnswer,
    LeaseAnswer,
    LeaseRequest,
    LeavesAnswer,
)
from schemas.codec import b64u_decode, b64u_encode
from schemas.log.checkpoint import Checkpoint, parse_checkpoint
from schemas.log.note import parse_note
from schemas.log.tree import verify_consistency
from schemas.signed import DocumentType, KeyUse
from tests.faults.kills import agree_and_correspond
from tests.faults.stored_log import read_stored_log
from tests.faults.traffic import Traffic, traffic_running
from tests.support.caller import Caller, read_answer, read_slug
from tests.support.delivery import Correspondence, acknowledge, envelopes_of, lease, send, try_to_send
from tests.support.documents import make_revocation, sign_by, sign_next_key_set
from tests.support.exchange import NOW, RunningExchange, make_live_member
from tests.support.many_brokers import running_brokers
from tests.support.members import derive_seed
from tests.support.messages import make_id
from tests.support.postgresql import shared_server

pytestmark = pytest.mark.long

GB, VN, BE = "GB-HO", "VN-IMM", "BE-OE"
PATIENCE_SECONDS = 30
names = count()


@pytest.fixture(scope="module")
def brokers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[RunningExchange]]:
    with running_brokers(tmp_path_factory.mktemp("many"), 2, GB, VN) as running:
        yield running


@pytest.fixture(scope="module")
def messages(brokers: list[RunningExchange]) -> Correspondence:
    return agree_and_correspond(brokers[0])


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[list[RunningExchange]]:
    """Two brokers of an exchange in which nothing has been sent."""
    with running_brokers(tmp_path, 2, GB, VN) as running:
        yield running


def wait_for_something(broker: RunningExchange) -> LeaseAnswer:
    """Collect at a broker as a node that waits; its patience is longer than this test's."""
    return lease(broker.caller(VN), wait=2 * PATIENCE_SECONDS)


@contextmanager
def waiting(broker: RunningExchange) -> "Iterator[Future[LeaseAnswer]]":
    """Let a node wait at a broker for as long as the block runs; its inbox is empty when it begins."""
    empty_inbox(broker)
    with ThreadPoolExecutor(1) as threads:
        yield threads.submit(wait_for_something, broker)


def empty_inbox(broker: RunningExchange) -> None:
    caller = broker.caller(VN)
    while (answer := lease(caller)).items:
        acknowledge(caller, answer)


def test_whoever_waits_at_one_broker_gets_what_another_one_accepts(
    brokers: list[RunningExchange], messages: Correspondence
) -> None:
    one, two = brokers
    with waiting(two) as waited:
        sealed = messages.seal(next(names))
        send(one.caller(GB), sealed)
        assert envelopes_of(waited.result(PATIENCE_SECONDS)) == [sealed.envelope]


def test_whoever_waits_is_still_woken_after_every_session_that_listens_was_ended(
    brokers: list[RunningExchange], messages: Correspondence
) -> None:
    one, two = brokers
    with waiting(two) as waited:
        ended = shared_server().execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'"
        )
        assert len(ended) == 2
        sealed = messages.seal(next(names))
        send(one.caller(GB), sealed)
        assert envelopes_of(waited.result(PATIENCE_SECONDS)) == [sealed.envelope]
    with waiting(one) as waited:
        sealed = messages.seal(next(names))
        send(two.caller(GB), sealed)
        assert envelopes_of(waited.result(PATIENCE_SECONDS)) == [sealed.envelope]


def test_a_lease_taken_at_one_is_repeated_and_acknowledged_at_the_other(
    brokers: list[RunningExchange], messages: Correspondence
) -> None:
    one, two = brokers
    empty_inbox(one)
    send(one.caller(GB), messages.seal(next(names)))
    request = LeaseRequest(lease=make_id(next(names)), wait_seconds=0, max_items=8)
    taken, repeated = (read_answer(broker.caller(VN).post(LEASE_PATH, request), LeaseAnswer) for broker in (two, one))
    assert taken.items
    assert [item.number for item in repeated.items] == [item.number for item in taken.items]
    assert acknowledge(one.caller(VN), taken) == len(taken.items)
    assert lease(two.caller(VN)).items == ()


def test_a_token_given_by_one_is_good_at_the_other(brokers: list[RunningExchange]) -> None:
    one, two = (broker.caller(GB) for broker in brokers)
    two.token = one.token
    assert two.get(CHECKPOINT_PATH).status_code == 200


def test_what_one_signs_the_other_proves_at_once(brokers: list[RunningExchange], messages: Correspondence) -> None:
    """Whoever saw the larger head at one broker must not think that the other one hides something."""
    for here, there in (brokers, reversed(brokers)):
        asking = there.caller(GB)
        older = read_head(read_answer(asking.get(CHECKPOINT_PATH), CheckpointAnswer).checkpoint)
        newer = read_head(send(here.caller(GB), messages.seal(next(names))).checkpoint)
        proven = read_answer(asking.get(CONSISTENCY_PATH, **{"from": older.size, "to": newer.size}), ConsistencyAnswer)
        path = [b64u_decode(digest) for digest in proven.proof]
        verify_consistency(older.size, newer.size, older.root, newer.root, path)
        newest = read_head(send(here.caller(GB), messages.seal(next(names))).checkpoint)
        leaves = read_answer(asking.get(LEAVES_PATH, start=newest.size - 1, end=newest.size), LeavesAnswer)
        assert len(leaves.leaves) == 1


def read_head(note: str) -> Checkpoint:
    return parse_checkpoint(parse_note(note.encode()).text)


def test_what_suspends_an_agreement_at_one_holds_for_the_very_next_message_at_the_other(
    brokers: list[RunningExchange],
) -> None:
    one, two = brokers
    negotiation = one.agree(GB, VN, name="to be suspended")
    messages = Correspondence(one.members[GB], one.members[VN], negotiation.terms.digest())
    sender, suspender = two.caller(GB), one.caller(VN)
    empty_inbox(two)
    send(sender, messages.seal("before"))
    suspender.submit(STEPS_PATH, negotiation.sign(VN, StepAction.SUSPEND, datetime.now(UTC)))
    assert read_slug(try_to_send(sender, messages.seal("after"))) == "agreement-not-in-force"
    assert lease(two.caller(VN)).items == (), "what was under way is held wherever it is collected"


def test_a_member_enrolled_at_one_is_let_in_at_the_other_and_its_revoked_keys_are_not(
    brokers: list[RunningExchange],
) -> None:
    one, two = brokers
    newcomer = make_live_member(BE)
    one.join(newcomer)
    until(lambda: is_let_in(two))
    negotiation = two.agree(BE, VN, name="with a newcomer")
    messages = Correspondence(newcomer, one.members[VN], negotiation.terms.digest())
    sender = two.caller(BE)
    send(sender, messages.seal("before"))

    now = datetime.now(UTC).replace(microsecond=0)
    revocation = make_revocation(newcomer, now, KeyUse.MESSAGE, KeyUse.REQUEST)
    one.caller(BE).submit(REVOCATIONS_PATH, sign_by(newcomer, revocation, DocumentType.REVOCATION))
    refused = try_to_send(sender, messages.seal("after"))
    assert read_slug(refused) in ("token-refused", "key-revoked")
    until(lambda: sender.get(CHECKPOINT_PATH).status_code == 401)


def test_a_ca_changed_at_one_shuts_the_old_one_out_at_the_other_and_closes_its_connections(
    brokers: list[RunningExchange],
) -> None:
    one, two = brokers
    mover = make_live_member("AL-MB")
    one.enrol(mover)
    until(lambda: reaches(two.caller(mover)))
    old, elsewhere = one.caller(mover), two.caller(mover)
    assert reaches(elsewhere)
    seed = derive_seed(mover.agency, "tls-ca", 2)
    authority = make_tls_ca(seed, serial=2, not_before=NOW - timedelta(days=1), not_after=NOW + timedelta(days=400))
    old.submit(KEY_SETS_PATH, sign_next_key_set(mover, tls_ca=b64u_encode(authority)))

    moved = two.caller(replace(mover, tls_ca_seed=seed))
    until(lambda: reaches(moved))
    until(lambda: not reaches(elsewhere))
    assert not reaches(two.caller(mover))


def reaches(caller: Caller) -> bool:
    try:
        return caller.get(CHECKPOINT_PATH).status_code == 200
    except (httpx.TransportError, ssl.SSLError):
        return False


def is_let_in(broker: RunningExchange) -> bool:
    """Return whether TLS lets the newcomer in: its CA must be among those that the broker trusts."""
    try:
        return broker.caller(BE).ask_token().status_code == 200
    except (httpx.TransportError, ssl.SSLError):
        return False


def until(is_so: Callable[[], bool]) -> None:
    deadline, pause = monotonic() + PATIENCE_SECONDS, threading.Event()
    while not is_so():
        assert monotonic() < deadline
        pause.wait(0.05)


def test_a_broker_that_was_frozen_lets_nobody_in_on_what_it_knew_before(brokers: list[RunningExchange]) -> None:
    one, two = brokers
    frozen = two.process
    assert frozen is not None
    member = make_live_member("MY-IMM")
    one.join(member)
    until(lambda: reaches(two.caller(member)))
    caller = two.caller(member)
    assert reaches(caller)
    os.kill(frozen.pid, signal.SIGSTOP)
    try:
        now = datetime.now(UTC).replace(microsecond=0)
        revocation = make_revocation(member, now, KeyUse.REQUEST)
        one.caller(member).submit(REVOCATIONS_PATH, sign_by(member, revocation, DocumentType.REVOCATION))
        threading.Event().wait(STALE_SECONDS + 1)
    finally:
        os.kill(frozen.pid, signal.SIGCONT)
    assert caller.get(CHECKPOINT_PATH).status_code == 401


def test_two_brokers_under_load_write_one_log(pair: list[RunningExchange]) -> None:
    with traffic_over(pair) as traffic:
        traffic.wait_for(150)
        traffic.end(seconds=120)
    traffic.verify_effects(read_stored_log(pair[0]), is_over=True)
    assert traffic.memory.refusals.total() == 0
    verify_both_heads(pair)


@contextmanager
def traffic_over(brokers: list[RunningExchange]) -> Iterator[Traffic]:
    """Let two agencies write to each other through whichever brokers serve, half of their clients through each."""
    messages, urls = agree_and_correspond(brokers[0]), partial(list_urls, brokers)
    with traffic_running(Traffic(messages, brokers[0].sheet, urls, pause_seconds=0.02)) as traffic:
        yield traffic


def list_urls(brokers: list[RunningExchange]) -> list[str]:
    return [broker.url for broker in brokers if broker.process]


def verify_both_heads(brokers: list[RunningExchange]) -> None:
    """Verify that the newest head that each broker signed is of the one log."""
    for broker in brokers:
        answer = read_answer(broker.caller(GB).get(CHECKPOINT_PATH), CheckpointAnswer)
        read_stored_log(broker).verify_told([], [answer.checkpoint])


def test_one_broker_killed_in_the_middle_loses_nothing_and_the_other_goes_on(pair: list[RunningExchange]) -> None:
    one, two = pair
    with traffic_over(pair) as traffic:
        for victim in (two, one, two):
            traffic.wait_for(20)
            victim.kill()
            traffic.wait_for(20)
            victim.start()
        traffic.wait_for(40)
        traffic.end(seconds=120)
    traffic.verify_effects(read_stored_log(one), is_over=True)


def test_a_broker_frozen_with_the_logs_lock_in_its_hand_holds_nobody_up_and_signs_nothing_wrong_when_it_wakes(
    pair: list[RunningExchange],
) -> None:
    one, two = pair
    with traffic_over(pair) as traffic:
        traffic.wait_for(40)
        assert two.process is not None
        freeze_in_transaction(two.process.pid)
        try:
            traffic.wait_for(80, seconds=60)
        finally:
            os.kill(two.process.pid, signal.SIGCONT)
        traffic.wait_for(80)
        traffic.end(seconds=120)
    traffic.verify_effects(read_stored_log(one), is_over=True)
    verify_both_heads(pair)


def freeze_in_transaction(pid: int) -> None:
    """Stop a broker while its writing session is in a transaction: that session then idles there for long."""
    pause = threading.Event()
    for _ in range(200):
        os.kill(pid, signal.SIGSTOP)
        for _ in range(30):
            pause.wait(0.05)
            idle = shared_server().execute(
                "SELECT 1 FROM pg_stat_activity WHERE state = 'idle in transaction' "
                "AND now() - state_change > interval '1 second'"
            )
            if idle:
                return
        os.kill(pid, signal.SIGCONT)
        pause.wait(0.01)
    raise AssertionError("it was never stopped in a transaction")
