"""The broker killed (-9) between any two steps of a hand-over and of its acknowledgement, and started again.

What was not acknowledged comes again, as a hand-over of its own; what was acknowledged never does; every hand-over that
may have left the house is in the log.
"""

import time
from collections.abc import Iterator
from itertools import count

import httpx
import pytest

from schemas.api import (
    ACKNOWLEDGE_PATH,
    AUDIT_PATH,
    LEASE_PATH,
    AcknowledgeRequest,
    AuditAnswer,
    AuditQuery,
    LeaseAnswer,
    LeaseRequest,
)
from schemas.log.records import RecordType, Role
from tests.faults.test_accept import verify_log
from tests.support.caller import Caller, read_answer
from tests.support.delivery import Correspondence, acknowledge, ask_states, envelopes_of, lease, send
from tests.support.exchange import RunningExchange, running_exchange

pytestmark = pytest.mark.long

GB, VN = "GB-HO", "VN-IMM"
LEASE_SECONDS = 2
BEFORE_THE_COMMIT = (
    "commit.before-transaction:3",
    "hand-over.recorded",
    "hand-over.leased",
    "commit.before-head:3",
    "commit.before-commit:3",
)
AFTER_THE_COMMIT = (
    "commit.after-commit:3",
    "log.before-sign",
    "log.after-sign",
    "commit.before-answer:3",
    "hand-over.before-answer",
)
names = count()


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningExchange]:
    setting = {"BILATERAL_BROKER_INBOX__LEASE_SECONDS": str(LEASE_SECONDS)}
    with running_exchange(tmp_path_factory.mktemp("hand-over"), GB, VN, **setting) as running:
        yield running


@pytest.fixture(scope="module")
def messages(exchange: RunningExchange) -> Correspondence:
    terms = exchange.agree(GB, VN).terms
    return Correspondence(exchange.members[GB], exchange.members[VN], terms.digest())


def start_with_failpoint(exchange: RunningExchange, place: str) -> Caller:
    """Restart the broker so that the recipient's next request reaches the failpoint first.

    Two commits come before that request's: the hour's count of tokens at the start, and the token that is asked for.
    """
    exchange.stop()
    exchange.start(BILATERAL_FAILPOINT=place)
    caller = exchange.caller(VN)
    assert caller.token
    return caller


def lease_when_lapsed(caller: Caller) -> LeaseAnswer:
    """Lease what an earlier, lost lease holds, as soon as that has lapsed."""
    return lease(caller, wait=4 * LEASE_SECONDS)


@pytest.mark.parametrize("place", [*BEFORE_THE_COMMIT, *AFTER_THE_COMMIT])
def test_a_message_is_handed_over_though_the_broker_dies(
    exchange: RunningExchange, messages: Correspondence, place: str
) -> None:
    sealed = messages.seal(next(names))
    send(exchange.caller(GB), sealed)
    caller = start_with_failpoint(exchange, place)
    with pytest.raises(httpx.TransportError):
        caller.post(LEASE_PATH, LeaseRequest(wait_seconds=0, max_items=8))
    assert exchange.wait() == -9

    exchange.start()
    recipient = exchange.caller(VN)
    answer = lease_when_lapsed(recipient)
    assert envelopes_of(answer) == [sealed.envelope]
    assert acknowledge(recipient, answer) == 1
    time.sleep(LEASE_SECONDS)
    assert lease(recipient).items == ()
    assert ask_states(exchange.caller(GB), sealed) == ["handed-over"]
    assert count_hand_overs(exchange, sealed.header.id) == (1 if place in BEFORE_THE_COMMIT else 2)
    verify_log(exchange)


@pytest.mark.parametrize(("place", "is_settled"), [("commit.before-commit:3", False), ("commit.after-commit:3", True)])
def test_an_acknowledgement_counts_from_its_commit_on(
    exchange: RunningExchange, messages: Correspondence, place: str, is_settled: bool
) -> None:
    sealed = messages.seal(next(names))
    send(exchange.caller(GB), sealed)
    exchange.stop()
    exchange.start(BILATERAL_BROKER_INBOX__LEASE_SECONDS="60")
    answer = lease(exchange.caller(VN))
    assert envelopes_of(answer) == [sealed.envelope]
    assert answer.lease is not None
    caller = start_with_failpoint(exchange, place)
    request = AcknowledgeRequest(lease=answer.lease, numbers=(answer.items[0].number,))
    with pytest.raises(httpx.TransportError):
        caller.post(ACKNOWLEDGE_PATH, request)
    assert exchange.wait() == -9

    exchange.start()
    recipient = exchange.caller(VN)
    assert ask_states(exchange.caller(GB), sealed) == ["handed-over" if is_settled else "leased"]
    assert acknowledge(recipient, answer) == (0 if is_settled else 1)
    assert acknowledge(recipient, answer) == 0
    assert ask_states(exchange.caller(GB), sealed) == ["handed-over"]
    verify_log(exchange)


def count_hand_overs(exchange: RunningExchange, message_id: str) -> int:
    auditor = exchange.caller(VN, Role.AUDITOR)
    query = AuditQuery(reason="fault test", types=(RecordType.MESSAGE_HANDED_OVER,), message=message_id, limit=10)
    return len(read_answer(auditor.post(AUDIT_PATH, query), AuditAnswer).records)
