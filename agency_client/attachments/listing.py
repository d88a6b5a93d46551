"""What is attached to a message, and where its bytes are: here, or at the exchange until its delivery ends."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from agency_client.attachments.fetching import Wanted, fetch_attachment
from agency_client.attachments.folder import find_incoming
from agency_client.attachments.names import make_safe_name
from agency_client.attachments.saving import choose_attachments, demand_received, read_attached
from agency_client.attachments.uploading import Watching, unwatched
from agency_client.node import Node
from agency_client.reading.messages import ReadMessage, ReadOwnMessage, read_message
from schemas.alerts.base import Alert
from schemas.alerts.coded import RestrictedUse
from schemas.envelope import MessageAttachment, SealedAttachment
from schemas.markings import Tlp

_VERB = "list-attachments"


class Place(StrEnum):
    """Where the bytes of a received attachment are."""

    HERE = "here"
    IN_PART = "in-part"
    AT_THE_EXCHANGE = "at-the-exchange"
    GONE = "gone"
    SENT = "sent"


@dataclass(frozen=True, slots=True)
class AttachmentLine:
    """One attachment: what its sender says of it, the name it would be saved under, and where it is.

    `place` is None for what the alert names and the message does not carry. `until`: the exchange keeps it so long.
    """

    id: str
    caption: str
    marking: Tlp | None
    name: str = ""
    media_type: str = ""
    size: int = 0
    sha256: str = ""
    place: Place | None = None
    until: datetime | None = None


def list_attachments(
    node: Node, message_id: str, *, reason: str, case: str | None = None, use: RestrictedUse | None = None
) -> tuple[ReadMessage | ReadOwnMessage, tuple[AttachmentLine, ...]]:
    """Return a message and its attachments; the reading is on record, nothing is fetched.

    Raises:
        NotFoundError, NotShownError, VerificationFailedError: as `read_message`.
    """
    found = read_message(node, message_id, reason=reason, case=case, verb=_VERB, use=use)
    lines = describe_attachments(found.alert, found.message.attachments)
    if isinstance(found, ReadOwnMessage):
        return found, tuple(_place(line, Place.SENT) for line in lines)
    sealed = {item.id: item for item in read_attached(found)}
    return found, tuple(_find_place(node, found, line, sealed.get(line.id)) for line in lines)


def describe_attachments(alert: Alert, attachments: Sequence[MessageAttachment]) -> tuple[AttachmentLine, ...]:
    """Return what a message says of attachments: those it carries, and those its alert only names."""
    carried = {item.id: item for item in attachments}
    return tuple(
        AttachmentLine(note.id, note.caption, note.marking)
        if note.id not in carried
        else _describe(AttachmentLine(note.id, note.caption, note.marking), carried[note.id])
        for note in alert.attachments
    )


def fetch_attachments(
    node: Node,
    message_id: str,
    beginnings: Sequence[str],
    *,
    reason: str,
    case: str | None = None,
    watching: Watching = unwatched,
) -> tuple[str, ...]:
    """Fetch attachments of a received message, to be saved later without the exchange; return their ids.

    Raises:
        as `list_attachments`; AttachmentGoneError, AttachmentForgedError, OfflineError: one could not be fetched.
    """
    found = demand_received(read_message(node, message_id, reason=reason, case=case, verb="fetch-attachments"))
    chosen = {item.id for item in choose_attachments(found.message.attachments, beginnings)}
    stored = found.stored
    for sealed in read_attached(found):
        if sealed.id in chosen:
            wanted = Wanted(stored.sender, stored.message_id, stored.digest, sealed)
            with watching("fetching an attachment", sealed.size) as progress:
                fetch_attachment(node, wanted, progress)
    return tuple(sorted(chosen))


def _describe(line: AttachmentLine, inside: MessageAttachment) -> AttachmentLine:
    return AttachmentLine(
        line.id,
        line.caption,
        line.marking,
        make_safe_name(inside.name),
        inside.media_type,
        inside.size,
        inside.sha256,
        Place.AT_THE_EXCHANGE,
    )


def _find_place(
    node: Node, found: ReadMessage, line: AttachmentLine, sealed: SealedAttachment | None
) -> AttachmentLine:
    if sealed is None:
        return line
    path = find_incoming(node.profile, found.stored.digest, line.id)
    here = path.stat().st_size if path.is_file() else 0
    if here == sealed.size:
        return _place(line, Place.HERE)
    until = found.stored.expires_at
    if node.clock.now() >= until:
        return _place(line, Place.GONE)
    return _place(line, Place.IN_PART if here else Place.AT_THE_EXCHANGE, until)


def _place(line: AttachmentLine, place: Place, until: datetime | None = None) -> AttachmentLine:
    return line if line.place is None else replace(line, place=place, until=until)
