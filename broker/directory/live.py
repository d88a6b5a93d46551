"""The directory in memory: a projection of the log's key documents, verified again whenever they are read from disk."""

from datetime import datetime

from sqlalchemy import Connection

from broker.audit.opening import find_opening
from broker.directory.members import Members, VerifiedKeyDocument
from broker.directory.rules import read_key_document
from broker.directory.store import select_key_records
from broker.projection import Projection
from keys.encryption_keys import verify_encryption_keys, verify_revocation
from keys.key_sets import verify_key_set
from schemas.key_documents import KeySet
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

    What was issued before this epoch was opened had its leaf in an earlier one: it is judged by its own time.
    """
    document, agency = record.document, record.agency
    assert isinstance(document, SignedDocument)  # noqa: S101 - a record of these types has a document
    assert agency is not None  # noqa: S101 - and an agency
    if record.type is RecordType.KEY_SET:
        claimed = read_key_document(document, DocumentType.KEY_SET)
        known = members.get(claimed.agency)
        previous = known.newest_key_set if known else None
        assert isinstance(claimed, KeySet)  # noqa: S101 - read as one
        is_older = opening is not None and claimed.issued_at < opening
        return verify_key_set(document, previous, exchange=exchange, now=claimed.issued_at if is_older else record.time)
    timeline = members.find(agency)
    if record.type is RecordType.ENCRYPTION_KEYS:
        return verify_encryption_keys(document, timeline.newest_key_set, timeline.newest_encryption_keys)
    return verify_revocation(document, timeline.newest_key_set)
