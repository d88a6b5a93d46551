"""What happens to messages though nobody collects them."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from copy import copy
from datetime import timedelta
from pathlib import Path

import pytest

from schemas.agreements.steps import StepAction
from schemas.log.records import RecordType
from tests.broker.bench import GB, VN, Bench, outcomes_of
from tests.support.messages import make_id


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    bench.close()


def test_the_overdue_expire_and_their_sender_is_told(bench: Bench) -> None:
    terms = bench.agree()
    bench.send(GB, VN, terms, "soon", lifetime=timedelta(hours=1))
    bench.send(GB, VN, terms, "later", lifetime=timedelta(hours=2))
    bench.clock.move(3600)
    bench.sweep()
    bench.sweep()
    assert (bench.state(GB, "soon"), bench.state(GB, "later")) == ("expired", "waiting")
    assert outcomes_of(bench.lease(GB)) == [("message-expired", make_id("soon"))]


def test_what_is_leased_right_now_is_left_alone_until_the_lease_lapses(bench: Bench) -> None:
    terms = bench.agree()
    bench.send(GB, VN, terms, "first", lifetime=timedelta(seconds=90))
    bench.clock.move(60)
    bench.lease(VN)
    bench.clock.move(40)
    bench.step(GB, terms, StepAction.REVOKE)
    bench.sweep()
    assert bench.state(GB, "first") == "leased"
    bench.clock.move(20)
    bench.sweep()
    assert bench.state(GB, "first") == "expired"


def test_suspension_resumption_and_revocation_are_seen_to_without_a_lease(bench: Bench) -> None:
    terms = bench.agree()
    bench.send(GB, VN, terms, "first")
    seen = []
    for action in (StepAction.SUSPEND, StepAction.RESUME, StepAction.SUSPEND, StepAction.REVOKE):
        bench.step(VN, terms, action)
        bench.sweep()
        bench.sweep()
        seen.append(bench.state(GB, "first"))
    assert seen == ["held", "waiting", "held", "returned"]
    assert bench.fates("first") == [
        "message-accepted", "message-held", "message-released", "message-held", "message-returned"
    ]  # fmt: skip


def test_more_than_a_page_is_seen_to(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("broker.inbox.delivery.PAGE_ITEMS", 3)
    monkeypatch.setattr("broker.inbox.sweep.PAGE_ITEMS", 3)
    terms = bench.agree()
    for name in range(8):
        bench.send(GB, VN, terms, name, lifetime=timedelta(hours=1))
    bench.step(VN, terms, StepAction.SUSPEND)
    bench.sweep()
    assert {bench.state(GB, name) for name in range(8)} == {"held"}
    bench.clock.move(3600)
    bench.sweep()
    assert {bench.state(GB, name) for name in range(8)} == {"expired"}


@pytest.mark.both_engines
def test_two_brokers_that_sweep_at_once_do_each_thing_once(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("broker.inbox.delivery", "broker.inbox.sweep"):
        monkeypatch.setattr(f"{module}.PAGE_ITEMS", 1)
    terms, others = bench.agree(), bench.agree(VN, GB, id=make_id("others"))
    for number in range(3):
        bench.send(GB, VN, terms, ("overdue", number), lifetime=timedelta(hours=1))
        bench.send(GB, VN, others, ("held", number))
    bench.clock.move(3600)
    bench.step(VN, others, StepAction.SUSPEND)
    twin = copy(bench)
    twin.runner = asyncio.Runner()
    twin._compose()
    with ThreadPoolExecutor(2) as threads:
        for sweep in [threads.submit(broker.sweep) for broker in (bench, twin)]:
            sweep.result(60)
    twin.writer.close()
    twin.runner.close()
    for number in range(3):
        assert bench.fates(("overdue", number)) == ["message-accepted", "message-expired"]
        assert bench.fates(("held", number)) == ["message-accepted", "message-held"]
    bench.verify_log()


def test_a_sweep_with_nothing_to_do_writes_nothing(bench: Bench) -> None:
    terms = bench.agree()
    bench.send(GB, VN, terms, "first")
    size = bench.log.view.size
    bench.sweep()
    assert bench.log.view.size == size


def test_it_runs_when_it_is_asked_to(bench: Bench) -> None:
    terms = bench.agree()
    bench.send(GB, VN, terms, "first")
    bench.step(VN, terms, StepAction.SUSPEND)

    async def ask() -> None:
        sweeping = asyncio.create_task(bench.sweeper.run())
        bench.sweeper.ask()
        async with asyncio.timeout(10):
            while bench.log.view.size == size:  # noqa: ASYNC110 - the sweep rings no bell here
                await asyncio.sleep(0.01)
        sweeping.cancel()
        with suppress(asyncio.CancelledError):
            await sweeping

    size = bench.log.view.size
    bench.run(ask())
    assert [record.agency for record in bench.records(RecordType.MESSAGE_HELD)] == [GB]


def test_one_sweep_that_fails_is_not_the_last(bench: Bench) -> None:
    """A table that cannot be read stands for whatever nobody foresaw: deadlines are seen to again afterwards."""
    terms = bench.agree()
    bench.send(GB, VN, terms, "first", lifetime=timedelta(hours=1))
    bench.clock.move(3600)

    async def sweep_through_a_failure() -> None:
        sweeping = asyncio.create_task(bench.sweeper.run())
        rename(bench, "inbox_item", "elsewhere")
        bench.sweeper.ask()
        await asyncio.sleep(0.2)
        assert not sweeping.done()
        rename(bench, "elsewhere", "inbox_item")
        bench.sweeper.ask()
        async with asyncio.timeout(10):
            while not bench.records(RecordType.MESSAGE_EXPIRED):  # noqa: ASYNC110 - the sweep rings no bell here
                await asyncio.sleep(0.01)
        sweeping.cancel()
        with suppress(asyncio.CancelledError):
            await sweeping

    bench.run(sweep_through_a_failure())


def rename(bench: Bench, table: str, to: str) -> None:
    with bench.database.writing.begin() as connection:
        connection.exec_driver_sql(f"ALTER TABLE {table} RENAME TO {to}")
