"""What follows a message that is under way shares its way: whoever never gets the one would wait for it in vain."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from schemas.agreements.steps import StepAction
from schemas.agreements.terms import Terms
from schemas.log.records import RecordType
from schemas.markings import Tlp
from tests.broker.bench import GB, VN, Bench, ids_of
from tests.strategies.agreements import make_clause
from tests.support.messages import make_id


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    bench.close()


def send_both(bench: Bench, terms: Terms) -> None:
    """Let GB send a message that expires in an hour, and a correction of it that does not."""
    bench.send(GB, VN, terms, "first", lifetime=timedelta(hours=1))
    bench.send(GB, VN, terms, "correction", kind="correction", refers_to=bench.reference("first"))


def expect_returned(bench: Bench) -> None:
    """Expect that the correction went back, and why."""
    assert bench.state(GB, "correction") == "returned"
    (record,) = [item for item in bench.records(RecordType.MESSAGE_RETURNED) if item.reasons == ("reference-ended",)]
    assert record.message == bench.reference("correction")


def test_what_follows_a_message_that_expired_goes_back(bench: Bench) -> None:
    send_both(bench, bench.agree())
    bench.clock.move(3600)
    bench.sweep()
    assert make_id("correction") not in ids_of(bench.lease(VN))
    expect_returned(bench)


def test_what_was_held_with_a_message_that_expired_meanwhile_goes_back_when_it_is_released(bench: Bench) -> None:
    terms = bench.agree()
    send_both(bench, terms)
    bench.step(VN, terms, StepAction.SUSPEND)
    bench.sweep()
    bench.clock.move(3600)
    bench.sweep()
    assert (bench.state(GB, "first"), bench.state(GB, "correction")) == ("expired", "held")
    bench.step(VN, terms, StepAction.RESUME)
    bench.sweep()
    expect_returned(bench)


def test_what_follows_a_message_that_was_taken_back_goes_back_and_the_withdrawal_arrives(bench: Bench) -> None:
    terms = bench.agree()
    send_both(bench, terms)
    bench.send(GB, VN, terms, "withdrawal", kind="withdrawal", refers_to=bench.reference("first"))
    assert ids_of(bench.lease(VN)) == [make_id("withdrawal")]
    expect_returned(bench)


def test_what_follows_a_message_that_a_narrower_version_sends_back_goes_back_with_it(bench: Bench) -> None:
    terms = bench.agree()
    bench.send(GB, VN, terms, "first", marking=Tlp.AMBER)
    bench.send(GB, VN, terms, "correction", kind="correction", refers_to=bench.reference("first"), marking=Tlp.GREEN)
    narrower = (make_clause(GB, VN, highest_marking=Tlp.GREEN), make_clause(VN, GB))
    bench.agree(version=2, supersedes=terms.digest(), clauses=narrower)
    assert ids_of(bench.lease(VN)) == []
    assert bench.state(GB, "first") == "returned"
    expect_returned(bench)


def test_what_follows_a_message_that_came_once_arrives_though_nobody_acknowledged_that(bench: Bench) -> None:
    send_both(bench, bench.agree())
    assert ids_of(bench.lease(VN, max_items=1)) == [make_id("first")]
    bench.clock.move(3600)
    bench.sweep()
    assert bench.state(GB, "first") == "expired"
    assert ids_of(bench.lease(VN)) == [make_id("correction")]
