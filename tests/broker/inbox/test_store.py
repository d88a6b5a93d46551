"""What is asked of an inbox at each lease: as much as is open, never all that its recipient ever had."""

import re
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest

from tests.broker.bench import GB, VN, Bench

pytestmark = pytest.mark.sqlite_only  # PostgreSQL's planner goes by what it has counted

# A search by the recipient alone reads every row that it has in the table: of items, messages, contents, ….
_READS_ALL = re.compile(r"SCAN|SEARCH \w+ USING .*\(recipient=\?\)$")
_KEPT_FEW = re.compile(r"SCAN (log_head|CONSTANT)")


def trace(bench: Bench, what: Callable[[], object]) -> list[str]:
    """Return every statement that the writer's connection executed meanwhile, with its values in it."""
    said: list[str] = []
    with closing(bench.database.writing.raw_connection()) as connection:
        driver: Any = connection.driver_connection
        driver.set_trace_callback(said.append)
    what()
    with closing(bench.database.writing.raw_connection()) as connection:
        driver = connection.driver_connection
        driver.set_trace_callback(None)
    return [statement for statement in said if statement.lstrip().upper().startswith(("SELECT", "UPDATE", "DELETE"))]


def explain(bench: Bench, statements: list[str]) -> Iterator[tuple[str, str]]:
    """Yield each step of SQLite's plan for each statement."""
    with closing(bench.database.writing.raw_connection()) as connection:
        driver: Any = connection.driver_connection
        for statement in statements:
            for step in driver.execute("EXPLAIN QUERY PLAN " + statement):
                yield step[3], statement


def test_nothing_on_the_way_of_a_message_reads_all_that_its_recipient_ever_had(bench: Bench) -> None:
    terms = bench.agree()
    bench.send(GB, VN, terms, "first")
    bench.acknowledge(VN, bench.lease(VN))

    def live() -> None:
        bench.send(GB, VN, terms, "second")
        bench.acknowledge(VN, bench.lease(VN))
        bench.lease(VN)

    statements = trace(bench, live)
    assert len(statements) > 20
    steps = list(explain(bench, statements))
    reading = [(step, words) for step, words in steps if _READS_ALL.search(step) and not _KEPT_FEW.match(step)]
    assert reading == []
