"""What an auditor sees, and the line that remains of what it asked."""

import pytest

from broker.audit.rules import MAX_DETAIL_CHARACTERS, describe_query, find_scope, list_types
from schemas.api import AuditQuery
from schemas.log.records import RECORD_ACTIONS, Action, RecordType, Role
from tests.support.messages import make_id


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.NODE, Role.OPERATOR])
def test_only_oversight_sees_beyond_its_own_concerns(role: Role) -> None:
    assert find_scope("GB-HO", role) == "GB-HO"
    assert find_scope("OVERSEER", Role.OVERSIGHT) is None


@pytest.mark.parametrize("action", list(Action))
def test_an_action_stands_for_its_record_types(action: Action) -> None:
    types = list_types(AuditQuery(reason="test", action=action, limit=1))

    assert types == frozenset(one for one in RecordType if RECORD_ACTIONS[one] is action)


def test_types_and_action_narrow_each_other() -> None:
    query = AuditQuery(reason="test", action=Action.KEYS, types=(RecordType.KEY_SET, RecordType.REFUSED), limit=1)

    assert list_types(query) == frozenset({RecordType.KEY_SET})
    assert list_types(AuditQuery(reason="test", limit=1)) is None
    both = (RecordType.KEY_SET, RecordType.REFUSED)
    assert list_types(AuditQuery(reason="test", types=both, limit=1)) == frozenset(both)


def test_a_question_is_written_down_with_its_reason_and_every_filter() -> None:
    query = AuditQuery.from_wire(
        {"reason": "complaint 17", "case": "HO/1", "partner": "VN-IMM", "types": ["refused", "receipt"], "limit": 9}
    )

    assert describe_query(query) == "complaint 17 [case=HO/1; types=refused,receipt; partner=VN-IMM]"
    assert describe_query(AuditQuery(reason="all of it", limit=9)) == "all of it"


def test_a_long_question_still_fits_into_a_record() -> None:
    everything = {
        "reason": "r" * 300,
        "case": "c" * 300,
        "types": [one.value for one in RecordType],
        "message": make_id("m"),
        "agreement": make_id("a"),
        "limit": 500,
    }

    line = describe_query(AuditQuery.from_wire(everything))

    assert len(line) == MAX_DETAIL_CHARACTERS
    assert line.startswith("r" * 160 + " [case=ccc")
