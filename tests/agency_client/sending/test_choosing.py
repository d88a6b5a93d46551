"""The narrowest of several agreements is chosen, whatever their order, and the sentence says what made it so."""

from typing import Any

import pytest

from agency_client.sending.choosing import CoveringClause, choose_narrowest, explain_choice
from schemas.agreements.lifecycle import AgreementView, State
from schemas.agreements.terms import OnwardRule
from schemas.alerts.base import CaveatCode, SpecialCategory
from schemas.markings import Purpose, Tlp
from tests.strategies.agreements import GB, VN, make_clause, make_terms
from tests.support.messages import make_id

WIDE: dict[str, Any] = {
    "kinds": ("document-fraud", "ping"),
    "purposes": (Purpose.DOCUMENT_INTEGRITY, Purpose.SYSTEM_TEST),
    "nationalities": ("GBR", "UTO", "VNM"),
    "highest_marking": Tlp.AMBER_STRICT,
    "onward": OnwardRule.WITH_CONSENT,
    "special_categories": (SpecialCategory.BIOMETRIC, SpecialCategory.HEALTH),
    "caveats": (CaveatCode.PROTECT_SOURCE,),
    "retention_days": 60,
    "daily_quota": 20,
}
NARROWER: dict[str, tuple[dict[str, Any], str]] = {
    "kinds": ({"kinds": ("document-fraud",)}, "it is for fewer kinds"),
    "purposes": ({"purposes": (Purpose.DOCUMENT_INTEGRITY,)}, "it is for fewer purposes"),
    "nationalities": ({"nationalities": ("GBR", "VNM")}, "it is about the nationals of fewer states"),
    "marking": ({"highest_marking": Tlp.AMBER}, "its highest marking is lower"),
    "onward to listed": (
        {"onward": OnwardRule.LISTED, "onward_agencies": ("BE",)},
        "it lets less be passed on",
    ),
    "onward to nobody": ({"onward": OnwardRule.FORBIDDEN}, "it lets less be passed on"),
    "special categories": (
        {"special_categories": (SpecialCategory.BIOMETRIC,)},
        "it allows fewer special categories",
    ),
    "caveats": (
        {"caveats": (CaveatCode.PROTECT_SOURCE, CaveatCode.NO_DEATH_PENALTY)},
        "it demands more caveats",
    ),
    "retention": ({"retention_days": 59}, "it keeps less long"),
    "quota": ({"daily_quota": 19}, "it lets fewer messages pass a day"),
}


def make_covering(name: str, state: State = State.IN_FORCE, title: str = "", **clause: Any) -> CoveringClause:
    """Return an agreement whose second clause allows a message."""
    clauses = (make_clause(VN, GB), make_clause(GB, VN, **WIDE | clause))
    terms = make_terms(id=make_id(name), title=title or f"On {name}", clauses=clauses)
    return CoveringClause(AgreementView(terms.digest(), terms, state, "as the test says"), terms, clauses[1])


def choose(*allowing: CoveringClause) -> tuple[CoveringClause | None, str]:
    """Return the choice and its sentence, the same whatever the order."""
    forward, backward = list(allowing), list(allowing)[::-1]
    assert choose_narrowest(forward) == choose_narrowest(backward)
    assert explain_choice(forward) == explain_choice(backward)
    return choose_narrowest(forward), explain_choice(forward)


@pytest.mark.parametrize(("clause", "because"), NARROWER.values(), ids=NARROWER)
def test_the_narrower_is_chosen_and_said_to_be(clause: dict[str, Any], because: str) -> None:
    wide, narrow = make_covering("all"), make_covering("zero", **clause)

    assert choose(wide, narrow) == (
        narrow,
        f"clause 2 of “On zero”, version 1: of the 2 that cover it, {because} than “On all”",
    )


def test_everybodys_nationals_are_more_than_those_of_any_number_of_states() -> None:
    everybody, many = make_covering("all", nationalities=None), make_covering("zero", nationalities=("UTO",) * 300)

    assert choose(everybody, many)[0] == many


def test_what_is_named_twice_counts_once() -> None:
    twice, two = make_covering("zero", kinds=("document-fraud",) * 3), make_covering("all")

    assert choose(twice, two)[0] == twice


def test_of_equally_narrow_ones_the_first_title_is_chosen_and_how_to_name_the_other_is_said() -> None:
    first, second = make_covering("one", title="Alpha"), make_covering("two", title="Beta")

    chosen, sentence = choose(first, second)
    assert chosen == first
    assert sentence.endswith(
        "as narrow as “Beta” and comes first by its title; name the other with --agreement to use that"
    )


def test_what_is_in_force_goes_before_what_is_narrower() -> None:
    wide, narrow = make_covering("all"), make_covering("zero", State.SUSPENDED, kinds=("document-fraud",))

    assert choose(wide, narrow)[0] == wide


def test_the_only_one_is_said_to_be_the_only_one() -> None:
    only = make_covering("all")

    assert choose(only) == (only, "clause 2 of “On all”, version 1: no other agreement covers it")
    assert choose() == (None, "")


def test_what_follows_a_message_up_goes_under_the_agreement_of_that_message() -> None:
    covering = make_covering("all")
    after = CoveringClause(covering.view, covering.terms, None)

    assert choose(after) == (after, "“On all”, version 1: the agreement of the message it follows up")
