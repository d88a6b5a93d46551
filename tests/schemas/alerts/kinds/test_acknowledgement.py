"""acknowledgement: what was done, and the ground where nothing was."""

from tests.schemas.alerts.filled import fields_refused

KIND = "acknowledgement"


def test_a_refusal_has_its_ground_and_nothing_else_has_one() -> None:
    refusal = {"ground": "other", "words": "A court has seized the copy."}

    assert fields_refused(KIND, {"details.action": "refused"}) == ["details.refusal"]
    assert fields_refused(KIND, {"details.action": "refused", "details.refusal": refusal}) == []
    assert fields_refused(KIND, {"details.refusal": refusal}) == ["details.refusal"]


def test_the_ground_other_needs_words() -> None:
    changes = {"details.action": "refused", "details.refusal": {"ground": "other"}}

    assert fields_refused(KIND, changes) == ["details.refusal.words"]


def test_agencies_told_further_on_are_named_by_their_ids() -> None:
    assert fields_refused(KIND, {"details.told_onward": ["fr-bp"]}) == ["details.told_onward.0"]


def test_who_answered_further_on_was_told() -> None:
    assert fields_refused(KIND, {"details.onward.0.agency": "BE"}) == ["details.onward"]


def test_what_was_done_further_on_has_its_time_and_no_time_stands_alone() -> None:
    assert fields_refused(KIND, {"details.onward": [{"agency": "FR-BP", "effect": "erased"}]}) == [
        "details.onward.0.at"
    ]
    assert fields_refused(KIND, {"details.onward": [{"agency": "FR-BP", "at": "2026-11-22T09:12:00Z"}]}) == [
        "details.onward.0.at"
    ]
    assert fields_refused(KIND, {"details.onward": [{"agency": "FR-BP"}]}) == []
