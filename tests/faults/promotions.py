"""A PostgreSQL server that is stopped, restarted or lost in the middle of traffic, and its standby that takes over.

Brokers are told of both hosts and find the one that may be written to. With a synchronous standby nothing answered is
lost. An asynchronous one may lack what was answered: then nothing is signed over it, ever.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import URL

from broker.audit.standing import StopReason
from broker.exchange import read_stop
from tests.faults.kills import agree_and_correspond, list_serving
from tests.faults.stored_log import StoredLog, read_stored_log
from tests.faults.traffic import Traffic, traffic_running
from tests.support.exchange import RunningExchange
from tests.support.many_brokers import running_brokers
from tests.support.postgresql import FAST, SUPERUSER, PostgresqlServer

GB, VN = "GB-HO", "VN-IMM"
PATIENCE_SECONDS = 90
END_SECONDS = 180
_PAUSE_SECONDS = 0.02


@dataclass
class ServerPair:
    """A primary and a standby that streams from it."""

    primary: PostgresqlServer
    standby: PostgresqlServer

    def make_database(self) -> URL:
        """Make a database and return its URL, which names both hosts."""
        url = self.primary.make_database()
        return url.set(query={"host": (str(self.primary.folder), str(self.standby.folder))})

    def promote(self) -> None:
        """Lose the primary where it stands, and let the standby take over."""
        self.primary.kill()
        self.standby.execute("SELECT pg_promote()")

    def wait_for_standby(self, wanted: str) -> None:
        """Wait until the standby streams in a state: `async` or `sync`."""
        question = "SELECT sync_state FROM pg_stat_replication WHERE state = 'streaming'"
        wait_until(lambda: self.primary.execute(question) == [(wanted,)])


@contextmanager
def server_pair(*, is_synchronous: bool) -> Iterator[ServerPair]:
    """Run a primary and its standby as long as the block does."""
    pair = ServerPair(PostgresqlServer(FAST), PostgresqlServer(FAST))
    try:
        pair.primary.initialise()
        pair.primary.start()
        source = ("--host", str(pair.primary.folder), "--username", SUPERUSER)
        copying = ("--pgdata", str(pair.standby.data), "--write-recovery-conf", "--checkpoint=fast", "--no-sync")
        pair.standby.run("pg_basebackup", *source, *copying)
        pair.standby.start()
        pair.wait_for_standby("async")
        if is_synchronous:
            set_server(pair.primary, "synchronous_standby_names", "*")
            pair.wait_for_standby("sync")
        yield pair
    finally:
        pair.standby.discard()
        pair.primary.discard()


def set_server(server: PostgresqlServer, name: str, value: str) -> None:
    """Change a setting of a running server."""
    server.execute(f"ALTER SYSTEM SET {name} = '{value}'")
    server.execute("SELECT pg_reload_conf()")


def play_restarts(folder: Path, times: int) -> Counter[str]:
    """Stop the server in order and kill it by turns, start it again, so many times; return what clients were told."""
    server = PostgresqlServer(FAST)
    try:
        server.initialise()
        server.start()
        with running_brokers(folder, 2, GB, VN, url=server.make_database()) as brokers, _traffic(brokers) as traffic:
            for number in range(times):
                traffic.wait_for(3, PATIENCE_SECONDS)
                (server.stop if number % 2 else server.kill)()
                _wait_until_refused(traffic)
                server.start()
                traffic.wait_for(3, PATIENCE_SECONDS)
            _finish(traffic, brokers)
        return traffic.memory.refusals
    finally:
        server.discard()


def play_promotion(folder: Path) -> Counter[str]:
    """Lose the primary under traffic, and go on with its synchronous standby; return what clients were told."""
    with (
        server_pair(is_synchronous=True) as pair,
        running_brokers(folder, 2, GB, VN, url=pair.make_database()) as brokers,
        _traffic(brokers) as traffic,
    ):
        traffic.wait_for(10, PATIENCE_SECONDS)
        pair.promote()
        traffic.wait_for(10, PATIENCE_SECONDS)
        _finish(traffic, brokers)
        return traffic.memory.refusals


def play_lossy_promotion(folder: Path) -> tuple[int, int]:
    """Lose the primary under traffic, where the standby lacks what was answered; return how many leaves it lacks.

    The second number is how many heads had been signed that it cannot show.
    """
    with (
        server_pair(is_synchronous=False) as pair,
        running_brokers(folder, 2, GB, VN, url=pair.make_database()) as brokers,
        _traffic(brokers) as traffic,
    ):
        traffic.wait_for(5, PATIENCE_SECONDS)
        set_server(pair.standby, "primary_conninfo", "")
        wait_until(lambda: pair.primary.execute("SELECT 1 FROM pg_stat_replication") == [])
        traffic.wait_for(20, PATIENCE_SECONDS)
        pair.promote()
        wait_until(lambda: all(is_behind(broker) for broker in brokers))
        wait_until(lambda: traffic.memory.refusals["503 exchange-behind"] > 0)
        traffic.abandon()
        return _verify_not_forked(traffic, read_stored_log(brokers[0]), brokers)


def is_behind(broker: RunningExchange) -> bool:
    """Return whether a broker has stopped for what its database lacks, and keeps a note that shows it."""
    stop = read_stop(broker.folder)
    return stop is not None and stop.reason is StopReason.BEHIND and stop.note is not None


def wait_until(is_so: Callable[[], bool], seconds: float = PATIENCE_SECONDS) -> None:
    """Wait until something is so."""
    until = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < until, "it did not come about in time"
        time.sleep(0.05)


@contextmanager
def _traffic(brokers: Sequence[RunningExchange]) -> Iterator[Traffic]:
    messages = agree_and_correspond(brokers[0])
    traffic = Traffic(messages, brokers[0].sheet, lambda: list_serving(brokers), pause_seconds=_PAUSE_SECONDS)
    with traffic_running(traffic):
        yield traffic


def _finish(traffic: Traffic, brokers: Sequence[RunningExchange]) -> None:
    """Let everything arrive, and hold it against the log that is left."""
    traffic.end(END_SECONDS)
    for broker in brokers:
        assert broker.stop() == 0, broker.errors
    traffic.verify_effects(read_stored_log(brokers[0]), is_over=True)


def _verify_not_forked(traffic: Traffic, log: StoredLog, brokers: Sequence[RunningExchange]) -> tuple[int, int]:
    """Verify that every head that anybody saw is of what is left, or goes beyond it: that of none there are two."""
    kept, lost = [], 0
    for note in traffic.memory.notes:
        if int(note.splitlines()[1]) <= len(log.leaves):
            kept.append(note)
        else:
            lost += 1
    log.verify_told([], kept)
    missing = {leaf.index for leaf in traffic.memory.leaves if leaf.index >= len(log.leaves)}
    assert missing, "the standby lacked nothing: this proves nothing"
    log.verify_told([leaf for leaf in traffic.memory.leaves if leaf.index < len(log.leaves)], [])
    for broker in brokers:
        broker.stop()
    assert read_stored_log(brokers[0], is_lacking=True).leaves == log.leaves
    return len(missing), lost


def _wait_until_refused(traffic: Traffic) -> None:
    def count_refused() -> int:
        return sum(count for said, count in traffic.memory.refusals.items() if said.startswith("5"))

    before = count_refused()
    wait_until(lambda: count_refused() > before)
