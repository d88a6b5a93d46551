"""Uploading an attachment in pieces, and reading it in pieces once its message was handed over.

Each piece is a request of its own: durable before it is answered, judged by itself. So a cut costs one piece at most, a
suspension works from the next piece on, and neither side holds more than a part of a piece in memory. No leaf is
written for a piece: the leaf of the message's acceptance has the digest of P, which names every attachment.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial

import structlog
from sqlalchemy import Connection

from broker.access.caller import Caller
from broker.agreements.book import Agreements
from broker.agreements.live import AgreementBook
from broker.attachments.contents import AttachmentContents, ContentsFullError, UploadMovedError
from broker.attachments.rules import (
    Allowance,
    ByteRange,
    StoredUpload,
    UploadKey,
    judge_announcement,
    judge_piece,
    judge_room,
    parse_range,
)
from broker.attachments.store import (
    HandedOver,
    find_handed_over,
    find_upload,
    insert_upload,
    mark_complete,
    mark_lost,
    measure_usage,
)
from broker.attachments.turns import Turns
from broker.clock import Clock
from broker.http.refusal import Refusal, RefusedError, refuse
from broker.inbox.rules import Fate, find_standing, judge_hand_over
from broker.storage.engine import Database
from broker.storage.failpoints import failpoint
from broker.storage.fair_queue import Turn
from broker.storage.group_commit import GroupCommitWriter
from broker.storage.transaction import Transaction
from schemas.agreements.coverage import VisibleFacts
from schemas.attachments import Announcement, UploadAnswer

WRITE_BYTES = 256 * 1024
"""How much of a piece waits in memory, on its way in or out."""
_NOT_FOUND = "there is no such attachment, or none that you may see"
_LOST = "the exchange had this attachment and has lost its bytes: its sender can send it again, in a new message"

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Readable:
    """A part of an attachment that its reader may have, and the size of the whole."""

    key: UploadKey
    part: ByteRange
    size: int


class AttachmentService:
    """The use cases of attachments. All but `stream` answer once what they say is durable."""

    def __init__(
        self,
        contents: AttachmentContents,
        allowance: Allowance,
        agreements: AgreementBook,
        writer: GroupCommitWriter,
        database: Database,
        clock: Clock,
        turns: Turns,
    ) -> None:
        self._contents = contents
        self._allowance = allowance
        self._agreements = agreements
        self._writer = writer
        self._database = database
        self._clock = clock
        self._turns = turns

    async def announce(self, caller: Caller, announcement: Announcement) -> tuple[UploadAnswer, bool]:
        """Begin an upload, or say how far it has come; return whether it is new.

        Raises:
            RefusedError: other bytes were announced under this id, or the member or the disk has no room.
        """
        key = UploadKey(caller.agency, announcement.message, announcement.id)
        async with self._turns.take(key):
            known = await asyncio.to_thread(self._read_upload, key)
            if known is None or not known.is_announced_as(announcement):
                free_bytes = await asyncio.to_thread(self._contents.measure_free)
                # What is refused takes no time of the one writer, however often it is asked for.
                await asyncio.to_thread(self._judge_announcement, key, announcement, free_bytes)
                await self._writer.commit(partial(self._announce, key, announcement, free_bytes), Turn(key.sender))
            return await self._describe(key), known is None

    async def append(
        self, caller: Caller, key: UploadKey, offset: int, length: int, pieces: AsyncIterator[bytes]
    ) -> UploadAnswer:
        """Add `length` bytes that begin at `offset`. What has come of a piece that is cut off is kept.

        Raises:
            RefusedError: there is no such upload of the caller's, it stands elsewhere, or there is no room.
        """
        if key.sender != caller.agency:
            raise refuse("not-found", _NOT_FOUND)
        async with self._turns.take(key):
            upload = await self._demand_upload(key)
            durable = await asyncio.to_thread(self._contents.measure, upload.key) or 0
            free_bytes = await asyncio.to_thread(self._contents.measure_free)
            refusal = judge_piece(upload, durable, offset, length) or judge_room(length, self._allowance, free_bytes)
            if refusal is not None:
                raise RefusedError(refusal)
            await self._write(upload.key, offset, length, pieces)
            failpoint("attachment.piece-stored")
            return await self._describe(key)

    async def find_readable(self, caller: Caller, key: UploadKey, range_text: str | None) -> Readable:
        """Return the part that a recipient asks for, if its message was handed over and nothing has narrowed since.

        Raises:
            RefusedError: as to whoever it does not concern, there is nothing; or the agreement does not let it go now;
                or its bytes were lost here (`attachment-lost`).
        """
        upload = await asyncio.to_thread(self._find_for_recipient, caller.agency, key)
        part = parse_range(range_text, upload.size)
        if isinstance(part, Refusal):
            raise RefusedError(part)
        if await asyncio.to_thread(self._contents.measure, upload.key) != upload.size:
            self._writer.metrics.attachments_missed.inc()
            _log.error("attachment-lost", agency=key.sender, path=f"{key.message}.{key.id}")
            raise refuse("attachment-lost", _LOST)
        return Readable(upload.key, part, upload.size)

    async def stream(self, readable: Readable) -> AsyncIterator[bytes]:
        """Yield the bytes of a part, a little at a time."""
        end = readable.part.start + readable.part.count
        for start in range(readable.part.start, end, WRITE_BYTES):
            part = ByteRange(start, min(WRITE_BYTES, end - start))
            yield await asyncio.to_thread(self._contents.read, readable.key, part)

    def _read_upload(self, key: UploadKey) -> StoredUpload | None:
        with self._database.read() as connection:
            return find_upload(connection, key)

    async def _demand_upload(self, key: UploadKey) -> StoredUpload:
        upload = await asyncio.to_thread(self._read_upload, key)
        if upload is None:
            raise refuse("not-found", _NOT_FOUND)
        return upload

    def _judge_announcement(self, key: UploadKey, announcement: Announcement, free_bytes: int) -> None:
        with self._database.read() as connection:
            self._demand_allowed(connection, key, announcement, free_bytes)

    def _announce(
        self, key: UploadKey, announcement: Announcement, free_bytes: int, transaction: Transaction
    ) -> StoredUpload:
        known = self._demand_allowed(transaction.connection, key, announcement, free_bytes)
        return known or insert_upload(transaction.connection, key, announcement, transaction.now)

    def _demand_allowed(
        self, connection: Connection, key: UploadKey, announcement: Announcement, free_bytes: int
    ) -> StoredUpload | None:
        known, usage = find_upload(connection, key), measure_usage(connection, key.sender)
        refusal = judge_announcement(announcement, known, usage, self._allowance, free_bytes)
        if refusal is not None:
            raise RefusedError(refusal)
        return known

    async def _describe(self, key: UploadKey) -> UploadAnswer:
        """Return how far an upload has come; one that is whole is looked at as a whole first."""
        upload = await self._demand_upload(key)
        durable = await asyncio.to_thread(self._contents.measure, key)
        is_complete = upload.completed_at is not None
        if is_complete and durable != upload.size and upload.ends_at is None:
            await self._writer.commit(lambda transaction: mark_lost(transaction.connection, key), Turn(key.sender))
            is_complete = False
        if not is_complete and durable == upload.size:
            await self._complete(upload)
            is_complete = True
        offset = upload.size if is_complete else durable or 0
        return UploadAnswer(message=key.message, id=key.id, offset=offset, complete=is_complete)

    async def _complete(self, upload: StoredUpload) -> None:
        if await asyncio.to_thread(self._contents.compute_sha256, upload.key) != upload.sha256:
            await asyncio.to_thread(self._contents.remove, upload.key)
            sentence = f"the bytes uploaded as {upload.key.id} are not those announced; the upload begins anew"
            raise refuse("attachments-refused", sentence, field="sha256")
        await self._writer.commit(
            lambda transaction: mark_complete(transaction.connection, upload.key, transaction.now),
            Turn(upload.key.sender),
        )

    async def _write(self, key: UploadKey, offset: int, length: int, pieces: AsyncIterator[bytes]) -> None:
        """Write what comes and make it durable, also when it ends too early; more than was said is not taken."""
        piece = await asyncio.to_thread(self._contents.open_piece, key)
        try:
            async for data in _gather(pieces, length):
                await asyncio.to_thread(piece.write, data, offset)
                offset += len(data)
        except ContentsFullError as error:
            raise RefusedError(_describe_full()) from error
        except UploadMovedError as error:
            sentence = f"another request writes to {key.id} at this moment; ask how far it has come"
            raise refuse("upload-conflict", sentence, field="Upload-Offset") from error
        finally:
            await asyncio.shield(asyncio.to_thread(piece.close))

    def _find_for_recipient(self, recipient: str, key: UploadKey) -> StoredUpload:
        with self._database.read() as connection:
            upload = find_upload(connection, key)
            message = find_handed_over(connection, key, recipient)
            agreements = self._agreements.read(connection)  # as far as any broker has written
        now = self._clock.now()
        if upload is None or message is None or upload.ends_at is None or upload.ends_at <= now:
            raise refuse("not-found", _NOT_FOUND)
        self._judge_again(key, recipient, message, agreements)
        return upload

    def _judge_again(self, key: UploadKey, recipient: str, message: HandedOver, agreements: Agreements) -> None:
        """Judge as at a hand-over: what is read now has not been handed over yet."""
        now = self._clock.now()
        visible = VisibleFacts(
            sender=key.sender,
            recipient=recipient,
            kind=message.kind,
            marking=message.marking,
            size_bytes=message.size_bytes,
            attachments=message.attachments,
        )
        standing = find_standing(message.agreement, agreements.find(message.agreement).chains, now)
        verdict = judge_hand_over(message.passage, message.expires_at, visible, standing, now)
        if verdict.fate in (Fate.HOLD, Fate.RETURN):
            sentence = f"the agreement does not let this attachment go now: {', '.join(verdict.reasons)}"
            raise refuse("agreement-not-in-force", sentence, field="agreement")
        if verdict.fate is not Fate.DELIVER:
            raise refuse("not-found", _NOT_FOUND)


async def _gather(pieces: AsyncIterator[bytes], length: int) -> AsyncIterator[bytes]:
    """Yield the first `length` bytes in writes worth making."""
    waiting = bytearray()
    left = length
    async for piece in pieces:
        if len(piece) > left:
            raise refuse("malformed", f"the piece has more than the {length} bytes it was said to have")
        left -= len(piece)
        waiting += piece
        if len(waiting) >= WRITE_BYTES:
            yield bytes(waiting)
            waiting.clear()
    if waiting:
        yield bytes(waiting)


def _describe_full() -> Refusal:
    sentence = "the exchange's disk is full; what was stored of this attachment is kept"
    return Refusal("storage-full", sentence, retry_after_seconds=300)
