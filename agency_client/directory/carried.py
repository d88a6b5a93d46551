"""Revocations as files: the way around an exchange that keeps one back, by any mail or medium.

A file adds no trust: the rotation key of the agency's newest key set signed each revocation in it that is not known
here, and that agency is pinned. What it revokes works from the moment it is verified. It has no leaf, so nobody else
can be shown when it was known here; what the log shows later is the same document, and takes its place.
"""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from agency_client.errors import NotFoundError, UsageError, VerificationFailedError
from agency_client.local_store.access_log import append_entry
from agency_client.local_store.carried_revocations import is_carried, record_carried
from agency_client.local_store.engine import Snapshot, Transaction
from agency_client.local_store.statuses import load_announced_revocations, record_announced_revocations
from agency_client.local_store.trust import load_key_chain
from agency_client.node import Node
from keys.encryption_keys import verify_revocation
from keys.errors import KeyRevokedError, KeysError
from keys.timeline import MemberTimeline
from schemas.codec import CodecError
from schemas.key_documents import MAX_KEY_DOCUMENT_BYTES, Revocation, digest_key_document
from schemas.log.records import Action
from schemas.model import ExchangeName, WireModel, format_timestamp
from schemas.signed import DocumentType, SignedDocument, read_signatures

MAX_FILE_BYTES = 1024 * 1024


class RevocationsFile(WireModel):
    """Signed revocations of one agency, oldest first, as they go to the exchange."""

    v: Literal[1]
    exchange: ExchangeName
    revocations: Annotated[tuple[SignedDocument, ...], Field(min_length=1, max_length=64)]


@dataclass(frozen=True, slots=True)
class CarriedRevocation:
    """One revocation of a file, and whether it is new here; `is_logged`: the log has shown it as well."""

    revocation: Revocation
    is_new: bool
    is_logged: bool


def export_revocations(node: Node) -> RevocationsFile:
    """Return every revocation of this agency, to be carried to partners. It is on record.

    Raises:
        NotFoundError: nothing was revoked.
    """
    with node.store.write() as transaction:
        stored = load_key_chain(transaction, node.agency, DocumentType.REVOCATION)
        if not stored:
            raise NotFoundError(f"no key of {node.agency} was revoked", fix="see: agency keys list")
        append_entry(transaction, node.note_access(Action.KEYS, "revocations-export", f"{len(stored)} revocations"))
    documents = [SignedDocument.from_canonical(item.document) for item in stored]
    return RevocationsFile(v=1, exchange=node.exchange, revocations=tuple(sorted(documents, key=_date)[-64:]))


def read_revocations_file(unverified_data: bytes) -> RevocationsFile | None:
    """Return a file of revocations, nothing of it verified; None where it is a file of something else."""
    if b'"revocations"' not in unverified_data:
        return None
    try:
        return RevocationsFile.from_canonical(unverified_data, max_bytes=MAX_FILE_BYTES)
    except CodecError as error:
        raise VerificationFailedError(f"this is no file of revocations: {error}") from error


def import_revocations(node: Node, file: RevocationsFile) -> list[CarriedRevocation]:
    """Verify a partner's revocations from a file and act on them from now on, all or none. It is on record.

    Raises:
        VerificationFailedError: one of them does not hold.
        UsageError: they are this agency's own, or for another exchange.
        NotPinnedError, NotFoundError, AnchorMismatchError: their signer is not trusted.
    """
    if file.exchange != node.exchange:
        raise UsageError(f"the file is for {file.exchange}, this node is at {node.exchange}")
    with node.store.write() as transaction:
        return [_import_one(node, transaction, document) for document in sorted(file.revocations, key=_date)]


def _import_one(node: Node, transaction: Transaction, document: SignedDocument) -> CarriedRevocation:
    try:
        claimed = _read(document)
        if claimed.agency == node.agency:
            raise UsageError("these are revocations of this agency itself", fix="find out who made them")
        timeline = node.directory.read_trusted_timeline(transaction, claimed.agency)
        digest = digest_key_document(DocumentType.REVOCATION, document.payload_bytes)
        is_logged = any(known.digest == digest for _, known in timeline.revocations)
        is_new = not is_logged and not is_carried(transaction, digest)
        if is_new:
            _verify(transaction, document, timeline)
    except (KeysError, CodecError) as error:
        raise VerificationFailedError(
            f"a revocation in the file does not hold: {error}", fix="run: agency sync; then try again"
        ) from error
    if is_new:
        now, body = node.clock.now(), document.canonical()
        record_carried(transaction, digest=digest, agency=claimed.agency, document=body, by=node.officer, at=now)
        record_announced_revocations(transaction, claimed.agency, claimed.kids, at=now)
    note = node.note_access(Action.KEYS, "revocation-import", digest, partner=claimed.agency)
    append_entry(transaction, note)
    return CarriedRevocation(claimed, is_new, is_logged)


def _verify(snapshot: Snapshot, document: SignedDocument, timeline: MemberTimeline) -> None:
    """Verify what is not known here by the rotation key of the newest key set; one revoked before says nothing more.

    What is known, in the log or from a file before, stays, though its signer's key set may have been replaced since.

    Raises:
        KeysError, CodecError: naming what does not hold.
    """
    verify_revocation(document, timeline.newest_key_set)
    slots = read_signatures(document.payload, document.signatures, DocumentType.REVOCATION)
    signer = {slot.header.kid for slot in slots}
    given_up = load_announced_revocations(snapshot, timeline.agency) | timeline.list_revoked_kids()
    if not signer.isdisjoint(given_up):
        raise KeyRevokedError(f"{timeline.agency} has revoked the key that signed it")


def _read(document: SignedDocument) -> Revocation:
    return Revocation.from_canonical(document.payload_bytes, max_bytes=MAX_KEY_DOCUMENT_BYTES)


def _date(document: SignedDocument) -> tuple[str, str]:
    """Return what revocations are ordered by; a document of another form is refused later, by its own words."""
    try:
        return format_timestamp(_read(document).issued_at), document.payload
    except CodecError:
        return "", document.payload
