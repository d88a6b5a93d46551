"""Send a draft once, however often it is handed over: it is known again by what was written, and to whom.

What its sender's own agency alone reads of it (reason, case, who wrote it) makes it no other draft.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from agency_client.errors import ConflictError, UsageError
from agency_client.local_store.engine import Transaction
from agency_client.local_store.outbox import OutboxState
from agency_client.local_store.sent_drafts import DraftMessage, keep_sent_draft, list_sent_draft
from agency_client.local_store.subjects import compute_mark
from schemas.alerts.registry import UnknownKindError, kind_of
from schemas.codec import CodecError, encode_canonical

_ENDED = (OutboxState.REFUSED, OutboxState.CANCELLED)


class SentBeforeError(ConflictError):
    """The very draft was sent before; `messages` are what became of it."""

    default_code = "sent-before"

    def __init__(self, messages: Iterable[DraftMessage]) -> None:
        super().__init__("this was sent before, and is not sent twice", fix="to send it again, send it by itself")
        self.messages = tuple(messages)


def identify_draft(alert: Mapping[str, Any], recipients: Iterable[str]) -> str:
    """Return what a draft is known again by: the alert as it was written, and to whom it was to go.

    Raises:
        UsageError: it is confidential, and no trace of what it says may be kept beside its content; or it has no form
            on the wire.
    """
    try:
        is_confidential = kind_of(str(alert.get("kind", ""))).is_confidential
    except UnknownKindError:
        is_confidential = False
    if is_confidential:
        raise UsageError("a confidential message is sent by itself", fix="run: agency send FILE", code="confidential")
    try:
        return encode_canonical({"alert": alert, "to": sorted(set(recipients))}).decode()
    except CodecError as error:
        raise UsageError(f"the alert cannot be sent: {error}", code=error.code) from error


def load_sent_before(transaction: Transaction, identity: str, *, at: datetime) -> list[DraftMessage]:
    """Return what became of a draft, where any of it stands; nothing where all of it was refused, or it is new."""
    messages = list_sent_draft(transaction, _mark(transaction, identity, at))
    return messages if any(message.state not in _ENDED for message in messages) else []


def load_messages(transaction: Transaction, identity: str, *, at: datetime) -> list[DraftMessage]:
    """Return the messages of a draft, whatever became of them."""
    return list_sent_draft(transaction, _mark(transaction, identity, at))


def verify_not_sent(transaction: Transaction, identity: str | None, *, at: datetime) -> None:
    """Check, before a draft is sealed, that it was not sent before; one without an identity may be sent again.

    Raises:
        SentBeforeError: it was.
    """
    before = [] if identity is None else load_sent_before(transaction, identity, at=at)
    if before:
        raise SentBeforeError(before)


def note_sent(transaction: Transaction, identity: str | None, message_ids: Iterable[str], *, at: datetime) -> None:
    """Record what a draft became, in the transaction that queues it."""
    if identity is not None:
        keep_sent_draft(transaction, _mark(transaction, identity, at), message_ids)


def _mark(transaction: Transaction, identity: str, at: datetime) -> bytes:
    return compute_mark(transaction, "draft", identity, at=at)
