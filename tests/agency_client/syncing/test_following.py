"""The always-on process: real threads over a real exchange, pauses that grow, a switch that ends everything."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from agency_client.clock import Clock
from agency_client.errors import ConflictError
from agency_client.local_store.outbox import OutboxState, load_item
from agency_client.node import Node
from agency_client.profiles.profile import hold_lock
from agency_client.profiles.session import OpenProfile, open_profile
from agency_client.sending.flow import send_alert
from agency_client.syncing.following import (
    LAST_PAUSE_SECONDS,
    Backoff,
    StopRequestedError,
    StopSwitch,
    _pace,
    follow,
)
from agency_client.syncing.rounds import RoundReport, Stage, StageReport
from tests.support.drafts import make_draft
from tests.support.exchange import running_exchange
from tests.support.lying_world import LyingWorld
from tests.support.nodes import agree, joined_nodes

PATIENCE_SECONDS = 30.0


def test_pauses_double_up_to_a_minute_and_a_success_forgets_them() -> None:
    backoff = Backoff()
    pauses = [backoff.next_pause(failed=True) for _ in range(12)]
    assert all(
        0.5 * limit <= pause < limit
        for pause, limit in zip(pauses, [1, 2, 4, 8, 16, 32] + [LAST_PAUSE_SECONDS] * 6, strict=True)
    )
    assert backoff.next_pause(failed=False) == 0.0
    assert backoff.next_pause(failed=True) < 1.0


def test_under_load_the_log_is_not_cosigned_in_every_round(world: LyingWorld) -> None:
    runs: list[Node] = []

    def cosign(node: Node) -> StageReport:
        runs.append(node)
        return StageReport("witnesses", {"cosigned": 1})

    stage = _pace(Stage("witnesses", cosign), 5)
    for seconds, count in ((60, 1), (61, 1), (66, 2), (0, 3)):
        world.clock.ahead = timedelta(seconds=seconds)
        stage.run(world["GB"])
        assert len(runs) == count, "every five seconds, and a clock that was set back makes nobody wait"
    assert stage.run(world["GB"]).is_quiet


def test_a_signal_turns_the_switch_and_breaks_off_what_may_be() -> None:
    stop, before = StopSwitch(), signal.getsignal(signal.SIGTERM)
    reached = False
    with stop.listening(), stop.interruptible():
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(PATIENCE_SECONDS)
        reached = True
    assert stop.is_turned
    assert not reached
    assert signal.getsignal(signal.SIGTERM) is before


def test_elsewhere_a_signal_only_turns_the_switch() -> None:
    stop = StopSwitch()
    with stop.listening():
        os.kill(os.getpid(), signal.SIGINT)
        assert stop.wait(PATIENCE_SECONDS)
        with pytest.raises(StopRequestedError), stop.interruptible():
            pytest.fail("it is too late to begin")


def wait_until(holds: Callable[[], bool]) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.05)


def reopen(node: Node, folder: Path) -> OpenProfile:
    """Return a node's profile opened once more, as another process would."""
    return open_profile(node.profile, environment={}, passphrase_file=folder / "passphrase")


@contextmanager
def following(folder: Path, *nodes: Node) -> Iterator[list[RoundReport]]:
    """Let these nodes follow in threads of their own, and end them in order; give the reports of all."""
    stop = StopSwitch()
    reports: list[RoundReport] = []

    def run(opened: OpenProfile, clock: Clock) -> None:
        with opened:
            follow(opened, clock, reports.append, stop, wait_seconds=5)

    threads = [threading.Thread(target=run, args=(reopen(node, folder), node.clock), daemon=True) for node in nodes]
    for thread in threads:
        thread.start()
    try:
        yield reports
    finally:
        stop.turn()
        for thread in threads:
            thread.join(PATIENCE_SECONDS)
            assert not thread.is_alive()


@pytest.mark.long
def test_two_following_nodes_bring_a_message_over_and_settle_it_by_themselves(tmp_path: Path) -> None:
    with running_exchange(tmp_path) as exchange, joined_nodes(exchange, tmp_path, "GB", "VN") as nodes:
        gb, vn = nodes["GB"], nodes["VN"]
        agree(gb, vn)
        with following(tmp_path, gb, vn) as reports:
            wait_until(lambda: len(reports) >= 2)
            message_id = send_alert(gb, make_draft("VN"), deliver=False).legs[0].message_id
            wait_until(lambda: is_settled(gb, message_id))
            with pytest.raises(ConflictError, match="already running"), hold_lock(gb.profile, "sync"):
                pytest.fail("another one syncs")
        assert not [stage for report in reports for stage in report.stages if stage.failure]
        with hold_lock(gb.profile, "sync"):
            pass


def is_settled(node: Node, message_id: str) -> bool:
    """Return whether the recipient has signed that it has the message."""
    with node.store.read() as snapshot:
        return load_item(snapshot, message_id).state is OutboxState.SETTLED


def test_a_mistake_in_the_watching_thread_ends_the_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(node: Node) -> bool:
        raise ZeroDivisionError

    def ignore(report: RoundReport) -> None:
        pass

    monkeypatch.setattr("agency_client.syncing.following._has_work", fail)
    with (
        running_exchange(tmp_path) as exchange,
        joined_nodes(exchange, tmp_path, "GB") as nodes,
        reopen(nodes["GB"], tmp_path) as opened,
        pytest.raises(ZeroDivisionError),
    ):
        follow(opened, nodes["GB"].clock, ignore, StopSwitch(), wait_seconds=1)
