"""withdrawal: a reason, what to do, by when."""

import pytest

from tests.schemas.alerts.filled import ABSENT, fields_refused


@pytest.mark.parametrize("field", ["reason", "required_action", "acknowledge_by"])
def test_reason_action_and_deadline_are_needed(field: str) -> None:
    assert fields_refused("withdrawal", {f"details.{field}": ABSENT}) == [f"details.{field}"]
