"""breach-notice: what article 30(3) wants told, in an order of time that can be."""

import pytest

from tests.schemas.alerts.filled import ABSENT, fields_refused

KIND = "breach-notice"


@pytest.mark.parametrize("field", ["nature", "found_at", "consequences", "measures", "contact"])
def test_it_tells_what_happened_and_who_knows_more(field: str) -> None:
    assert fields_refused(KIND, {f"details.{field}": ABSENT}) == [f"details.{field}"]


def test_nothing_is_found_before_it_happened() -> None:
    late = {"details.found_at": "2026-11-20T21:59:59Z"}
    assert fields_refused(KIND, late) == ["details.happened_at"]
    assert fields_refused(KIND, late | {"details.happened_at": "2026-11-20T21:59:59Z"}) == []


def test_how_many_persons_may_be_unknown_and_never_negative() -> None:
    assert fields_refused(KIND, {"details.persons_affected": ABSENT}) == []
    assert fields_refused(KIND, {"details.persons_affected": -1}) == ["details.persons_affected"]
