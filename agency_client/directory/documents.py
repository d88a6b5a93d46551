"""Key documents found in the log, judged one at a time in the order of their leaves.

Pure: timelines and a record in, a verified document out, or an error that says why nobody may believe it. Where records
come from and what becomes of a refusal is the walk's business (`agency_client.witness.walker`).
"""

from collections.abc import Iterable

from agency_client.epochs.places import Openings, find_moment
from keys.encryption_keys import VerifiedEncryptionKeys, VerifiedRevocation, verify_encryption_keys, verify_revocation
from keys.errors import EncryptionKeysError, KeyNotInForceError, KeysError, KeySetError
from keys.key_sets import VerifiedKeySet, read_key_set, verify_key_set, verify_no_shared_keys
from keys.timeline import MemberTimeline
from schemas.api import LoggedRecord
from schemas.codec import CodecError
from schemas.key_documents import MAX_KEY_DOCUMENT_BYTES, EncryptionKeys
from schemas.log.records import Record, RecordType
from schemas.signed import DocumentType, KeyUse, SignedDocument, read_signatures

NO_OPENINGS: Openings = {}
VerifiedKeyDocument = VerifiedKeySet | VerifiedEncryptionKeys | VerifiedRevocation

KEY_RECORDS: dict[RecordType, DocumentType] = {
    RecordType.KEY_SET: DocumentType.KEY_SET,
    RecordType.ENCRYPTION_KEYS: DocumentType.ENCRYPTION_KEYS,
    RecordType.REVOCATION: DocumentType.REVOCATION,
}
"""The records that carry a key document, and its type."""


def verify_key_record(
    logged: LoggedRecord, timeline: MemberTimeline | None, *, exchange: str, openings: Openings = NO_OPENINGS
) -> VerifiedKeyDocument:
    """Verify a key document as the next of its agency's chain, at the time of its leaf.

    `logged` stands at its place over all epochs (`agency_client.epochs.places`). `timeline` is what stood before it,
    None for an agency's first record. Whether a key is another agency's too is `verify_not_shared`'s question, whether
    the roots are the pinned ones the directory's.

    Raises:
        KeysError, CodecError: naming what does not hold.
    """
    record = logged.record
    document = _read_document(record)
    if record.type is RecordType.KEY_SET:
        previous = None if timeline is None else timeline.newest_key_set
        moment = find_moment(logged.index, record.time, read_key_set(document).issued_at, openings)
        verified: VerifiedKeyDocument = verify_key_set(document, previous, exchange=exchange, now=moment)
    elif timeline is None:
        raise KeyNotInForceError(f"{record.agency} has no key set yet")
    elif record.type is RecordType.ENCRYPTION_KEYS:
        verified = _verify_encryption_keys(document, timeline, logged, openings)
    else:
        timeline.verify_not_revoked(_list_signing_kids(document, DocumentType.REVOCATION), logged.index)
        verified = verify_revocation(document, timeline.newest_key_set)
    _verify_record_names(record, verified)
    return verified


def verify_not_shared(verified: VerifiedKeyDocument, others: Iterable[MemberTimeline]) -> None:
    """Verify that no key of this document is another agency's.

    Raises:
        KeySetError, EncryptionKeysError: one is, and whose.
    """
    if isinstance(verified, VerifiedKeySet):
        verify_no_shared_keys(verified, (key_set for other in others for _, key_set in other.key_sets))
    elif isinstance(verified, VerifiedEncryptionKeys):
        mine = {key.kid for key in verified.encryption_keys.keys}
        for other in others:
            theirs = {key.kid for _, known in other.encryption_keys for key in known.encryption_keys.keys}
            if other.agency != verified.encryption_keys.agency and mine & theirs:
                raise EncryptionKeysError(f"keys: a key is one of {other.agency} as well")


def add_document(timeline: MemberTimeline | None, index: int, verified: VerifiedKeyDocument) -> MemberTimeline:
    """Return the timeline with a verified document more."""
    if isinstance(verified, VerifiedKeySet):
        return MemberTimeline(((index, verified),)) if timeline is None else timeline.add_key_set(index, verified)
    assert timeline is not None  # noqa: S101 - `verify_key_record` lets no other document come first
    if isinstance(verified, VerifiedEncryptionKeys):
        return timeline.add_encryption_keys(index, verified)
    return timeline.add_revocation(index, verified)


def rebuild_timeline(
    records: Iterable[LoggedRecord], *, exchange: str, openings: Openings = NO_OPENINGS
) -> MemberTimeline | None:
    """Return one agency's timeline from the records kept of it, verified once more; None when there are none.

    Raises:
        KeysError, CodecError: the store holds something that does not verify.
    """
    timeline: MemberTimeline | None = None
    for logged in sorted(records, key=lambda item: item.index):
        verified = verify_key_record(logged, timeline, exchange=exchange, openings=openings)
        timeline = add_document(timeline, logged.index, verified)
    return timeline


def find_rival(logged: LoggedRecord, timeline: MemberTimeline, *, exchange: str) -> SignedDocument | None:
    """Return the known document that a refused one contradicts: the same agency truly signed two for one number.

    None when the refused one is nothing its agency signed for that place.
    """
    try:
        document = _read_document(logged.record)
        if logged.record.type is RecordType.KEY_SET:
            return _find_rival_key_set(document, timeline, exchange, logged.record)
        if logged.record.type is RecordType.ENCRYPTION_KEYS:
            return _find_rival_encryption_keys(document, timeline)
    except (KeysError, CodecError):
        return None
    return None


def get_sequence(verified: VerifiedKeyDocument) -> int | None:
    """Return the document's number in its chain; revocations have none."""
    if isinstance(verified, VerifiedKeySet):
        return verified.key_set.seq
    return verified.encryption_keys.seq if isinstance(verified, VerifiedEncryptionKeys) else None


def _read_document(record: Record) -> SignedDocument:
    if record.document is None:
        raise KeySetError("document: the record carries none")
    return record.document


def _verify_encryption_keys(
    document: SignedDocument, timeline: MemberTimeline, logged: LoggedRecord, openings: Openings
) -> VerifiedEncryptionKeys:
    kids = _list_signing_kids(document, DocumentType.ENCRYPTION_KEYS)
    moment = find_moment(logged.index, logged.record.time, _read_encryption_keys(document).issued_at, openings)
    timeline.find_signing_keys(KeyUse.ROTATION, kids, logged.index, moment)
    return verify_encryption_keys(document, timeline.newest_key_set, timeline.newest_encryption_keys)


def _read_encryption_keys(document: SignedDocument) -> EncryptionKeys:
    return EncryptionKeys.from_canonical(document.payload_bytes, max_bytes=MAX_KEY_DOCUMENT_BYTES)


def _verify_record_names(record: Record, verified: VerifiedKeyDocument) -> None:
    if isinstance(verified, VerifiedKeySet):
        agency = verified.agency
    elif isinstance(verified, VerifiedEncryptionKeys):
        agency = verified.encryption_keys.agency
    else:
        agency = verified.revocation.agency
    if (record.agency, record.digest) != (agency, verified.digest):
        raise KeySetError("agency: the record names another agency or digest than the document it carries")


def _list_signing_kids(document: SignedDocument, document_type: DocumentType) -> tuple[str, ...]:
    slots = read_signatures(document.payload, document.signatures, document_type)
    return tuple(slot.header.kid for slot in slots)


def _find_rival_key_set(
    document: SignedDocument, timeline: MemberTimeline, exchange: str, record: Record
) -> SignedDocument | None:
    by_number = {known.key_set.seq: known for _, known in timeline.key_sets}
    number = read_key_set(document).seq
    if number not in by_number:
        return None
    known = by_number[number]
    rival = verify_key_set(document, by_number.get(number - 1), exchange=exchange, now=record.time)
    # Anybody can make a first key set in another's name: without the same roots it says nothing about that agency.
    if number == 1 and (rival.agency, rival.key_set.roots) != (known.agency, known.key_set.roots):
        return None
    return known.document if rival.digest != known.digest else None


def _find_rival_encryption_keys(document: SignedDocument, timeline: MemberTimeline) -> SignedDocument | None:
    by_number = {known.encryption_keys.seq: known for _, known in timeline.encryption_keys}
    number = _read_encryption_keys(document).seq
    if number not in by_number:
        return None
    rival = verify_encryption_keys(document, timeline.newest_key_set, by_number.get(number - 1))
    return by_number[number].document if rival.digest != by_number[number].digest else None
