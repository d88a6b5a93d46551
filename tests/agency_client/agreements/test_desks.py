"""Whom to call: the desks of the newest terms that count, and of nothing older where those name others."""

from datetime import timedelta

from agency_client.agreements.chains import Agreement
from agency_client.agreements.desks import find_desks, say_whom_to_call, spell_whom_to_call
from schemas.agreements.lifecycle import Chains
from schemas.agreements.steps import StepAction
from schemas.agreements.terms import DutyDesk, Terms
from tests.strategies.agreements import GB, MORNING, VN, confirm_terms, follow_terms, make_terms, take_step

NOON = MORNING + timedelta(hours=4)
OLD, NEW = "+442079460001", "+442079460002"


def make_desks(phone: str) -> tuple[DutyDesk, ...]:
    return (
        DutyDesk(agency=GB, name="Duty desk", phone="+442079460000"),
        DutyDesk(agency=VN, name="Night desk", phone=phone),
    )


def make_agreement(chains: Chains) -> Agreement:
    return Agreement("of the tests", {}, chains, chains)


def list_phones(*every: Chains, agency: str = VN) -> list[str]:
    return [desk.phone for desk in find_desks(map(make_agreement, every), agency, NOON)]


def propose(terms: Terms, chains: Chains | None = None) -> Chains:
    return take_step(chains or {}, VN, StepAction.PROPOSE, terms)


FIRST = make_terms(duty_desks=make_desks(OLD))
IN_FORCE = confirm_terms(FIRST)


def test_the_newest_version_that_stands_names_the_desk() -> None:
    second = follow_terms(FIRST, duty_desks=make_desks(NEW), in_force_from=MORNING)
    assert list_phones(IN_FORCE) == [OLD]
    assert list_phones(confirm_terms(second, chains=IN_FORCE)) == [NEW]


def test_a_proposal_changes_no_desk_until_both_have_signed_it() -> None:
    second = follow_terms(FIRST, duty_desks=make_desks(NEW))
    assert list_phones(propose(second, IN_FORCE)) == [OLD]


def test_what_stands_goes_before_what_has_ended_and_both_before_what_was_never_signed_by_both() -> None:
    other = make_terms(duty_desks=make_desks(NEW))
    revoked = take_step(IN_FORCE, VN, StepAction.REVOKE, FIRST)
    assert list_phones(revoked, confirm_terms(other)) == [NEW]
    assert list_phones(revoked, propose(other)) == [OLD]
    assert list_phones(propose(other)) == [NEW]


def test_a_desk_that_two_agreements_name_is_named_once_and_only_the_partners() -> None:
    other = make_terms(title="Another", duty_desks=make_desks(NEW))
    assert list_phones(IN_FORCE, IN_FORCE) == [OLD]
    assert list_phones(IN_FORCE, confirm_terms(other)) == [OLD, NEW]
    assert list_phones(IN_FORCE, agency="BE") == []


def test_whom_to_call_is_said_also_where_nobody_is_named() -> None:
    assert say_whom_to_call(VN, make_desks(OLD)[1:]) == f"call {VN}: Night desk, {OLD}"
    assert say_whom_to_call(VN, ()) == f"call {VN}'s duty desk"


def test_several_desks_are_said_one_after_the_other() -> None:
    assert say_whom_to_call(VN, (*make_desks(OLD)[1:], *make_desks(NEW)[1:])) == (
        f"call {VN}: Night desk, {OLD} or Night desk, {NEW}"
    )


def test_of_two_versions_that_stand_the_newer_names_the_desk_before_its_first_day() -> None:
    second = follow_terms(FIRST, duty_desks=make_desks(NEW), in_force_from=NOON + timedelta(days=1))
    assert list_phones(confirm_terms(second, chains=IN_FORCE)) == [NEW]


def test_what_is_suspended_stands() -> None:
    suspended = take_step(IN_FORCE, VN, StepAction.SUSPEND, FIRST)
    other = make_terms(duty_desks=make_desks(NEW))
    revoked = take_step(confirm_terms(other), VN, StepAction.REVOKE, other)
    assert list_phones(revoked, suspended) == [OLD]


def test_agreements_with_others_say_nothing_of_a_partner() -> None:
    with_be = make_terms("BE", GB)
    offered = propose(make_terms(duty_desks=make_desks(NEW)))
    assert list_phones(confirm_terms(with_be, proposer="BE"), offered) == [NEW]
    assert list_phones(agency="BE") == []


def test_each_partner_is_named_once_with_its_own_desk() -> None:
    desks = (DutyDesk(agency="BE", name="Desk", phone=NEW), make_desks(OLD)[0])
    with_be = confirm_terms(make_terms("BE", GB, duty_desks=desks), proposer="BE")
    agreements = [make_agreement(IN_FORCE), make_agreement(with_be)]
    assert list(spell_whom_to_call(agreements, [VN, "BE", VN, "AL"], NOON).items()) == [
        ("AL", "call AL's duty desk"),
        ("BE", f"call BE: Desk, {NEW}"),
        (VN, f"call {VN}: Night desk, {OLD}"),
    ]
