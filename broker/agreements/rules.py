"""Which agreement steps the exchange accepts. Pure: document, members, agreements and time in; a step or a refusal out.

Two halves, because signatures are verified before the writer's turn and everything that can change is judged in it:
`verify_signed_step` and `verify_step_follows`. The broker may refuse a step; it can never make one.
"""

from dataclasses import dataclass
from datetime import datetime

from broker.agreements.book import Agreements
from broker.agreements.errors import (
    AgreementError,
    ChainConflictError,
    NotTheSignerError,
    WrongExchangeError,
    WrongTimeError,
)
from broker.directory.members import Members
from keys.signing import verify_document
from schemas.agreements.lifecycle import answers_what_came_before, judge_step
from schemas.agreements.steps import (
    MAX_NARROWING_AHEAD,
    MAX_SKEW,
    NARROWING_ACTIONS,
    ChainedStep,
    ChainError,
    Step,
    digest_step,
    is_step_in_time,
    verify_continuation,
)
from schemas.agreements.terms import MAX_TERMS_BYTES, Terms
from schemas.codec import MAX_DOCUMENT_VALUES, MAX_INTEGER, demand_few_values
from schemas.jwk import AkpJwk, OkpJwk
from schemas.key_documents import AgencyClass, compute_trust_anchor
from schemas.log.epoch import is_carried_over
from schemas.signed import DocumentType, KeyUse, SignedDocument, read_signatures

MAX_STEP_BYTES = MAX_TERMS_BYTES + 16 * 1024


@dataclass(frozen=True, slots=True)
class SignedStep:
    """A step whose signatures verify under the keys named by `kids`; whether these are in force is judged again."""

    document: SignedDocument
    chained: ChainedStep
    kids: tuple[str, ...]

    @property
    def step(self) -> Step:
        """Return what was signed."""
        return self.chained.step


def read_step(document: SignedDocument) -> ChainedStep:
    """Return what a step claims to be, with its digest. Nothing is verified.

    Raises:
        CodecError: it is of another form.
    """
    payload = document.payload_bytes
    demand_few_values(payload, MAX_DOCUMENT_VALUES)
    return ChainedStep(Step.from_canonical(payload, max_bytes=MAX_STEP_BYTES), digest_step(payload))


def verify_signed_step(
    members: Members,
    document: SignedDocument,
    caller: str,
    exchange: str,
    now: datetime,
    opening: datetime | None = None,
) -> SignedStep:
    """Verify whose step this is.

    1. Its form is canonical. 2. It is the caller's own and for this exchange. 3. An agreement key of the caller's that
    is in force now signed it, with both halves. Of a step that was lost before the `opening` of this epoch, see
    `is_lost_step`, the key must have been in force when it was signed.

    Raises:
        AgreementError, KeysError, CodecError: naming what failed.
    """
    chained = read_step(document)
    step = chained.step
    if step.agency != caller:
        raise NotTheSignerError(step.agency, caller)
    if step.exchange != exchange:
        raise WrongExchangeError(f"the step is for {step.exchange}, this is {exchange}", "exchange")
    slots = read_signatures(document.payload, document.signatures, DocumentType.AGREEMENT_STEP)
    kids = tuple(slot.header.kid for slot in slots)
    jwks = _find_keys(members, step, kids, now, opening)
    verify_document(document, DocumentType.AGREEMENT_STEP, jwks)
    return SignedStep(document, chained, kids)


def verify_step_follows(
    agreements: Agreements, members: Members, signed: SignedStep, now: datetime, opening: datetime | None = None
) -> Terms:
    """Verify that a signed step may follow all that stands, and return the terms it is about.

    1. Its key is still in force. 2. A proposal's parties are enrolled agencies with these very trust anchors. 3. It
    continues its party's chain. 4. Its time is near now. 5. The lifecycle allows it. Of a step that was lost before the
    `opening` of this epoch, key and time are judged as they were then; it answers nothing that came after it.

    Raises:
        AgreementError, KeysError: naming what failed.
    """
    step = signed.step
    _find_keys(members, step, signed.kids, now, opening)
    if step.terms is not None:
        _verify_parties(step.terms, members)
    chains = agreements.chains_of(step.agreement)
    try:
        verify_continuation(chains.get(step.agency, ()), step)
    except ChainError as error:
        raise ChainConflictError(_say_what_is_expected(error), "party_seq") from error
    is_lost = is_lost_step(step, now, opening)
    if not is_lost:
        _verify_time(step, now)
    decision = judge_step(step, chains, step.time if is_lost else now)
    if not decision.allowed:
        raise AgreementError(decision.because, "action")
    if is_lost and not answers_what_came_before(step, chains):
        raise AgreementError("it is dated before the step of the other party that it answers", "time")
    return step.terms or agreements.find(step.digest).terms


def is_lost_step(step: Step, now: datetime, opening: datetime | None) -> bool:
    """Return whether a step may have stood in the part of an earlier epoch that was lost, and is handed in again.

    `opening` is when this epoch was opened after another, or None in the first. Its party's chain bounds it from below.
    """
    return is_carried_over(step.time, now, opening)


def _find_keys(
    members: Members, step: Step, kids: tuple[str, ...], now: datetime, opening: datetime | None
) -> tuple[OkpJwk | AkpJwk, ...]:
    timeline = members.find(step.agency)
    if is_lost_step(step, now, opening):
        return timeline.find_keys_when_signed(KeyUse.AGREEMENT, kids, MAX_INTEGER, step.time)
    return timeline.find_signing_keys(KeyUse.AGREEMENT, kids, MAX_INTEGER, now)


def _verify_parties(terms: Terms, members: Members) -> None:
    if len(terms.canonical()) > MAX_TERMS_BYTES:
        raise AgreementError(f"terms have at most {MAX_TERMS_BYTES} bytes", "terms")
    for position, party in enumerate(terms.parties):
        field = f"terms.parties.{position}"
        timeline = members.get(party.agency)
        if timeline is None:
            raise AgreementError(f"{party.agency} is not enrolled at this exchange", field)
        if timeline.agency_class is not AgencyClass.AGENCY:
            raise AgreementError(
                f"{party.agency} is enrolled as {timeline.agency_class.value}; only an agency can be a party", field
            )
        first = timeline.key_sets[0][1]
        if compute_trust_anchor(party.agency, first.key_set.roots) != party.anchor:
            raise AgreementError(f"the anchor is not the one of {party.agency}'s first key set", f"{field}.anchor")


def _verify_time(step: Step, now: datetime) -> None:
    if is_step_in_time(step, now):
        return
    if step.action in NARROWING_ACTIONS:
        hours = int(MAX_NARROWING_AHEAD.total_seconds()) // 3600
        raise WrongTimeError(f"the step's time is more than {hours} hours ahead of the exchange's", "time")
    minutes = int(MAX_SKEW.total_seconds()) // 60
    raise WrongTimeError(f"the step's time is more than {minutes} minutes from the exchange's", "time")


def _say_what_is_expected(error: ChainError) -> str:
    predecessor = f"with party_prev {error.expected_prev}" if error.expected_prev else "without party_prev"
    return f"{error}: expected is party_seq {error.expected_seq} {predecessor}"
