"""The specimen message, agreement and recipient that the tests of a plan vary."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from agency_client.sending.plan import (
    Candidate,
    MessageFacts,
    Original,
    Plan,
    RecipientFacts,
)
from schemas.agreements.coverage import ContentFacts, Finding
from schemas.agreements.lifecycle import AgreementView, State
from schemas.envelope import Reference
from schemas.key_documents import EncryptionKey
from schemas.markings import HandlingCode, Purpose, Tlp, Urgency
from schemas.signed import EncryptionUse
from tests.strategies.agreements import GB, VN, make_clause, make_terms
from tests.support.members import make_member
from tests.support.messages import make_id

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
CONTENT = ContentFacts(
    purpose=Purpose.DOCUMENT_INTEGRITY,
    handling=frozenset({HandlingCode.H0}),
    nationalities=frozenset({"VNM"}),
    urgency=Urgency.ROUTINE,
    issued_at=NOW,
)
MESSAGE = MessageFacts(
    sender=GB,
    kind="document-fraud",
    is_aftercare=False,
    needs_original=False,
    marking=Tlp.AMBER,
    content=CONTENT,
    size_bytes=8264,
)
CORRECTION = replace(MESSAGE, kind="correction", is_aftercare=True, needs_original=True)
WITHDRAWAL = replace(CORRECTION, kind="withdrawal", is_senders_alone=True)
KEY = EncryptionKey(
    use=EncryptionUse.ENCRYPTION,
    jwk=make_member(VN).opening_key.jwk,
    not_before=NOW - timedelta(days=1),
    expires_at=NOW + timedelta(days=40),
)


def say(**changes: Any) -> MessageFacts:
    """Return the specimen message with changes, of what the header shows or of what only the agencies see."""
    inside = {name: value for name, value in changes.items() if name in ContentFacts.__dataclass_fields__}
    outside = {name: value for name, value in changes.items() if name not in inside}
    return replace(MESSAGE, content=replace(CONTENT, **inside), **outside)


def make_candidate(
    state: State = State.IN_FORCE,
    *,
    name: str = "a",
    sent_today: int = 0,
    title: str = "Memorandum",
    is_signed: bool = True,
    **clause: Any,
) -> Candidate:
    """Return one version of an agreement in a state, with a clause a direction."""
    clauses = (make_clause(GB, VN, **clause), make_clause(VN, GB))
    terms = make_terms(id=make_id(name), title=title, clauses=clauses)
    return Candidate(AgreementView(terms.digest(), terms, state, "as the test says", binding=is_signed), sent_today)


def make_recipient(*candidates: Candidate, original: Original | None = None, **changes: Any) -> RecipientFacts:
    """Return the facts of one recipient that nothing stands in the way of."""
    return RecipientFacts(VN, candidates, KEY, original=original, **changes)


def make_original(candidate: Candidate, **changes: Any) -> Original:
    """Return an own message that was sent to the recipient under this version."""
    reference = Reference(id=make_id("original"), digest=candidate.view.digest)
    return Original(reference, VN, candidate.view.digest, **{"is_own": True} | changes)


def list_codes(plan: Plan) -> list[str]:
    """Return the codes of everything that speaks against the first recipient."""
    (recipient,) = plan.recipients
    return [item.code for item in (*recipient.obstacles, *(f for o in recipient.options for f in o.findings))]


def list_findings(plan: Plan) -> list[Finding]:
    """Return everything that speaks against the first recipient, in words."""
    (recipient,) = plan.recipients
    return [*recipient.obstacles, *(found for option in recipient.options for found in option.findings)]
