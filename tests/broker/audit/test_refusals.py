"""A refusal becomes a leaf before it is answered, in printable words, and only so often a minute."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from broker.audit.refusals import LIMIT_REACHED, RefusalRecorder, make_line
from broker.budget import MinuteBudget
from broker.http.refusal import RefusedError, refuse
from broker.storage.engine import Database
from broker.storage.errors import MemberBusyError, StoreBusyError
from broker.storage.group_commit import GroupCommitWriter
from schemas.log.records import Actor, Record, RecordType, Role
from schemas.problems import ProblemReason
from tests.broker.ports import ManualClock, make_log, make_store

ACTOR = Actor(agency="GB-HO", node="node-1", role=Role.NODE)


class Bench:
    """A recorder over a real log."""

    def __init__(self, database: Database) -> None:
        self.clock = ManualClock()
        self.log = make_log(database, self.clock)
        self.database = database
        self.writer = GroupCommitWriter(database, self.log)
        self.writer.start()
        self.recorder = RefusalRecorder(self.writer, self.clock, MinuteBudget(3))

    def fail(self, make_error: Callable[[], Exception], **facts: object) -> None:
        async def run() -> None:
            async with self.recorder.recording(ACTOR, **facts):  # type: ignore[arg-type]
                raise make_error()

        asyncio.run(run())

    def records(self) -> list[Record]:
        from broker.audit.log import read_leaf

        with self.database.read() as connection:
            found = [read_leaf(connection, index) for index in range(self.log.view.size)]
        return [leaf.record for leaf in found if leaf is not None]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    database = make_store(tmp_path)
    bench = Bench(database)
    yield bench
    bench.writer.close()
    database.close()


def test_a_refusal_is_recorded_and_goes_on_to_the_caller(bench: Bench) -> None:
    reasons = (ProblemReason(code="kind-not-covered", sentence="no"),)

    with pytest.raises(Exception, match="nothing was agreed"):
        bench.fail(
            lambda: refuse("not-covered", "nothing was agreed", reasons=reasons), concerns=["VN-IMM"], kind="advisory"
        )

    (record,) = bench.records()
    assert (record.type, record.problem, record.reasons) == (RecordType.REFUSED, "not-covered", ("kind-not-covered",))
    assert (record.agency, record.actor, record.kind) == ("GB-HO", ACTOR, "advisory")
    assert record.concerns == ("GB-HO", "VN-IMM")
    assert record.detail == "nothing was agreed"


def test_a_refusal_for_more_reasons_than_a_record_holds_is_recorded_with_the_first(bench: Bench) -> None:
    reasons = tuple(ProblemReason(code=f"reason-{number}", sentence="no") for number in range(50))

    for _ in range(3):
        with pytest.raises(RefusedError):
            bench.fail(lambda: refuse("not-covered", "nothing was agreed", reasons=reasons))

    first, _, last = [record.reasons or () for record in bench.records()]
    assert first == tuple(f"reason-{number}" for number in range(31))
    assert last == (*first, LIMIT_REACHED)


def test_an_error_can_name_more_of_those_it_concerns(bench: Bench) -> None:
    from broker.directory.errors import NotTheSignerError

    with pytest.raises(NotTheSignerError):
        bench.fail(lambda: NotTheSignerError("BE-OE", "GB-HO"))

    assert bench.records()[0].concerns == ("BE-OE", "GB-HO")


@pytest.mark.parametrize(
    "make_error",
    [
        lambda: RuntimeError("a defect"),
        StoreBusyError,
        lambda: MemberBusyError("GB-HO", 1),
        lambda: refuse("not-found", "nothing"),
        lambda: refuse("busy", "x"),
    ],
    ids=["a defect", "a full queue", "a full part of it", "nothing there", "busy"],
)
def test_what_is_no_decision_about_the_caller_is_not_recorded(
    bench: Bench, make_error: Callable[[], Exception]
) -> None:
    with pytest.raises(Exception):  # noqa: B017, PT011 - whichever it is, it must come through
        bench.fail(make_error)

    assert bench.records() == []


def test_a_good_outcome_leaves_nothing(bench: Bench) -> None:
    async def run() -> int:
        async with bench.recorder.recording(ACTOR):
            return 7

    assert asyncio.run(run()) == 7
    assert bench.records() == []


def test_the_last_leaf_of_a_minute_says_that_more_were_only_counted(bench: Bench) -> None:
    for _ in range(5):
        with pytest.raises(Exception, match="no"):
            bench.fail(lambda: refuse("step-refused", "no"))

    assert [record.reasons for record in bench.records()] == [(), (), (LIMIT_REACHED,)]
    bench.clock.move(60)
    with pytest.raises(Exception, match="no"):
        bench.fail(lambda: refuse("step-refused", "no"))
    assert len(bench.records()) == 4


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("plain words", "plain words"),
        ("two\nlines\x1b[31m", "two lines [31m"),
        ("", "-"),
        ("x" * 400, "x" * 300),
        ("lone \ud800 surrogate", "lone   surrogate"),
        ("line\u2028separator", "line separator"),
    ],
)
def test_whatever_was_said_becomes_one_printable_line(text: str, line: str) -> None:
    made = make_line(text)

    assert made == line
    Record.from_wire(
        {
            "v": 1, "type": "refused", "time": "2026-11-21T00:00:00Z", "concerns": [], "problem": "busy",
            "reasons": [], "detail": made,
        }
    )  # fmt: skip
