"""The always-on process of a node: rounds without end, a long poll for what comes, the outbox watched beside it.

Two threads, each with a node of its own over the same store: one waits for the inbox, the other brings out what is
queued, by whatever process, within a second. While the broker is away both try again, later and later. A signal ends
everything at once; wherever that is, the store stands as after a crash: whole.
"""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from types import FrameType

from agency_client.clock import Clock
from agency_client.local_store.dispatch import DispatchKind, list_due_dispatches
from agency_client.local_store.engine import Store
from agency_client.local_store.outbox import list_due
from agency_client.local_store.received_work import list_owed_receipts
from agency_client.local_store.statuses import list_due_statuses
from agency_client.local_store.trust import load_origin
from agency_client.node import Node
from agency_client.profiles.profile import hold_lock
from agency_client.profiles.session import OpenProfile, derive_store_key
from agency_client.syncing.rounds import (
    ANNOUNCING,
    CHECKPOINT,
    INBOX,
    LOCK,
    OUTBOX,
    RECEIPTS,
    RETENTION,
    WITNESSES,
    RoundReport,
    Stage,
    StageReport,
    choose_stages,
    run_round,
    sync_inbox,
    sync_outbox,
    wake_outbox,
)
from agency_client.terminal.exit_codes import ExitCode
from keys.generation import generate_bytes
from schemas.api import MAX_WAIT_SECONDS

WAIT_SECONDS = 20
WATCH_SECONDS = 0.5
WITNESS_SECONDS = 5
"""Under load a round takes less than a second, and the log grows in each: it need not be cosigned every time."""
RETENTION_SECONDS = 600
"""What has ended goes within a day; looking for it often costs a few queries."""
RENEW_AFTER = timedelta(days=1)
FIRST_PAUSE_SECONDS, LAST_PAUSE_SECONDS = 1.0, 60.0
UPLOAD_BYTES_A_ROUND = 64 << 20
"""What is urgent never waits for long behind a large file: the rest of it goes with the next rounds."""
_OUTBOX_BY_TURNS = Stage(OUTBOX.name, partial(sync_outbox, upload_bytes=UPLOAD_BYTES_A_ROUND))
_OUTGOING = (CHECKPOINT, _OUTBOX_BY_TURNS, ANNOUNCING, RECEIPTS)
_PROGRESS = ("delivered", "refused", "sealed_again", "signed", "handed_in", "uploaded_bytes")

OnReport = Callable[[RoundReport], None]


class StopRequestedError(BaseException):
    """A signal asks the process to end; raised where it waits."""


class StopSwitch:
    """Turned once, by a signal or another thread; whoever waits on it wakes."""

    def __init__(self) -> None:
        self._turned = threading.Event()
        self._is_waiting = False

    @property
    def is_turned(self) -> bool:
        """Return whether the process is to end."""
        return self._turned.is_set()

    def turn(self) -> None:
        """Ask the process to end."""
        self._turned.set()

    def wait(self, seconds: float) -> bool:
        """Wait so long, or until the switch is turned; return whether it was."""
        return self._turned.wait(seconds)

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Let TERM and INT turn the switch, and break off what the main thread does inside `interruptible`."""
        before = {name: signal.signal(name, self._take_signal) for name in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        except StopRequestedError:
            return
        finally:
            for name, handler in before.items():
                signal.signal(name, handler)

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """Mark what a signal may break off anywhere, since nothing of it is lost: it waits for the broker's answer."""
        self._is_waiting = True
        try:
            if self.is_turned:
                raise StopRequestedError
            yield
        finally:
            self._is_waiting = False

    def _take_signal(self, number: int, frame: FrameType | None) -> None:
        self.turn()
        if self._is_waiting:
            raise StopRequestedError


class Backoff:
    """Pauses that double from a second to a minute while things fail, each cut at random so that nodes do not march."""

    def __init__(self) -> None:
        self._failures = 0

    def next_pause(self, *, failed: bool) -> float:
        """Return how many seconds to pause after a round; none after one that went well."""
        self._failures = self._failures + 1 if failed else 0
        if not failed:
            return 0.0
        longest = min(FIRST_PAUSE_SECONDS * 2.0 ** (self._failures - 1), LAST_PAUSE_SECONDS)
        return longest * (0.5 + generate_bytes(1)[0] / 512)


def follow(
    opened: OpenProfile, clock: Clock, on_report: OnReport, stop: StopSwitch, *, wait_seconds: int = WAIT_SECONDS
) -> None:
    """Run rounds until the switch is turned, one process a profile. `on_report` is called by both threads, in turn.

    Raises:
        ConflictError: another process of this profile follows already.
    """
    turn = threading.Lock()

    def tell(report: RoundReport) -> None:
        with turn:
            on_report(report)

    with hold_lock(opened.profile, LOCK), _watching_outbox(opened, clock, tell, stop):
        try:
            while not stop.is_turned:
                with Node(opened, clock) as node:
                    _follow_inbox(node, tell, stop, min(wait_seconds, MAX_WAIT_SECONDS))
        except StopRequestedError:
            return
        finally:
            stop.turn()


def _follow_inbox(node: Node, tell: OnReport, stop: StopSwitch, wait_seconds: int) -> None:
    """Run rounds until the switch is turned, or until the node should be made anew."""

    def wait_for_inbox(node: Node) -> StageReport:
        with stop.interruptible():
            return sync_inbox(node, wait_seconds=wait_seconds)

    backoff, renewal, stages = Backoff(), _Renewal(node), choose_stages(node)
    special = {
        INBOX: Stage(INBOX.name, wait_for_inbox),
        WITNESSES: _pace(WITNESSES, WITNESS_SECONDS),
        RETENTION: _pace(RETENTION, RETENTION_SECONDS),
    }
    incoming = [special.get(stage, stage) for stage in stages if stage not in (*_OUTGOING, OUTBOX)]
    idle_seconds = 0.0 if INBOX in stages else float(wait_seconds)
    was_away = False
    while not stop.is_turned:
        report = run_round(node, incoming)
        tell(report)
        if was_away and not report.has_failed:
            wake_outbox(node)
        was_away = report.has_failed
        stop.wait(max(backoff.next_pause(failed=report.has_failed), idle_seconds))
        if renewal.is_due(report):
            return


def _pace(stage: Stage, seconds: int) -> Stage:
    """Return a stage that runs in its first round, and in later ones at most so often."""
    pause = timedelta(seconds=seconds)
    last: datetime | None = None

    def run(node: Node) -> StageReport:
        nonlocal last
        now = node.clock.now()
        if last is not None and last <= now < last + pause:
            return StageReport(stage.name)
        last = now
        return stage.run(node)

    return replace(stage, run=run)


class _Renewal:
    """Says when a node is made anew: another process replaced its keys or accepted a new log, or a day has passed."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._since = node.clock.now()
        self._digest = node.own_key_set().digest

    def is_due(self, report: RoundReport) -> bool:
        """Return whether other keys or another log count, the broker knows these keys no more, or a day has passed."""
        is_unknown = any(stage.exit_code is ExitCode.NOT_AUTHENTICATED for stage in report.stages)
        is_old = self._node.clock.now() - self._since >= RENEW_AFTER
        with self._node.store.read() as snapshot:
            has_moved = load_origin(snapshot) != self._node.sheet.origin
        return has_moved or is_unknown or is_old or self._node.own_key_set().digest != self._digest


@contextmanager
def _watching_outbox(opened: OpenProfile, clock: Clock, tell: OnReport, stop: StopSwitch) -> Iterator[None]:
    """Bring out what is queued for as long as the block runs, in a thread with a store and a node of its own."""
    own = replace(opened, store=Store(opened.store.path, derive_store_key(opened.secret)))
    mistakes: list[Exception] = []

    def watch() -> None:
        try:
            while not stop.is_turned:
                with Node(own, clock) as node:
                    _watch_outbox(node, tell, stop)
        except Exception as error:  # noqa: BLE001 - it ends the whole process, by the main thread
            mistakes.append(error)
            stop.turn()

    thread = threading.Thread(target=watch, name="outbox")
    thread.start()
    try:
        yield
    finally:
        stop.turn()
        thread.join()
    for mistake in mistakes:
        raise mistake


def _watch_outbox(node: Node, tell: OnReport, stop: StopSwitch) -> None:
    backoff, renewal, report = Backoff(), _Renewal(node), RoundReport(())
    while not stop.is_turned and not renewal.is_due(report):
        pause = 0.0
        if _has_work(node):
            report = run_round(node, _OUTGOING)
            tell(report)
            # A receipt that cannot be sealed yet stays owed: work that moves nothing is tried later and later as well.
            pause = backoff.next_pause(failed=report.has_failed or not _has_moved(report))
        stop.wait(max(pause, WATCH_SECONDS))


def _has_work(node: Node) -> bool:
    now = node.clock.now()
    with node.store.read() as snapshot:
        due = list_due_dispatches(snapshot, now=now, limit=1000)
        has_receipts = any(item.kind is DispatchKind.RECEIPT for item in due) or bool(list_owed_receipts(snapshot))
        has_words = any(item.kind is DispatchKind.STATUS for item in due) or bool(list_due_statuses(snapshot))
        return has_receipts or has_words or bool(list_due(snapshot, now=now, limit=1))


def _has_moved(report: RoundReport) -> bool:
    return any(stage.counts.get(name) for stage in report.stages for name in _PROGRESS)
