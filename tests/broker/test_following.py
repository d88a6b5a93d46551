"""What one broker writes another one knows: told, or found by looking; and nobody is let in on what may be old."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, SimpleQueue

import pytest
from sqlalchemy import Connection

from broker.agreements.live import make_agreement_book
from broker.audit.standing import Standing
from broker.following import Follower, do_nothing
from broker.inbox.delivery import Inboxes
from broker.inbox.waiters import Waiters
from broker.projection import Projection
from broker.storage.announcements import Hearing, HearingLostError, News, Topic, write_announcement
from broker.storage.engine import Database
from broker.storage.errors import StoreUnreachableError
from broker.storage.group_commit import GroupCommitWriter
from broker.storage.transaction import Transaction
from keys.log_keys import sign_checkpoint
from schemas.log.checkpoint import Checkpoint
from schemas.log.records import RecordType
from tests.broker.ports import ORIGIN, START, ManualClock, make_log, make_signer, make_store
from tests.broker.test_projection import Seen, catch_up
from tests.support.messages import make_id

NEVER, OFTEN = 3600.0, 0.01
PATIENCE_SECONDS = 20


class Line:
    """Everybody hears on it what was said, once it is passed on; it can be cut, and words on it be lost."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.heard_by: list[SimpleQueue[str | None]] = []

    def pass_on(self) -> None:
        for text in self.said:
            for ear in self.heard_by:
                ear.put(text)
        self.said.clear()

    def cut(self) -> None:
        self.said.clear()
        for ear in self.heard_by:
            ear.put(None)
        self.heard_by.clear()


class Ear:
    def __init__(self) -> None:
        self.queue: SimpleQueue[str | None] = SimpleQueue()

    def wait(self, seconds: float) -> Sequence[str]:
        try:
            text = self.queue.get(timeout=min(seconds, OFTEN))
        except Empty:
            return ()
        if text is None:
            raise HearingLostError("cut")
        return (text,)


class LineChannel:
    def __init__(self, line: Line, broker: str) -> None:
        self._line, self._broker = line, broker
        self.doubts = 0
        self.sessions = 0

    def announce(self, connection: Connection, news: News, size: int) -> None:
        self._line.said.append(write_announcement(self._broker, news, size))

    def doubt(self) -> None:
        self.doubts += 1

    def take_doubt(self) -> bool:
        doubts, self.doubts = self.doubts, 0
        return doubts > 0

    @contextmanager
    def listen(self) -> Iterator[Hearing]:
        self.sessions += 1
        ear = Ear()
        self._line.heard_by.append(ear.queue)
        yield ear


class OneBroker:
    """What of a broker follows others, on a database that it shares."""

    def __init__(self, database: Database, line: Line, number: int, look_seconds: float) -> None:
        clock, name = ManualClock(), make_id(("broker", number))
        self.channel = LineChannel(line, name)
        self.standing = Standing()
        self.log = make_log(database, clock, standing=self.standing)
        self.writer = GroupCommitWriter(database, self.log, announcing=self.channel)
        self.writer.start()
        self.waiters = Waiters()
        self.inboxes = Inboxes(make_agreement_book(), self.waiters)
        self.projection: Projection[Seen] = Projection(Seen(), catch_up)
        self.keys_changed = 0
        self.follower = Follower(
            name,
            self.channel,
            database,
            self.log,
            self.writer,
            self.waiters,
            {Topic.KEYS: self.projection, Topic.AGREEMENTS: self.projection},
            clock,
            look_seconds=look_seconds,
        )
        self.follower.on_keys(self._count)

    def _count(self) -> None:
        self.keys_changed += 1

    def change_keys(self, transaction: Transaction) -> None:
        before = self.projection.as_of(transaction)
        leaf = transaction.append(RecordType.OPERATOR_ACTION, concerns=[], detail="a key")
        self.projection.replace(transaction, leaf, Seen((*before, leaf.index)))
        transaction.announce_change(Topic.KEYS)

    def put_item(self, transaction: Transaction) -> None:
        leaf = transaction.append(RecordType.OPERATOR_ACTION, concerns=[], detail="an item")
        self.inboxes.put_outcome(transaction, "VN", leaf)


class Pair:
    """Two brokers on one database; the second one follows while a story runs."""

    def __init__(self, folder: Path, look_seconds: float) -> None:
        self.database, self.line = make_store(folder), Line()
        self.one, self.two = (OneBroker(self.database, self.line, number, look_seconds) for number in (1, 2))

    def follow(self, story: Callable[[], Awaitable[None]]) -> None:
        """Play a story, an async function without arguments, while the second broker follows the first."""

        async def play() -> None:
            following = asyncio.create_task(self.two.follower.run())
            try:
                await until(lambda: self.two.follower.is_hearing and not self.two.follower.is_stale)
                async with asyncio.timeout(PATIENCE_SECONDS):
                    await story()
            finally:
                following.cancel()
                await asyncio.gather(following, return_exceptions=True)

        asyncio.run(play())


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not is_so():  # noqa: ASYNC110 - what is waited for comes to be on another thread
            await asyncio.sleep(0.001)


looking_often = pytest.mark.parametrize("pair", [OFTEN], indirect=True)


@pytest.fixture
def pair(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Pair]:
    pair = Pair(tmp_path, getattr(request, "param", NEVER))
    yield pair
    pair.one.writer.close()
    pair.two.writer.close()


def test_keys_that_another_broker_wrote_are_known_once_they_are_announced(pair: Pair) -> None:
    async def story() -> None:
        before = pair.two.keys_changed
        await pair.one.writer.commit(pair.one.change_keys)
        pair.line.pass_on()
        await until(lambda: [*pair.two.projection.current] == [0] and pair.two.keys_changed > before)
        await until(lambda: pair.two.log.view.size == 1)

    pair.follow(story)


def test_whoever_waits_at_one_broker_is_woken_by_what_another_one_took_in(pair: Pair) -> None:
    async def story() -> None:
        with pair.two.waiters.listen("VN") as bell, pair.two.waiters.listen("GB") as other:
            await pair.one.writer.commit(pair.one.put_item)
            pair.line.pass_on()
            await bell.wait()
            assert not other.is_set()

    pair.follow(story)


@looking_often
def test_what_was_announced_to_nobody_is_found_by_looking(pair: Pair) -> None:
    """Whoever has something is woken, and nobody else."""

    async def story() -> None:
        with pair.two.waiters.listen("VN") as bell, pair.two.waiters.listen("GB") as other:
            await pair.one.writer.commit(pair.one.put_item)
            await pair.one.writer.commit(pair.one.change_keys)
            pair.line.said.clear()
            await bell.wait()
            await until(lambda: [*pair.two.projection.current] == [0, 1] and pair.two.log.view.size == 2)
            assert not other.is_set()

    pair.follow(story)


@looking_often
def test_who_announces_more_than_there_is_hides_nothing_that_comes_unannounced(pair: Pair) -> None:
    """Whoever may connect to the database can send that."""

    async def story() -> None:
        pair.line.said.append(write_announcement(make_id("nobody"), News(), 1 << 50))
        pair.line.pass_on()
        await pair.one.writer.commit(pair.one.change_keys)
        pair.line.said.clear()
        await until(lambda: [*pair.two.projection.current] == [0])

    pair.follow(story)


@looking_often
def test_what_was_announced_and_could_not_be_read_is_looked_for_though_nobody_is_heard(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    load, is_failing = pair.two.projection.load, [True]

    def fail_once(database: Database) -> Seen:
        if is_failing:
            is_failing.clear()
            raise StoreUnreachableError
        return load(database)

    async def story() -> None:
        monkeypatch.setattr(pair.two.channel, "listen", refuse_to_listen)
        await pair.one.writer.commit(pair.one.change_keys)
        monkeypatch.setattr(pair.two.projection, "load", fail_once)
        pair.line.pass_on()
        await until(lambda: [*pair.two.projection.current] == [0])

    pair.follow(story)


def refuse_to_listen() -> Iterator[Hearing]:
    raise HearingLostError("no session to be had")


@looking_often
def test_a_log_that_another_broker_stopped_stops_here_though_nobody_writes(pair: Pair) -> None:
    async def story() -> None:
        pair.one.standing.fall_behind(make_note(), None, START)
        await pair.one.writer.commit(do_nothing)
        await until(lambda: pair.two.standing.stop is not None)

    pair.follow(story)


def make_note() -> bytes:
    return sign_checkpoint(Checkpoint(ORIGIN, 9, bytes(32)), make_signer())


@looking_often
def test_a_lost_session_is_made_anew_and_what_was_said_meanwhile_is_found(pair: Pair) -> None:
    async def story() -> None:
        with pair.two.waiters.listen("VN") as bell:
            pair.line.cut()
            await pair.one.writer.commit(pair.one.put_item)
            await bell.wait()
        await until(lambda: pair.two.channel.sessions == 2)
        await pair.one.writer.commit(pair.one.change_keys)
        pair.line.pass_on()
        await until(lambda: [*pair.two.projection.current] == [0, 1])

    pair.follow(story)


def test_what_is_said_in_no_known_form_makes_it_look_at_everything(pair: Pair) -> None:
    async def story() -> None:
        await pair.one.writer.commit(pair.one.put_item)
        pair.line.said[:] = ["no announcement"]
        with pair.two.waiters.listen("VN") as bell:
            pair.line.pass_on()
            await bell.wait()

    pair.follow(story)


@looking_often
def test_a_commit_of_its_own_that_nobody_knows_the_outcome_of_is_looked_for_as_well(pair: Pair) -> None:
    async def story() -> None:
        await pair.two.writer.commit(pair.two.put_item)
        with pair.two.waiters.listen("VN") as bell:
            pair.two.channel.doubt()
            await bell.wait()

    pair.follow(story)


def test_its_own_announcements_wake_nobody_a_second_time(pair: Pair) -> None:
    async def story() -> None:
        await pair.two.writer.commit(pair.two.put_item)
        with pair.two.waiters.listen("VN") as bell:
            pair.line.pass_on()
            await pair.one.writer.commit(pair.one.change_keys)
            pair.line.pass_on()
            await until(lambda: [*pair.two.projection.current] == [0, 1])
            assert not bell.is_set()

    pair.follow(story)


def test_who_cannot_look_is_stale_after_a_while_and_says_so_when_asked_to(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1000.0]
    monkeypatch.setattr("broker.following.monotonic", lambda: now[0])
    assert is_stale(pair), "nothing was looked at yet"
    pair.one.writer.commit_and_wait(pair.one.change_keys)
    asyncio.run(pair.two.follower.renew())
    assert not is_stale(pair)
    assert [*pair.two.projection.current] == [0]
    now[0] += 6
    assert is_stale(pair)

    def fail(_database: Database) -> Seen:
        raise StoreUnreachableError

    monkeypatch.setattr(pair.two.projection, "load", fail)
    with pytest.raises(StoreUnreachableError):
        asyncio.run(pair.two.follower.renew())
    assert is_stale(pair)


def is_stale(pair: Pair) -> bool:
    return pair.two.follower.is_stale
