"""The broker killed (-9) between any two steps of an acceptance, and started again.

Whatever was answered is there; whoever asks again gets the one leaf; nothing is there twice.
"""

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import httpx
import pytest

from broker.audit.verification import verify_stored_log
from broker.storage.engine import open_database
from schemas.api import AUDIT_PATH, AuditAnswer, AuditQuery
from schemas.log.records import RecordType, Role
from tests.support.caller import read_answer
from tests.support.delivery import Correspondence, acknowledge, envelopes_of, lease, send, try_to_send
from tests.support.exchange import RunningExchange, running_exchange

pytestmark = pytest.mark.long

GB, VN = "GB-HO", "VN-IMM"
BEFORE_THE_COMMIT = (
    "commit.before-transaction",
    "accept.decided",
    "accept.stored",
    "commit.before-head",
    "commit.before-commit",
)
AFTER_THE_COMMIT = (
    "commit.after-commit",
    "log.before-sign",
    "log.after-sign",
    "commit.before-answer",
    "accept.before-answer",
)
names = count()


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningExchange]:
    with running_exchange(tmp_path_factory.mktemp("accept"), GB, VN) as running:
        yield running


@pytest.fixture(scope="module")
def messages(exchange: RunningExchange) -> Correspondence:
    terms = exchange.agree(GB, VN).terms
    return Correspondence(exchange.members[GB], exchange.members[VN], terms.digest())


@pytest.mark.parametrize("place", [*BEFORE_THE_COMMIT, *AFTER_THE_COMMIT])
def test_a_message_is_accepted_once_though_the_broker_dies(
    exchange: RunningExchange, messages: Correspondence, place: str
) -> None:
    before = send(exchange.caller(GB), messages.seal(next(names)))
    sealed = messages.seal(next(names))
    exchange.stop()
    exchange.start(BILATERAL_FAILPOINT=place_of_the_message(place))
    caller = exchange.caller(GB)
    token_first = caller.token
    assert token_first
    with pytest.raises(httpx.TransportError):
        try_to_send(caller, sealed)
    assert exchange.wait() == -9

    exchange.start()
    caller = exchange.caller(GB)
    response = try_to_send(caller, sealed)
    assert response.status_code == (202 if place in BEFORE_THE_COMMIT else 200)
    evidence = send(caller, sealed)
    assert evidence.leaf.index > before.leaf.index
    assert evidence == send(caller, sealed)
    assert count_acceptances(exchange, sealed.header.id) == 1

    recipient = exchange.caller(VN)
    answer = lease(recipient)
    assert envelopes_of(answer).count(sealed.envelope) == 1
    assert acknowledge(recipient, answer) == len(answer.items)
    assert lease(recipient).items == ()
    verify_log(exchange)


def place_of_the_message(place: str) -> str:
    """Return the failpoint such that the message reaches it first.

    Two commits come before the message's: the hour's count of tokens at the start, and the token that is asked for.
    Neither has a leaf, so nothing is signed for them.
    """
    return f"{place}:3" if place.startswith("commit.") else place


def count_acceptances(exchange: RunningExchange, message_id: str) -> int:
    auditor = exchange.caller(GB, Role.AUDITOR)
    query = AuditQuery(reason="fault test", types=(RecordType.MESSAGE_ACCEPTED,), message=message_id, limit=10)
    return len(read_answer(auditor.post(AUDIT_PATH, query), AuditAnswer).records)


def verify_log(exchange: RunningExchange) -> None:
    database = open_database(Path(exchange.folder.database))
    try:
        with database.read() as connection:
            assert verify_stored_log(connection, exchange.sheet, lambda _done, _of: None).findings == []
    finally:
        database.close()
