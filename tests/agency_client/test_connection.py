"""A broker that asks to be asked again later is: nothing is sent to that address until then."""

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from agency_client.connection import BrokerConnection
from agency_client.refusals import BusyError, UnavailableError
from schemas.api import CHECKPOINT_PATH, CONSISTENCY_PATH, TOKEN_PATH, CheckpointAnswer
from schemas.problems import MEDIA_TYPE, PROBLEMS, ProblemDocument
from tests.support.raw_broker import RawBroker, format_answer, raw_broker


class SetClock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.moment = datetime.now(UTC)

    def now(self) -> datetime:
        """Return the moment it was set to."""
        return self.moment


class Counting:
    """A broker that refuses everything and counts by path what it was asked."""

    def __init__(self, slug: str, retry_after: int) -> None:
        problem = PROBLEMS[slug]
        body = ProblemDocument(type=problem.uri, title=problem.title, status=problem.status, detail="no").canonical()
        later = f"Retry-After: {retry_after}"
        self._answer = format_answer(problem.status, body, later, media_type=MEDIA_TYPE)
        self.asked: list[str] = []

    def __call__(self, stream: ssl.SSLSocket, request: bytes) -> None:
        self.asked.append(request.split(b" ")[1].decode())
        stream.sendall(self._answer)


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def broker() -> Iterator[RawBroker]:
    with raw_broker() as running:
        yield running


@pytest.fixture
def connection(broker: RawBroker, clock: SetClock) -> Iterator[BrokerConnection]:
    with broker.connect(clock=clock) as made:
        yield made


def ask(connection: BrokerConnection, path: str = CHECKPOINT_PATH) -> BusyError:
    with pytest.raises(BusyError) as told:
        connection.get(path, CheckpointAnswer)
    return told.value


@pytest.mark.parametrize("slug", ["too-many-requests", "busy", "exchange-behind"])
def test_nothing_is_sent_to_an_address_before_the_time_the_broker_named(
    broker: RawBroker, connection: BrokerConnection, clock: SetClock, slug: str
) -> None:
    broker.play = played = Counting(slug, 30)
    told = [ask(connection) for _ in range(3)]
    assert [error.code for error in told] == [slug] * 3
    assert played.asked == [CHECKPOINT_PATH]
    ask(connection, CONSISTENCY_PATH)
    assert played.asked == [CHECKPOINT_PATH, CONSISTENCY_PATH]
    clock.moment += timedelta(seconds=29)
    ask(connection)
    assert len(played.asked) == 2
    clock.moment += timedelta(seconds=1)
    ask(connection)
    assert played.asked[2:] == [CHECKPOINT_PATH]


def test_what_is_not_sent_has_certainly_not_arrived_also_where_the_first_may_have(
    broker: RawBroker, connection: BrokerConnection
) -> None:
    broker.play = played = Counting("unavailable", 30)
    with pytest.raises(UnavailableError):
        connection.get(CHECKPOINT_PATH, CheckpointAnswer)
    assert ask(connection).code == "unavailable"
    assert played.asked == [CHECKPOINT_PATH]


def test_who_is_given_no_token_has_certainly_sent_nothing(broker: RawBroker, connection: BrokerConnection) -> None:
    broker.play_token = asked = Counting("unavailable", 30)
    broker.play = played = Counting("busy", 30)
    assert [ask(connection).code for _ in range(2)] == ["unavailable"] * 2
    assert (asked.asked, played.asked) == ([TOKEN_PATH], [])


def test_a_clock_that_was_put_back_ends_a_wait(
    broker: RawBroker, connection: BrokerConnection, clock: SetClock
) -> None:
    broker.play = played = Counting("busy", 30)
    ask(connection)
    clock.moment -= timedelta(seconds=60)
    ask(connection)
    assert len(played.asked) == 2


@pytest.mark.parametrize("slug", ["busy", "exchange-behind"])
def test_a_broker_that_asks_for_a_day_is_asked_again_in_a_minute(
    broker: RawBroker, connection: BrokerConnection, clock: SetClock, slug: str
) -> None:
    broker.play = played = Counting(slug, 86_400)
    ask(connection)
    clock.moment += timedelta(seconds=60)
    ask(connection)
    assert len(played.asked) == 2
