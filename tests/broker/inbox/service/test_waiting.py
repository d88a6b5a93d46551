"""Waiting at an inbox: woken by what comes or lapses, let go in time, judged again before anything is handed over."""

import asyncio
import time

import pytest

from broker.access.errors import CertificateUnknownError, TokenRefusedError
from schemas.api import LeaseAnswer, LeaseRequest
from schemas.log.records import RecordType
from schemas.signed import DocumentType, KeyUse
from tests.broker.bench import GB, VN, Bench
from tests.broker.inbox.leases import named
from tests.support.documents import make_next_ca, make_revocation, sign_by, sign_next_key_set


def test_waiting_ends_as_soon_as_something_comes(bench: Bench) -> None:
    data = bench.seal(GB, VN, bench.agree(), "first").envelope.canonical()

    async def wait_and_send() -> tuple[LeaseAnswer, float]:
        request = LeaseRequest(wait_seconds=30, max_items=8)
        waiting = asyncio.create_task(bench.inbox.lease(bench.caller(VN), request))
        await asyncio.sleep(0.2)
        assert not waiting.done()
        started = time.perf_counter()
        await bench.routing.accept(bench.caller(GB), data)
        return await waiting, time.perf_counter() - started

    answer, seconds = bench.run(wait_and_send())
    assert named(answer, "first")
    assert seconds < 5


def test_waiting_for_nothing_ends_in_time_and_holds_no_connection(bench: Bench) -> None:
    bench.agree()

    async def wait_together() -> list[LeaseAnswer]:
        request = LeaseRequest(wait_seconds=3, max_items=8)
        waiting = [asyncio.create_task(bench.inbox.lease(bench.caller(VN), request)) for _ in range(12)]
        pools = (bench.database.reading.pool, bench.database.writing.pool)
        await asyncio.sleep(0.2)
        while any(pool.checkedout() for pool in pools):  # type: ignore[attr-defined]  # noqa: ASYNC110 - no bell rings
            await asyncio.sleep(0.1)
        assert not any(task.done() for task in waiting)
        return await asyncio.gather(*waiting)

    started = time.perf_counter()
    assert all(answer.items == () and answer.lease is None for answer in bench.run(wait_together()))
    assert 2.9 < time.perf_counter() - started < 60


def test_whoever_waits_gets_what_lapses_meanwhile_without_a_bell(bench: Bench) -> None:
    terms = bench.agree()
    bench.send(GB, VN, terms, "first")
    bench.lease(VN)
    bench.clock.move(59)

    async def wait_for_the_lapse() -> tuple[LeaseAnswer, float]:
        started = time.perf_counter()
        request = LeaseRequest(wait_seconds=30, max_items=8)
        waiting = asyncio.create_task(bench.inbox.lease(bench.caller(VN), request))
        await asyncio.sleep(0.2)
        bench.clock.move(1)
        return await waiting, time.perf_counter() - started

    answer, seconds = bench.run(wait_for_the_lapse())
    assert named(answer, "first")
    assert seconds < 15


def test_a_broker_that_stops_lets_waiting_requests_go(bench: Bench) -> None:
    bench.agree()

    async def wait_and_stop() -> LeaseAnswer:
        request = LeaseRequest(wait_seconds=60, max_items=8)
        waiting = asyncio.create_task(bench.inbox.lease(bench.caller(VN), request))
        await asyncio.sleep(0.1)
        bench.inboxes.waiters.close()
        async with asyncio.timeout(10):
            return await waiting

    assert bench.run(wait_and_stop()).items == ()


def test_who_lost_its_key_while_it_waited_is_handed_nothing(bench: Bench) -> None:
    """At whichever broker the key was revoked: the writer reads it before it decides."""
    terms = bench.agree()

    async def wait_and_be_revoked() -> None:
        waiting = asyncio.create_task(bench.inbox.lease(bench.caller(VN), LeaseRequest(wait_seconds=30, max_items=1)))
        await asyncio.sleep(0)  # it has asked, and finds nothing
        vn = bench.members[VN]
        revocation = sign_by(vn, make_revocation(vn, bench.now, KeyUse.REQUEST), DocumentType.REVOCATION)
        await bench.directory_service.submit(bench.caller(VN), revocation, DocumentType.REVOCATION)
        await bench.routing.accept(bench.caller(GB), bench.seal(GB, VN, terms, "first").envelope.canonical())
        with pytest.raises(TokenRefusedError, match="no longer good"):
            await waiting

    bench.run(wait_and_be_revoked())
    assert bench.records(RecordType.MESSAGE_HANDED_OVER) == []


def test_who_lost_its_ca_while_it_waited_over_a_terminators_line_is_handed_nothing(bench: Bench) -> None:
    terms, vn = bench.agree(), bench.members[VN]
    key_set = sign_next_key_set(vn, issued_at=bench.now, tls_ca=make_next_ca(vn))

    async def wait_and_be_replaced() -> None:
        waiting = asyncio.create_task(bench.inbox.lease(bench.caller(VN), LeaseRequest(wait_seconds=30, max_items=1)))
        await asyncio.sleep(0)  # it has asked, and finds nothing
        await bench.directory_service.submit(bench.caller(VN), key_set, DocumentType.KEY_SET)
        await bench.routing.accept(bench.caller(GB), bench.seal(GB, VN, terms, "first").envelope.canonical())
        with pytest.raises(CertificateUnknownError, match="has replaced"):
            await waiting

    bench.run(wait_and_be_replaced())
    assert bench.records(RecordType.MESSAGE_HANDED_OVER) == []
