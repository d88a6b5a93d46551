"""Terms in words: every field is spelt, every clause is sentences, and a day is a day."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings

from agency_client.agreements.spelling import list_dates, list_sentences, spell_field, spell_ground, spell_kind
from schemas.agreements.terms import AnswerDeadline, Clause, OnwardRule, Terms, TransferGround, TransferGroundKind
from schemas.alerts.base import CaveatCode, SpecialCategory
from schemas.markings import HandlingCode, Tlp, Urgency
from tests.strategies.agreements import GB, VN, make_clause, make_terms, terms_between


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("nationalities", None, "any nationality"),
        ("nationalities", ("GBR", "VNM"), "GBR; VNM"),
        ("kinds", ("ping",), "Test message"),
        ("kinds", ("of-a-later-version",), "of-a-later-version"),
        ("retention_days", 365, "365 days"),
        ("max_bytes", 1024, "1024 bytes"),
        ("attachments", True, "allowed"),
        ("attachments", False, "not allowed"),
        ("highest_marking", Tlp.AMBER_STRICT, "TLP:AMBER+STRICT"),
        ("onward", OnwardRule.WITH_CONSENT, "with-consent"),
        ("in_force_from", datetime(2026, 11, 1, tzinfo=UTC), "2026-11-01"),
        ("in_force_from", datetime(2026, 11, 1, 8, 30, tzinfo=UTC), "2026-11-01 08:30 UTC"),
        ("answer_within", (AnswerDeadline(urgency=Urgency.URGENT, minutes=1440),), "Urgent within 1 day"),
        ("answer_within", (AnswerDeadline(urgency=Urgency.URGENT, minutes=120),), "Urgent within 2 hours"),
        ("answer_within", (AnswerDeadline(urgency=Urgency.URGENT, minutes=61),), "Urgent within 61 minutes"),
        ("note", None, ""),
    ],
)
def test_a_field_is_spelt_as_a_person_reads_it(field: str, value: object, words: str) -> None:
    assert spell_field(field, value) == words


@pytest.mark.parametrize("kind", TransferGroundKind)
def test_every_ground_of_a_transfer_has_a_sentence_and_its_reference(kind: TransferGroundKind) -> None:
    sentence = spell_ground(TransferGround(kind=kind, reference="Specimen act"))
    assert sentence[0].isupper()
    assert sentence.endswith(": Specimen act.")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"onward": OnwardRule.FORBIDDEN}, f"{VN} passes nothing of it on."),
        ({"onward": OnwardRule.WITH_CONSENT}, f"{VN} passes it on only with the consent of {GB}, message by message."),
        (
            {"onward": OnwardRule.LISTED, "onward_agencies": ("BE", "FR")},
            f"{VN} passes it on only to BE, FR, where {GB} names them or consents.",
        ),
        ({"nationalities": ("GBR",)}, "It may concern nationals of GBR only."),
        ({}, "It may concern persons of any nationality."),
        ({}, "It contains no special categories of personal data (article 10)."),
        ({"special_categories": (SpecialCategory.HEALTH,)}, "Where strictly necessary it may contain: Health."),
        (
            {"caveats": (CaveatCode.PROTECT_SOURCE,)},
            "Every message carries the caveat: Nothing may be done that shows the source.",
        ),
        ({"conditions": ("By trained staff.",)}, "Condition of the processing: By trained staff."),
        ({"attachments": False}, "Attachments are not allowed."),
        ({"handling": (HandlingCode.H0,)}, f"The sender may ask for this handling: {HandlingCode.H0.label}."),
    ],
)
def test_a_clause_says_what_may_be_sent_and_what_becomes_of_it(changes: dict[str, Any], sentence: str) -> None:
    assert sentence in list_sentences(make_clause(**changes))


def test_the_dates_say_from_when_until_when_and_with_what_notice() -> None:
    assert list_dates(make_terms()) == [
        "In force from 2026-11-21 08:00 UTC (once both have signed) until 2027-11-21 08:00 UTC.",
        "Reviewed by 2027-05-20 08:00 UTC.",
        "Either party ends it with 30 days' notice; where it must, it suspends or revokes at once.",
    ]


def test_a_kind_of_a_later_version_is_spelt_as_it_stands() -> None:
    assert spell_kind("of-a-later-version") == "of-a-later-version"


@given(terms_between())
@settings(max_examples=25)
def test_every_field_of_any_terms_is_spelt_in_words(terms: Terms) -> None:
    for field in Terms.model_fields:
        assert isinstance(spell_field(field, getattr(terms, field)), str)
    for clause in terms.clauses:
        sentences = list_sentences(clause)
        assert all(sentence and "\n" not in sentence for sentence in sentences)
        assert all(spell_field(field, getattr(clause, field)) is not None for field in Clause.model_fields)
