"""Signed steps: what one party says of an agreement, each party in a chain of its own.

A chain is per party and agreement id, over all versions (`party_seq` from 1, `party_prev` the digest of the step
before), so that a narrowing step is never stale. `verify_continuation` checks a chain by itself; what two chains mean
together is in `schemas.agreements.lifecycle`; whether the signature is good, in `keys.signing`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal

from pydantic import model_validator

from schemas.agreements.terms import Terms
from schemas.codec import hash_text
from schemas.log.epoch import is_carried_over
from schemas.model import AgencyId, Counter, Digest, ExchangeName, Paragraph, Timestamp, Uuid, WireModel


class StepAction(StrEnum):
    """What a step does. The first three make an agreement binding; the rest are one-sided."""

    PROPOSE = "propose"
    ACCEPT = "accept"
    CONFIRM = "confirm"
    SUSPEND = "suspend"
    RESUME = "resume"
    REVOKE = "revoke"
    WITHDRAW = "withdraw"
    REJECT = "reject"


MAX_SKEW = timedelta(minutes=5)
MAX_NARROWING_AHEAD = timedelta(hours=24)
NARROWING_ACTIONS = frozenset({StepAction.SUSPEND, StepAction.REVOKE, StepAction.WITHDRAW, StepAction.REJECT})


class Step(WireModel):
    """One step (typ `bilateral-agreement-step`).

    `terms` stands in a proposal only, `counters` in a proposal that answers another, `confirm_by` in an acceptance
    only, `effective_from` in a revocation only (absent: at once). Suspension, resumption and revocation name the
    agreement id and so cover all its versions; `digest` says which version its signer had before it.
    """

    v: Literal[1]
    exchange: ExchangeName
    agreement: Uuid
    digest: Digest
    agency: AgencyId
    party_seq: Counter
    party_prev: Digest | None = None
    action: StepAction
    time: Timestamp
    reason: Paragraph | None = None
    terms: Terms | None = None
    counters: Digest | None = None
    confirm_by: Timestamp | None = None
    effective_from: Timestamp | None = None

    @model_validator(mode="after")
    def _check_consistency(self) -> "Step":
        for problem in _find_inconsistencies(self):
            raise ValueError(problem)
        return self


def _find_inconsistencies(step: Step) -> list[str]:
    problems = []
    if (step.terms is not None) != (step.action is StepAction.PROPOSE):
        problems.append("terms stand in a proposal and nowhere else")
    if step.terms is not None and not _is_own_proposal(step, step.terms):
        problems.append(
            "the proposal's terms must be those of its digest, agreement and exchange, with its signer a party"
        )
    if step.counters is not None and step.action is not StepAction.PROPOSE:
        problems.append("counters stands in a proposal only")
    if (step.confirm_by is not None) != (step.action is StepAction.ACCEPT):
        problems.append("confirm_by stands in an acceptance and nowhere else")
    if step.confirm_by is not None and step.confirm_by <= step.time:
        problems.append("confirm_by must be later than the acceptance")
    if step.effective_from is not None and step.action is not StepAction.REVOKE:
        problems.append("effective_from stands in a revocation only")
    if (step.party_seq == 1) != (step.party_prev is None):
        problems.append("party_prev is absent in the first step of a chain and present in every other")
    return problems


def _is_own_proposal(step: Step, terms: Terms) -> bool:
    return (
        terms.digest() == step.digest
        and terms.id == step.agreement
        and terms.exchange == step.exchange
        and step.agency in terms.agencies
    )


def digest_step(payload: bytes) -> str:
    """Return the digest of a step's payload, the value `party_prev` names."""
    return hash_text("agreement-step", payload)


@dataclass(frozen=True, slots=True)
class ChainedStep:
    """A step together with the digest of its exact bytes."""

    step: Step
    digest: str


class ChainError(ValueError):
    """A step does not continue its party's chain; `expected_seq` and `expected_prev` say what would."""

    def __init__(self, problem: str, expected_seq: int, expected_prev: str | None) -> None:
        super().__init__(problem)
        self.expected_seq, self.expected_prev = expected_seq, expected_prev


def verify_continuation(chain: Sequence[ChainedStep], step: Step) -> None:
    """Check that `step` continues `chain`, all of one party and one agreement.

    Raises:
        ChainError: another party, agreement, number or predecessor, or a time before the step before.
    """
    seq = len(chain) + 1
    prev = chain[-1].digest if chain else None
    if step.party_seq != seq or step.party_prev != prev:
        raise ChainError(f"step {step.party_seq} of {step.agency} does not follow its step {seq - 1}", seq, prev)
    if not chain:
        return
    last = chain[-1].step
    if (step.agency, step.agreement, step.exchange) != (last.agency, last.agreement, last.exchange):
        raise ChainError("a chain has one party, one agreement and one exchange", seq, prev)
    if step.time < last.time:
        raise ChainError("a step cannot be older than the step before it", seq, prev)


def is_step_in_time(step: Step, logged_at: datetime, *, opened_at: datetime | None = None) -> bool:
    """Return whether a step's own time fits the time of its leaf: nobody dates a confirmation back.

    Who narrows says so whatever its clock reads, and may have waited for the log as long as it took: in the very words
    that a partner may have seen meanwhile. `opened_at` is when the log was opened, if it goes on from an earlier one:
    steps of that one are logged once more.
    """
    if is_carried_over(step.time, logged_at, opened_at):
        return True
    if step.action in NARROWING_ACTIONS:
        return step.time <= logged_at + MAX_NARROWING_AHEAD
    return abs(step.time - logged_at) <= MAX_SKEW
