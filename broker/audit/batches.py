"""The answer to a batch: each member's leaf or problem in its own place, all under one checkpoint."""

from collections.abc import Sequence
from dataclasses import dataclass

from broker.audit.log_view import LogView
from broker.http.problems import explain_error, make_problem
from broker.observability.metrics import Metrics
from broker.storage.transaction import PendingLeaf
from schemas.batches import AcceptedMember, BatchAnswer, BatchMember, RefusedMember


@dataclass(frozen=True, slots=True)
class Accepted:
    """The leaf of what was accepted, and whether it was made just now."""

    leaf: PendingLeaf
    is_new: bool


def answer_each(outcomes: Sequence[Accepted | BaseException], view: LogView, metrics: Metrics) -> BatchAnswer:
    """Return what became of each member, under the checkpoint of a view that covers every accepted one.

    Raises:
        BaseException: an outcome that is no answer: the request was cancelled.
    """
    members = tuple(_answer_one(outcome, view, metrics) for outcome in outcomes)
    return BatchAnswer.model_construct(members=members, checkpoint=view.note)


def _answer_one(outcome: Accepted | BaseException, view: LogView, metrics: Metrics) -> BatchMember:
    if isinstance(outcome, Accepted):
        # Computed here from verified parts, as every evidence is: validating it again would cost as much as proving.
        leaf, proof = outcome.leaf.logged, view.prove_inclusion(outcome.leaf.index)
        return AcceptedMember.model_construct(type="accepted", new=outcome.is_new, leaf=leaf, proof=proof)
    if not isinstance(outcome, Exception):
        raise outcome
    refusal, reference = explain_error(outcome)
    metrics.count_refusal(refusal.slug)
    problem = make_problem(refusal, reference)
    return RefusedMember(type="refused", problem=problem, retry_after_seconds=refusal.come_back_seconds)
