"""Evidence that somebody signed two things that cannot both be true: one file, checked by anybody, offline. Pure.

Whoever has the exchange's sheet can check what convicts its log. What convicts an agency comes with its key sets from
the first on; whose they are, the reader compares with the agency's anchor on paper. Nothing else in the file is
believed, and who wrote it does not matter.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from agency_client.errors import VerificationFailedError
from agency_client.local_store.contradictions import ContradictionKind
from agency_client.receiving.errors import UnprovenError
from agency_client.receiving.sealed import read_sealed
from agency_client.witness.observer import read_log_keys
from agency_client.witness.prefix import PrefixProof, verify_prefix_proof
from keys.errors import KeysError, KeySetError
from keys.key_sets import VerifiedKeySet, read_key_set, verify_key_set
from keys.log_keys import verify_checkpoint
from keys.signing import verify_document
from schemas.agreements.steps import Step, digest_step
from schemas.agreements.terms import MAX_TERMS_BYTES
from schemas.codec import CodecError, b64u_encode
from schemas.jwk import AkpJwk, OkpJwk
from schemas.key_documents import (
    MAX_KEY_DOCUMENT_BYTES,
    EncryptionKeys,
    ExchangeSheet,
    compute_trust_anchor,
)
from schemas.log.tree import LogProofError
from schemas.model import ExchangeName, Timestamp, WireModel
from schemas.signed import DocumentType, KeyUse, SignedDocument, read_signatures
from schemas.status import MAX_STATUS_BYTES, Status, digest_status

MAX_EVIDENCE_BYTES = 8 << 20
_MAX_STEP_BYTES = MAX_TERMS_BYTES + 16 * 1024

Text = Annotated[str, Field(max_length=1 << 20)]


class EvidenceError(VerificationFailedError):
    """The file does not prove what it is said to prove."""

    default_code = "evidence-refused"


class EvidenceFile(WireModel):
    """Two documents of one signer: notes of a log as text, or an agency's signed documents as canonical JSON."""

    v: Literal[1]
    exchange: ExchangeName
    kind: ContradictionKind
    signer: Annotated[str, Field(min_length=1, max_length=128)]
    first: Text
    second: Text
    prefix: PrefixProof | None = None
    key_sets: Annotated[tuple[SignedDocument, ...], Field(max_length=1000)] = ()
    found_at: Timestamp


@dataclass(frozen=True, slots=True)
class EvidenceVerdict:
    """What a file proves, in words; `anchor` is the agency's trust anchor to compare with paper, None for a log."""

    signer: str
    sentences: tuple[str, ...]
    anchor: str | None = None


def check_evidence(unverified: EvidenceFile, sheet: ExchangeSheet) -> EvidenceVerdict:
    """Verify that the two documents are of one signer and cannot both be true.

    Raises:
        EvidenceError: it is not shown, and why.
    """
    if unverified.exchange != sheet.name:
        raise EvidenceError(f"the evidence is about {unverified.exchange}, the sheet is of {sheet.name}")
    try:
        if unverified.kind is ContradictionKind.CHECKPOINT:
            return _check_log(unverified, sheet)
        return _check_agency(unverified)
    except (KeysError, CodecError, LogProofError, UnprovenError) as error:
        raise EvidenceError(f"it proves nothing: {error}") from error


def _check_log(unverified: EvidenceFile, sheet: ExchangeSheet) -> EvidenceVerdict:
    """1 Both notes are signed by the log's two keys. 2 One size and two roots, or a path from another beginning."""
    if unverified.signer != sheet.origin:
        raise EvidenceError(f"the evidence is about the log {unverified.signer}, the sheet about {sheet.origin}")
    keys = read_log_keys(sheet)
    notes = (note.encode() for note in (unverified.first, unverified.second))
    heads = [verify_checkpoint(note, sheet.origin, keys) for note in notes]
    small, large = sorted(heads, key=lambda head: head.size)
    signed = f"The log {sheet.origin} signed both notes with both of its keys, Ed25519 and ML-DSA-44."
    roots = f"{small.size:,} leaves with root {b64u_encode(small.root)}"
    if small.size == large.size:
        if small.root == large.root:
            raise EvidenceError("both notes are of the same log: they contradict nothing")
        said = f"One note is of {roots}, the other of as many leaves with root {b64u_encode(large.root)}."
    else:
        if unverified.prefix is None:
            raise EvidenceError("two sizes, and no path between them: they contradict nothing")
        verify_prefix_proof(unverified.prefix, small, large)
        said = (
            f"One note is of {roots}; the path leads to the other, of {large.size:,} leaves, from other leaves:"
            f" their root is {unverified.prefix.root}."
        )
    meant = "A log only grows: whoever held these keys has shown two histories of it."
    return EvidenceVerdict(sheet.origin, (signed, said, meant))


@dataclass(frozen=True, slots=True)
class _Claim:
    """A verified document: the place it takes, which one document alone may take, and how to name it."""

    payload: bytes
    place: tuple[object, ...]
    words: str


_Read = Callable[[SignedDocument], _Claim]


def _check_agency(unverified: EvidenceFile) -> EvidenceVerdict:
    """1 The key sets are one chain. 2 One of them has the keys that signed each document. 3 Both take one place."""
    chain = list(_verify_chain(unverified))
    anchor = compute_trust_anchor(unverified.signer, chain[0].key_set.roots)
    documents = [SignedDocument.from_canonical(text.encode(), max_bytes=1 << 20) for text in _texts(unverified)]
    first, second = (_verify_claim(unverified, document, chain) for document in documents)
    if first.payload == second.payload:
        raise EvidenceError("both documents say the same: they contradict nothing")
    if first.place != second.place and not _breaks_chain(unverified, documents):
        raise EvidenceError(f"{first.words} and {second.words} contradict nothing")
    signed = f"{unverified.signer} signed both documents with keys of its key sets, which its roots signed."
    said = f"They are two different documents for one place: {second.words}."
    if first.place != second.place:
        said = f"The later one does not follow the earlier one, which it must name: {first.words}, {second.words}."
    trust = f"Whose roots these are, paper says: compare the anchor of {unverified.signer}."
    return EvidenceVerdict(unverified.signer, (signed, said, trust), anchor)


def _texts(unverified: EvidenceFile) -> tuple[str, str]:
    return unverified.first, unverified.second


def _verify_chain(unverified: EvidenceFile) -> Iterator[VerifiedKeySet]:
    previous: VerifiedKeySet | None = None
    for document in unverified.key_sets:
        # Judged by its own time: what is asked is whether its roots signed it, not whether it may be used today.
        issued_at = read_key_set(document).issued_at
        previous = verify_key_set(document, previous, exchange=unverified.exchange, now=issued_at)
        if previous.agency != unverified.signer:
            raise KeySetError(f"the key sets are of {previous.agency}, the evidence is about {unverified.signer}")
        yield previous
    if previous is None:
        raise KeySetError("the signer's key sets are not in the file")


def _verify_claim(unverified: EvidenceFile, document: SignedDocument, chain: list[VerifiedKeySet]) -> _Claim:
    if unverified.kind is ContradictionKind.KEY_DOCUMENT and _is_of_type(document, DocumentType.KEY_SET):
        return _read_key_set(document, chain, unverified.exchange)
    document_type, use, read = _KINDS[unverified.kind]
    kids = tuple(slot.header.kid for slot in read_signatures(document.payload, document.signatures, document_type))
    verify_document(document, document_type, _find_keys(chain, use, kids))
    claim = read(document)
    if claim.place[:2] != (unverified.exchange, unverified.signer):
        raise KeySetError(f"{claim.words} is not of {unverified.signer} on {unverified.exchange}")
    return claim


def _find_keys(chain: list[VerifiedKeySet], use: KeyUse, kids: tuple[str, ...]) -> tuple[OkpJwk | AkpJwk, ...]:
    for key_set in chain:
        if kids in key_set.keys_by_kids:
            return key_set.find_keys(use, kids)
    raise KeySetError("a document is signed by a key that stands in none of the signer's key sets")


def _is_of_type(document: SignedDocument, document_type: DocumentType) -> bool:
    try:
        read_signatures(document.payload, document.signatures, document_type)
    except CodecError:
        return False
    return True


def _read_key_set(document: SignedDocument, chain: list[VerifiedKeySet], exchange: str) -> _Claim:
    key_set = read_key_set(document)
    before = next((known for known in chain if known.key_set.seq == key_set.seq - 1), None)
    verify_key_set(document, before, exchange=exchange, now=key_set.issued_at)
    # Anybody can make a first key set in another's name: only the same roots contradict themselves.
    if key_set.seq == 1 and key_set.roots != chain[0].key_set.roots:
        raise KeySetError("a first key set by other roots says nothing about this agency")
    place = (exchange, key_set.agency, DocumentType.KEY_SET, key_set.seq)
    return _Claim(document.payload_bytes, place, f"key set {key_set.seq} of {key_set.agency}")


def _read_encryption_keys(document: SignedDocument) -> _Claim:
    found = EncryptionKeys.from_canonical(document.payload_bytes, max_bytes=MAX_KEY_DOCUMENT_BYTES)
    place = (found.exchange, found.agency, DocumentType.ENCRYPTION_KEYS, found.seq)
    return _Claim(document.payload_bytes, place, f"encryption keys {found.seq} of {found.agency}")


def _read_step(document: SignedDocument) -> _Claim:
    step = Step.from_canonical(document.payload_bytes, max_bytes=_MAX_STEP_BYTES)
    place = (step.exchange, step.agency, step.agreement, step.party_seq)
    words = f"step {step.party_seq} of {step.agency} in agreement {step.agreement} ({step.action.value})"
    return _Claim(document.payload_bytes, place, words)


def _read_status(document: SignedDocument) -> _Claim:
    status = Status.from_canonical(document.payload_bytes, max_bytes=MAX_STATUS_BYTES)
    place = (status.exchange, status.agency, status.partner, status.seq)
    return _Claim(document.payload_bytes, place, f"status {status.seq} of {status.agency} for {status.partner}")


def _read_envelope(document: SignedDocument) -> _Claim:
    header = read_sealed(document).header
    (recipient,) = header.recipients
    place = (header.exchange, header.sender.agency, recipient.agency, recipient.stream, recipient.n)
    words = f"message {header.id} of {header.sender.agency}, number {recipient.n} of its stream to {recipient.agency}"
    return _Claim(document.payload_bytes, place, words)


def _breaks_chain(unverified: EvidenceFile, documents: list[SignedDocument]) -> bool:
    """Return whether the second of two statuses, or steps, comes next and names another one before it."""
    first, second = (document.payload_bytes for document in documents)
    if unverified.kind is ContradictionKind.STATUS:
        one, two = (Status.from_canonical(item, max_bytes=MAX_STATUS_BYTES) for item in (first, second))
        is_next = (two.partner, two.seq) == (one.partner, one.seq + 1)
        return is_next and two.prev != digest_status(first)
    if unverified.kind is ContradictionKind.AGREEMENT_STEP:
        earlier, later = (Step.from_canonical(item, max_bytes=_MAX_STEP_BYTES) for item in (first, second))
        is_next = (later.agreement, later.party_seq) == (earlier.agreement, earlier.party_seq + 1)
        return is_next and later.party_prev != digest_step(first)
    return False


_KINDS: dict[ContradictionKind, tuple[DocumentType, KeyUse, _Read]] = {
    ContradictionKind.KEY_DOCUMENT: (DocumentType.ENCRYPTION_KEYS, KeyUse.ROTATION, _read_encryption_keys),
    ContradictionKind.AGREEMENT_STEP: (DocumentType.AGREEMENT_STEP, KeyUse.AGREEMENT, _read_step),
    ContradictionKind.STATUS: (DocumentType.STATUS, KeyUse.RECEIPT, _read_status),
    ContradictionKind.STREAM_NUMBER: (DocumentType.ENVELOPE, KeyUse.MESSAGE, _read_envelope),
}
"""What an agency can say twice: the type of the documents, the use of the keys that sign them, and what they claim."""
