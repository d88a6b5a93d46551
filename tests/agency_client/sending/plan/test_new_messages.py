"""Every reason for which a message is refused, and the choice among agreements, as a pure decision."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from agency_client.sending.plan import (
    Candidate,
    Option,
    choose_regardless,
    find_retention_days,
    make_plan,
)
from schemas.agreements.coverage import Finding
from schemas.agreements.lifecycle import AgreementView, State
from schemas.alerts.base import CaveatCode, SpecialCategory, Transfer, TransferGround
from schemas.markings import HandlingCode, Purpose, Tlp, Urgency
from tests.agency_client.sending.plan.specimens import (
    CORRECTION,
    KEY,
    MESSAGE,
    NOW,
    list_codes,
    list_findings,
    make_candidate,
    make_original,
    make_recipient,
    say,
)
from tests.strategies.agreements import GB, VN, make_clause, make_terms


def test_what_an_agreement_in_force_covers_is_allowed_under_it() -> None:
    candidate = make_candidate()
    plan = make_plan(MESSAGE, [make_recipient(candidate)])
    assert plan.is_allowed
    assert plan.recipients[0].chosen is not None
    assert plan.recipients[0].chosen.view.digest == candidate.view.digest


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ({"kind": "facilitator"}, "kind-not-covered"),
        ({"marking": Tlp.RED}, "marking-too-high"),
        ({"purpose": Purpose.BORDER_CONTROL}, "purpose-not-covered"),
        ({"handling": frozenset({HandlingCode.H3})}, "handling-not-covered"),
        ({"size_bytes": 70_000}, "too-large"),
        ({"sender": "BE"}, "direction-not-covered"),
        ({"special_categories": frozenset({SpecialCategory.HEALTH})}, "special-category-not-covered"),
        ({"onward": frozenset({"AL"})}, "onward-not-covered"),
        ({"transfer": Transfer(ground=TransferGround.ADEQUACY)}, "transfer-not-covered"),
        ({"retain_until": (NOW + timedelta(days=366)).date()}, "retention-too-long"),
    ],
)
def test_what_no_clause_covers_is_refused_by_name(message: dict[str, Any], code: str) -> None:
    plan = make_plan(say(**message), [make_recipient(make_candidate())])
    assert not plan.is_allowed
    assert list_codes(plan) == [code]


def test_what_every_message_of_a_clause_carries_is_demanded() -> None:
    demanding = make_candidate(caveats=(CaveatCode.PROTECT_SOURCE,))
    assert list_codes(make_plan(MESSAGE, [make_recipient(demanding)])) == ["caveat-missing"]
    assert make_plan(say(caveats=frozenset({CaveatCode.PROTECT_SOURCE})), [make_recipient(demanding)]).is_allowed


def test_an_answer_is_not_asked_for_sooner_than_agreed() -> None:
    soon = say(urgency=Urgency.URGENT, reply_due=NOW + timedelta(minutes=479))
    assert list_codes(make_plan(soon, [make_recipient(make_candidate())])) == ["reply-due-too-soon"]


def test_nationals_outside_the_clause_are_refused() -> None:
    plan = make_plan(MESSAGE, [make_recipient(make_candidate(nationalities=("GBR",)))])
    assert list_codes(plan) == ["nationality-not-covered"]


@pytest.mark.parametrize(
    "state", [State.SUSPENDED, State.REVOKED, State.EXPIRED, State.CONFIRMED, State.ACCEPTED, State.PROPOSED]
)
def test_only_a_version_in_force_is_sent_under(state: State) -> None:
    plan = make_plan(MESSAGE, [make_recipient(make_candidate(state))])
    assert list_codes(plan) == [f"agreement-{state.value}"]
    assert state.value in plan.recipients[0].explain()


def test_the_last_message_of_the_day_is_allowed_and_the_next_is_not() -> None:
    assert make_plan(MESSAGE, [make_recipient(make_candidate(daily_quota=3, sent_today=2))]).is_allowed
    plan = make_plan(MESSAGE, [make_recipient(make_candidate(daily_quota=3, sent_today=3))])
    assert list_codes(plan) == ["quota-exhausted"]


def test_versions_that_are_past_are_not_even_considered() -> None:
    plan = make_plan(MESSAGE, [make_recipient(make_candidate(State.SUPERSEDED), make_candidate(name="b"))])
    assert [option.view.state for option in plan.recipients[0].options] == [State.IN_FORCE]


def test_of_several_that_cover_the_narrowest_is_chosen() -> None:
    wide = make_candidate(name="a", highest_marking=Tlp.RED, retention_days=30)
    narrow = make_candidate(name="b", highest_marking=Tlp.AMBER, retention_days=30)
    long = make_candidate(name="c", highest_marking=Tlp.AMBER, retention_days=90)
    chosen = make_plan(MESSAGE, [make_recipient(wide, long, narrow)]).recipients[0].chosen
    assert chosen is not None
    assert chosen.view.digest == narrow.view.digest


def test_an_agreement_named_is_used_and_no_other() -> None:
    covering, other = make_candidate(name="a"), make_candidate(name="b", kinds=("facilitator",))
    named = other.view.terms.id[:8] if other.view.terms else ""
    plan = make_plan(MESSAGE, [make_recipient(covering, other)], wanted=named)
    assert list_codes(plan) == ["kind-not-covered"]
    assert not plan.is_allowed
    assert [option.view.digest for option in plan.recipients[0].options] == [other.view.digest]


def test_one_refused_recipient_refuses_the_whole_unless_nobody_named_it() -> None:
    good, bad = make_recipient(make_candidate()), replace(make_recipient(make_candidate(State.REVOKED)), agency="BE")
    assert not make_plan(MESSAGE, [good, bad]).is_allowed
    open_plan = make_plan(MESSAGE, [good, bad], drop_refused=True)
    assert open_plan.is_allowed
    assert [item.agency for item in open_plan.recipients] == [VN]
    assert [item.agency for item in open_plan.left_out] == ["BE"]


def test_nobody_left_is_refused_with_the_reasons_of_all() -> None:
    plan = make_plan(MESSAGE, [make_recipient(make_candidate(State.REVOKED))], drop_refused=True)
    assert not plan.is_allowed
    assert [item.agency for item in plan.refusals] == [VN]


def test_an_obstacle_stands_against_every_agreement() -> None:
    unpinned = (Finding("not-pinned", "the anchor of VN is not pinned"),)
    plan = make_plan(MESSAGE, [make_recipient(make_candidate(), obstacles=unpinned)])
    assert not plan.is_allowed
    assert plan.recipients[0].explain() == "VN: the anchor of VN is not pinned"


def test_who_sends_regardless_cites_what_comes_nearest() -> None:
    far = make_candidate(name="a", kinds=("ping",), highest_marking=Tlp.GREEN)
    near = make_candidate(name="b", kinds=("ping",))
    covering = make_candidate(State.SUSPENDED, name="c")
    assert find_cited(far, near) == near.view.digest
    assert find_cited(far, near, covering) == covering.view.digest


def find_cited(*candidates: Candidate) -> str:
    """Return the version that is cited without the client's judgement, where that refuses all of them."""
    (recipient,) = make_plan(MESSAGE, [make_recipient(*candidates)]).recipients
    cited = choose_regardless(recipient)
    assert not recipient.is_allowed
    assert cited is not None
    return cited.view.digest


def test_there_is_nothing_to_cite_where_nothing_was_agreed() -> None:
    (recipient,) = make_plan(MESSAGE, [make_recipient()]).recipients
    assert choose_regardless(recipient) is None
    assert recipient.explain() == "VN: no agreement with this agency"


def test_a_copy_is_kept_as_long_as_the_covering_clause_says_and_for_aftercare_as_the_strictest_of_the_direction() -> (
    None
):
    candidate = make_candidate(retention_days=30)
    (covered,) = make_plan(MESSAGE, [make_recipient(candidate)]).recipients
    (after,) = make_plan(CORRECTION, [make_recipient(candidate, original=make_original(candidate))]).recipients
    assert covered.chosen is not None
    assert after.chosen is not None
    assert find_retention_days(covered.chosen, GB, VN) == 30
    assert find_retention_days(after.chosen, GB, VN) == 30


def test_each_direction_has_a_retention_of_its_own_and_an_unknown_one_the_strictest() -> None:
    clauses = (make_clause(GB, VN, retention_days=30), make_clause(VN, GB, retention_days=10))
    terms = make_terms(clauses=(*clauses, make_clause(GB, VN, retention_days=20)))
    option = Option(AgreementView(terms.digest(), terms, State.IN_FORCE, "it stands"), terms, None, ())
    days = [find_retention_days(option, *pair) for pair in ((GB, VN), (VN, GB), ("BE", "AL"), ("BE", VN), (GB, "AL"))]
    assert days == [20, 10, 10, 10, 10]


def test_every_reason_against_every_agreement_stands_in_the_sentence() -> None:
    first = make_candidate(title="First", kinds=("ping",), highest_marking=Tlp.GREEN)
    second = make_candidate(State.SUSPENDED, name="b", title="Second")
    (recipient,) = make_plan(MESSAGE, [make_recipient(first, second)]).recipients
    assert recipient.explain() == (
        "VN: First: document-fraud is not among ping, amber is above green, the highest marking agreed; "
        "Second: it is suspended: as the test says"
    )


def test_what_stands_in_the_way_of_new_messages_is_said_in_words() -> None:
    used_up, hidden = make_candidate(daily_quota=3, sent_today=3), replace(make_candidate(), is_step_hidden=True)
    assert list_findings(make_plan(MESSAGE, [make_recipient(used_up)])) == [
        Finding("quota-exhausted", "the 3 messages a day that were agreed have been sent")
    ]
    assert list_findings(make_plan(MESSAGE, [make_recipient(hidden)])) == [
        Finding("step-hidden", "VN has signed a step of it that the exchange has not shown")
    ]


def test_the_choice_is_explained_where_something_allows_it_and_empty_where_nothing_does() -> None:
    narrow, wide = (
        make_candidate(title="Narrow"),
        make_candidate(name="b", title="Wide", kinds=("document-fraud", "ping")),
    )
    (recipient,) = make_plan(MESSAGE, [make_recipient(wide, narrow)]).recipients
    (refused,) = make_plan(say(marking=Tlp.RED), [make_recipient(wide)]).recipients
    assert recipient.explain_choice() == (
        "clause 1 of “Narrow”, version 1: of the 2 that cover it, it is for fewer kinds than “Wide”"
    )
    assert refused.explain_choice() == ""


def test_who_sends_regardless_cites_what_is_in_force_of_two_equally_near() -> None:
    ended = make_candidate(State.EXPIRED, name="a")
    stands = make_candidate(name="b", kinds=("ping",))
    (recipient,) = make_plan(MESSAGE, [make_recipient(ended, stands)]).recipients
    near = [replace(option, clause=None) for option in recipient.options]
    cited = choose_regardless(replace(recipient, options=tuple(near)))
    assert cited is not None
    assert cited.view.digest == stands.view.digest


@pytest.mark.parametrize(
    ("state", "is_considered"),
    [
        (State.DRAFT, False),
        (State.PROPOSED, True),
        (State.ACCEPTED, True),
        (State.CONFIRMED, True),
        (State.SUSPENDED, True),
        (State.REVOKED, True),
        (State.EXPIRED, True),
        (State.COUNTERED, False),
        (State.REJECTED, False),
        (State.WITHDRAWN, False),
        (State.LAPSED, False),
        (State.SUPERSEDED, False),
    ],
)
def test_what_never_bound_anybody_and_what_another_version_replaced_is_left_out_unless_it_is_named(
    state: State, is_considered: bool
) -> None:
    candidate = make_candidate(state)
    (recipient,) = make_plan(MESSAGE, [make_recipient(candidate)]).recipients
    (named,) = make_plan(MESSAGE, [make_recipient(candidate)], wanted=candidate.view.digest[:8]).recipients
    assert bool(recipient.options) == is_considered
    assert len(named.options) == 1


def test_what_the_seal_and_the_page_need_of_a_recipient_stands_in_its_plan() -> None:
    candidate = make_candidate()
    original = make_original(candidate)
    (recipient,) = make_plan(MESSAGE, [make_recipient(candidate, original=original)]).recipients
    assert recipient.agency == VN
    assert recipient.encryption_key == KEY
    assert recipient.original == original


def test_only_the_refused_are_counted_as_refusals_and_who_was_left_out_where_nobody_else_remains() -> None:
    good, bad = make_recipient(make_candidate()), replace(make_recipient(make_candidate(State.REVOKED)), agency="BE")
    assert [item.agency for item in make_plan(MESSAGE, [good, bad]).refusals] == ["BE"]
    assert make_plan(MESSAGE, [good, bad], drop_refused=True).refusals == ()
    assert [item.agency for item in make_plan(MESSAGE, [bad], drop_refused=True).refusals] == ["BE"]


def test_a_message_has_no_attachments_unless_they_are_counted() -> None:
    without = [make_recipient(make_candidate(attachments=False))]
    assert make_plan(MESSAGE, without).is_allowed
    assert list_codes(make_plan(say(attachments=1), without)) == ["attachments-not-covered"]
