"""A sentence names every kind of alert as a person would."""

import pytest

from schemas.alerts import kind_names, kind_of
from schemas.wording import with_article


@pytest.mark.parametrize(
    ("noun", "said"),
    [
        ("acknowledgement", "an acknowledgement"),
        ("Outcome of an alert", "an Outcome of an alert"),
        ("withdrawal", "a withdrawal"),
        ("", "a "),
    ],
)
def test_the_article_goes_with_the_noun(noun: str, said: str) -> None:
    assert with_article(noun) == said


def test_no_kind_begins_with_a_letter_that_is_said_otherwise_than_it_is_written() -> None:
    said = {name[0] for kind in kind_names() for name in (kind, kind_of(kind).label.lower())}
    assert said.isdisjoint("hux")
