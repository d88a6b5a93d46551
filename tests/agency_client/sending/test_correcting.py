"""A change is sent only if it names a field of the original and what really stands there."""

import pytest

from agency_client.sending.composing import make_template
from agency_client.sending.correcting import ChangeRefusedError, verify_changes
from schemas.alerts import parse_alert
from tests.support.messages import make_id

ORIGINAL = parse_alert({"thread": make_id("thread"), **make_template("document-fraud")})


@pytest.mark.parametrize(
    "change",
    [
        {"field": "subject", "was": ORIGINAL.subject, "now": "Another"},
        {"field": "subject", "was": ORIGINAL.subject},
        {"field": "details.document.expires_on", "was": "2012-04-15", "now": "2013-04-15"},
        {"field": "details.custody.is_seized", "was": "true", "now": "false"},
        {"field": "handling.codes.0", "was": ORIGINAL.handling.codes[0].value, "now": "h1"},
        {"field": "partner_reference", "now": "GB-1"},
    ],
)
def test_a_change_of_what_stands_there_fits(change: dict[str, str]) -> None:
    verify_changes(ORIGINAL, {"changes": [change]})


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"field": "details.nonsense", "was": "1", "now": "2"}, "details.nonsense: the message has no such field"),
        ({"field": "details.nonsense", "now": "2"}, "details.nonsense: the message has no such field"),
        ({"field": "subject.deeper", "was": "1"}, "subject.deeper: the message has no such field"),
        ({"field": "handling.codes.99", "was": "h0"}, "handling.codes.99: the message has no such field"),
        ({"field": "partner_reference", "was": "X", "now": "Y"}, "partner_reference: the message has no such field"),
        ({"field": "subject", "was": "not this", "now": "that"}, "subject: the message says something else"),
        ({"field": "subject", "now": "that"}, "subject: what it says now is missing"),
        ({"field": "details.document", "was": "x", "now": "y"}, "details.document: it holds further fields"),
    ],
)
def test_any_other_change_is_refused_by_its_field(change: dict[str, str], sentence: str) -> None:
    with pytest.raises(ChangeRefusedError, match=sentence) as refused:
        verify_changes(ORIGINAL, {"changes": [change]})
    assert refused.value.exit_code == 2


@pytest.mark.parametrize("details", [{}, {"changes": "all"}, {"changes": ["subject", {"field": 7}]}])
def test_what_is_no_change_at_all_is_left_to_the_alerts_own_check(details: dict[str, object]) -> None:
    verify_changes(ORIGINAL, details)
