"""The bench of decisions writes agreements that a broker loads, and its messages are accepted among them."""

from itertools import combinations
from pathlib import Path

from bench.decisions import Course, fill_agreements, measure_accepts, open_course, prepare_course
from bench.stage import RECIPIENT, SENDER
from broker.exchange import ExchangeFolder


def test_pairs_are_known_to_the_broker_that_starts_on_them(tmp_path: Path) -> None:
    course, agencies = Course(ExchangeFolder(tmp_path / "exchange")), (SENDER, RECIPIENT, "XA-N000", "XA-N001")
    pairs = combinations(agencies, 2)
    next(pairs)
    known = fill_agreements(course, pairs, prepare_course(course, agencies), 8)
    found = measure_accepts(course, known, 2)

    assert known == 8
    assert found["accept_cpu_us_8_pairs"] > 0
    with open_course(course) as broker:
        assert len(broker.book.current.terms_by_digest) == 4
        assert len(broker.directory.current.timelines) == 4
