"""The bytes of attachments as rows of the database: where several brokers share one, and standby and backup hold all.

Each write is a transaction of its own, on sessions of their own: the one writer of the log never waits for it. It
takes its turn at the upload among all brokers, and sees that the upload stands where it writes; so rows follow each
other without a gap or an overlap, whoever wrote them.
"""

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, delete, func, insert, select, tuple_

from broker.attachments.contents import ContentsFullError, UploadMovedError
from broker.attachments.rules import ByteRange, UploadKey
from broker.attachments.tables import attachment, attachment_piece
from broker.storage.engine import Database
from schemas.codec import b64u_encode

ROW_BYTES = 256 * 1024
MEASURED_SECONDS = 10.0
"""For so long what is stored is known well enough: to measure it, the server looks at every row."""
_READ_BYTES = 1 << 20

_piece = attachment_piece.c
_KEY = (_piece.sender, _piece.message, _piece.id)


@dataclass(slots=True)
class _Stored:
    """How many bytes are stored: measured now and then, and counted upwards in between by what is written here."""

    count: int = 0
    measured_at: float | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)


@dataclass(frozen=True, slots=True)
class AttachmentPieces:
    """The rows of one exchange. `database` has writing sessions beside the log's; at most `max_bytes` are kept."""

    database: Database
    max_bytes: int
    _stored: _Stored = field(default_factory=_Stored)

    def measure(self, key: UploadKey) -> int | None:
        """Return how many bytes are stored; None where there are none."""
        with self.database.read() as connection:
            return _measure(connection, key)

    def measure_free(self) -> int:
        """Return for how many bytes there is room: the database's own disk is the operator's to watch.

        What other brokers take in is known some `MEASURED_SECONDS` later.
        """
        stored = self._stored
        with stored.lock:
            now = monotonic()
            if stored.measured_at is None or now - stored.measured_at >= MEASURED_SECONDS:
                with self.database.read() as connection:
                    stored.count = int(connection.execute(select(func.sum(_piece.size))).scalar_one() or 0)
                stored.measured_at = now
            return self.max_bytes - stored.count

    def open_piece(self, key: UploadKey) -> "_Rows":
        """Return what writes to an upload."""
        return _Rows(self.database, key, self._stored)

    def compute_sha256(self, key: UploadKey) -> str:
        """Return the SHA-256 of the stored bytes."""
        digest, at = hashlib.sha256(), 0
        while part := self._read(key, ByteRange(at, _READ_BYTES)):
            digest.update(part)
            at += len(part)
        return b64u_encode(digest.digest())

    def read(self, key: UploadKey, part: ByteRange) -> bytes:
        """Return the bytes of a part; fewer where they end before.

        Raises:
            FileNotFoundError: nothing is stored.
        """
        found = self._read(key, part)
        if not found and self.measure(key) is None:
            raise FileNotFoundError(f"{key.sender}/{key.message}.{key.id}")
        return found

    def remove(self, key: UploadKey) -> None:
        """Remove the bytes, if there are any; whoever writes keeps them, and an attachment that is whole its own.

        Whoever found them wrong or forgotten may have found that long ago, and another broker have taken in others.
        """
        is_whole = select(attachment.c.id).where(
            attachment.c.sender == key.sender,
            attachment.c.message == key.message,
            attachment.c.id == key.id,
            attachment.c.completed_at.is_not(None),
        )
        with self.database.write() as connection:
            if _take_turn(self.database, connection, key):
                connection.execute(delete(attachment_piece).where(_is_of(key), ~is_whole.exists()))

    def list_keys(self) -> Iterator[UploadKey]:
        """Yield the key of everything stored, sound or not."""
        with self.database.read() as connection:
            found = connection.execute(select(*_KEY).where(_piece.start == 0)).all()
        return (UploadKey(*row) for row in found)

    def list_page(self, after: UploadKey | None, limit: int) -> list[UploadKey]:
        """Return the first `limit` of those keys behind one, or of all, in their order."""
        page = select(*_KEY).where(_piece.start == 0).order_by(*_KEY).limit(limit)
        if after is not None:
            page = page.where(tuple_(*_KEY) > tuple_(after.sender, after.message, after.id))
        with self.database.read() as connection:
            return [UploadKey(*row) for row in connection.execute(page)]

    def _read(self, key: UploadKey, part: ByteRange) -> bytes:
        end = part.start + part.count
        rows = (
            select(_piece.start, _piece.content)
            .where(_is_of(key), _piece.start > part.start - ROW_BYTES, _piece.start < end)
            .where(_piece.start + _piece.size > part.start)
            .order_by(_piece.start)
        )
        with self.database.read() as connection:
            return b"".join(
                content[max(part.start - start, 0) : end - start] for start, content in connection.execute(rows)
            )


@dataclass(frozen=True, slots=True)
class _Rows:
    """What one request writes to an upload: durable row by row, so there is nothing left to do at the end."""

    database: Database
    key: UploadKey
    stored: _Stored

    def write(self, data: bytes, offset: int) -> None:
        for start in range(0, len(data), ROW_BYTES):
            self._write_row(data[start : start + ROW_BYTES], offset + start)

    def close(self) -> None:
        pass

    def _write_row(self, data: bytes, offset: int) -> None:
        key, database = self.key, self.database
        with database.write() as connection:
            if not _take_turn(database, connection, key) or (_measure(connection, key) or 0) != offset:
                raise UploadMovedError
            try:
                connection.execute(
                    insert(attachment_piece).values(**_name(key), start=offset, size=len(data), content=data)
                )
            except Exception as error:
                if database.dialect.is_full(error):
                    raise ContentsFullError("the database's disk is full") from error
                raise
        with self.stored.lock:
            self.stored.count += len(data)


def _take_turn(database: Database, connection: Connection, key: UploadKey) -> bool:
    """Take the turn at an upload among all brokers, until the transaction ends; False if somebody else has it."""
    return database.dialect.take_turn(connection, f"{key.sender}/{key.message}.{key.id}")


def _measure(connection: Connection, key: UploadKey) -> int | None:
    newest = select(_piece.start + _piece.size).where(_is_of(key)).order_by(_piece.start.desc()).limit(1)
    found = connection.execute(newest).scalar_one_or_none()
    return None if found is None else int(found)


def _is_of(key: UploadKey) -> ColumnElement[bool]:
    return and_(_piece.sender == key.sender, _piece.message == key.message, _piece.id == key.id)


def _name(key: UploadKey) -> dict[str, Any]:
    return {"sender": key.sender, "message": key.message, "id": key.id}
