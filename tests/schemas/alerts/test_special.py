"""Special categories: found where a field says so, demanded to be declared, and seen by the agreement either way."""

from typing import Any

import pytest

from schemas.alerts import parse_alert
from schemas.alerts.base import SpecialCategory
from schemas.alerts.special import find_special_categories, find_undeclared, list_special_categories
from tests.schemas.alerts.filled import ABSENT, load_changed

BIOMETRIC, HEALTH = SpecialCategory.BIOMETRIC, SpecialCategory.HEALTH
UNDECLARED = {"special_categories": ABSENT}
DECLARED = {"special_categories": {"categories": ["health"], "strictly_necessary_because": "Officers must be safe."}}


def find(kind: str, changes: dict[str, Any]) -> dict[SpecialCategory, tuple[str, ...]]:
    """Return what the fields of a changed example imply."""
    return find_special_categories(parse_alert(load_changed(kind, changes)))


@pytest.mark.parametrize(
    ("kind", "changes", "expected"),
    [
        ("facilitator", {"details.warnings": ["armed"]}, {BIOMETRIC: ("persons.0.photos.0",)}),
        (
            "facilitator",
            {"persons.0.photos": ABSENT, "details.warnings": ["armed", "infectious-disease", "suicide-risk"]},
            {HEALTH: ("details.warnings.1", "details.warnings.2")},
        ),
        ("outcome", {"details.matches": [{"key": "face"}, {"key": "name"}]}, {BIOMETRIC: ("details.matches.0.key",)}),
        ("outcome", {"details.matches": [{"key": "fingerprint"}]}, {BIOMETRIC: ("details.matches.0.key",)}),
        ("outcome", {"details.matches": [{"key": "name"}, {"key": "document"}]}, {}),
        ("document-verification", {"details.questions": ["genuine"]}, {}),
        ("ping", {}, {}),
    ],
)
def test_a_field_says_what_category_it_is(
    kind: str, changes: dict[str, Any], expected: dict[SpecialCategory, tuple[str, ...]]
) -> None:
    assert find(kind, changes) == expected


def test_a_photograph_is_biometric_where_it_is_to_be_compared() -> None:
    asked = {"details.questions": ["genuine", "photo-matches"]}
    assert set(find("document-verification", asked)) == {BIOMETRIC}
    assert find("document-verification", asked | {"details.images": ABSENT}) == {}


def test_what_is_not_declared_is_named_with_its_fields_and_an_example() -> None:
    warned = {"persons.0.photos": ABSENT, "details.warnings": ["infectious-disease"]}
    (problem,) = find_undeclared(parse_alert(load_changed("facilitator", warned | UNDECLARED)))
    assert problem.field == "special_categories"
    assert "details.warnings.0" in problem.problem
    assert "strictly_necessary_because" in problem.example
    assert find_undeclared(parse_alert(load_changed("facilitator", warned | DECLARED))) == ()


def test_an_agreement_judges_what_is_declared_and_what_is_there() -> None:
    alert = parse_alert(load_changed("facilitator", {"details.warnings": ["armed"]} | DECLARED))
    assert list_special_categories(alert) == {HEALTH, BIOMETRIC}
    bare = parse_alert(
        load_changed("facilitator", {"persons.0.photos": ABSENT, "details.warnings": ["armed"]} | UNDECLARED)
    )
    assert list_special_categories(bare) == frozenset()
