"""The bytes of attachments as rows of the database: where several brokers share one, and standby and backup hold all.

Each write is a transaction of its own, on sessions of their own: the one writer of the log never waits for it. It
takes its turn at the upload among all brokers, and sees that the upload stands where it writes; so rows follow each
other without a gap or an overlap, whoever wrote them.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, delete, func, insert, select

from broker.attachments.contents import ContentsFullError, UploadMovedError
from broker.attachments.rules import ByteRange, UploadKey
from broker.attachments.tables import attachment_piece
from broker.storage.engine import Database
from schemas.codec import b64u_encode

ROW_BYTES = 256 * 1024
_READ_BYTES = 1 << 20

_piece = attachment_piece.c


@dataclass(frozen=True, slots=True)
class AttachmentPieces:
    """The rows of one exchange. `database` has writing sessions beside the log's; at most `max_bytes` are kept."""

    database: Database
    max_bytes: int

    def measure(self, key: UploadKey) -> int | None:
        """Return how many bytes are stored; None where there are none."""
        with self.database.read() as connection:
            return _measure(connection, key)

    def measure_free(self) -> int:
        """Return for how many bytes there is room: the database's own disk is the operator's to watch."""
        with self.database.read() as connection:
            return self.max_bytes - int(connection.execute(select(func.sum(_piece.size))).scalar_one() or 0)

    def open_piece(self, key: UploadKey) -> "_Rows":
        """Return what writes to an upload."""
        return _Rows(self.database, key)

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
        """Remove the bytes, if there are any."""
        with self.database.write() as connection:
            connection.execute(delete(attachment_piece).where(_is_of(key)))

    def list_keys(self) -> Iterator[UploadKey]:
        """Yield the key of everything stored, sound or not."""
        firsts = select(_piece.sender, _piece.message, _piece.id).where(_piece.start == 0)
        with self.database.read() as connection:
            found = connection.execute(firsts).all()
        return (UploadKey(*row) for row in found)

    def _read(self, key: UploadKey, part: ByteRange) -> bytes:
        end = part.start + part.count
        rows = (
            select(_piece.start, _piece.content)
            .where(_is_of(key), _piece.start < end, _piece.start + _piece.size > part.start)
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

    def write(self, data: bytes, offset: int) -> None:
        for start in range(0, len(data), ROW_BYTES):
            self._write_row(data[start : start + ROW_BYTES], offset + start)

    def close(self) -> None:
        pass

    def _write_row(self, data: bytes, offset: int) -> None:
        key, database = self.key, self.database
        with database.write() as connection:
            is_ours = database.dialect.take_turn(connection, f"{key.sender}/{key.message}.{key.id}")
            if not is_ours or (_measure(connection, key) or 0) != offset:
                raise UploadMovedError
            try:
                connection.execute(
                    insert(attachment_piece).values(**_name(key), start=offset, size=len(data), content=data)
                )
            except Exception as error:
                if database.dialect.is_full(error):
                    raise ContentsFullError("the database's disk is full") from error
                raise


def _measure(connection: Connection, key: UploadKey) -> int | None:
    newest = select(_piece.start + _piece.size).where(_is_of(key)).order_by(_piece.start.desc()).limit(1)
    found = connection.execute(newest).scalar_one_or_none()
    return None if found is None else int(found)


def _is_of(key: UploadKey) -> ColumnElement[bool]:
    return and_(_piece.sender == key.sender, _piece.message == key.message, _piece.id == key.id)


def _name(key: UploadKey) -> dict[str, Any]:
    return {"sender": key.sender, "message": key.message, "id": key.id}
