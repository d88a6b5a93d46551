"""The directory in memory: a projection of the log's key documents, verified again whenever they are read from disk.

Where other brokers write as well it may be milliseconds old, and what a member signed with keys that one of them has
just taken in would be refused. So `judge` asks the database before anybody is refused. What is decided in a transaction
asks `as_of` and needs no second look.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from sqlalchemy import Connection

from broker.audit.opening import find_opening
from broker.directory.looking import SharedLook
from broker.directory.members import Members, VerifiedKeyDocument
from broker.directory.rules import read_key_document
from broker.directory.store import select_key_records
from broker.http.refusal import find_refusal
from broker.projection import Projection
from broker.storage.engine import Database
from keys.encryption_keys import verify_encryption_keys, verify_revocation
from keys.errors import CertificateError
from keys.key_sets import verify_key_set
from schemas.key_documents import KeySet
from schemas.log.epoch import is_carried_over
from schemas.log.records import Record, RecordType
from schemas.signed import DocumentType, SignedDocument

Verdict = TypeVar("Verdict")


class Directory(Projection[Members]):
    """The members in memory; `shared` is the database where other brokers write them too, if there are any."""

    def __init__(self, catch_up: Callable[[Connection, Members], Members], shared: Database | None) -> None:
        super().__init__(Members(), catch_up)
        self._look = None if shared is None else SharedLook(lambda: self.load(shared))

    async def judge(self, verify: Callable[[Members], Verdict], *, in_thread: bool = False) -> Verdict:
        """Return what `verify` finds of the members; what it refuses it is asked again if they have changed meanwhile.

        Raises:
            Exception: whatever `verify` raises, at the second time where there is one.
            StoreUnreachableError, StoreBusyError: it refuses, and whether anything has changed cannot be read.
        """
        members = self.current
        try:
            return await _verify(verify, members, in_thread=in_thread)
        except Exception as error:
            if self._look is None or find_refusal(error) is None:
                raise
            newest = await self._look.take()
            if newest.last_index <= members.last_index:
                raise
        return await _verify(verify, newest, in_thread=in_thread)


def make_directory(exchange: str, shared: Database | None = None) -> Directory:
    """Return the directory of an exchange, empty until it is loaded; `shared` is where other brokers write it too."""

    def catch_up(connection: Connection, members: Members) -> Members:
        for index, record in select_key_records(connection, members.last_index):
            members = members.add(index, _verify_stored(members, record, exchange, find_opening(connection)))
        return members

    return Directory(catch_up, shared)


async def _verify(verify: Callable[[Members], Verdict], members: Members, *, in_thread: bool) -> Verdict:
    return await asyncio.to_thread(verify, members) if in_thread else verify(members)


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
