"""The terms of a bilateral agreement: canonical, unsigned, named by their digest.

Terms never change. A new version is a new document that names the digest it supersedes. What may be sent is said clause
by clause and per direction, since what A may send to B differs from what B may send to A.
"""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from schemas.alerts.base import CaveatCode, SpecialCategory
from schemas.codec import hash_text
from schemas.envelope import SAFEGUARDING_KIND
from schemas.identifiers.states import StateCode
from schemas.markings import HandlingCode, Purpose, Tlp, Urgency
from schemas.model import AgencyId, Code, Counter, Digest, ExchangeName, Line, Paragraph, Timestamp, Uuid, WireModel
from schemas.receipts import ReceiptType

MAX_CLAUSES = 64
MAX_CONDITIONS = 8
MAX_TERMS_BYTES = 64 * 1024

E164 = Annotated[str, StringConstraints(pattern=r"^\+[1-9][0-9]{6,14}$")]


class OnwardRule(StrEnum):
    """Whether a recipient may pass on what it received."""

    FORBIDDEN = "forbidden"
    WITH_CONSENT = "with-consent"
    LISTED = "listed"


class TransferGroundKind(StrEnum):
    """The ground of a transfer out of one legal area (Directive (EU) 2016/680 art. 35-38)."""

    NOT_A_TRANSFER = "not-a-transfer"
    ADEQUACY = "adequacy"
    APPROPRIATE_SAFEGUARDS = "appropriate-safeguards"
    DEROGATION = "derogation"


class TransferGround(WireModel):
    """The ground and the act it is found in."""

    kind: TransferGroundKind
    reference: Line


class Party(WireModel):
    """One party and the trust anchor of its roots: refused by whoever pinned another."""

    agency: AgencyId
    anchor: Digest


class AnswerDeadline(WireModel):
    """How many minutes the recipient has to answer a message of this urgency."""

    urgency: Urgency
    minutes: Annotated[int, Field(ge=1, le=60 * 24 * 365)]


class Clause(WireModel):
    """What one party may send the other, and what the other does with it.

    `nationalities` absent means persons of any nationality, `special_categories` absent none of them. Every message
    carries all of `caveats`; `conditions` are those of the processing in words, told to who reads (art. 9(3)).
    """

    sender: AgencyId
    recipient: AgencyId
    kinds: Annotated[tuple[Code, ...], Field(min_length=1, max_length=64)]
    purposes: Annotated[tuple[Purpose, ...], Field(min_length=1, max_length=32)]
    nationalities: Annotated[tuple[StateCode, ...] | None, Field(min_length=1, max_length=300)] = None
    highest_marking: Tlp
    handling: Annotated[tuple[HandlingCode, ...], Field(min_length=1, max_length=8)]
    onward: OnwardRule
    onward_agencies: Annotated[tuple[AgencyId, ...], Field(max_length=64)]
    attachments: bool
    max_bytes: Annotated[int, Field(ge=1, le=1 << 40)]
    daily_quota: Annotated[int, Field(ge=1, le=10_000_000)]
    answer_within: Annotated[tuple[AnswerDeadline, ...], Field(max_length=3)]
    retention_days: Annotated[int, Field(ge=1, le=36_500)]
    evidence_days: Annotated[int, Field(ge=1, le=36_500)]
    receipts: Annotated[tuple[ReceiptType, ...], Field(max_length=len(ReceiptType))]
    caveats: Annotated[tuple[CaveatCode, ...] | None, Field(min_length=1, max_length=len(CaveatCode))] = None
    special_categories: Annotated[
        tuple[SpecialCategory, ...] | None, Field(min_length=1, max_length=len(SpecialCategory))
    ] = None
    conditions: Annotated[tuple[Paragraph, ...] | None, Field(min_length=1, max_length=MAX_CONDITIONS)] = None


class DutyDesk(WireModel):
    """Whom to call around the clock when the wire does not answer."""

    agency: AgencyId
    name: Line
    phone: E164
    email: Line | None = None


class Signatory(WireModel):
    """Who signed the governments' text for a party."""

    agency: AgencyId
    name: Line
    office: Line


class Terms(WireModel):
    """All terms of one version of an agreement between two agencies, ordered by their ids."""

    v: Literal[1]
    exchange: ExchangeName
    id: Uuid
    version: Counter
    supersedes: Digest | None = None
    title: Line
    parties: Annotated[tuple[Party, ...], Field(min_length=2, max_length=2)]
    legal_basis: Annotated[tuple[Line, ...], Field(min_length=1, max_length=16)]
    transfer_ground: TransferGround
    clauses: Annotated[tuple[Clause, ...], Field(min_length=1, max_length=MAX_CLAUSES)]
    in_force_from: Timestamp
    in_force_until: Timestamp
    review_by: Timestamp
    notice_days: Annotated[int, Field(ge=0, le=3650)]
    duty_desks: Annotated[tuple[DutyDesk, ...], Field(min_length=2, max_length=8)]
    text_sha256: Digest | None = None
    signatories: Annotated[tuple[Signatory, ...], Field(max_length=8)]
    note: Paragraph | None = None

    @model_validator(mode="after")
    def _check_consistency(self) -> "Terms":
        for problem in _find_inconsistencies(self):
            raise ValueError(problem)
        return self

    @property
    def agencies(self) -> tuple[str, str]:
        """Return both parties' ids in order."""
        return self.parties[0].agency, self.parties[1].agency

    def counterpart_of(self, agency: str) -> str:
        """Return the other party.

        Raises:
            ValueError: the agency is no party.
        """
        first, second = self.agencies
        if agency == first:
            return second
        if agency == second:
            return first
        raise ValueError(f"{agency} is no party to this agreement")

    def digest(self) -> str:
        """Return the digest that every step, header and log record names."""
        return hash_text("agreement", self.canonical())


def _find_inconsistencies(terms: Terms) -> list[str]:
    agencies = set(terms.agencies)
    problems = []
    if list(terms.agencies) != sorted(agencies):
        problems.append("parties must be two different agencies in order of their ids")
    if (terms.version == 1) != (terms.supersedes is None):
        problems.append("version 1 supersedes nothing, and every later version names the digest it supersedes")
    if not terms.in_force_from < terms.in_force_until:
        problems.append("in_force_until must be later than in_force_from")
    if not terms.in_force_from <= terms.review_by <= terms.in_force_until:
        problems.append("review_by must lie between in_force_from and in_force_until")
    problems += [
        f"clauses.{position}: sender and recipient must be the two parties"
        for position, clause in enumerate(terms.clauses)
        if {clause.sender, clause.recipient} != agencies
    ]
    problems += [
        f"clauses.{position}: onward_agencies stand where the onward rule is `listed`, and nowhere else"
        for position, clause in enumerate(terms.clauses)
        if (clause.onward is OnwardRule.LISTED) != bool(clause.onward_agencies)
    ]
    problems += [
        f"clauses.{position}: {problem}"
        for position, clause in enumerate(terms.clauses)
        for problem in _find_contradictions(clause)
    ]
    if {desk.agency for desk in terms.duty_desks} != agencies:
        problems.append("duty_desks must name a desk of each party and of nobody else")
    if not {signatory.agency for signatory in terms.signatories} <= agencies:
        problems.append("signatories must belong to the parties")
    return problems


def _find_contradictions(clause: Clause) -> list[str]:
    problems = []
    if clause.evidence_days < clause.retention_days:
        problems.append("evidence_days must not end before retention_days: what is kept can still be corrected")
    if SAFEGUARDING_KIND in clause.kinds and Purpose.VICTIM_PROTECTION not in clause.purposes:
        problems.append(f"{SAFEGUARDING_KIND} is sent for {Purpose.VICTIM_PROTECTION.value} alone: name that purpose")
    if CaveatCode.OTHER in (clause.caveats or ()):
        problems.append("caveats are demanded by their codes; what has none is written into conditions")
    return problems
