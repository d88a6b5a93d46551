"""By when an answer is due: by the clocks of the law for a request for information, sooner where that was agreed."""

import pytest

from schemas.agreements.answering import find_due_minutes, list_legal_deadlines
from schemas.agreements.terms import AnswerDeadline, Clause
from schemas.markings import Urgency
from tests.strategies.agreements import make_clause

REQUEST = "information-request"
HOUR, DAY = 60, 24 * 60


def clause_of(*agreed: tuple[str, int]) -> Clause:
    within = tuple(AnswerDeadline(urgency=Urgency.from_code(name), minutes=minutes) for name, minutes in agreed)
    return make_clause("GB", "VN", answer_within=within)


@pytest.mark.parametrize(
    ("urgency", "minutes"),
    [
        (Urgency.ROUTINE, [7 * DAY]),
        (Urgency.URGENT, [8 * HOUR, 3 * DAY]),
        (Urgency.THREAT_TO_LIFE, [8 * HOUR, 3 * DAY]),
    ],
)
def test_the_law_says_eight_hours_three_days_or_seven(urgency: Urgency, minutes: list[int]) -> None:
    assert [deadline.minutes for deadline in list_legal_deadlines(REQUEST, urgency)] == minutes
    assert list_legal_deadlines("document-fraud", urgency) == ()


@pytest.mark.parametrize(
    ("kind", "urgency", "agreed", "due"),
    [
        (REQUEST, Urgency.URGENT, (), 8 * HOUR),
        (REQUEST, Urgency.ROUTINE, (), 7 * DAY),
        (REQUEST, Urgency.URGENT, (("urgent", 60),), 60),
        (REQUEST, Urgency.URGENT, (("urgent", 2 * DAY),), 8 * HOUR),
        (REQUEST, Urgency.ROUTINE, (("urgent", 60),), 7 * DAY),
        ("document-verification", Urgency.URGENT, (("urgent", 60),), 60),
        ("document-verification", Urgency.URGENT, (), None),
    ],
)
def test_the_shorter_of_law_and_agreement_counts(
    kind: str, urgency: Urgency, agreed: tuple[tuple[str, int], ...], due: int | None
) -> None:
    assert find_due_minutes(kind, clause_of(*agreed), urgency) == due


def test_a_label_says_for_which_information_a_deadline_is() -> None:
    labels = [deadline.label for deadline in list_legal_deadlines(REQUEST, Urgency.URGENT)]
    assert labels[0].startswith("8 hours")
    assert "other authorities" in labels[1]
