"""Whether a step that came from outside may be believed: whose it is, what it continues, and whom its terms name.

The proof that it stands in the log is checked before (`agency_client.agreements.pulling`). A step that cannot be
believed yet waits; nothing here decides what an agreement's state is.
"""

from dataclasses import dataclass
from datetime import datetime

from agency_client.agreements.chains import Agreement, load_agreement, parse_step
from agency_client.errors import ConflictError, VerificationFailedError
from agency_client.local_store.engine import Snapshot
from agency_client.local_store.trust import load_pin
from agency_client.node import Node
from agency_client.statuses.hidden import list_hidden_revocations
from keys.errors import KeysError
from keys.signing import verify_document
from keys.timeline import MemberTimeline
from schemas.agreements.lifecycle import answers_what_came_before
from schemas.agreements.steps import NARROWING_ACTIONS, ChainedStep, ChainError, Step, verify_continuation
from schemas.agreements.terms import Terms
from schemas.codec import CodecError
from schemas.log.epoch import is_carried_over
from schemas.signed import DocumentType, KeyUse, SignedDocument, read_signatures


class StepRefusedError(VerificationFailedError):
    """A step in a party's name that does not hold."""

    default_code = "step-refused"


class StepEarlyError(ConflictError):
    """A step whose predecessor, or whose terms, are not here yet."""

    default_code = "step-early"


@dataclass(frozen=True, slots=True)
class Moment:
    """The place at which a step is judged: a leaf's place and time, or the end of what was walked, and now.

    `opened_at` is when the log of that leaf was opened, where it goes on from an earlier one.
    """

    index: int
    time: datetime
    opened_at: datetime | None = None


def verify_step(node: Node, snapshot: Snapshot, document: SignedDocument, at: Moment) -> ChainedStep:
    """Verify a step of a party as the next of its chain.

    1. Its form and exchange. 2. The terms it is about are between its signer and us, with the anchors we pinned. 3. An
    agreement key of the signer that was good at that place signed it. 4. It continues its party's chain, and of an
    earlier log it answers what was there.

    Raises:
        StepRefusedError: it does not hold.
        StepEarlyError: something that stands before it is missing here; or it widens, and its signer's own status calls
            the key revoked.
        NotPinnedError, NotFoundError, AnchorMismatchError: its signer is not trusted.
    """
    try:
        chained = parse_step(document)
    except CodecError as error:
        raise StepRefusedError(f"the step is of another form: {error}") from error
    step = chained.step
    if step.exchange != node.exchange:
        raise StepRefusedError(f"the step is for {step.exchange}, this is {node.exchange}")
    agreement = load_agreement(snapshot, step.agreement)
    _verify_terms(node, snapshot, step, agreement)
    timeline = node.directory.read_trusted_timeline(snapshot, step.agency)
    kids = _verify_signature(document, step, timeline, at)
    if step.action not in NARROWING_ACTIONS and not list_hidden_revocations(snapshot, timeline).isdisjoint(kids):
        raise StepEarlyError(
            f"{step.agency} says that it has revoked the key that signed this step, and the log has not shown it",
            code="revocation-hidden",
        )
    _verify_place(agreement, step)
    if is_carried_over(step.time, at.time, at.opened_at) and not answers_what_came_before(step, agreement.chains):
        raise StepRefusedError("the step is dated before the one of the other party that it answers")
    return chained


def _verify_terms(node: Node, snapshot: Snapshot, step: Step, agreement: Agreement) -> None:
    terms = step.terms or agreement.list_terms().get(step.digest)
    if terms is None:
        raise StepEarlyError(f"the terms that {step.agency} speaks of in agreement {step.agreement} are not here yet")
    if node.agency not in terms.agencies or step.agency not in terms.agencies:
        raise StepRefusedError(f"{step.agency} speaks of an agreement that is not between it and {node.agency}")
    if step.terms is not None:
        _verify_anchors(snapshot, step.terms)


def _verify_anchors(snapshot: Snapshot, terms: Terms) -> None:
    for party in terms.parties:
        pin = load_pin(snapshot, party.agency)
        if pin is not None and pin.anchor != party.anchor:
            raise StepRefusedError(
                f"the terms name another anchor for {party.agency} than the one that is pinned",
                fix="call the partner's duty desk; accept nothing",
                code="anchor-mismatch",
            )


def _verify_signature(document: SignedDocument, step: Step, timeline: MemberTimeline, at: Moment) -> tuple[str, ...]:
    try:
        slots = read_signatures(document.payload, document.signatures, DocumentType.AGREEMENT_STEP)
        kids = tuple(slot.header.kid for slot in slots)
        if is_carried_over(step.time, at.time, at.opened_at):
            jwks = timeline.find_keys_when_signed(KeyUse.AGREEMENT, kids, at.index, step.time)
        else:
            jwks = timeline.find_signing_keys(KeyUse.AGREEMENT, kids, at.index, at.time)
        verify_document(document, DocumentType.AGREEMENT_STEP, jwks)
    except (KeysError, CodecError) as error:
        raise StepRefusedError(f"the signature does not hold: {error}") from error
    return kids


def _verify_place(agreement: Agreement, step: Step) -> None:
    chain = list(agreement.chains.get(step.agency, ()))
    if step.party_seq > len(chain) + 1:
        missing = len(chain) + 1
        raise StepEarlyError(f"step {missing} of {step.agency} in agreement {agreement.id} is not here yet")
    try:
        verify_continuation(chain[: step.party_seq - 1], step)
    except ChainError as error:
        raise StepRefusedError(str(error)) from error
