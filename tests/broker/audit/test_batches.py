"""The answer to a batch: every outcome in its own place, and of what nobody foresaw no more than a reference."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from broker.audit.batches import Accepted, answer_each
from broker.http.refusal import refuse
from broker.storage.errors import CommitFailedError
from schemas.batches import AcceptedMember, BatchAnswer, RefusedMember
from tests.broker.bench import GB, VN, Bench


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    bench.close()


def test_each_outcome_stands_in_its_own_place(bench: Bench) -> None:
    bench.agree(GB, VN)
    leaf = bench.writer.commit_and_wait(lambda transaction: transaction.recall(1))
    assert leaf is not None
    outcomes: list[Accepted | BaseException] = [
        refuse("not-covered", "no"),
        Accepted(leaf, is_new=False),
        CommitFailedError(),
        ZeroDivisionError("a secret of the house"),
    ]
    answer = answer_each(outcomes, bench.log.view, bench.writer.metrics)
    assert BatchAnswer.from_canonical(answer.canonical()) == answer
    refused, accepted, failed, unforeseen = answer.members
    assert isinstance(accepted, AcceptedMember)
    assert (accepted.leaf.index, accepted.new) == (1, False)
    found = [item.problem for item in (refused, failed, unforeseen) if isinstance(item, RefusedMember)]
    assert [problem.status for problem in found] == [422, 503, 500]
    laters = [item.retry_after_seconds for item in answer.members if isinstance(item, RefusedMember)]
    assert laters == [None, CommitFailedError.retry_after_seconds, None]
    assert "a secret" not in answer.canonical().decode()
    assert found[2].reference is not None


def test_refused_members_are_counted_by_their_problem(bench: Bench) -> None:
    answer_each([refuse("not-covered", "no")] * 3, bench.log.view, bench.writer.metrics)
    registry = bench.writer.metrics.registry
    assert registry.get_sample_value("bilateral_refusals_total", {"problem": "not-covered"}) == 3


def test_a_request_that_was_cancelled_is_answered_with_nothing(bench: Bench) -> None:
    with pytest.raises(asyncio.CancelledError):
        answer_each([asyncio.CancelledError()], bench.log.view, bench.writer.metrics)
