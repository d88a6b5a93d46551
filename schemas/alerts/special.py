"""Which special categories of personal data an alert holds (Directive (EU) 2016/680, article 10). Pure.

Only what a field by itself says is found here: a photograph that is compared, a warning of a disease, a medical need.
What free text tells is the sender's to declare. Whoever holds such data says why that is strictly necessary, and the
clause of the agreement must allow them (`schemas.agreements.coverage`).
"""

from collections.abc import Iterator, Mapping

from schemas.alerts.base import Alert, SpecialCategory
from schemas.alerts.encounters import SafetyWarning
from schemas.alerts.kinds.document_fraud import ComparisonMethod, ImageView
from schemas.alerts.kinds.document_verification import DocumentVerification, Question
from schemas.alerts.kinds.outcome import MatchKey
from schemas.alerts.kinds.victim_safeguarding import ExploitationType, MethodOfControl, Need, RiskKind
from schemas.alerts.registry import FieldProblem
from schemas.alerts.walking import list_values, walk_parts
from schemas.coded import CodedValue

CATEGORY_OF_FIELD: Mapping[str, SpecialCategory] = {
    "photos": SpecialCategory.BIOMETRIC,
    "fingerprints": SpecialCategory.BIOMETRIC,
    "medical_needs": SpecialCategory.HEALTH,
    "dna": SpecialCategory.GENETIC,
    "religion": SpecialCategory.RELIGION,
    "ethnicity": SpecialCategory.ETHNIC_ORIGIN,
}
"""Names of fields, in whatever kind, that are special by what they hold."""

CODES_OF_CATEGORY: Mapping[SpecialCategory, tuple[CodedValue, ...]] = {
    SpecialCategory.HEALTH: (
        SafetyWarning.INFECTIOUS_DISEASE,
        SafetyWarning.SUICIDE_RISK,
        SafetyWarning.DRUG_USE,
        Need.EMERGENCY_MEDICAL,
        Need.MEDICAL,
        Need.PSYCHOLOGICAL,
        RiskKind.SELF_HARM,
        RiskKind.ILLNESS,
    ),
    SpecialCategory.BIOMETRIC: (
        MatchKey.FACE,
        MatchKey.FINGERPRINT,
        ComparisonMethod.FACE_MATCHING,
        ComparisonMethod.FINGERPRINT,
        ImageView.BEARER,
        ImageView.CHIP_PORTRAIT,
    ),
    SpecialCategory.SEX_LIFE: (MethodOfControl.SEXUAL_ABUSE, ExploitationType.SEXUAL_EXPLOITATION),
}
"""Codes of closed lists that are special by what they say. Two lists may share a text, so no code is a key here."""


def find_special_categories(alert: Alert) -> dict[SpecialCategory, tuple[str, ...]]:
    """Return the special categories that the fields of an alert imply, each with the fields that imply it."""
    found: dict[SpecialCategory, tuple[str, ...]] = {}
    for category, field in _list_implied(alert):
        found[category] = (*found.get(category, ()), field)
    return found


def list_special_categories(alert: Alert) -> frozenset[SpecialCategory]:
    """Return what is declared and what is implied: this is what an agreement must allow."""
    declared = alert.special_categories.categories if alert.special_categories else ()
    return frozenset({*declared, *find_special_categories(alert)})


def find_undeclared(alert: Alert) -> tuple[FieldProblem, ...]:
    """Return one problem for each category that is there and not declared."""
    declared = alert.special_categories.categories if alert.special_categories else ()
    return tuple(
        FieldProblem(
            "special_categories",
            f"{category.label} is in the alert ({', '.join(fields)}) and is not declared with its strict necessity",
            {
                "categories": sorted({*(item.value for item in declared), category.value}),
                "strictly_necessary_because": "The person can be told apart from a namesake by nothing else.",
            },
        )
        for category, fields in find_special_categories(alert).items()
        if category not in declared
    )


def _list_implied(alert: Alert) -> Iterator[tuple[SpecialCategory, str]]:
    if isinstance(alert.details, DocumentVerification) and Question.PHOTO_MATCHES in alert.details.questions:
        yield from (
            (SpecialCategory.BIOMETRIC, f"details.images.{place}") for place in range(len(alert.details.images))
        )
    for path, part in walk_parts(alert):
        for field, value in list_values(part, path):
            names = field.split(".")
            name = names[-2] if names[-1].isdecimal() else names[-1]
            category = CATEGORY_OF_FIELD.get(name) or _find_by_value(value)
            if category is not None:
                yield category, field


def _find_by_value(value: object) -> SpecialCategory | None:
    found = (category for category, codes in CODES_OF_CATEGORY.items() if any(value is code for code in codes))
    return next(found, None)
