"""victim-safeguarding: who is spoken of by a pseudonym alone, with whose consent, and never for enforcement."""

import pytest

from schemas.alerts.kinds.victim_safeguarding import AgeBand, MethodOfControl, VictimSafeguarding
from schemas.alerts.registry import schema_of
from schemas.alerts.special import find_undeclared
from tests.schemas.alerts.filled import ABSENT, fields_refused, parse_changed

KIND = "victim-safeguarding"
NOT_AGREED = {"details.consent": {"status": "refused", "without_consent": "vital-interest"}}


@pytest.mark.parametrize("value", [False, ABSENT, "true", 1])
def test_it_is_never_usable_for_enforcement(value: object) -> None:
    assert fields_refused(KIND, {"details.never_for_enforcement": value}) == ["details.never_for_enforcement"]


def test_the_schema_has_no_field_that_names_anybody() -> None:
    members = set(schema_of(KIND)["$defs"]["VictimSafeguarding"]["properties"])
    naming = ("name", "birth", "number", "photo", "address", "document", "phone", "email", "place", "account")
    assert not [member for member in members for part in naming if part in member]


@pytest.mark.parametrize(
    ("consent", "refused"),
    [
        ({"status": "given", "scope": ["share-with-recipient"]}, []),
        ({"status": "given-by-guardian", "scope": ["share-with-recipient", "return"]}, []),
        ({"status": "refused", "without_consent": "vital-interest"}, []),
        ({"status": "given"}, ["details.consent.scope"]),
        ({"status": "given", "scope": ["return"]}, ["details.consent.scope"]),
        ({"status": "withdrawn", "scope": ["share-with-recipient"]}, ["details.consent.scope"]),
        ({"status": "not-asked"}, ["details.consent.without_consent"]),
        (
            {"status": "given", "scope": ["share-with-recipient"], "without_consent": "legal-duty"},
            ["details.consent.without_consent"],
        ),
    ],
)
def test_it_is_shared_by_consent_or_says_why_without(consent: dict[str, object], refused: list[str]) -> None:
    assert fields_refused(KIND, {"details.consent": consent}) == refused


def test_another_desk_gets_it_by_the_persons_own_consent_alone() -> None:
    agreed, not_agreed = parse_changed(KIND, {}).details, parse_changed(KIND, NOT_AGREED).details
    assert isinstance(agreed, VictimSafeguarding)
    assert isinstance(not_agreed, VictimSafeguarding)
    assert (agreed.is_onward_consented, not_agreed.is_onward_consented) == (True, False)


@pytest.mark.parametrize(
    ("period", "refused"),
    [
        ({"status": "offered"}, []),
        ({"status": "running", "begins_on": "2026-11-20", "ends_on": "2026-12-20"}, []),
        ({"status": "running", "begins_on": "2026-11-20", "ends_on": "2026-12-19"}, ["ends_on"]),
        ({"status": "running", "begins_on": "2026-11-20"}, ["ends_on"]),
        ({"status": "running", "ends_on": "2026-12-20"}, []),
    ],
)
def test_a_recovery_period_lasts_thirty_days_at_least(period: dict[str, str], refused: list[str]) -> None:
    assert fields_refused(KIND, {"details.recovery_period": period}) == [
        f"details.recovery_period.{field}" for field in refused
    ]


def test_a_person_is_not_related_to_itself() -> None:
    assert fields_refused(KIND, {"details.related": ["V-7KQ2-M4XD-9TRB-H3CF"]}) == ["details.related"]


def test_a_number_is_no_pseudonym() -> None:
    assert fields_refused(KIND, {"details.pseudonym": "L898902C3"}) == ["details.pseudonym"]


def test_nothing_in_it_is_searched_by() -> None:
    assert parse_changed(KIND, {}).identifiers() == ()


def test_the_persons_state_is_one_the_agreement_must_be_about() -> None:
    assert parse_changed(KIND, {}).nationalities() == ("UTO",)
    assert parse_changed(KIND, {"details.nationality": ABSENT}).nationalities() == ()


def test_a_need_or_an_abuse_that_says_something_of_health_or_sex_life_is_declared() -> None:
    assert [item.problem for item in find_undeclared(parse_changed(KIND, {"special_categories": ABSENT}))]
    told = find_undeclared(parse_changed(KIND, {"details.methods_of_control": ["sexual-abuse"]}))
    assert ["Sex life" in item.problem for item in told] == [True]


def test_the_methods_of_control_are_the_seventeen_of_the_standard() -> None:
    assert len(MethodOfControl) == 17
    assert len(AgeBand) == 10
