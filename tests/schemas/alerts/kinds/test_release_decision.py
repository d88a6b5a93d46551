"""release-decision: what is granted ends at some time, what is refused has its ground."""

from tests.schemas.alerts.filled import ABSENT, fields_refused

KIND = "release-decision"
REFUSED = {
    "details.outcome": "refused",
    "details.valid_until": ABSENT,
    "details.conditions": ABSENT,
    "details.refusal": {"ground": "ongoing-investigation"},
}


def test_what_is_granted_ends_at_some_time() -> None:
    assert fields_refused(KIND, {"details.valid_until": ABSENT}) == ["details.valid_until"]
    assert fields_refused(KIND, {"details.conditions": ABSENT}) == []


def test_a_refusal_has_its_ground_and_grants_nothing() -> None:
    assert fields_refused(KIND, REFUSED) == []
    groundless = {name: value for name, value in REFUSED.items() if name != "details.refusal"}
    assert fields_refused(KIND, groundless) == ["details.refusal"]
    assert fields_refused(KIND, REFUSED | {"details.valid_until": "2027-02-21T18:40:00Z"}) == ["details.valid_until"]
    assert fields_refused(KIND, REFUSED | {"details.conditions": "None."}) == ["details.conditions"]


def test_a_grant_is_no_refusal() -> None:
    assert fields_refused(KIND, {"details.refusal": {"ground": "not-competent"}}) == ["details.refusal"]


def test_what_is_true_of_a_request_is_true_of_its_decision() -> None:
    assert fields_refused(KIND, {"details.recipients": ABSENT}) == ["details.recipients"]
    assert fields_refused(KIND, {"details.recipients": ["BE-FP"]}) == ["details.recipients"]
