"""Announcements over a real server: heard when committed and in that order, and a lost session says that it is lost."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from broker.storage.announcements import Channel, Hearing, HearingLostError, News, Topic, read_announcement
from broker.storage.engine import Database
from tests.broker.ports import make_store
from tests.support.engines import POSTGRESQL, using_engine
from tests.support.messages import make_id
from tests.support.postgresql import shared_server

SECONDS = 20.0


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with using_engine(POSTGRESQL):
        yield make_store(tmp_path)


@pytest.fixture
def channel(database: Database) -> Channel:
    channel = database.open_channel(make_id("broker"))
    assert channel is not None
    return channel


def announce(database: Database, channel: Channel, size: int, *inboxes: str) -> None:
    with database.write() as connection:
        channel.announce(connection, News({Topic.KEYS}, set(inboxes)), size)


def announce_in_vain(database: Database, channel: Channel) -> None:
    with database.write() as connection:
        channel.announce(connection, News({Topic.KEYS}), 1)
        raise ArithmeticError("the batch failed after all")


def hear(hearing: Hearing, number: int) -> list[tuple[int, tuple[str, ...]]]:
    texts: list[str] = []
    while len(texts) < number:
        some = list(hearing.wait(SECONDS))
        assert some, "nothing was heard"
        texts += some
    read = [read_announcement(text) for text in texts]
    return [(one.size, one.inboxes or ()) for one in read if one is not None]


def test_what_is_committed_is_heard_in_the_order_of_the_commits(database: Database, channel: Channel) -> None:
    with channel.listen() as hearing:
        for size in range(1, 6):
            announce(database, channel, size, "GB", "VN")
        assert hear(hearing, 5) == [(size, ("GB", "VN")) for size in range(1, 6)]
        assert not list(hearing.wait(0))


def test_what_is_not_committed_is_never_heard(database: Database, channel: Channel) -> None:
    with channel.listen() as hearing:
        with pytest.raises(ArithmeticError):
            announce_in_vain(database, channel)
        announce(database, channel, 2)
        assert hear(hearing, 1) == [(2, ())]


def test_as_much_as_one_announcement_holds_goes_through(database: Database, channel: Channel) -> None:
    many = [f"{'A' * 28}{number:04}" for number in range(1000)]
    with channel.listen() as hearing:
        announce(database, channel, 1, *many[:215])
        announce(database, channel, 2, *many)
        assert hear(hearing, 2) == [(1, tuple(many[:215])), (2, ())]


def test_a_session_that_the_server_ends_is_lost_and_the_next_one_hears(database: Database, channel: Channel) -> None:
    with channel.listen() as hearing:
        end_listening(database)
        with pytest.raises(HearingLostError):
            hearing.wait(SECONDS)
    with channel.listen() as hearing:
        announce(database, channel, 1)
        assert hear(hearing, 1) == [(1, ())]


def test_no_session_is_to_be_had_where_the_database_takes_none(database: Database, channel: Channel) -> None:
    name = database.reading.url.database
    database.close()
    shared_server().execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
    with pytest.raises(HearingLostError), channel.listen():
        pass


def test_listening_takes_none_of_the_connections_that_requests_read_by(database: Database, channel: Channel) -> None:
    with channel.listen(), channel.listen():
        assert database.reading.pool.checkedout() == 0  # type: ignore[attr-defined]


def test_a_doubt_is_taken_once(channel: Channel) -> None:
    assert not channel.take_doubt()
    channel.doubt()
    assert (channel.take_doubt(), channel.take_doubt()) == (True, False)


def end_listening(database: Database) -> None:
    """End the sessions of this database whose last statement was to listen."""
    name = database.reading.url.database
    sessions = shared_server().execute("SELECT pid, datname FROM pg_stat_activity WHERE query LIKE 'LISTEN%'")
    (listening,) = [pid for pid, datname in sessions if datname == name]
    assert shared_server().execute(f"SELECT pg_terminate_backend({listening})") == [(True,)]
