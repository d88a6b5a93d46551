"""restriction: what may still be done with what is kept, and nothing of that once it is lifted."""

from tests.schemas.alerts.filled import ABSENT, fields_refused

KIND = "restriction"


def test_a_restriction_may_leave_no_use_at_all() -> None:
    assert fields_refused(KIND, {"details.still_allowed": ABSENT}) == []


def test_what_is_lifted_names_no_use_that_is_left() -> None:
    assert fields_refused(KIND, {"details.required_action": "lift"}) == ["details.still_allowed"]
    lifted = {"details.required_action": "lift", "details.still_allowed": ABSENT, "details.ground": "clarified"}
    assert fields_refused(KIND, lifted) == []


def test_a_use_is_one_of_the_list() -> None:
    assert fields_refused(KIND, {"details.still_allowed": ["arrest"]}) == ["details.still_allowed.0"]
