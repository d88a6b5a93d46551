"""Whom a message may name for the way on, and with which ground it may leave: the terms of its clause."""

from typing import Any

import pytest

from schemas.agreements.coverage import Finding
from schemas.agreements.terms import OnwardRule, TransferGroundKind
from schemas.agreements.terms import TransferGround as AgreedGround
from schemas.markings import Urgency
from tests.schemas.agreements.judging import TO_VN, TRANSFERS, judge
from tests.strategies.agreements import GB, VN, make_clause, make_terms

ONWARD_CASES: dict[str, tuple[dict[str, Any], frozenset[str], str]] = {
    "nothing goes on": (
        {"onward": OnwardRule.FORBIDDEN},
        frozenset({"BE", "AL"}),
        "nothing is passed on under this clause, and onward names AL, BE",
    ),
    "one of them is not listed": (
        {"onward": OnwardRule.LISTED, "onward_agencies": ("BE", "FR")},
        frozenset({"BE", "AL"}),
        "onward names AL, which is not among BE, FR",
    ),
}


@pytest.mark.parametrize(("rule", "named", "sentence"), ONWARD_CASES.values(), ids=ONWARD_CASES)
def test_onward_names_only_whom_the_clause_lets_it_name(
    rule: dict[str, Any], named: frozenset[str], sentence: str
) -> None:
    terms = make_terms(clauses=(make_clause(GB, VN, **rule),))

    assert judge(terms, onward=named).findings == (Finding("onward-not-covered", sentence),)
    assert judge(terms).is_covered
    assert judge(terms, onward=named, is_passed_on=True).is_covered


def test_onward_may_name_whom_it_likes_where_the_originator_consents_and_the_listed_where_they_are_listed() -> None:
    with_consent = make_terms(clauses=(make_clause(GB, VN, onward=OnwardRule.WITH_CONSENT),))
    listed = make_terms(clauses=(make_clause(GB, VN, onward=OnwardRule.LISTED, onward_agencies=("AL", "BE")),))

    assert judge(with_consent, onward=frozenset({"AL", "BE"})).is_covered
    assert judge(listed, onward=frozenset({"BE"})).is_covered


ADEQUACY, SAFEGUARDS, BARE, AUTHORISED = TRANSFERS
NAMES_ITSELF = "under a derogation each message names its own transfer: ground, record, authorisation"
UNAUTHORISED = "a derogation names the authorisation of the state the data come from (originator_authorisation)"
GROUNDS: dict[str, tuple[str, dict[str, Any], tuple[str, str] | None]] = {
    "nothing leaves the common area and nothing is said": ("not-a-transfer", {}, None),
    "nothing leaves the common area and a ground is named": (
        "not-a-transfer",
        {"transfer": ADEQUACY},
        ("transfer-not-covered", "the transfer rests on adequacy, the agreement on not-a-transfer"),
    ),
    "the agreement's own ground is repeated": ("adequacy", {"transfer": ADEQUACY}, None),
    "the agreement's own ground is left to it": ("appropriate-safeguards", {}, None),
    "safeguards stand in for adequacy": (
        "adequacy",
        {"transfer": SAFEGUARDS},
        ("transfer-not-covered", "the transfer rests on appropriate-safeguards, the agreement on adequacy"),
    ),
    "a derogation stands beside safeguards": (
        "appropriate-safeguards",
        {"transfer": AUTHORISED},
        ("transfer-not-covered", "the transfer rests on derogation, the agreement on appropriate-safeguards"),
    ),
    "a derogation is recorded and authorised": ("derogation", {"transfer": AUTHORISED}, None),
    "a derogation is not recorded": ("derogation", {}, ("transfer-not-covered", NAMES_ITSELF)),
    "a derogation is not authorised": (
        "derogation",
        {"transfer": BARE},
        ("transfer-not-authorised", UNAUTHORISED),
    ),
    "a derogation is urgent and not authorised": (
        "derogation",
        {"transfer": BARE, "urgency": Urgency.URGENT},
        ("transfer-not-authorised", UNAUTHORISED),
    ),
    "a life is at stake and the authorisation cannot be waited for": (
        "derogation",
        {"transfer": BARE, "urgency": Urgency.THREAT_TO_LIFE},
        None,
    ),
    "a life is at stake and nothing is recorded": (
        "derogation",
        {"urgency": Urgency.THREAT_TO_LIFE},
        ("transfer-not-covered", NAMES_ITSELF),
    ),
    "no personal data leave": ("derogation", {"is_personal": False}, None),
    "another agency's alert is passed on, with a ground of its own": (
        "adequacy",
        {"transfer": AUTHORISED, "is_passed_on": True},
        None,
    ),
    "another agency's alert is passed on and cannot name this transfer": (
        "derogation",
        {"transfer": AUTHORISED, "is_passed_on": True},
        ("transfer-not-covered", NAMES_ITSELF),
    ),
}


@pytest.mark.parametrize(("ground", "changes", "against"), GROUNDS.values(), ids=GROUNDS)
def test_a_transfer_has_the_ground_agreed(
    ground: str, changes: dict[str, Any], against: tuple[str, str] | None
) -> None:
    agreed = AgreedGround(kind=TransferGroundKind(ground), reference="Specimen act")
    found = judge(make_terms(clauses=(TO_VN,), transfer_ground=agreed), **changes)

    assert found.findings == (() if against is None else (Finding(*against),))
