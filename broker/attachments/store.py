"""The SQL of attachments. Everything that writes runs inside the writer's transaction."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, delete, func, insert, or_, select, tuple_, update

from broker.attachments.rules import UNREFERENCED_KEPT, NamedAttachment, StoredUpload, UploadKey, Usage
from broker.attachments.tables import attachment
from broker.inbox.rules import ItemState, Passage
from broker.inbox.tables import inbox_item, message
from schemas.attachments import Announcement
from schemas.envelope import SealedAttachment
from schemas.markings import Tlp

_column = attachment.c
_KEY = (_column.sender, _column.message, _column.id)
_UPLOAD = (*_KEY, _column.sha256, _column.size, _column.announced_at, _column.completed_at, _column.ends_at)
_ENDED_STATES = (ItemState.RETURNED.value, ItemState.WITHDRAWN.value, ItemState.EXPIRED.value)


@dataclass(frozen=True, slots=True)
class HandedOver:
    """The message of an attachment as its recipient holds it: what is needed to judge it again."""

    agreement: str
    passage: Passage
    kind: str
    marking: Tlp
    size_bytes: int
    attachments: int
    expires_at: datetime


def find_upload(connection: Connection, key: UploadKey) -> StoredUpload | None:
    """Return what was announced under a key."""
    row = connection.execute(select(*_UPLOAD).where(_is(key))).first()
    return None if row is None else _read(row)


def insert_upload(connection: Connection, key: UploadKey, announcement: Announcement, now: datetime) -> StoredUpload:
    """Keep an announcement."""
    row = {
        "sender": key.sender, "message": key.message, "id": key.id, "sha256": announcement.sha256,
        "size": announcement.size, "announced_at": now, "completed_at": None, "ends_at": None,
    }  # fmt: skip
    connection.execute(insert(attachment).values(row))
    return StoredUpload(key, announcement.sha256, announcement.size, now, None, None)


def measure_usage(connection: Connection, sender: str) -> Usage:
    """Return what a member has here."""
    unreferenced = func.count().filter(_column.ends_at.is_(None))
    statement = select(unreferenced, func.count(), func.coalesce(func.sum(_column.size), 0))
    statement = statement.where(_column.sender == sender)
    return Usage(*connection.execute(statement).one())


def mark_complete(connection: Connection, key: UploadKey, now: datetime) -> None:
    """Say that the stored bytes are the ones announced."""
    connection.execute(update(attachment).where(_is(key), _column.completed_at.is_(None)).values(completed_at=now))


def mark_lost(connection: Connection, key: UploadKey) -> None:
    """Say that the stored bytes of an upload are gone: it begins anew."""
    connection.execute(update(attachment).where(_is(key)).values(completed_at=None))


def load_named(
    connection: Connection, sender: str, message_id: str, sealed: Sequence[SealedAttachment]
) -> tuple[NamedAttachment, ...]:
    """Return what a message names, each with what its sender has uploaded for it."""
    if not sealed:
        return ()
    mine = (_column.sender == sender, _column.message == message_id)
    uploads = {row.id: _read(row) for row in connection.execute(select(*_UPLOAD).where(*mine))}
    return tuple(NamedAttachment(item, uploads.get(item.id)) for item in sealed)


def refer_to(connection: Connection, named: Sequence[NamedAttachment], ends_at: datetime) -> None:
    """Let the attachments of a message that is accepted be read until it ends."""
    for item in named:
        if item.upload is not None:
            connection.execute(update(attachment).where(_is(item.upload.key)).values(ends_at=ends_at))


def end_attachments(connection: Connection, sender: str, message_id: str, now: datetime) -> None:
    """Let the attachments of a message end now: its sender has taken it back."""
    connection.execute(
        update(attachment)
        .where(_column.sender == sender, _column.message == message_id, _column.ends_at > now)
        .values(ends_at=now)
    )


def find_handed_over(connection: Connection, key: UploadKey, recipient: str) -> HandedOver | None:
    """Return the message of an attachment if it was handed over to this recipient and settled."""
    statement = (
        select(
            message.c.agreement, message.c.passage, message.c.kind, message.c.marking, message.c.size,
            message.c.attachment_bytes, message.c.attachments, inbox_item.c.expires_at,
        )
        .join(inbox_item, and_(inbox_item.c.recipient == message.c.recipient, inbox_item.c.number == message.c.number))
        .where(
            message.c.sender == key.sender, message.c.id == key.message, message.c.recipient == recipient,
            inbox_item.c.state == ItemState.HANDED_OVER.value,
        )
    )  # fmt: skip
    row = connection.execute(statement).first()
    if row is None:
        return None
    return HandedOver(
        row.agreement, Passage(row.passage), row.kind, Tlp.from_code(row.marking), row.size + row.attachment_bytes,
        row.attachments, row.expires_at,
    )  # fmt: skip


def delete_ended(connection: Connection, now: datetime, limit: int) -> list[UploadKey]:
    """Forget attachments that no message named in time, or whose delivery has ended; return whose files are to go."""
    is_unreferenced = and_(_column.ends_at.is_(None), _column.announced_at <= now - UNREFERENCED_KEPT)
    statement = select(*_KEY).where(or_(is_unreferenced, _column.ends_at <= now)).limit(limit)
    keys = [UploadKey(*row) for row in connection.execute(statement)]
    delete_attachments(connection, keys)
    return keys


def delete_attachments(connection: Connection, keys: Iterable[UploadKey]) -> None:
    """Forget attachments."""
    for key in keys:
        connection.execute(delete(attachment).where(_is(key)))


def examine_page(
    connection: Connection, after: UploadKey | None, limit: int
) -> tuple[list[UploadKey], UploadKey | None]:
    """Look at so many referenced attachments behind a key: which are of messages that reached nobody?

    Return these, and the key to go on behind; None: there were no more. A delivery that ended so stays ended.
    """
    reached = select(message.c.id).join(
        inbox_item, and_(inbox_item.c.recipient == message.c.recipient, inbox_item.c.number == message.c.number)
    )
    of_it = (message.c.sender == _column.sender, message.c.id == _column.message)
    is_over = and_(
        reached.where(*of_it).exists(),
        ~reached.where(*of_it, inbox_item.c.state.not_in(_ENDED_STATES)).exists(),
    )
    page = select(*_KEY, is_over.label("is_over")).where(_column.ends_at.is_not(None)).order_by(*_KEY).limit(limit)
    if after is not None:
        page = page.where(tuple_(*_KEY) > tuple_(after.sender, after.message, after.id))
    rows = [(UploadKey(*row[:3]), bool(row.is_over)) for row in connection.execute(page)]
    return [key for key, is_it_over in rows if is_it_over], rows[-1][0] if len(rows) == limit else None


def list_known(connection: Connection, keys: Sequence[UploadKey]) -> set[UploadKey]:
    """Return what is announced between the first and the last of these keys, which are in order."""
    first, last = (tuple_(key.sender, key.message, key.id) for key in (keys[0], keys[-1]))
    statement = select(*_KEY).where(tuple_(*_KEY) >= first, tuple_(*_KEY) <= last)
    return {UploadKey(*row) for row in connection.execute(statement)}


def _is(key: UploadKey) -> Any:
    return and_(_column.sender == key.sender, _column.message == key.message, _column.id == key.id)


def _read(row: Any) -> StoredUpload:
    key = UploadKey(row.sender, row.message, row.id)
    return StoredUpload(key, row.sha256, row.size, row.announced_at, row.completed_at, row.ends_at)
