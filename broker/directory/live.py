"""The directory in memory: a projection of the log's key documents, verified again whenever they are read from disk."""

from datetime import datetime

from sqlalchemy import Connection

from broker.audit.opening import find_opening
from broker.directory.members import Members, VerifiedKeyDocument
from broker.directory.rules import read_key_document
from broker.directory.store import select_key_records
from broker.projection import Projection
from keys.encryption_keys import verify_encryption_keys, verify_revocation
from keys.errors import CertificateError
from keys.key_sets import verify_key_set
from schemas.key_documents import KeySet
from schemas.log.epoch import is_carried_over
from schemas.log.records import Record, RecordType
from schemas.signed import DocumentType, SignedDocument

Directory = Projection[Members]


def make_directory(exchange: str) -> Directory:
    """Return the directory of an exchange, empty until it is loaded."""

    def catch_up(connection: Connection, members: Members) -> Members:
        for index, record in select_key_records(connection, members.last_index):
            members = members.add(index, _verify_stored(members, record, exchange, find_opening(connection)))
        return members

    return Projection(Members(), catch_up)


def _verify_stored(members: Members, record: Record, exchange: str, opening: datetime | None) -> VerifiedKeyDocument:
    """Verify a document read back, at the time of its leaf: signatures and chain, so that the disk cannot add a key.

    A CA that has ended since was good when its set had its leaf in an earlier epoch: there its own time counts.
    """
    document, agency = record.document, record.agency
    assert isinstance(document, SignedDocument)  # noqa: S101 - a record of these types has a document
    assert agency is not None  # noqa: S101 - and an agency
    if record.type is RecordType.KEY_SET:
        claimed = read_key_document(document, DocumentType.KEY_SET)
        known = members.get(claimed.agency)
        previous = known.newest_key_set if known else None
        assert isinstance(claimed, KeySet)  # noqa: S101 - read as one
        try:
            return verify_key_set(document, previous, exchange=exchange, now=record.time)
        except CertificateError:
            if not is_carried_over(claimed.issued_at, record.time, opening):
                raise
            return verify_key_set(document, previous, exchange=exchange, now=claimed.issued_at)
    timeline = members.find(agency)
    if record.type is RecordType.ENCRYPTION_KEYS:
        return verify_encryption_keys(document, timeline.newest_key_set, timeline.newest_encryption_keys)
    return verify_revocation(document, timeline.newest_key_set)
