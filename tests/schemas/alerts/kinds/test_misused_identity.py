"""misused-identity: where the victim is named in the message it refers to."""

import pytest

from tests.schemas.alerts.filled import ABSENT, fields_refused, parse_changed

KIND = "misused-identity"


def test_it_says_where_the_victim_is_named() -> None:
    assert fields_refused(KIND, {"details.subjects": ABSENT}) == ["details.subjects"]


@pytest.mark.parametrize("path", ["persons.0", "details.document.holder", "details.holder"])
def test_a_victim_is_named_by_a_path(path: str) -> None:
    assert fields_refused(KIND, {"details.subjects": [path]}) == []


@pytest.mark.parametrize(
    "path", ["", "p1 ", "persons[0]", "..", "Holder", "persons.00", "persons.007", "persons.123456"]
)
def test_anything_but_a_path_is_refused(path: str) -> None:
    assert fields_refused(KIND, {"details.subjects": [path]}) == ["details.subjects.0"]


def test_the_notice_itself_names_nobody_to_search_for() -> None:
    assert parse_changed(KIND, {}).identifiers() == ()
