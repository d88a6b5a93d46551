"""Every part of an alert is visited once, under the path by which a refusal would name it."""

from schemas.alerts import parse_alert
from schemas.alerts.walking import list_values, walk_parts
from tests.schemas.alerts.filled import load


def test_parts_are_found_at_any_depth_under_their_paths() -> None:
    paths = [path for path, _ in walk_parts(parse_alert(load("facilitator")))]
    assert paths[0] == ""
    assert {"persons.0.names.1", "details.phones.0.number", "grading"} <= set(paths)
    assert len(set(paths)) == len(paths)


def test_what_is_absent_has_no_value_and_a_list_gives_its_items() -> None:
    values = dict(list_values(parse_alert(load("ping"))))
    assert "persons.0" not in values
    assert "transfer" not in values
    assert values["kind"] == "ping"
    assert "handling" in values
