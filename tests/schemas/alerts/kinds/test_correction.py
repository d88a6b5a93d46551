"""correction: which fields, what they said, what they say now."""

import pytest

from tests.schemas.alerts.filled import ABSENT, fields_refused

KIND = "correction"


def test_a_correction_changes_something_and_says_by_when_to_acknowledge() -> None:
    assert fields_refused(KIND, {"details.changes": ABSENT}) == ["details.changes"]
    assert fields_refused(KIND, {"details.acknowledge_by": ABSENT}) == ["details.acknowledge_by"]


def test_a_change_may_take_a_field_away() -> None:
    assert fields_refused(KIND, {"details.changes": [{"field": "details.supplier"}]}) == []


@pytest.mark.parametrize("path", ["details.document.number", "persons.0.names.0.text", "subject"])
def test_a_field_is_named_by_its_path(path: str) -> None:
    assert fields_refused(KIND, {"details.changes.0.field": path}) == []


@pytest.mark.parametrize("path", ["", "Details", "details..number", "details[0]", ".details", "x" * 201, "a\nb"])
def test_anything_but_a_path_is_refused(path: str) -> None:
    assert fields_refused(KIND, {"details.changes.0.field": path}) == ["details.changes.0.field"]
