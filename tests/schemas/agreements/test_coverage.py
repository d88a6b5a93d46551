"""A message is covered when one clause holds in all its terms, and otherwise everyone hears the same reasons."""

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
    judge_visible,
)
from schemas.agreements.terms import Clause, Terms
from schemas.markings import HandlingCode, Purpose, Tlp
from tests.strategies.agreements import GB, VN, make_clause, make_terms, terms_between

TO_VN = make_clause(GB, VN, nationalities=("GBR", "VNM"))
TERMS = make_terms(clauses=(TO_VN,))
VISIBLE: dict[str, Any] = {
    "sender": GB,
    "recipient": VN,
    "kind": "document-fraud",
    "marking": Tlp.AMBER,
    "size_bytes": 65_536,
    "attachments": 2,
}
CONTENT: dict[str, Any] = {
    "purpose": Purpose.DOCUMENT_INTEGRITY,
    "handling": frozenset({HandlingCode.H0}),
    "nationalities": frozenset({"VNM"}),
}


def judge(terms: Terms = TERMS, **changes: Any) -> Coverage:
    """Judge the specimen message, with what a test changes."""
    visible = {name: changes.get(name, value) for name, value in VISIBLE.items()}
    content = {name: changes.get(name, value) for name, value in CONTENT.items()}
    return judge_message(terms, VisibleFacts(**visible), ContentFacts(**content))


def judge_header(terms: Terms = TERMS, **changes: Any) -> Coverage:
    return judge_visible(terms, VisibleFacts(**VISIBLE | changes))


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
    "its kind is hidden and safeguarding was not agreed": (
        {"kind": "confidential"},
        "kind-not-covered",
        "confidential is not among document-fraud",
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
    safeguarding = make_terms(clauses=(make_clause(GB, VN, kinds=("victim-safeguarding",)),))
    named_so = make_terms(clauses=(make_clause(GB, VN, kinds=("confidential",)),))

    assert judge_header(safeguarding, kind="confidential").is_covered
    assert not judge_header(named_so, kind="confidential").is_covered


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
            clause.sender == visible.sender,
            clause.recipient == visible.recipient,
            kind in clause.kinds,
            order.index(visible.marking) <= order.index(clause.highest_marking),
            clause.attachments or visible.attachments == 0,
            visible.size_bytes <= clause.max_bytes,
            content.purpose in clause.purposes,
            all(code in clause.handling for code in content.handling),
            clause.nationalities is None or all(code in clause.nationalities for code in content.nationalities),
        )
    )


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
    )
    return terms, visible, content


@given(cases())
def test_covered_means_that_every_term_of_the_clause_holds(case: tuple[Terms, VisibleFacts, ContentFacts]) -> None:
    terms, visible, content = case
    found = judge_message(terms, visible, content)

    assert found.is_covered == any(holds(clause, visible, content) for clause in terms.clauses)
    assert found.is_covered == (found.findings == ())
    if found.clause is not None:
        assert holds(found.clause, visible, content)
        assert judge_visible(terms, visible).is_covered
