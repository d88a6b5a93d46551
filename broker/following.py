"""A broker among others on one database: what it keeps in memory follows what they write, and its inboxes wake.

A thread of its own hears their announcements and reads the head of the log every second, so that a lost announcement
costs two seconds and a lost session nothing more. What it finds goes to the event loop. It never decides: whoever
decides asks the database under the log's lock, and learns there what no announcement has told.
"""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic
from typing import Any

import structlog

from broker.audit.log import AuditLog
from broker.audit.log_store import select_head
from broker.audit.standing import ExchangeStoppedError
from broker.clock import Clock
from broker.inbox.waiters import Waiters
from broker.inbox.waking import select_ready_inboxes
from broker.projection import Projection
from broker.storage.announcements import Channel, Hearing, HearingLostError, News, Topic, read_announcement
from broker.storage.engine import Database
from broker.storage.errors import StoreError
from broker.storage.group_commit import GroupCommitWriter
from broker.storage.transaction import Transaction

LOOK_SECONDS = 1.0
RETRY_SECONDS = 1.0
STALE_SECONDS = 5.0

Projections = Mapping[Topic, Projection[Any]]
Listener = Callable[[], None]

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Heard:
    """What the event loop is told: news, or that everything may have changed, or that the log moved or stopped."""

    news: News
    is_everything: bool = False
    has_moved: bool = False


class Follower:
    """Follows the other brokers while `run` runs. `is_stale` and `renew` are what authentication asks."""

    def __init__(
        self,
        broker: str,
        channel: Channel,
        database: Database,
        log: AuditLog,
        writer: GroupCommitWriter,
        waiters: Waiters,
        projections: Projections,
        clock: Clock,
        *,
        look_seconds: float = LOOK_SECONDS,
    ) -> None:
        self._broker = broker
        self._channel = channel
        self._database = database
        self._log = log
        self._writer = writer
        self._waiters = waiters
        self._projections = projections
        self._clock = clock
        self._look_seconds = look_seconds
        self._listeners: list[Listener] = []
        self._is_over = threading.Event()
        self._tell: Callable[[_Heard], None] = lambda _heard: None
        self._told = 0
        self._missed: int | None = None
        self._seen_stop: bytes | None = None
        self._looked_at = 0.0
        self._tasks: set[asyncio.Future[None]] = set()
        self._is_catching_up = False
        self.is_hearing = False

    def on_keys(self, listener: Listener) -> None:
        """Call `listener` on the event loop whenever another broker has written a key document."""
        self._listeners.append(listener)

    async def run(self) -> None:
        """Follow until cancelled."""
        loop = asyncio.get_running_loop()
        self._tell = lambda heard: _call(loop, lambda: self._receive(heard))
        thread = threading.Thread(target=self._follow, name="follower", daemon=True)
        thread.start()
        try:
            await loop.create_future()
        finally:
            self._is_over.set()
            await asyncio.to_thread(thread.join)

    @property
    def is_stale(self) -> bool:
        """Whether what other brokers wrote may be missing for longer than `STALE_SECONDS`."""
        return monotonic() - self._looked_at > STALE_SECONDS

    @property
    def problem(self) -> str | None:
        """Why nobody can be let in right now, or None."""
        return "what other brokers write has not been seen for seconds" if self.is_stale else None

    async def renew(self) -> None:
        """Look now.

        Raises:
            StoreUnreachableError: the database cannot be read.
        """
        await asyncio.to_thread(self._read_anew)
        self._receive(_Heard(News({Topic.KEYS})))

    def _follow(self) -> None:
        while not self._is_over.is_set():
            try:
                with self._channel.listen() as hearing:
                    _log.info("hearing-others")
                    self.is_hearing = True
                    self._look(everything=True)  # whatever was said before could not be heard
                    self._hear(hearing)
            except (HearingLostError, StoreError) as error:
                _log.warning("hearing-lost", reason=type(error.__cause__ or error).__name__)
            except Exception as error:  # noqa: BLE001 - whatever it was, keys and inboxes must still be followed
                _log.error("following-failed", exc_info=error)
            self.is_hearing = False
            self._look_while_deaf()

    def _look_while_deaf(self) -> None:
        if self._is_over.wait(RETRY_SECONDS):
            return
        try:
            self._look()
        except Exception as error:  # noqa: BLE001 - the next look may go well, and until then nobody is let in
            _log.warning("database-not-seen", reason=type(error).__name__)

    def _hear(self, hearing: Hearing) -> None:
        while not self._is_over.is_set():
            for text in hearing.wait(self._look_seconds):
                self._take(text)
            if monotonic() - self._looked_at >= self._look_seconds:
                self._look(everything=self._channel.take_doubt())

    def _take(self, unverified_text: str) -> None:
        announcement = read_announcement(unverified_text)
        if announcement is None:
            self._look(everything=True)
            return
        if announcement.broker == self._broker:
            self._told = max(self._told, announcement.size)
            return  # who waits here was told with the answers
        for topic in announcement.topics:
            self._projections[topic].load(self._database)
        self._told = max(self._told, announcement.size)  # not before: what could not be read must be looked for
        news = News(set(announcement.topics), set(announcement.inboxes or ()))
        self._tell(_Heard(news, is_everything=announcement.inboxes is None))

    def _look(self, *, everything: bool = False) -> None:
        """Compare the stored head with what was announced; what has come without a word is read at once.

        The word may be on its way still: inboxes wake if the next look finds that it has not come. Where more was
        announced than there is, somebody lied, or the database is an earlier one.
        """
        started = monotonic()
        with self._database.read() as connection:
            head = select_head(connection)
        everything = everything or head.size < self._told
        wakes_all = everything or (self._missed is not None and self._missed > self._told)
        has_news = everything or head.size > self._told
        if has_news:
            self._read_anew()
        self._missed = head.size if has_news and not wakes_all else None
        self._told = head.size if wakes_all else self._told
        self._looked_at = started
        has_moved = head.size != self._log.view.size or head.stop != self._seen_stop
        self._seen_stop = head.stop
        self._tell(_Heard(News(set(Topic) if has_news else set()), is_everything=wakes_all, has_moved=has_moved))

    def _read_anew(self) -> None:
        started = monotonic()
        for projection in self._projections.values():
            projection.load(self._database)
        self._looked_at = started

    def _receive(self, heard: _Heard) -> None:
        for agency in heard.news.inboxes:
            self._waiters.wake(agency)
        if Topic.KEYS in heard.news.topics:
            for listener in self._listeners:
                listener()
        if heard.is_everything:
            self._start(self._wake_ready())
        if (heard.has_moved or heard.news.topics) and not self._is_catching_up:
            self._is_catching_up = True
            self._start(self._catch_up())

    def _start(self, task: Coroutine[Any, Any, None]) -> None:
        started = asyncio.ensure_future(task)
        self._tasks.add(started)
        started.add_done_callback(self._tasks.discard)

    async def _wake_ready(self) -> None:
        agencies = self._waiters.list_agencies()
        try:
            ready = await asyncio.to_thread(self._find_ready, agencies)
        except StoreError:
            ready = agencies  # each of them finds out for itself
        for agency in ready:
            self._waiters.wake(agency)

    def _find_ready(self, agencies: list[str]) -> list[str]:
        with self._database.read() as connection:
            return select_ready_inboxes(connection, agencies, self._clock.now())

    async def _catch_up(self) -> None:
        """Let the writer take over what others have written, and sign a head that covers it: it may be asked for."""
        try:
            await self._writer.commit(do_nothing)
        except (StoreError, ExchangeStoppedError) as error:
            _log.warning("catching-up-postponed", reason=type(error).__name__)
        finally:
            self._is_catching_up = False


def do_nothing(_transaction: Transaction) -> None:
    """Begin a batch, and nothing else: that reads what others have written, and says what they must know."""


def _call(loop: asyncio.AbstractEventLoop, callback: Listener) -> None:
    with suppress(RuntimeError):  # the loop has ended, and nobody waits there
        loop.call_soon_threadsafe(callback)
