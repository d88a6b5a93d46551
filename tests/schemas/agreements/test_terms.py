"""Terms are whole, speak of their two parties only, and are named by the digest of all they say."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.agreements.terms import (
    MAX_CLAUSES,
    MAX_TERMS_BYTES,
    AnswerDeadline,
    Clause,
    DutyDesk,
    OnwardRule,
    Signatory,
    Terms,
    TransferGroundKind,
)
from schemas.codec import hash_text
from schemas.markings import Tlp
from schemas.model import DocumentError, WireModel
from schemas.receipts import ReceiptType
from tests.strategies.agreements import GB, MORNING, VN, follow_terms, make_clause, make_terms, terms_between

TERMS = make_terms()
WIRE = TERMS.to_wire()


@given(terms_between())
@settings(max_examples=40)
def test_terms_come_back_from_their_bytes(terms: Terms) -> None:
    assert Terms.from_canonical(terms.canonical()) == terms
    assert terms.digest() == hash_text("agreement", terms.canonical())


def test_the_parties_are_in_order_and_each_is_the_others_counterpart() -> None:
    assert TERMS.agencies == (GB, VN)
    assert TERMS.counterpart_of(GB) == VN
    assert TERMS.counterpart_of(VN) == GB
    with pytest.raises(ValueError, match="BE is no party"):
        TERMS.counterpart_of("BE")


PARTIES = WIRE["parties"]
CLAUSE = WIRE["clauses"][0]
DESKS = WIRE["duty_desks"]
OFFICER = {"agency": "BE", "name": "Specimen", "office": "Specimen"}
SIGNATORY = OFFICER | {"agency": GB}
DEADLINE = {"urgency": "routine", "minutes": 60}
ORDER = "parties must be two different agencies in order of their ids"
CHAIN = "version 1 supersedes nothing, and every later version names the digest it supersedes"
END = "in_force_until must be later than in_force_from"
REVIEW = "review_by must lie between in_force_from and in_force_until"
ENDS = "sender and recipient must be the two parties"
ONWARD = "onward_agencies stand where the onward rule is `listed`, and nowhere else"
DUTY = "duty_desks must name a desk of each party and of nobody else"
INCONSISTENT: dict[str, tuple[dict[str, Any], str]] = {
    "the parties out of order": ({"parties": PARTIES[::-1]}, ORDER),
    "one party twice": ({"parties": [PARTIES[0]] * 2}, ORDER),
    "a first version that supersedes": ({"supersedes": "A" * 43}, CHAIN),
    "a second version that supersedes nothing": ({"version": 2}, CHAIN),
    "an end before the beginning": ({"in_force_until": "2026-11-21T07:59:59Z"}, END),
    "an end at the beginning": ({"in_force_until": WIRE["in_force_from"]}, END),
    "a review before the beginning": ({"review_by": "2026-11-21T07:59:59Z"}, REVIEW),
    "a review after the end": ({"review_by": "2027-11-21T08:00:01Z"}, REVIEW),
    "a clause for a third agency": ({"clauses": [CLAUSE, CLAUSE | {"recipient": "BE"}]}, f"clauses.1: {ENDS}"),
    "a clause from a party to itself": ({"clauses": [CLAUSE | {"recipient": GB}]}, f"clauses.0: {ENDS}"),
    "a list of agencies that does not count": (
        {"clauses": [CLAUSE | {"onward_agencies": ["BE"]}]},
        f"clauses.0: {ONWARD}",
    ),
    "a rule that lists nobody": ({"clauses": [CLAUSE, CLAUSE | {"onward": "listed"}]}, f"clauses.1: {ONWARD}"),
    "evidence that ends before what it is about": (
        {"clauses": [CLAUSE | {"retention_days": 366, "evidence_days": 365}]},
        "clauses.0: evidence_days must not end before retention_days: what is kept can still be corrected",
    ),
    "a caveat that has no words": (
        {"clauses": [CLAUSE, CLAUSE | {"caveats": ["no-death-penalty", "other"]}]},
        "clauses.1: caveats are demanded by their codes; what has none is written into conditions",
    ),
    "victims under another purpose than their protection": (
        {"clauses": [CLAUSE, CLAUSE | {"kinds": ["victim-safeguarding"]}]},
        "clauses.1: victim-safeguarding is sent for victim-protection alone: name that purpose",
    ),
    "one party without a desk": ({"duty_desks": [DESKS[0]] * 2}, DUTY),
    "a desk of a third agency": ({"duty_desks": [*DESKS, DESKS[0] | {"agency": "BE"}]}, DUTY),
    "a signatory of a third agency": ({"signatories": [OFFICER]}, "signatories must belong to the parties"),
}


@pytest.mark.parametrize(("change", "problem"), INCONSISTENT.values(), ids=INCONSISTENT)
def test_it_refuses(change: dict[str, Any], problem: str) -> None:
    with pytest.raises(DocumentError) as refusal:
        Terms.from_wire(WIRE | change)

    assert refusal.value.problem == problem


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"clauses": []}, "clauses"),
        ({"clauses": [CLAUSE] * (MAX_CLAUSES + 1)}, "clauses"),
        ({"clauses": [CLAUSE | {"nationalities": []}]}, "clauses.0.nationalities"),
        ({"clauses": [CLAUSE | {"max_bytes": 0}]}, "clauses.0.max_bytes"),
        ({"clauses": [CLAUSE | {"purposes": ["anything"]}]}, "clauses.0.purposes.0"),
        ({"parties": PARTIES[:1]}, "parties"),
        ({"duty_desks": [DESKS[0], DESKS[1] | {"phone": "+44 20 7946 0000"}]}, "duty_desks.1.phone"),
        ({"duty_desks": [DESKS[0], DESKS[1] | {"phone": "+442079460000\n"}]}, "duty_desks.1.phone"),
        ({"transfer_ground": {"kind": "adequacy"}}, "transfer_ground.reference"),
        ({"v": 2}, "v"),
        ({"v": True}, "v"),
        ({"more": 1}, "more"),
    ],
)
def test_a_wrong_member_is_named(change: dict[str, Any], field: str) -> None:
    with pytest.raises(DocumentError) as refusal:
        Terms.from_wire(WIRE | change)

    assert refusal.value.field == field


LIMITS: dict[str, tuple[tuple[Any, ...], tuple[Any, ...]]] = {
    "kinds": ((["advisory"], ["advisory"] * 64), ([], ["advisory"] * 65)),
    "purposes": ((["system-test"], ["system-test"] * 32), ([], ["system-test"] * 33)),
    "nationalities": ((["UTO"], ["UTO"] * 300), ([], ["UTO"] * 301)),
    "handling": ((["h0"], ["h0"] * 8), ([], ["h0"] * 9)),
    "max_bytes": ((1, 2**40), (0, 2**40 + 1)),
    "daily_quota": ((1, 10_000_000), (0, 10_000_001)),
    "answer_within": (([], [DEADLINE] * 3), ([DEADLINE] * 4,)),
    "retention_days": ((1, 36_500), (0, 36_501)),
    "evidence_days": ((1, 36_500), (0, 36_501)),
    "receipts": (([], ["opened"] * 8), (["opened"] * (len(ReceiptType) + 1),)),
    "caveats": ((["protect-source"], ["protect-source"] * 8), ([], ["protect-source"] * 9)),
    "special_categories": ((["health"], ["health"] * 8), ([], ["health"] * 9)),
    "conditions": ((["In words."], ["In words."] * 8), ([], ["In words."] * 9)),
}
WHOLE_LIMITS: dict[str, tuple[tuple[Any, ...], tuple[Any, ...]]] = {
    "parties": ((PARTIES,), (PARTIES[:1], [*PARTIES, PARTIES[1]])),
    "legal_basis": ((["Treaty"], ["Treaty"] * 16), ([], ["Treaty"] * 17)),
    "clauses": (([CLAUSE], [CLAUSE] * 64), ([], [CLAUSE] * 65)),
    "notice_days": ((0, 3650), (-1, 3651)),
    "duty_desks": ((DESKS, DESKS * 4), (DESKS[:1], [*DESKS * 4, DESKS[0]])),
    "signatories": (([], [SIGNATORY] * 8), ([SIGNATORY] * 9,)),
}


@pytest.mark.parametrize(("name", "limits"), LIMITS.items(), ids=LIMITS)
def test_a_clause_is_accepted_at_its_limits_and_not_beyond(
    name: str, limits: tuple[tuple[Any, ...], tuple[Any, ...]]
) -> None:
    accepted, refused = limits
    for value in accepted:
        assert Clause.from_wire(CLAUSE | {name: value}).to_wire()[name] == value
    for value in refused:
        with pytest.raises(DocumentError) as refusal:
            Clause.from_wire(CLAUSE | {name: value})
        assert refusal.value.field == name


@pytest.mark.parametrize(("name", "limits"), WHOLE_LIMITS.items(), ids=WHOLE_LIMITS)
def test_terms_are_accepted_at_their_limits_and_not_beyond(
    name: str, limits: tuple[tuple[Any, ...], tuple[Any, ...]]
) -> None:
    accepted, refused = limits
    for value in accepted:
        assert Terms.from_wire(WIRE | {name: value}).to_wire()[name] == value
    for value in refused:
        with pytest.raises(DocumentError) as refusal:
            Terms.from_wire(WIRE | {name: value})
        assert refusal.value.field == name


def test_a_listed_rule_names_up_to_64_agencies() -> None:
    listed = CLAUSE | {"onward": "listed", "onward_agencies": ["BE"] * 64}

    assert Terms.from_wire(WIRE | {"clauses": [listed]}).clauses[0].onward is OnwardRule.LISTED
    with pytest.raises(DocumentError) as refusal:
        Terms.from_wire(WIRE | {"clauses": [listed | {"onward_agencies": ["BE"] * 65}]})
    assert refusal.value.field == "clauses.0.onward_agencies"


@pytest.mark.parametrize(
    ("model", "wire", "name", "accepted", "refused"),
    [
        (AnswerDeadline, {"urgency": "routine"}, "minutes", (1, 525_600), (0, 525_601)),
        (DutyDesk, DESKS[0], "phone", ("+1234567", "+123456789012345"), ("+123456", "+1234567890123456", "+01234567")),
    ],
)
def test_a_deadline_lies_within_a_year_and_a_telephone_number_is_e164(
    model: type[WireModel], wire: dict[str, Any], name: str, accepted: tuple[Any, ...], refused: tuple[Any, ...]
) -> None:
    for value in accepted:
        assert model.from_wire(wire | {name: value}).to_wire()[name] == value
    for value in refused:
        with pytest.raises(DocumentError, match=name):
            model.from_wire(wire | {name: value})


def test_the_words_and_the_numbers_of_terms_are_those_of_the_protocol() -> None:
    assert (MAX_CLAUSES, MAX_TERMS_BYTES) == (64, 65_536)
    assert [str(rule) for rule in OnwardRule] == ["forbidden", "with-consent", "listed"]
    assert [str(kind) for kind in TransferGroundKind] == [
        "not-a-transfer",
        "adequacy",
        "appropriate-safeguards",
        "derogation",
    ]


@given(st.data())
@settings(max_examples=40)
def test_whatever_is_said_otherwise_has_another_digest(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(Terms.model_fields)))
    other = data.draw(terms_between((GB, VN)))
    changed = TERMS.model_copy(update={name: getattr(other, name)})

    assert (changed.digest() == TERMS.digest()) == (changed == TERMS)


def test_what_a_party_adds_to_one_clause_changes_the_digest() -> None:
    wider = make_terms(clauses=(make_clause(GB, VN, highest_marking=Tlp.RED), TERMS.clauses[1]))

    assert wider.digest() != TERMS.digest()


def test_listed_agencies_and_signatories_of_both_parties_are_fine() -> None:
    listed = make_clause(onward=OnwardRule.LISTED, onward_agencies=("BE",))
    officers = tuple(Signatory(agency=agency, name="Specimen", office="Specimen") for agency in (GB, VN))

    assert make_terms(clauses=(listed,), signatories=officers).clauses == (listed,)


def test_evidence_may_end_with_what_it_is_about() -> None:
    clause = make_clause(retention_days=365, evidence_days=365)

    assert make_terms(clauses=(clause,)).clauses == (clause,)


def test_what_a_clause_leaves_out_is_absent_on_the_wire_and_changes_no_digest_of_before() -> None:
    assert not {"nationalities", "caveats", "special_categories", "conditions"} & CLAUSE.keys()


def test_the_review_may_be_on_the_first_or_the_last_day() -> None:
    assert make_terms(review_by=MORNING).review_by == MORNING
    assert make_terms(review_by=MORNING + timedelta(days=365)).review_by == TERMS.in_force_until


def test_a_following_version_names_the_one_it_follows() -> None:
    second = follow_terms(TERMS)

    assert (second.version, second.supersedes) == (2, TERMS.digest())
