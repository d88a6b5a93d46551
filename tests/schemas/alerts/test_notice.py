"""What all notices have: an action of their kind, and by when a person has answered."""

import pytest

from schemas.alerts import kind_of, notice_kinds
from schemas.alerts.coded import RequiredAction
from tests.schemas.alerts.filled import ABSENT, fields_refused

ALLOWED = {
    "breach-notice": {"mark", "delete", "stop-using"},
    "correction": {"amend", "delete", "stop-using"},
    "misused-identity": {"mark", "delete", "stop-using"},
    "restriction": {"restrict", "lift"},
    "withdrawal": {"amend", "delete", "stop-using"},
}


def test_five_kinds_act_by_themselves_and_pass_in_every_state() -> None:
    assert set(notice_kinds()) == set(ALLOWED)
    for name in notice_kinds():
        assert kind_of(name).is_aftercare
        assert kind_of(name).needs_refers_to


def test_only_a_breach_is_for_either_side_to_tell() -> None:
    assert [name for name in notice_kinds() if not kind_of(name).is_senders_alone] == ["breach-notice"]


@pytest.mark.parametrize("kind", sorted(ALLOWED))
@pytest.mark.parametrize("action", [action.value for action in RequiredAction])
def test_a_kind_requires_what_belongs_to_it_and_nothing_else(kind: str, action: str) -> None:
    changes: dict[str, object] = {"details.required_action": action}
    if kind == "restriction" and action == "lift":
        changes["details.still_allowed"] = ABSENT
    refused = fields_refused(kind, changes)
    assert refused == ([] if action in ALLOWED[kind] else ["details.required_action"])


@pytest.mark.parametrize("kind", sorted(ALLOWED))
def test_every_notice_says_what_to_do_and_by_when(kind: str) -> None:
    for field in ("details.required_action", "details.acknowledge_by"):
        assert fields_refused(kind, {field: ABSENT}) == [field]
