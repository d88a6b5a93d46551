"""Every term of an agreement that one message can break: how it is broken, and what each side says of it.

One row serves the sender's client, the broker and the recipient's client (`test_terms`), and names the rows of the
table in docs/protocol.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from agency_client.sending.draft import Draft
from schemas.agreements.terms import AnswerDeadline, TransferGround, TransferGroundKind
from schemas.alerts.base import CaveatCode, SpecialCategory
from schemas.markings import HandlingCode, Purpose, Tlp, Urgency
from schemas.model import format_timestamp
from tests.support.drafts import make_draft

VN = "VN"


@dataclass(frozen=True, slots=True)
class BrokenTerm:
    """One term and a message that breaks it.

    `code` is what both agencies call it, `broker` the problem type of an honest broker (None: it cannot see the term).
    `state` is where the message ends at the recipient: `unverifiable` what the header already shows, `refused` what
    is inside, `opened` what the recipient keeps to by itself or only notes.
    """

    term: str
    code: str
    broker: str | None = None
    state: str = "refused"
    clause: Mapping[str, Any] = field(default_factory=dict)
    terms: Mapping[str, Any] = field(default_factory=dict)
    draft: Mapping[str, Any] = field(default_factory=dict)
    alert: Mapping[str, Any] = field(default_factory=dict)
    messages: int = 1


def make_breaking_draft(broken: BrokenTerm, agreement: str, number: int, now: datetime) -> Draft:
    """Return the draft of a message that breaks the term under an agreement; no two of them say the same."""
    alert = {name: value(now) if callable(value) else value for name, value in broken.alert.items()}
    draft = make_draft(VN, agreement=agreement, **broken.draft)
    said = {**draft.alert, "subject": f"Breaks the term {broken.term}, {number}", **alert}
    return replace(draft, alert=said)


def _ground(kind: TransferGroundKind) -> dict[str, Any]:
    return {"transfer_ground": TransferGround(kind=kind, reference="Specimen act, section 1")}


BROKEN_TERMS: tuple[BrokenTerm, ...] = (
    BrokenTerm("kinds", "kind-not-covered", "not-covered", "unverifiable", clause={"kinds": ("facilitator",)}),
    BrokenTerm(
        "highest_marking",
        "marking-too-high",
        "not-covered",
        "unverifiable",
        clause={"highest_marking": Tlp.GREEN},
    ),
    BrokenTerm("max_bytes", "too-large", "not-covered", "unverifiable", clause={"max_bytes": 1024}),
    BrokenTerm(
        "daily_quota",
        "quota-exhausted",
        "quota-exhausted",
        "opened",
        clause={"daily_quota": 1},
        messages=2,
    ),
    BrokenTerm("purposes", "purpose-not-covered", clause={"purposes": (Purpose.SYSTEM_TEST,)}),
    BrokenTerm("nationalities", "nationality-not-covered", clause={"nationalities": ("GBR",)}),
    BrokenTerm("handling", "handling-not-covered", clause={"handling": (HandlingCode.H0,)}),
    BrokenTerm("caveats", "caveat-missing", clause={"caveats": (CaveatCode.PROTECT_SOURCE,)}),
    BrokenTerm(
        "special_categories",
        "special-category-not-covered",
        clause={"special_categories": (SpecialCategory.BIOMETRIC,)},
        alert={
            "special_categories": {
                "categories": ["health"],
                "strictly_necessary_because": "The bearer needs a doctor at the border.",
            }
        },
    ),
    BrokenTerm("onward", "onward-not-covered", alert={"onward": ["AL"]}),
    BrokenTerm(
        "transfer_ground",
        "transfer-not-covered",
        terms=_ground(TransferGroundKind.APPROPRIATE_SAFEGUARDS),
        alert={"transfer": {"ground": "derogation", "record": "UTO-38-17", "originator_authorisation": "By telephone"}},
    ),
    BrokenTerm(
        "transfer_ground (authorisation)",
        "transfer-not-authorised",
        terms=_ground(TransferGroundKind.DEROGATION),
        alert={"transfer": {"ground": "derogation", "record": "UTO-38-18"}},
    ),
    BrokenTerm(
        "answer_within",
        "reply-due-too-soon",
        state="opened",
        clause={"answer_within": (AnswerDeadline(urgency=Urgency.ROUTINE, minutes=480),)},
        alert={"reply_due": lambda now: format_timestamp((now + timedelta(minutes=60)).replace(microsecond=0))},
    ),
    BrokenTerm(
        "retention_days",
        "retention-too-long",
        state="opened",
        clause={"retention_days": 30},
        alert={"retain_until": lambda now: f"{(now.astimezone(UTC) + timedelta(days=40)):%Y-%m-%d}"},
    ),
)
