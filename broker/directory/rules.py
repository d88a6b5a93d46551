"""Which key documents the exchange accepts: the checks of `keys`, and those that need all members side by side.

Pure: members, document and time in; the verified document or a refusal out. That the caller is the document's agency is
checked here too; that the caller is who it says, in `broker.access`.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from broker.directory.errors import (
    EnrolmentError,
    NotTheSignerError,
    WrongExchangeError,
    WrongTimeError,
)
from broker.directory.members import Members, VerifiedKeyDocument
from keys.encryption_keys import (
    VerifiedEncryptionKeys,
    VerifiedRevocation,
    verify_encryption_keys,
    verify_revocation,
)
from keys.errors import EncryptionKeysError, KeySetError, RevocationError
from keys.key_sets import VerifiedKeySet, read_key_set, verify_key_set, verify_no_shared_keys
from keys.timeline import MemberTimeline
from schemas.codec import MAX_DOCUMENT_VALUES, MAX_INTEGER, demand_few_values
from schemas.key_documents import (
    KEY_DOCUMENT_DOMAINS,
    MAX_KEY_DOCUMENT_BYTES,
    EncryptionKeys,
    KeySet,
    Revocation,
    digest_key_document,
)
from schemas.log.records import RecordType
from schemas.signed import DocumentType, KeyUse, SignedDocument, read_signatures

MAX_AHEAD = timedelta(minutes=5)
MAX_REVOCATIONS = 256

RECORD_TYPES = {
    DocumentType.KEY_SET: RecordType.KEY_SET,
    DocumentType.ENCRYPTION_KEYS: RecordType.ENCRYPTION_KEYS,
    DocumentType.REVOCATION: RecordType.REVOCATION,
}
_MODELS: dict[DocumentType, type[KeySet | EncryptionKeys | Revocation]] = {
    DocumentType.KEY_SET: KeySet,
    DocumentType.ENCRYPTION_KEYS: EncryptionKeys,
    DocumentType.REVOCATION: Revocation,
}
assert _MODELS.keys() == KEY_DOCUMENT_DOMAINS.keys()  # noqa: S101 - a new kind of key document needs a rule here


def read_key_document(document: SignedDocument, document_type: DocumentType) -> KeySet | EncryptionKeys | Revocation:
    """Return what a key document claims to be. Nothing is verified.

    Raises:
        CodecError: it is of another form.
    """
    payload = document.payload_bytes
    demand_few_values(payload, MAX_DOCUMENT_VALUES)
    return _MODELS[document_type].from_canonical(payload, max_bytes=MAX_KEY_DOCUMENT_BYTES)


def find_leaf_of(members: Members, agency: str, document_type: DocumentType, digest: str) -> int | None:
    """Return the leaf index under which this very document was accepted before, or nothing."""
    timeline = members.get(agency)
    if timeline is None:
        return None
    accepted: dict[DocumentType, Sequence[tuple[int, VerifiedKeyDocument]]] = {
        DocumentType.KEY_SET: timeline.key_sets,
        DocumentType.ENCRYPTION_KEYS: timeline.encryption_keys,
        DocumentType.REVOCATION: timeline.revocations,
    }
    return next((index for index, known in accepted[document_type] if known.digest == digest), None)


def verify_submission(
    members: Members, document: SignedDocument, document_type: DocumentType, caller: str, exchange: str, now: datetime
) -> VerifiedKeyDocument:
    """Verify a key document that a member hands in for itself.

    1. It is the caller's own and for this exchange. 2. It was not made in the future. 3. It passes every check of its
    type, as the next of its chain. 4. No key in it is another member's.

    Raises:
        DirectoryError, KeysError, CodecError: naming what failed.
    """
    claimed = read_key_document(document, document_type)
    if claimed.agency != caller:
        raise NotTheSignerError(claimed.agency, caller)
    if claimed.exchange != exchange:
        raise WrongExchangeError(claimed.exchange, exchange)
    _verify_not_ahead(claimed.issued_at, now)
    timeline = members.find(caller)
    if document_type is DocumentType.KEY_SET:
        return verify_next_key_set(members, document, timeline.newest_key_set, exchange, now)
    if document_type is DocumentType.ENCRYPTION_KEYS:
        return verify_next_encryption_keys(members, document, now)
    return verify_next_revocation(members, document)


def verify_next_key_set(
    members: Members, document: SignedDocument, previous: VerifiedKeySet | None, exchange: str, now: datetime
) -> VerifiedKeySet:
    """Verify a key set as the next of its chain, against all other members.

    Raises:
        DirectoryError, KeysError, CodecError: naming what failed.
    """
    key_set = _verify_next_link(members, document, previous, exchange, now)
    _verify_unexpired(key_set, now)
    return key_set


def verify_next_encryption_keys(members: Members, document: SignedDocument, now: datetime) -> VerifiedEncryptionKeys:
    """Verify a document of encryption keys as the next of its chain, by a rotation key in force.

    One that comes late, with keys that have ended since, is taken all the same: they are current for nobody, and a
    chain that lacked it could never go on.

    Raises:
        DirectoryError, KeysError, CodecError: naming what failed.
    """
    timeline = members.find(read_key_document(document, DocumentType.ENCRYPTION_KEYS).agency)
    _verify_rotation_in_force(timeline, document, DocumentType.ENCRYPTION_KEYS, now)
    before = timeline.newest_encryption_keys
    keys = verify_encryption_keys(document, timeline.newest_key_set, before)
    for position, key in enumerate(keys.encryption_keys.keys):
        if key.expires_at <= keys.encryption_keys.issued_at:
            raise EncryptionKeysError(f"keys.{position}: the key had ended before the document was made")
        if members.encryption_key_owners.get(key.kid, timeline.agency) != timeline.agency:
            raise EncryptionKeysError(f"keys.{position}: the key is another member's")
    return keys


def verify_next_revocation(members: Members, document: SignedDocument) -> VerifiedRevocation:
    """Verify a revocation by a rotation key of the newest key set that is not revoked itself.

    An expired key set does not stand in its way: a revocation only takes away.

    Raises:
        DirectoryError, KeysError, CodecError: naming what failed.
    """
    timeline = members.find(read_key_document(document, DocumentType.REVOCATION).agency)
    timeline.verify_not_revoked(_list_signing_kids(document, DocumentType.REVOCATION), MAX_INTEGER)
    verified = verify_revocation(document, timeline.newest_key_set)
    if len(timeline.revocations) >= MAX_REVOCATIONS:
        raise RevocationError(f"{MAX_REVOCATIONS} revocations stand already: sign a new key set instead")
    known = {kid for _, key_set in timeline.key_sets for kid in key_set.list_kids()}
    for position, kid in enumerate(verified.revocation.kids):
        if kid not in known:
            raise RevocationError(f"kids.{position}: no key set of {timeline.agency} has this key")
    return verified


def verify_enrolment(
    members: Members, documents: Sequence[SignedDocument], exchange: str, now: datetime
) -> tuple[VerifiedKeySet, ...]:
    """Verify the key sets of an enrolment file and return those that are new, oldest first; none when all are known.

    An enrolled member may hand in a longer chain: so come back those whose keys have expired or were all revoked. Only
    the newest set must not have expired; one that did so before it was handed in is a link of the chain all the same.

    Raises:
        DirectoryError, KeysError, CodecError: naming what failed.
    """
    agency = read_key_set(documents[0]).agency
    known = members.get(agency)
    chain = [key_set for _, key_set in known.key_sets] if known else []
    for number, document in enumerate(documents, start=1):
        if number <= len(chain):
            if digest_key_document(DocumentType.KEY_SET, document.payload_bytes) != chain[number - 1].digest:
                raise EnrolmentError(f"key_sets.{number - 1}: another key set {number} of {agency} is enrolled already")
            continue
        previous = chain[-1] if chain else None
        chain.append(_verify_next_link(members, document, previous, exchange, now))
    new = tuple(chain[len(known.key_sets) if known else 0 :])
    if new:
        _verify_unexpired(new[-1], now)
    return new


def _verify_next_link(
    members: Members, document: SignedDocument, previous: VerifiedKeySet | None, exchange: str, now: datetime
) -> VerifiedKeySet:
    key_set = verify_key_set(document, previous, exchange=exchange, now=now)
    _verify_not_ahead(key_set.key_set.issued_at, now)
    verify_no_shared_keys(key_set, (known for timeline in members.timelines.values() for _, known in timeline.key_sets))
    return key_set


def _verify_unexpired(key_set: VerifiedKeySet, now: datetime) -> None:
    if now >= key_set.key_set.expires_at:
        raise KeySetError("expires_at: the key set has expired")


def _verify_not_ahead(issued_at: datetime, now: datetime) -> None:
    if issued_at > now + MAX_AHEAD:
        raise WrongTimeError(
            f"issued_at: it lies more than {MAX_AHEAD.seconds // 60} minutes ahead; compare the clocks"
        )


def _verify_rotation_in_force(
    timeline: MemberTimeline, document: SignedDocument, document_type: DocumentType, now: datetime
) -> None:
    timeline.find_signing_keys(KeyUse.ROTATION, _list_signing_kids(document, document_type), MAX_INTEGER, now)


def _list_signing_kids(document: SignedDocument, document_type: DocumentType) -> tuple[str, ...]:
    slots = read_signatures(document.payload, document.signatures, document_type)
    return tuple(slot.header.kid for slot in slots)
