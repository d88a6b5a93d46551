"""information-reply: told, refused, to follow or to be clarified, thing by thing; never two of these at once."""

from typing import Any

import pytest

from schemas.alerts import parse_alert
from tests.schemas.alerts.filled import ABSENT, fields_refused, load

KIND = "information-reply"
TOLD = [{"item": "border-crossings", "result": "told"}]
WHOLE = {"details.outcome": "answered", "details.answers": TOLD, "details.more_by": ABSENT}
NOTHING = {
    f"details.{name}": ABSENT for name in ("answers", "documents", "limits_of_use", "more_by", "valid_until", "access")
}
REFUSAL = {"ground": "national-security"}


@pytest.mark.parametrize(
    ("changes", "refused"),
    [
        ({}, []),
        (WHOLE, []),
        ({"details.outcome": "answered"}, ["details.answers"]),
        ({"details.answers": ABSENT}, ["details.answers"]),
        ({"details.more_by": ABSENT}, ["details.more_by"]),
        (WHOLE | {"details.more_by": "2026-11-24T18:40:00Z"}, ["details.more_by"]),
        (WHOLE | {"details.answers": TOLD * 2}, ["details.answers"]),
        (NOTHING | {"details.outcome": "no-record"}, []),
        ({"details.outcome": "no-record"}, ["details.answers"]),
        (
            NOTHING | {"details.outcome": "no-record", "details.valid_until": "2026-11-24T18:40:00Z"},
            ["details.outcome"],
        ),
        (NOTHING | {"details.outcome": "refused"}, ["details.refusal"]),
        (NOTHING | {"details.outcome": "refused", "details.refusal": REFUSAL}, []),
        (WHOLE | {"details.refusal": REFUSAL}, ["details.refusal"]),
        (NOTHING | {"details.outcome": "clarification-needed"}, ["details.clarification"]),
        (NOTHING | {"details.outcome": "clarification-needed", "details.clarification": "Which Anna?"}, []),
        (WHOLE | {"details.clarification": "Which Anna?"}, ["details.clarification"]),
    ],
)
def test_a_reply_is_of_one_kind(changes: dict[str, Any], refused: list[str]) -> None:
    assert fields_refused(KIND, changes) == refused


@pytest.mark.parametrize(
    ("answer", "refused"),
    [
        ({"item": "company", "result": "refused"}, ["details.answers.0.refusal"]),
        ({"item": "company", "result": "told", "refusal": REFUSAL}, ["details.answers.0.refusal"]),
        ({"item": "company", "result": "not-held"}, ["details.answers.0.note"]),
        ({"item": "company", "result": "not-held", "note": "Companies House"}, []),
    ],
)
def test_what_is_not_told_says_why(answer: dict[str, Any], refused: list[str]) -> None:
    changes = {"details.answers": [answer], "details.more_by": ABSENT}
    assert fields_refused(KIND, changes) == refused


def test_it_is_found_by_the_documents_told_of() -> None:
    assert [identifier.value for identifier in parse_alert(load(KIND)).identifiers()] == ["L898902C3"]
