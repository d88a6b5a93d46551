"""How soon an answer may be asked for and how long a message may be kept: the limits of its clause."""

from datetime import date, timedelta
from typing import Any

import pytest

from schemas.agreements.coverage import (
    ContentFacts,
    Coverage,
    Finding,
    VisibleFacts,
    find_answer_minutes,
    judge_received,
)
from schemas.agreements.terms import AnswerDeadline, Clause
from schemas.markings import Urgency
from tests.schemas.agreements.judging import CONTENT, NOW, VISIBLE, judge
from tests.strategies.agreements import GB, VN, make_clause, make_terms

DEADLINES = (
    AnswerDeadline(urgency=Urgency.ROUTINE, minutes=1440),
    AnswerDeadline(urgency=Urgency.URGENT, minutes=60),
    AnswerDeadline(urgency=Urgency.THREAT_TO_LIFE, minutes=30),
)
TIMED = make_terms(clauses=(make_clause(GB, VN, answer_within=DEADLINES, retention_days=30),))
SOON = "reply_due comes before 2026-11-22 12:00 UTC: 1440 minutes to answer were agreed"
LONG = "retain_until lies after 2026-12-21: 30 days were agreed"
TIMES: dict[str, tuple[dict[str, Any], tuple[str, str] | None]] = {
    "the answer is due when it was agreed": ({"reply_due": NOW + timedelta(days=1)}, None),
    "the answer is due a second before": (
        {"reply_due": NOW + timedelta(days=1, seconds=-1)},
        ("reply-due-too-soon", SOON),
    ),
    "the answer is urgent and due within the hour agreed": (
        {"reply_due": NOW + timedelta(hours=1), "urgency": Urgency.URGENT},
        None,
    ),
    "a life is at stake": ({"reply_due": NOW + timedelta(minutes=1), "urgency": Urgency.THREAT_TO_LIFE}, None),
    "it is kept to the last day agreed": ({"retain_until": date(2026, 12, 21)}, None),
    "it is kept a day longer": ({"retain_until": date(2026, 12, 22)}, ("retention-too-long", LONG)),
    "another agency's alert asks for both": (
        {"reply_due": NOW, "retain_until": date(2999, 1, 1), "is_passed_on": True},
        None,
    ),
}


@pytest.mark.parametrize(("changes", "against"), TIMES.values(), ids=TIMES)
def test_a_message_asks_for_no_more_time_and_no_less_than_agreed(
    changes: dict[str, Any], against: tuple[str, str] | None
) -> None:
    limits = () if against is None else (Finding(*against, is_limit=True),)
    found = judge(TIMED, **changes)
    received = judge_received(TIMED, VisibleFacts(**VISIBLE), ContentFacts(**CONTENT | changes))

    assert found == (Coverage(None, limits) if limits else Coverage(TIMED.clauses[0], ()))
    assert received == Coverage(TIMED.clauses[0], limits)


def test_where_nothing_was_agreed_an_answer_may_be_asked_for_at_any_time() -> None:
    assert judge(make_terms(clauses=(make_clause(GB, VN, answer_within=()),)), reply_due=NOW).is_covered


def test_the_recipient_keeps_to_the_clause_that_limits_least_and_to_the_first_of_equals() -> None:
    short = make_clause(GB, VN, answer_within=DEADLINES, retention_days=30, daily_quota=1)
    same = make_clause(GB, VN, answer_within=DEADLINES, retention_days=30, daily_quota=2)
    longer = make_clause(GB, VN, answer_within=DEADLINES, retention_days=60)
    asked = {"reply_due": NOW, "retain_until": date(2027, 1, 1)}

    def choose(*clauses: Clause) -> Coverage:
        content = ContentFacts(**CONTENT | asked)
        return judge_received(make_terms(clauses=clauses), VisibleFacts(**VISIBLE), content)

    assert choose(short, longer).clause == longer
    assert choose(short, same).clause == short
    assert [finding.code for finding in choose(short, longer).findings] == ["reply-due-too-soon"]


def test_a_limit_does_not_excuse_what_is_not_covered() -> None:
    content = ContentFacts(**CONTENT | {"reply_due": NOW, "onward": frozenset({"AL"})})

    found = judge_received(TIMED, VisibleFacts(**VISIBLE), content)

    assert [finding.code for finding in found.findings] == ["onward-not-covered"]
    assert not found.is_covered


def test_the_strictest_of_several_deadlines_counts_and_none_where_none_was_agreed() -> None:
    twice = make_clause(GB, VN, answer_within=(DEADLINES[0], AnswerDeadline(urgency=Urgency.ROUTINE, minutes=5)))

    assert find_answer_minutes(twice, Urgency.ROUTINE) == 5
    assert find_answer_minutes(twice, Urgency.URGENT) is None
