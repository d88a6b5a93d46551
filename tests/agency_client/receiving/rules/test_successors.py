"""Which version of an agreement a message must meet besides the one it cites: the one that has taken its place."""

from dataclasses import replace
from datetime import timedelta

import pytest

from agency_client.receiving.errors import NotCoveredError
from agency_client.receiving.rules import MessageFacts, check_standing, find_governing_terms
from schemas.agreements.steps import StepAction
from schemas.agreements.terms import Terms
from tests.agency_client.receiving.test_rules import ACCEPTED, NOW, Agreement, make_facts, succeed

LATER = ACCEPTED + timedelta(minutes=10)


def follow(agreement: Agreement, before: Terms, title: str = "The next version") -> Terms:
    """Bring the version after another one into force."""
    changes = {"version": before.version + 1, "supersedes": before.digest(), "title": title}
    newer = before.model_copy(update=changes)
    agreement.bind(LATER, newer)
    return newer


def look(agreement: Agreement, facts: MessageFacts) -> MessageFacts:
    """Return what is known of a message now that the agreement has gone on."""
    return replace(facts, chains_now=agreement.copy_chains())


def refuse(facts: MessageFacts) -> tuple[str, str]:
    """Return code and sentence with which a message is refused."""
    with pytest.raises(NotCoveredError) as caught:
        check_standing(facts)
    return caught.value.code, caught.value.sentence


def test_a_version_that_stands_alone_governs_alone() -> None:
    agreement = Agreement().bind()
    assert find_governing_terms(make_facts(agreement)) == (agreement.terms,)


def test_a_version_whose_first_day_has_not_come_governs_nothing() -> None:
    agreement = Agreement().bind()
    facts = make_facts(agreement)
    succeed(agreement, in_force_from=NOW + timedelta(days=1))
    coming = look(agreement, facts)
    assert find_governing_terms(coming) == (agreement.terms,)
    assert check_standing(coming) == "nobody has suspended or revoked the agreement since"


def test_an_offer_of_a_newer_version_governs_nothing() -> None:
    agreement = Agreement().bind()
    facts = make_facts(agreement)
    second = succeed(agreement)
    third = second.model_copy(update={"version": 3, "supersedes": second.digest()})
    agreement.take("GB-HO", StepAction.PROPOSE, LATER, third)
    assert find_governing_terms(look(agreement, facts)) == (agreement.terms, second)


def test_of_several_versions_since_the_newest_governs() -> None:
    agreement = Agreement().bind()
    facts = make_facts(agreement)
    third = follow(agreement, succeed(agreement))
    assert find_governing_terms(look(agreement, facts)) == (agreement.terms, third)
    assert check_standing(look(agreement, facts)) == ("version 3 has taken the agreement's place and covers it too")


def test_a_version_that_was_taken_back_gives_its_place_to_the_next_one() -> None:
    agreement = Agreement().bind()
    facts = make_facts(agreement)
    second = succeed(agreement)
    agreement.take("VN", StepAction.WITHDRAW, LATER, second)
    third = follow(agreement, second)
    assert find_governing_terms(look(agreement, facts)) == (agreement.terms, third)
    assert check_standing(look(agreement, facts)).startswith("version 3 ")


def test_a_version_that_was_taken_back_brings_no_older_one_back() -> None:
    agreement = Agreement().bind()
    facts = make_facts(agreement)
    agreement.take("VN", StepAction.WITHDRAW, LATER, succeed(agreement))
    assert refuse(look(agreement, facts)) == (
        "agreement-revoked",
        "the agreement has ended since: VN took its signature back after the confirmation",
    )


def test_two_versions_side_by_side_leave_none_that_counts() -> None:
    agreement = Agreement().bind()
    facts = make_facts(agreement)
    succeed(agreement)
    succeed(agreement, title="Beside it")
    aside = look(agreement, facts)
    assert refuse(aside) == ("agreement-superseded", "no version of the agreement counts any more")
    assert find_governing_terms(aside) == (agreement.terms,)


def test_a_version_that_was_taken_back_itself_is_governed_by_nothing_newer() -> None:
    agreement = Agreement().bind()
    facts = make_facts(agreement)
    agreement.take("GB-HO", StepAction.WITHDRAW, LATER)
    follow(agreement, agreement.terms)
    assert find_governing_terms(look(agreement, facts)) == (agreement.terms,)
    assert refuse(look(agreement, facts))[0] == "agreement-revoked"
