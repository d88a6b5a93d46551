"""revocation-challenge: a ground, what is asked, and nobody named."""

from typing import Any

import pytest

from schemas.alerts import kind_of, parse_alert
from schemas.alerts.kinds.revocation_challenge import ChallengeGround, is_challenge
from tests.schemas.alerts.filled import ABSENT, fields_refused, load

KIND = "revocation-challenge"


@pytest.mark.parametrize(
    ("changes", "refused"),
    [
        ({}, []),
        ({"details.ground": "other", "details.words": ABSENT}, ["details.words"]),
        ({"details.words": ABSENT}, []),
        ({"details.court": ABSENT}, ["details.court"]),
        ({"details.court": ABSENT, "details.court_reference": ABSENT}, []),
        ({"details.demands": ["review", "review"]}, ["details.demands"]),
        ({"details.demands": ABSENT}, ["details.demands"]),
        ({"details.acknowledge_by": ABSENT}, ["details.acknowledge_by"]),
        ({"details.holder": {"surname": "ERIKSSON"}}, ["details.holder"]),
        ({"persons": [{"ref": "p1", "role": "witness"}]}, ["persons"]),
    ],
)
def test_a_challenge_says_why_and_names_nobody(changes: dict[str, Any], refused: list[str]) -> None:
    assert fields_refused(KIND, changes) == refused


def test_no_ground_tells_that_the_holder_asked_for_protection() -> None:
    labels = [ground.label.casefold() for ground in ChallengeGround]
    assert not [label for label in labels if "asylum" in label or "refugee" in label]


def test_it_passes_when_nothing_else_does() -> None:
    kind = kind_of(KIND)
    assert (kind.is_aftercare, kind.needs_refers_to, kind.acts_by_itself) == (True, True, False)
    assert is_challenge(parse_alert(load(KIND)))
    assert not is_challenge(parse_alert(load("outcome")))
