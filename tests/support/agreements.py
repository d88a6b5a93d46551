"""Agreement steps signed with members' real keys, in chains that continue by themselves."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from keys.signing import sign_document
from schemas.agreements.steps import Step, StepAction, digest_step
from schemas.agreements.terms import Clause, DutyDesk, Party, Signatory, Terms
from schemas.signed import DocumentType, KeyUse, SignedDocument
from tests.strategies.agreements import make_clause, make_terms
from tests.support.members import Member
from tests.support.messages import make_id


def make_terms_between(
    first: Member, second: Member, now: datetime, name: object = "agreement", **changes: Any
) -> Terms:
    """Return terms with both members' true anchors, in force from a day before `now`; `name` decides the id."""
    one, two = sorted((first, second), key=lambda member: member.agency)
    since = now.replace(microsecond=0) - timedelta(days=1)
    fitting: dict[str, Any] = {
        "exchange": one.key_set.exchange,
        "id": make_id(name),
        "parties": tuple(Party(agency=member.agency, anchor=member.anchor) for member in (one, two)),
        "clauses": (make_clause(one.agency, two.agency), make_clause(two.agency, one.agency)),
        "duty_desks": tuple(
            DutyDesk(agency=member.agency, name="Duty desk", phone="+441632960961") for member in (one, two)
        ),
        "signatories": tuple(
            Signatory(agency=member.agency, name="Anna Maria Eriksson", office="Minister") for member in (one, two)
        ),
        "in_force_from": since,
        "in_force_until": since + timedelta(days=365),
        "review_by": since + timedelta(days=180),
    }
    return make_terms(one.agency, two.agency, **fitting | changes)


def sign_step(member: Member, step: Step, use: KeyUse = KeyUse.AGREEMENT) -> SignedDocument:
    """Return the step signed by the member's agreement key, or by another of its keys."""
    return sign_document(step.canonical(), DocumentType.AGREEMENT_STEP, [member.signers[use]])


@dataclass
class Negotiation:
    """The chains of one agreement id, from which each party's next step follows."""

    terms: Terms
    parties: dict[str, Member]
    heads: dict[str, tuple[int, str | None]] = field(default_factory=dict)

    @classmethod
    def between(
        cls, first: Member, second: Member, now: datetime, name: object = "agreement", **changes: Any
    ) -> "Negotiation":
        """Return a negotiation over terms between two members in which nobody has said anything."""
        terms = make_terms_between(first, second, now, name, **changes)
        return cls(terms, {first.agency: first, second.agency: second})

    def make_step(self, agency: str, action: StepAction, time: datetime, **changes: Any) -> Step:
        """Return the party's next step over the terms, unsigned; its chain does not move."""
        seq, prev = self.heads.get(agency, (0, None))
        members: dict[str, Any] = {
            "v": 1,
            "exchange": self.terms.exchange,
            "agreement": self.terms.id,
            "digest": self.terms.digest(),
            "agency": agency,
            "party_seq": seq + 1,
            "party_prev": prev,
            "action": action,
            "time": time.replace(microsecond=0),
        }
        if action is StepAction.PROPOSE:
            members["terms"] = self.terms
        if action is StepAction.ACCEPT:
            members["confirm_by"] = time.replace(microsecond=0) + timedelta(days=7)
        return Step(**members | changes)

    def sign(self, agency: str, action: StepAction, time: datetime, **changes: Any) -> SignedDocument:
        """Return the party's next step, signed, and move its chain on."""
        step = self.make_step(agency, action, time, **changes)
        self.heads[agency] = step.party_seq, digest_step(step.canonical())
        return sign_step(self.parties[agency], step)


def make_wide_clauses(first: str, second: str, **changes: Any) -> tuple[Clause, Clause]:
    """Return one clause a direction, both with the same changes."""
    return make_clause(first, second, **changes), make_clause(second, first, **changes)
