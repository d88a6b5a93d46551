"""Drafts: what is wrong is said by field, with an example, before anything else happens."""

from dataclasses import replace

import pytest

from agency_client.sending.draft import AlertRefusedError, read_draft_alert
from agency_client.sending.summary import SentSummary, read_summary, write_summary
from schemas.markings import Urgency
from tests.support.drafts import make_draft
from tests.support.messages import make_id

THREAD = make_id("thread")


def test_a_draft_without_a_thread_begins_one() -> None:
    assert read_draft_alert(make_draft("VN"), fresh_thread=THREAD).thread == THREAD


def test_a_draft_in_a_thread_stays_in_it() -> None:
    draft = make_draft("VN")
    within = replace(draft, alert={**draft.alert, "thread": make_id("another")})
    assert read_draft_alert(within, fresh_thread=THREAD).thread == make_id("another")


@pytest.mark.parametrize(
    ("changes", "code"),
    [({"kind": "rumour"}, "unknown-kind"), ({"pap": "purple"}, "alert-invalid"), ({"subject": 7}, "alert-invalid")],
)
def test_a_wrong_alert_is_refused_with_its_code(changes: dict[str, object], code: str) -> None:
    draft = make_draft("VN")
    with pytest.raises(AlertRefusedError) as caught:
        read_draft_alert(replace(draft, alert={**draft.alert, **changes}), fresh_thread=THREAD)
    assert caught.value.code == code


def test_what_is_urgent_says_why() -> None:
    draft = replace(make_draft("VN"), urgency=Urgency.URGENT)
    with pytest.raises(AlertRefusedError) as caught:
        read_draft_alert(draft, fresh_thread=THREAD)
    assert [problem.field for problem in caught.value.problems] == ["urgency_reason"]
    explained = replace(draft, alert={**draft.alert, "urgency_reason": "The flight leaves at ten."})
    assert read_draft_alert(explained, fresh_thread=THREAD).urgency_reason is not None


@pytest.mark.parametrize("summary", [SentSummary(), SentSummary("Ê", "b"), SentSummary("s", "b", unchecked=True)])
def test_a_summary_is_read_as_it_was_written(summary: SentSummary) -> None:
    assert read_summary(write_summary(summary)) == summary


def test_an_erased_summary_says_nothing() -> None:
    assert read_summary(None) == SentSummary()
