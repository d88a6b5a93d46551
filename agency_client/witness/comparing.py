"""Compare signed notes past the exchange: write this node's, take in a partner's, and make of kept proofs a file.

What a partner says it saw is a claim; the note that the log signed is not. Two agencies that write their notes into
files and give them to each other by any other way find out whether they are shown one log.
"""

from dataclasses import dataclass
from enum import StrEnum

from agency_client.audit.evidence import EvidenceFile
from agency_client.errors import NotFoundError, OfflineError
from agency_client.local_store.checkpoints import (
    SignedCheckpoint,
    load_checkpoint,
    load_checkpoint_within,
    load_newest_checkpoint,
)
from agency_client.local_store.contradictions import ContradictionKind, load_contradiction
from agency_client.local_store.engine import Snapshot
from agency_client.local_store.suspicions import Suspicion, list_suspicions, note_shown_late, record_suspicion
from agency_client.local_store.trust import load_key_chain
from agency_client.node import Node
from agency_client.witness.observer import LogError
from agency_client.witness.prefix import PrefixProof
from agency_client.witness.walker import refresh_checkpoint
from keys.log_keys import LogSignatureError, verify_checkpoint
from schemas.codec import CodecError
from schemas.log.checkpoint import Checkpoint
from schemas.signed import DocumentType, SignedDocument

_HIDDEN_CODE = "log-shown-shorter"


class Comparison(StrEnum):
    """What a note that the log signed comes to here; one that contradicts is raised instead."""

    FITS = "fits"
    HIDDEN = "hidden"


@dataclass(frozen=True, slots=True)
class ComparedNote:
    """A verified note and what it comes to, in words."""

    comparison: Comparison
    size: int
    sentence: str


def export_note(node: Node, size: int | None = None) -> str:
    """Return the newest note that this node holds, or the one of so many leaves.

    Raises:
        NotFoundError: it holds none.
    """
    with node.store.read() as snapshot:
        if size is None:
            found = load_newest_checkpoint(snapshot, node.sheet.origin)
        else:
            found = load_checkpoint(snapshot, node.sheet.origin, size)
        if found is None:
            raise NotFoundError(_describe_missing(node, snapshot, size), fix="run: agency sync")
    return found.note.decode()


def compare_note(node: Node, unverified_note: str) -> ComparedNote:
    """Compare a note from a partner with the log as it is shown here.

    1 The log's two keys signed it. 2 Of one size the roots are equal. 3 Of two sizes the smaller is the start of the
    larger. One for more leaves than the exchange shows here is kept, and an alarm.

    Raises:
        LogError: it is no note of this log, or the exchange does not show the two to be one.
        EquivocationError: it proves two histories; both notes are kept, and nothing is sent any more.
        OfflineError: the exchange must be asked, and was not reached.
    """
    checkpoint = _verify_note(node, unverified_note)
    away: OfflineError | None = None
    try:
        refresh_checkpoint(node)
    except OfflineError as error:
        away = error  # what is held here may be enough
    newest = node.observer.load_newest()
    if newest is None or checkpoint.size > newest.size:
        if away is not None:
            raise away
        return _raise_hidden(node, checkpoint, unverified_note, 0 if newest is None else newest.size)
    node.observer.observe(unverified_note)
    sentence = f"the note of {checkpoint.size:,} leaves is of the log that is shown here"
    return ComparedNote(Comparison.FITS, checkpoint.size, sentence)


def compare_hidden_notes(node: Node) -> int:
    """Compare the notes that the exchange hid when they came with what it shows by now; return how many fit.

    Raises:
        LogError: it shows so many leaves, and not that the two are one log.
        EquivocationError: it proves two histories; both notes are kept.
        OfflineError: the exchange was not reached.
    """
    newest = node.observer.load_newest()
    with node.store.read() as snapshot:
        hidden = [item for item in list_suspicions(snapshot, "") if item.code == _HIDDEN_CODE]
    shown = [item for item in hidden if newest is not None and _is_shown(item, newest)]
    for item in shown:
        node.observer.observe(item.record.decode())
        sentence = f"the exchange had signed {item.leaf_index:,} leaves and hid them from this node; it shows them now"
        with node.store.write() as transaction:
            note_shown_late(transaction, item, sentence)
    return len(shown)


def make_evidence(node: Node, number: int) -> EvidenceFile:
    """Return a kept proof as a file that anybody can check.

    Raises:
        NotFoundError: there is no such proof.
    """
    with node.store.read() as snapshot:
        kept = load_contradiction(snapshot, number)
        chain = load_key_chain(snapshot, kept.signer, DocumentType.KEY_SET)
    is_log = kept.kind is ContradictionKind.CHECKPOINT
    return EvidenceFile(
        v=1,
        exchange=node.exchange,
        kind=kept.kind,
        signer=kept.signer,
        first=kept.first.decode(),
        second=kept.second.decode(),
        prefix=None if kept.proof is None else PrefixProof.from_canonical(kept.proof),
        key_sets=() if is_log else tuple(SignedDocument.from_canonical(item.document) for item in chain),
        found_at=kept.found_at,
    )


def _verify_note(node: Node, unverified_note: str) -> Checkpoint:
    try:
        return verify_checkpoint(unverified_note.encode(), node.sheet.origin, node.observer.keys)
    except (LogSignatureError, CodecError) as error:
        raise LogError(f"this is no note of {node.sheet.origin}: {error}", code="note-refused") from error


def _raise_hidden(node: Node, checkpoint: Checkpoint, note: str, size: int) -> ComparedNote:
    sentence = (
        f"the log signed {checkpoint.size:,} leaves, and the exchange shows this node {size:,}: it hides the others, or"
        " it was put back to an older state"
    )
    now = node.clock.now()
    found = Suspicion(checkpoint.origin, checkpoint.size, _HIDDEN_CODE, "", sentence, note.encode(), now)
    with node.store.write() as transaction:
        record_suspicion(transaction, found)
    return ComparedNote(Comparison.HIDDEN, checkpoint.size, sentence)


def _is_shown(hidden: Suspicion, newest: SignedCheckpoint) -> bool:
    return hidden.origin == newest.origin and hidden.leaf_index <= newest.size


def _describe_missing(node: Node, snapshot: Snapshot, size: int | None) -> str:
    if size is None:
        return "this node has not seen the log yet"
    below = load_checkpoint_within(snapshot, node.sheet.origin, size)
    nearest = "" if below is None else f"; the nearest below has {below.size}"
    return f"this node holds no note of {size} leaves{nearest}"
