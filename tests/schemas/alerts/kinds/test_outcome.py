"""outcome: a result, how useful the alert was, and bounds on both."""

import pytest

from schemas.alerts.kinds.outcome import COERCIVE_ACTIONS
from tests.schemas.alerts.filled import ABSENT, fields_refused

KIND = "outcome"


@pytest.mark.parametrize("usefulness", [1, 5])
def test_usefulness_goes_from_one_to_five(usefulness: int) -> None:
    assert fields_refused(KIND, {"details.usefulness": usefulness}) == []


@pytest.mark.parametrize("usefulness", [0, 6, "5", True])
def test_no_other_usefulness_is_accepted(usefulness: object) -> None:
    assert fields_refused(KIND, {"details.usefulness": usefulness}) == ["details.usefulness"]


@pytest.mark.parametrize("score", [-1, 101])
def test_a_score_is_a_percentage(score: int) -> None:
    assert fields_refused(KIND, {"details.matches.0.score_percent": score}) == ["details.matches.0.score_percent"]


def test_a_result_is_needed_and_matches_are_not() -> None:
    assert fields_refused(KIND, {"details.result": ABSENT}) == ["details.result"]
    assert fields_refused(KIND, {"details.matches": ABSENT, "details.actions": ABSENT}) == []


DECISION = {"officer": "officer-17", "decided_at": "2026-11-21T18:40:00Z", "words": "Photograph compared."}
AUTOMATIC = {"details.is_automatic": True, "details.actions": ABSENT, "details.result": "unresolved"}


@pytest.mark.parametrize("result", ["unresolved", "false", "no-match"])
def test_a_machine_may_say_what_harms_nobody(result: str) -> None:
    assert fields_refused(KIND, AUTOMATIC | {"details.result": result}) == []
    assert fields_refused(KIND, AUTOMATIC | {"details.result": result, "details.actions": ["record-updated"]}) == []


def test_what_a_machine_matched_is_confirmed_by_a_person_only() -> None:
    confirmed = AUTOMATIC | {"details.result": "confirmed"}
    assert fields_refused(KIND, confirmed) == ["details.decision"]
    assert fields_refused(KIND, confirmed | {"details.decision": DECISION}) == []
    assert fields_refused(KIND, confirmed | {"details.is_automatic": False}) == []


@pytest.mark.parametrize("action", sorted(action.value for action in COERCIVE_ACTIONS))
def test_no_machine_takes_a_coercive_action(action: str) -> None:
    assert fields_refused(KIND, AUTOMATIC | {"details.actions": [action]}) == ["details.decision"]
    assert fields_refused(KIND, AUTOMATIC | {"details.actions": [action], "details.decision": DECISION}) == []


@pytest.mark.parametrize("member", ["officer", "decided_at", "words"])
def test_a_decision_names_who_when_and_on_what_grounds(member: str) -> None:
    partial = {name: value for name, value in DECISION.items() if name != member}
    assert fields_refused(KIND, AUTOMATIC | {"details.decision": partial}) == [f"details.decision.{member}"]


def test_why_a_match_was_false_is_said_of_false_matches_only() -> None:
    said = {"details.false_because": "namesake"}
    assert fields_refused(KIND, said) == ["details.false_because"]
    assert fields_refused(KIND, said | {"details.result": "false", "details.actions": ABSENT}) == []
