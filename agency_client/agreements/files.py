"""An agreement's signed steps as a file: the way around a broker that keeps a partner's step back.

What narrows counts as soon as it is verified, whatever way it came; what widens counts once the log has it. A file adds
no trust: each step is verified like one from the log, with the keys known at the end of the walk. Nothing that widens
is carried before the log has it: the exchange may refuse it, and another step then stands in its place.
"""

from itertools import takewhile
from typing import Annotated, Literal

from pydantic import Field

from agency_client.agreements.chains import find_agreement, is_counting
from agency_client.agreements.pulling import ForeignStepError
from agency_client.agreements.signing import make_stored
from agency_client.agreements.verifying import Moment, verify_step
from agency_client.epochs.places import compute_place
from agency_client.errors import NotFoundError, VerificationFailedError
from agency_client.local_store.access_log import append_entry
from agency_client.local_store.agreements import record_step
from agency_client.local_store.checkpoints import load_walk
from agency_client.local_store.contradictions import EquivocationError, keep_contradiction
from agency_client.local_store.engine import Transaction
from agency_client.node import Node
from schemas.agreements.lifecycle import MAX_CHAIN_STEPS
from schemas.agreements.steps import Step, digest_step
from schemas.codec import CodecError
from schemas.log.records import Action
from schemas.model import ExchangeName, Uuid, WireModel
from schemas.signed import SignedDocument

MAX_FILE_BYTES = 64 * 1024 * 1024


class StepsFile(WireModel):
    """Both parties' chains of one agreement, each in its own order."""

    v: Literal[1]
    exchange: ExchangeName
    agreement: Uuid
    steps: Annotated[tuple[SignedDocument, ...], Field(min_length=1, max_length=4 * MAX_CHAIN_STEPS)]


def export_steps(node: Node, reference: str) -> StepsFile:
    """Return the verified steps of an agreement that stand for good, to give to the other party. It is on record.

    Of each chain that is all before the first step that widens and is not in the log.

    Raises:
        NotFoundError, UsageError: no such agreement, or the log has nothing of it yet.
    """
    with node.store.write() as transaction:
        agreement = find_agreement(transaction, reference)
        append_entry(transaction, node.note_access(Action.AGREEMENTS, "agreement-export", agreement.id))
    documents = [item.document for chain in agreement.stored.values() for item in takewhile(is_counting, chain)]
    if not documents:
        raise NotFoundError(f"the log has no step of agreement {agreement.id} yet", fix="run: agency sync")
    steps = tuple(SignedDocument.from_canonical(document, max_bytes=1 << 20) for document in documents)
    return StepsFile(v=1, exchange=node.exchange, agreement=agreement.id, steps=steps)


def read_steps_file(unverified_data: bytes) -> StepsFile:
    """Return a file of steps; none of them is verified.

    Raises:
        VerificationFailedError: it is no such file.
    """
    try:
        return StepsFile.from_canonical(unverified_data, max_bytes=MAX_FILE_BYTES)
    except CodecError as error:
        raise VerificationFailedError(f"this is no file of agreement steps: {error}") from error


def import_steps(node: Node, file: StepsFile) -> list[Step]:
    """Verify and record the partner's steps in a file, all or none, and return those that were new.

    Raises:
        StepRefusedError, StepEarlyError, NotPinnedError: one of them does not hold; nothing is recorded.
        EquivocationError: the partner signed two different steps for one place; the proof has been kept.
    """
    try:
        with node.store.write() as transaction:
            new = [step for document in file.steps for step in _import_one(node, transaction, document)]
            append_entry(transaction, node.note_access(Action.AGREEMENTS, "agreement-import", file.agreement))
    except EquivocationError as error:
        keep_contradiction(node.store, error, at=node.clock.now())
        raise
    return new


def _import_one(node: Node, transaction: Transaction, document: SignedDocument) -> list[Step]:
    digest = digest_step(document.payload_bytes)
    if transaction.fetch_one("SELECT 1 FROM agreement_step WHERE digest = ?", digest) is not None:
        return []
    walk = load_walk(transaction, node.sheet.origin)
    end = Moment(compute_place(node.sheet.origin, 0 if walk is None else walk.size), node.clock.now())
    chained = verify_step(node, transaction, document, end)
    if chained.step.agency == node.agency:
        raise ForeignStepError(
            f"the file has a step {chained.step.action.value} in our name that this node did not sign",
            fix="find out who holds our agreement key; then: agency keys revoke",
        )
    record_step(transaction, make_stored(chained.step, digest, document, node.clock.now()))
    return [chained.step]
