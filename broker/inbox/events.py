"""Telling a node that something waits, as server-sent events (HTML Living Standard §9.2), while it does other things.

An event says how much waits and how urgent it is, never what: a hand-over is recorded before anything leaves, so what
waits is leased as ever. Nothing is missed for good: a look is taken at the start, with every commit that rings, and
with every heartbeat. Between two looks a stream holds no database session.
"""

import asyncio
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from operator import ne

from broker.access.caller import Caller
from broker.access.errors import AccessError
from broker.audit.log import AuditLog
from broker.audit.refusals import RefusalRecorder
from broker.clock import Clock
from broker.http.refusal import refuse
from broker.inbox.measures import Ready, find_collector, measure_ready
from broker.inbox.waiters import Waiters
from broker.storage.engine import Database
from broker.storage.errors import StoreError
from schemas.api import InboxEvent
from schemas.markings import Urgency

HEARTBEAT_SECONDS = 20.0
LOOK_SECONDS = 0.1
"""How long a stream rests between two looks, however often it rings: an event is a hint, and the newest says it all."""
RETRY_MILLISECONDS = 2000
OPENING = f"retry: {RETRY_MILLISECONDS}\n\n".encode()
HEARTBEAT = b":\n\n"
EVENT_NAME = b"waiting"

_URGENCIES = tuple(reversed(Urgency))
_EVENT_ID = re.compile(r"([1-9][0-9]{0,5})-(0|[1-9][0-9]{0,14})", re.ASCII)

VerifyCaller = Callable[[], Awaitable[Caller]]
"""Returns the caller as verified just now, or raises what `Authentication.find_caller` does."""


@dataclass(frozen=True, slots=True)
class EventId:
    """An event by the epoch of the log and the newest leaf that it told of: a new log numbers its leaves anew."""

    epoch: int
    newest: int


class InboxEvents:
    """The streams of all nodes that listen, `listening` at once. For the event loop's thread."""

    def __init__(
        self,
        waiters: Waiters,
        database: Database,
        refusals: RefusalRecorder,
        clock: Clock,
        log: AuditLog,
        epoch: int,
        *,
        heartbeat_seconds: float = HEARTBEAT_SECONDS,
    ) -> None:
        self._waiters = waiters
        self._database = database
        self._refusals = refusals
        self._clock = clock
        self._log = log
        self._epoch = epoch
        self._heartbeat_seconds = heartbeat_seconds
        self.listening = 0

    async def demand_collector(self, caller: Caller) -> None:
        """Demand that the caller may collect its agency's inbox. Listening binds nobody.

        Raises:
            RefusedError: the inbox is bound to another node (`second-node`).
        """
        node = await asyncio.to_thread(self._find_collector, caller.agency)
        if node not in (None, caller.node):
            async with self._refusals.recording(caller.actor):
                sentence = f"the inbox of {caller.agency} is collected by its node {node}"
                raise refuse("second-node", sentence, field="node")

    async def stream(
        self, verify_caller: VerifyCaller, last_seen: EventId | None, leaving: "asyncio.Future[None]"
    ) -> AsyncGenerator[bytes, None]:
        """Yield the bytes of the stream until its client has left or may no longer listen, or the broker stops.

        It ends as well when the database is away: the client comes back, and is told then. `last_seen` is the id of the
        last event that the client has seen: at first only what came since is told, or came back because its lease
        lapsed. An id of another epoch, or one that this log has not come to, says nothing.
        """
        caller = await _verify_again(verify_caller)
        yield OPENING
        if caller is None:
            return
        if last_seen is not None and not self._is_of_this_log(last_seen):
            last_seen = None
        with suppress(StoreError), self._counted(), self._waiters.listen(caller.agency) as bell:
            leaving.add_done_callback(lambda _: bell.set())
            is_news = partial(_is_news_since, last_seen)
            while caller is not None and not leaving.done() and not self._waiters.is_closed:
                bell.clear()
                found = await asyncio.to_thread(self._look, caller.agency)
                yield format_event(found, self._epoch) if found is not None and is_news(found) else HEARTBEAT
                is_news = partial(ne, found)
                await _rest(bell, min(self._heartbeat_seconds, self._measure_left(caller)))
                caller = await _verify_again(verify_caller)

    @contextmanager
    def _counted(self) -> Iterator[None]:
        self.listening += 1
        try:
            yield
        finally:
            self.listening -= 1

    def _is_of_this_log(self, event: EventId) -> bool:
        return event.epoch == self._epoch and event.newest < self._log.view.size

    def _measure_left(self, caller: Caller) -> float:
        return (caller.expires_at - self._clock.now()).total_seconds()

    def _look(self, agency: str) -> Ready | None:
        with self._database.read() as connection:
            return measure_ready(connection, agency, self._clock.now())

    def _find_collector(self, agency: str) -> str | None:
        with self._database.read() as connection:
            return find_collector(connection, agency)


def read_last_seen(text: str | None) -> EventId | None:
    """Return the event that a `Last-Event-ID` field names; nothing where it is absent or empty.

    Raises:
        RefusedError: it is none that an event of ours bore.
    """
    if not text:
        return None
    found = _EVENT_ID.fullmatch(text)
    if found is None:
        raise refuse("malformed", "Last-Event-ID repeats the id of an event, like 1-42.", field="Last-Event-ID")
    return EventId(int(found[1]), int(found[2]))


def format_event(ready: Ready, epoch: int) -> bytes:
    """Return the event that says what waits: one line of canonical JSON, and the id to come back with."""
    event = InboxEvent(newest=ready.newest, urgency=_URGENCIES[ready.haste], count=ready.count)
    return b"id: %d-%d\nevent: %s\ndata: %s\n\n" % (epoch, ready.newest, EVENT_NAME, event.canonical())


def _is_news_since(last_seen: EventId | None, found: Ready) -> bool:
    return last_seen is None or found.newest > last_seen.newest or found.came_back_at is not None


async def _rest(bell: asyncio.Event, seconds: float) -> None:
    """Return when it rings or the time is over; when it rings at once, after a moment all the same."""
    loop = asyncio.get_running_loop()
    earliest = loop.time() + LOOK_SECONDS
    try:
        async with asyncio.timeout(seconds):
            await bell.wait()
    except TimeoutError:
        return
    await asyncio.sleep(earliest - loop.time())


async def _verify_again(verify_caller: VerifyCaller) -> Caller | None:
    try:
        return await verify_caller()
    except (AccessError, StoreError):
        return None
