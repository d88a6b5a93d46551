"""Auditors' questions: whatever they ask, nobody else waits for it, and no answer is larger than a client takes."""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from broker.access.caller import Caller
from broker.audit.queries import FoundRecord
from broker.audit.service import MAX_AUDIT_BYTES, QUESTIONS_AT_ONCE, AuditService, fit_records
from broker.storage.engine import Database
from broker.storage.group_commit import GroupCommitWriter
from broker.storage.transaction import Transaction
from schemas.api import AuditQuery
from schemas.log.records import RecordType, Role
from tests.broker.ports import START, ManualClock, make_log, make_store

OVERSEER = Caller("OVERSEER", "node-1", Role.OVERSIGHT, bytes(32), START + timedelta(minutes=5))


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return make_store(tmp_path)


@pytest.fixture
def service(database: Database) -> Iterator[AuditService]:
    log = make_log(database, ManualClock())
    writer = GroupCommitWriter(database, log)
    writer.start()
    for number in range(5):
        writer.commit_and_wait(partial(_append, number))
    yield AuditService(writer, database, log)
    writer.close()


def _append(number: int, transaction: Transaction) -> None:
    transaction.append(RecordType.TOKENS_ISSUED, concerns=["GB-HO"], agency="GB-HO", count=number)


def test_the_event_loop_turns_while_a_question_waits_for_the_database(
    service: AuditService, database: Database
) -> None:
    async def ask_while_every_connection_is_taken() -> tuple[bool, int]:
        with ExitStack() as taken:
            for _ in range(8):
                taken.enter_context(database.read())
            asking = asyncio.create_task(service.query(OVERSEER, AuditQuery(reason="slow", limit=10)))
            await asyncio.sleep(0.1)
            was_waiting = not asking.done()
        return was_waiting, len((await asking).records)

    assert asyncio.run(asyncio.wait_for(ask_while_every_connection_is_taken(), 10)) == (True, 5)


def test_many_questions_at_once_are_all_answered(service: AuditService) -> None:
    async def ask_many() -> list[int]:
        questions = [
            service.query(OVERSEER, AuditQuery(reason=f"question {number}", types=(RecordType.TOKENS_ISSUED,), limit=3))
            for number in range(4 * QUESTIONS_AT_ONCE)
        ]
        return [len(answer.records) for answer in await asyncio.gather(*questions)]

    assert asyncio.run(ask_many()) == [3] * 4 * QUESTIONS_AT_ONCE


def test_an_answer_ends_where_it_would_grow_too_large_and_says_that_more_is_left() -> None:
    half = bytes(MAX_AUDIT_BYTES // 2)
    found = [FoundRecord(index, half, bytes(32)) for index in range(5)]

    assert fit_records(found, 500) == (found[:2], True)
    assert fit_records(found[:2], 500) == (found[:2], False)
    assert fit_records(found[:2], 1) == (found[:1], True)
    assert fit_records([], 10) == ([], False)


def test_a_record_that_is_too_large_by_itself_still_comes() -> None:
    large = FoundRecord(0, bytes(MAX_AUDIT_BYTES + 1), bytes(32))

    assert fit_records([large, large], 500) == ([large], True)
