"""A message and a clause that covers it, judged with what a test changes."""

from datetime import UTC, datetime
from typing import Any

from schemas.agreements.coverage import ContentFacts, Coverage, VisibleFacts, judge_message, judge_visible
from schemas.agreements.terms import Terms
from schemas.alerts.base import Transfer, TransferGround
from schemas.markings import HandlingCode, Purpose, Tlp, Urgency
from tests.strategies.agreements import GB, VN, make_clause, make_terms

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
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
CONTENT: dict[str, Any] = {
    "purpose": Purpose.DOCUMENT_INTEGRITY,
    "handling": frozenset({HandlingCode.H0}),
    "nationalities": frozenset({"VNM"}),
    "urgency": Urgency.ROUTINE,
    "issued_at": NOW,
}

VICTIMS: dict[str, Any] = {"kinds": ("victim-safeguarding",), "purposes": (Purpose.VICTIM_PROTECTION,)}
TRANSFERS = (
    Transfer(ground=TransferGround.ADEQUACY),
    Transfer(ground=TransferGround.APPROPRIATE_SAFEGUARDS),
    Transfer(ground=TransferGround.DEROGATION, record="UTO-38-17"),
    Transfer(ground=TransferGround.DEROGATION, record="UTO-38-18", originator_authorisation="Utopia, by telephone"),
)


def judge(terms: Terms = TERMS, **changes: Any) -> Coverage:
    """Judge the specimen message, with what a test changes."""
    visible = {name: changes.get(name, value) for name, value in VISIBLE.items()}
    content = CONTENT | {name: value for name, value in changes.items() if name not in VISIBLE}
    return judge_message(terms, VisibleFacts(**visible), ContentFacts(**content))


def judge_header(terms: Terms = TERMS, **changes: Any) -> Coverage:
    """Judge the same as the exchange does, by what it sees."""
    return judge_visible(terms, VisibleFacts(**VISIBLE | changes))
