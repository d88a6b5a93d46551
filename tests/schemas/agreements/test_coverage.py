"""A message is covered when one clause holds in all its terms, and otherwise everyone hears the same reasons."""

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.agreements.coverage import (
    ContentFacts,
    Coverage,
    Finding,
    VisibleFacts,
    judge_message,
    judge_received,
    judge_visible,
    list_visible_clauses,
)
from schemas.agreements.terms import Clause, OnwardRule, Terms
from schemas.alerts.base import CaveatCode, SpecialCategory
from schemas.markings import HandlingCode, Purpose, Tlp, Urgency
from tests.schemas.agreements.judging import NOW, TO_VN, TRANSFERS, VICTIMS, VISIBLE, judge, judge_header
from tests.strategies.agreements import GB, VN, make_clause, make_terms, terms_between

COVERED: dict[str, dict[str, Any]] = {
    "everything is at its limit": {},
    "the message has no attachment": {"attachments": 0},
    "the marking is lower": {"marking": Tlp.CLEAR},
    "the handling codes are all that were agreed": {"handling": frozenset({HandlingCode.H0, HandlingCode.H2})},
    "there is no handling code": {"handling": frozenset()},
    "nobody is named in it": {"nationalities": frozenset()},
    "people of both nationalities are named": {"nationalities": frozenset({"GBR", "VNM"})},
}


UNCOVERED: dict[str, tuple[dict[str, Any], str, str]] = {
    "it goes the other way": (
        {"sender": VN, "recipient": GB},
        "direction-not-covered",
        "the agreement lets VN send nothing to GB-HO",
    ),
    "it comes from a third": (
        {"sender": "BE"},
        "direction-not-covered",
        "the agreement lets BE send nothing to VN",
    ),
    "it goes to a third": (
        {"recipient": "BE"},
        "direction-not-covered",
        "the agreement lets GB-HO send nothing to BE",
    ),
    "its kind was not agreed": (
        {"kind": "facilitator"},
        "kind-not-covered",
        "facilitator is not among document-fraud",
    ),
    "its marking is one step too high": (
        {"marking": Tlp.AMBER_STRICT},
        "marking-too-high",
        "amber-strict is above amber, the highest marking agreed",
    ),
    "it is one byte too large": ({"size_bytes": 65_537}, "too-large", "65537 bytes, at most 65536 were agreed"),
    "its purpose was not agreed": (
        {"purpose": Purpose.BORDER_CONTROL},
        "purpose-not-covered",
        "border-control is not among document-integrity",
    ),
    "one of its handling codes was not agreed": (
        {"handling": frozenset({HandlingCode.H0, HandlingCode.H1, HandlingCode.H3})},
        "handling-not-covered",
        "handling h1, h3 is not among h0, h2",
    ),
    "it names somebody of a third state": (
        {"nationalities": frozenset({"VNM", "UTO", "XXB"})},
        "nationality-not-covered",
        "nationals of UTO, XXB are outside GBR, VNM",
    ),
}


@pytest.mark.parametrize("changes", COVERED.values(), ids=COVERED)
def test_it_is_covered_when(changes: dict[str, Any]) -> None:
    assert judge(**changes) == Coverage(TO_VN, ())
    assert judge(**changes).is_covered


@pytest.mark.parametrize(("changes", "code", "sentence"), UNCOVERED.values(), ids=UNCOVERED)
def test_it_is_not_covered_when(changes: dict[str, Any], code: str, sentence: str) -> None:
    found = judge(**changes)

    assert not found.is_covered
    assert found == Coverage(None, (Finding(code, sentence),))


def test_attachments_that_were_not_agreed_are_refused() -> None:
    terms = make_terms(clauses=(make_clause(GB, VN, attachments=False),))

    assert judge_header(terms).findings == (Finding("attachments-not-covered", "attachments were not agreed"),)
    assert judge_header(terms, attachments=1) == judge_header(terms)
    assert judge_header(terms, attachments=0).is_covered


def test_a_message_has_no_attachments_unless_they_are_counted() -> None:
    assert VisibleFacts(GB, VN, "advisory", Tlp.CLEAR, 1).attachments == 0


def test_a_clause_without_nationalities_is_for_everybody() -> None:
    terms = make_terms(clauses=(make_clause(GB, VN),))

    assert judge(terms, nationalities=frozenset({"UTO", "XXA"})).is_covered


def test_a_hidden_kind_is_safeguarding_and_nothing_else() -> None:
    safeguarding = make_terms(clauses=(make_clause(GB, VN, **VICTIMS),))
    named_so = make_terms(clauses=(make_clause(GB, VN, kinds=("confidential",)),))

    assert judge_header(safeguarding, kind="confidential").is_covered
    assert not judge_header(named_so, kind="confidential").is_covered
    assert judge_header(kind="confidential").findings == (
        Finding("kind-not-covered", "confidential is not among document-fraud"),
    )


def test_what_is_hidden_is_never_shown_by_its_name() -> None:
    found = judge_header(make_terms(clauses=(make_clause(GB, VN, **VICTIMS),)), kind="victim-safeguarding")

    assert [finding.code for finding in found.findings] == ["kind-shown-openly"]


def test_what_is_hidden_is_sent_for_protection_alone_whatever_was_agreed() -> None:
    wide = make_clause(GB, VN, kinds=("victim-safeguarding",), purposes=tuple(Purpose))
    for purpose in Purpose:
        found = judge(make_terms(clauses=(wide,)), kind="confidential", purpose=purpose)
        assert found.is_covered == (purpose is Purpose.VICTIM_PROTECTION)


def test_the_broker_says_nothing_of_what_it_cannot_see() -> None:
    assert judge_header().is_covered
    assert not judge(purpose=Purpose.SYSTEM_TEST).is_covered


def test_all_reasons_are_given_at_once() -> None:
    found = judge(kind="facilitator", marking=Tlp.RED, size_bytes=1 << 20, purpose=Purpose.BORDER_CONTROL)

    assert [finding.code for finding in found.findings] == [
        "kind-not-covered",
        "marking-too-high",
        "too-large",
        "purpose-not-covered",
    ]


def test_the_reasons_are_those_of_the_clause_that_comes_nearest() -> None:
    far = make_clause(GB, VN, kinds=("advisory",), highest_marking=Tlp.CLEAR)
    near = make_clause(GB, VN, kinds=("facilitator",), highest_marking=Tlp.CLEAR)
    for clauses in ((far, near), (near, far)):
        found = judge_header(make_terms(clauses=clauses), kind="facilitator")
        assert [finding.code for finding in found.findings] == ["marking-too-high"]


def test_of_two_clauses_equally_near_the_first_gives_the_reasons() -> None:
    by_kind = make_clause(GB, VN, kinds=("facilitator",))
    by_marking = make_clause(GB, VN, highest_marking=Tlp.CLEAR)

    first = judge_header(make_terms(clauses=(by_kind, by_marking))).findings
    second = judge_header(make_terms(clauses=(by_marking, by_kind))).findings

    assert [finding.code for finding in (*first, *second)] == ["kind-not-covered", "marking-too-high"]


def test_clauses_do_not_add_up() -> None:
    by_kind = make_clause(GB, VN, highest_marking=Tlp.CLEAR)
    by_marking = make_clause(GB, VN, kinds=("advisory",), highest_marking=Tlp.RED)

    assert not judge_header(make_terms(clauses=(by_kind, by_marking))).is_covered


def test_the_clause_of_the_other_direction_lends_nothing() -> None:
    wide_back = make_clause(VN, GB, kinds=("facilitator",), highest_marking=Tlp.RED)

    assert not judge_header(make_terms(clauses=(TO_VN, wide_back)), kind="facilitator").is_covered


def holds(clause: Clause, visible: VisibleFacts, content: ContentFacts) -> bool:
    """Say term by term whether a clause holds, as a lawyer would read it."""
    order = [Tlp.CLEAR, Tlp.GREEN, Tlp.AMBER, Tlp.AMBER_STRICT, Tlp.RED]
    kind = "victim-safeguarding" if visible.kind == "confidential" else visible.kind
    return all(
        (
            visible.kind != "victim-safeguarding",
            visible.kind != "confidential" or content.purpose is Purpose.VICTIM_PROTECTION,
            clause.sender == visible.sender,
            clause.recipient == visible.recipient,
            kind in clause.kinds,
            order.index(visible.marking) <= order.index(clause.highest_marking),
            clause.attachments or visible.attachments == 0,
            visible.size_bytes <= clause.max_bytes,
            content.purpose in clause.purposes,
            all(code in clause.handling for code in content.handling),
            clause.nationalities is None or all(code in clause.nationalities for code in content.nationalities),
            all(code in content.caveats for code in clause.caveats or ()),
            all(code in (clause.special_categories or ()) for code in content.special_categories),
            content.is_passed_on or not content.onward or lets_name(clause, content.onward),
        )
    )


def lets_name(clause: Clause, agencies: frozenset[str]) -> bool:
    """Say whether the originator may let a message go on to these agencies in advance."""
    if clause.onward is OnwardRule.LISTED:
        return agencies <= set(clause.onward_agencies)
    return clause.onward is OnwardRule.WITH_CONSENT


def keeps_times(clause: Clause, content: ContentFacts) -> bool:
    """Say whether a message asks for no earlier answer and no longer keeping than was agreed."""
    if content.is_passed_on:
        return True
    minutes = [item.minutes for item in clause.answer_within if item.urgency is content.urgency]
    is_soon = (
        bool(minutes)
        and content.urgency is not Urgency.THREAT_TO_LIFE
        and content.reply_due is not None
        and content.reply_due - content.issued_at < timedelta(minutes=min(minutes))
    )
    last = content.issued_at.date() + timedelta(days=clause.retention_days)
    return not is_soon and (content.retain_until is None or content.retain_until <= last)


def may_leave(ground: str, content: ContentFacts) -> bool:
    """Say whether the transfer has its ground, as articles 35 to 38 read."""
    stated = content.transfer
    if not content.is_personal:
        return True
    if content.is_passed_on:
        return ground != "derogation"
    if stated is not None and stated.ground.value != ground:
        return False
    if ground != "derogation":
        return True
    is_authorised = stated is not None and stated.originator_authorisation is not None
    return stated is not None and (is_authorised or content.urgency is Urgency.THREAT_TO_LIFE)


@st.composite
def cases(draw: st.DrawFn) -> tuple[Terms, VisibleFacts, ContentFacts]:
    """Return terms, and a message near one of their clauses."""
    terms = draw(terms_between((GB, VN)))
    clause = draw(st.sampled_from(terms.clauses))
    visible = VisibleFacts(
        draw(st.sampled_from((clause.sender, clause.sender, clause.recipient))),
        draw(st.sampled_from((clause.recipient, clause.recipient, clause.sender))),
        draw(st.sampled_from((*clause.kinds, "confidential", "advisory"))),
        draw(st.sampled_from((Tlp.CLEAR, clause.highest_marking, *Tlp))),
        draw(st.sampled_from((0, clause.max_bytes, clause.max_bytes + 1))),
        draw(st.sampled_from((0, 0, 1))),
    )
    content = ContentFacts(
        draw(st.sampled_from((*clause.purposes * 3, *Purpose))),
        frozenset(draw(st.lists(st.sampled_from((*clause.handling * 3, *HandlingCode)), max_size=2))),
        frozenset(draw(st.lists(st.sampled_from((*(clause.nationalities or ("UTO",)) * 3, "GBR")), max_size=2))),
        draw(st.sampled_from(Urgency)),
        NOW,
        caveats=frozenset(draw(st.sampled_from((clause.caveats or (), (), (CaveatCode.OTHER,))))),
        special_categories=frozenset(
            draw(st.lists(st.sampled_from((*(clause.special_categories or ()), *SpecialCategory)), max_size=1))
        ),
        onward=frozenset(draw(st.sampled_from(((), (), clause.onward_agencies, ("AL",))))),
        transfer=draw(st.sampled_from((None, None, *TRANSFERS))),
        reply_due=draw(st.sampled_from((None, NOW, NOW + timedelta(days=400)))),
        retain_until=draw(st.sampled_from((None, NOW.date(), date(2999, 12, 31)))),
        is_passed_on=draw(st.sampled_from((False, False, True))),
        is_personal=draw(st.sampled_from((True, True, False))),
    )
    return terms, visible, content


@given(cases())
def test_covered_means_that_every_term_of_the_clause_holds(case: tuple[Terms, VisibleFacts, ContentFacts]) -> None:
    terms, visible, content = case
    may = may_leave(terms.transfer_ground.kind.value, content)
    allowing = [clause for clause in terms.clauses if may and holds(clause, visible, content)]

    assert judge_received(terms, visible, content).is_covered == bool(allowing)
    found = judge_message(terms, visible, content)
    assert found.is_covered == any(keeps_times(clause, content) for clause in allowing)
    assert found.is_covered == (found.findings == ())
    if found.clause is not None:
        assert holds(found.clause, visible, content)
        assert judge_visible(terms, visible).is_covered


def test_a_caveat_demanded_is_named_where_it_is_missing() -> None:
    terms = make_terms(clauses=(make_clause(GB, VN, caveats=(CaveatCode.PROTECT_SOURCE, CaveatCode.NO_DEATH_PENALTY)),))
    some = frozenset({CaveatCode.NO_DEATH_PENALTY, CaveatCode.OTHER})
    sentence = "every message of this clause carries the caveat protect-source"

    assert judge(terms, caveats=some).findings == (Finding("caveat-missing", sentence),)
    assert judge(terms, caveats=some | {CaveatCode.PROTECT_SOURCE}).is_covered


def test_special_categories_are_allowed_one_by_one_and_none_where_nothing_was_said() -> None:
    some = make_terms(
        clauses=(make_clause(GB, VN, special_categories=(SpecialCategory.BIOMETRIC, SpecialCategory.HEALTH)),)
    )
    both = frozenset({SpecialCategory.BIOMETRIC, SpecialCategory.RELIGION})

    assert judge(some, special_categories=both).findings == (
        Finding("special-category-not-covered", "special categories religion are not among biometric, health"),
    )
    assert judge(some, special_categories=frozenset({SpecialCategory.BIOMETRIC})).is_covered
    assert judge(special_categories=both).findings == (
        Finding(
            "special-category-not-covered", "special categories biometric, religion are not among any that were agreed"
        ),
    )


def test_every_clause_that_holds_by_the_header_is_listed_in_order() -> None:
    first, second = make_clause(GB, VN), make_clause(GB, VN, purposes=(Purpose.SYSTEM_TEST,))
    terms = make_terms(clauses=(first, make_clause(GB, VN, kinds=("ping",)), second, make_clause(VN, GB)))

    assert list_visible_clauses(terms, VisibleFacts(**VISIBLE)) == [first, second]
