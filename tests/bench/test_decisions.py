"""The bench of decisions writes agreements that a broker loads, and its messages are accepted among them."""

from itertools import combinations
from pathlib import Path

from bench.decisions import Course, fill_agreements, measure_by_turns, prepare_course, started
from bench.stage import RECIPIENT, SENDER
from broker.exchange import ExchangeFolder


def test_pairs_are_known_to_the_broker_that_starts_on_them(tmp_path: Path) -> None:
    course, agencies = Course(ExchangeFolder(tmp_path / "exchange")), (SENDER, RECIPIENT, "XA-N000", "XA-N001")
    pairs = combinations(agencies, 2)
    next(pairs)
    known = fill_agreements(course, pairs, prepare_course(course, agencies), 8)

    assert known == 8
    with started(course) as start:
        assert start.cpu_seconds > 0
        assert len(start.broker.book.current.terms_by_digest) == 4
        assert len(start.broker.directory.current.timelines) == 4
        accepts = measure_by_turns({known: course}, {known: start.broker}, 2)
    assert min(accepts[known]) > 0
