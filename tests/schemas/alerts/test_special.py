"""Special categories: found where a field says so, demanded to be declared, and seen by the agreement either way."""

from typing import Any

import pytest

from schemas.alerts import parse_alert
from schemas.alerts.base import SpecialCategory
from schemas.alerts.encounters import SafetyWarning
from schemas.alerts.kinds.document_fraud import ComparisonMethod, ImageView
from schemas.alerts.kinds.outcome import MatchKey
from schemas.alerts.kinds.victim_safeguarding import ExploitationType, MethodOfControl, Need, RiskKind
from schemas.alerts.shapes import Details
from schemas.alerts.special import find_special_categories, find_undeclared, list_special_categories
from schemas.coded import CodedValue
from tests.schemas.alerts.filled import ABSENT, load, load_changed

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
            {
                "persons.0.photos": ABSENT,
                "details.warnings": ["armed", "infectious-disease", "suicide-risk", "drug-use"],
            },
            {HEALTH: ("details.warnings.1", "details.warnings.2", "details.warnings.3")},
        ),
        ("outcome", {"details.matches": [{"key": "face"}, {"key": "name"}]}, {BIOMETRIC: ("details.matches.0.key",)}),
        ("outcome", {"details.matches": [{"key": "fingerprint"}]}, {BIOMETRIC: ("details.matches.0.key",)}),
        ("outcome", {"details.matches": [{"key": "name"}, {"key": "document"}]}, {}),
        ("document-verification", {"details.questions": ["genuine"]}, {}),
        (
            "document-fraud",
            {"details.images": ABSENT, "details.bearer_comparison.method": "face-matching"},
            {BIOMETRIC: ("details.bearer_comparison.method",)},
        ),
        ("document-fraud", {"details.images": ABSENT}, {}),
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
    assert problem.problem == (
        f"{HEALTH.label} is in the alert (details.warnings.0) and is not declared with its strict necessity"
    )
    assert problem.example == {
        "categories": ["health"],
        "strictly_necessary_because": "The person can be told apart from a namesake by nothing else.",
    }
    assert find_undeclared(parse_alert(load_changed("facilitator", warned | DECLARED))) == ()


def test_an_agreement_judges_what_is_declared_and_what_is_there() -> None:
    alert = parse_alert(load_changed("facilitator", {"details.warnings": ["armed"]} | DECLARED))
    assert list_special_categories(alert) == {HEALTH, BIOMETRIC}
    bare = parse_alert(
        load_changed("facilitator", {"persons.0.photos": ABSENT, "details.warnings": ["armed"]} | UNDECLARED)
    )
    assert list_special_categories(bare) == frozenset()


def test_what_is_declared_stays_in_the_example_and_every_field_is_named() -> None:
    warned = {"details.warnings": ["infectious-disease", "suicide-risk"]}
    declared = {"special_categories": DECLARED["special_categories"] | {"categories": ["biometric"]}}
    (problem,) = find_undeclared(parse_alert(load_changed("facilitator", warned | declared)))
    assert "(details.warnings.0, details.warnings.1)" in problem.problem
    assert isinstance(problem.example, dict)
    assert problem.example["categories"] == ["biometric", "health"]


class Holding(Details):
    """Details with one field that may be called special, and one that says a code of a closed list."""

    fingerprints: tuple[str, ...] = ()
    medical_needs: str | None = None
    dna: str | None = None
    religion: str | None = None
    ethnicity: str | None = None
    said: CodedValue | None = None


def hold(**fields: Any) -> dict[SpecialCategory, tuple[str, ...]]:
    """Return what the fields of such details imply."""
    return find_special_categories(parse_alert(load("ping")).model_copy(update={"details": Holding(**fields)}))


@pytest.mark.parametrize(
    ("field", "category"),
    [
        ("medical_needs", HEALTH),
        ("dna", SpecialCategory.GENETIC),
        ("religion", SpecialCategory.RELIGION),
        ("ethnicity", SpecialCategory.ETHNIC_ORIGIN),
    ],
)
def test_a_field_of_such_a_name_is_special_whatever_it_says(field: str, category: SpecialCategory) -> None:
    assert hold(**{field: "x"}) == {category: (f"details.{field}",)}
    assert hold(**{field: None}) == {}


def test_each_item_of_a_list_of_such_a_name_is_special() -> None:
    assert hold(fingerprints=("x", "y")) == {BIOMETRIC: ("details.fingerprints.0", "details.fingerprints.1")}


CODES: dict[SpecialCategory, tuple[CodedValue, ...]] = {
    HEALTH: (
        SafetyWarning.INFECTIOUS_DISEASE,
        SafetyWarning.SUICIDE_RISK,
        Need.EMERGENCY_MEDICAL,
        Need.MEDICAL,
        Need.PSYCHOLOGICAL,
        RiskKind.SELF_HARM,
        RiskKind.ILLNESS,
    ),
    BIOMETRIC: (
        MatchKey.FACE,
        MatchKey.FINGERPRINT,
        ComparisonMethod.FACE_MATCHING,
        ComparisonMethod.FINGERPRINT,
        ImageView.BEARER,
        ImageView.CHIP_PORTRAIT,
    ),
    SpecialCategory.SEX_LIFE: (MethodOfControl.SEXUAL_ABUSE, ExploitationType.SEXUAL_EXPLOITATION),
}


@pytest.mark.parametrize(("category", "code"), [(category, code) for category in CODES for code in CODES[category]])
def test_a_code_is_special_by_what_it_says(category: SpecialCategory, code: CodedValue) -> None:
    assert hold(said=code) == {category: ("details.said",)}


def test_of_two_lists_that_share_a_text_each_says_its_own() -> None:
    """A fingerprint was compared, or it matched: both are biometric, and neither hides the other."""
    assert MatchKey.FINGERPRINT.value == ComparisonMethod.FINGERPRINT.value
    compared = {"details.bearer_comparison": {"method": "fingerprint", "result": "another"}}
    assert find("document-fraud", compared)[BIOMETRIC][0] == "details.bearer_comparison.method"


@pytest.mark.parametrize("code", [SafetyWarning.ARMED, MatchKey.NAME, SpecialCategory.HEALTH])
def test_no_other_code_is_special_not_even_the_name_of_a_category(code: CodedValue) -> None:
    assert hold(said=code) == {}
