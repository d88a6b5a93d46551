"""Save received attachments as files: verified to the last byte before they have a name, over nothing, never opened.

Who saves what, and why, is on record before anything is fetched or decrypted. A message that is withdrawn, erased or
restricted gives none: the same gate as for reading stands before it.
"""

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from agency_client.aftercare.standing import load_standing
from agency_client.attachments.drafts import clear_drafts, writing_draft
from agency_client.attachments.fetching import AttachmentForgedError, Wanted, fetch_attachment
from agency_client.attachments.folder import create_file, demand_room, read_pieces, write_all
from agency_client.attachments.names import make_safe_name, number_name
from agency_client.attachments.uploading import Watching, unwatched
from agency_client.errors import ClientError, NotFoundError, UsageError
from agency_client.local_store.content import has_content
from agency_client.node import Node
from agency_client.reading.messages import NotShownError, ReadMessage, ReadOwnMessage, read_message
from agency_client.receiving.sealed import read_sealed
from keys.attachments import AttachmentOpener
from keys.errors import OpeningError
from schemas.alerts.coded import RestrictedUse
from schemas.envelope import MessageAttachment, SealedAttachment
from schemas.signed import SignedDocument

MAX_NAMES = 1000
_VERB = "save-attachments"

Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Saving:
    """What is to be saved and where: attachments by the beginning of their ids, none named for all.

    `reason`, `case` and `use` are as in `agency_client.reading.messages.read_message`.
    """

    message_id: str
    folder: Path
    reason: str
    attachments: tuple[str, ...] = ()
    case: str | None = None
    use: RestrictedUse | None = None


@dataclass(frozen=True, slots=True)
class Saved:
    """One attachment that was saved."""

    id: str
    path: Path
    size: int
    sha256: str


def save_attachments(node: Node, wanted: Saving, watching: Watching = unwatched) -> tuple[Saved, ...]:
    """Save attachments of a received message into a folder; what was saved before a failure stays.

    Raises:
        NotFoundError, NotShownError, VerificationFailedError: as `read_message`; or there is no such attachment, or
            something was said of the message while it was fetched.
        AttachmentForgedError: the bytes are not those the sender signed for; nothing of them was saved.
        AttachmentGoneError, OfflineError: it could not be fetched; what came is kept for the next time.
        DiskFullError: there is no room for it.
    """
    if not wanted.folder.is_dir():
        raise UsageError(f"{wanted.folder} is no folder", fix="name one with --to")
    clear_drafts(node.profile)
    found = read_message(node, wanted.message_id, reason=wanted.reason, case=wanted.case, verb=_VERB, use=wanted.use)
    received = demand_received(found)
    chosen = choose_attachments(received.message.attachments, wanted.attachments)
    sealed = {item.id: item for item in read_attached(received)}
    saved = []
    for item in chosen:
        with watching("fetching an attachment", sealed[item.id].size) as progress:
            saved.append(_save(node, received, sealed[item.id], item, wanted.folder, progress))
    return tuple(saved)


def read_attached(found: ReadMessage) -> tuple[SealedAttachment, ...]:
    """Return what P says of a received message's attachments."""
    return read_sealed(SignedDocument.from_canonical(found.stored.evidence)).payload.attachments


def choose_attachments(
    attachments: Sequence[MessageAttachment], beginnings: Sequence[str]
) -> tuple[MessageAttachment, ...]:
    """Return the attachments whose ids begin so, all of them where nothing is named.

    Raises:
        NotFoundError: there are none, or none begins so.
        UsageError: several do.
    """
    if not attachments:
        raise NotFoundError("the message has no attachments", code="no-attachments")
    if not beginnings:
        return tuple(attachments)
    return tuple(dict.fromkeys(_choose_one(attachments, beginning) for beginning in beginnings))


def _choose_one(attachments: Sequence[MessageAttachment], beginning: str) -> MessageAttachment:
    found = [item for item in attachments if beginning and item.id.startswith(beginning)]
    if not found:
        raise NotFoundError(f"the message has no attachment {beginning}", fix="run: agency attachments list ID")
    if len(found) > 1:
        raise UsageError(f"several attachments begin with {beginning}", fix="give more of the id")
    return found[0]


def demand_received(found: ReadMessage | ReadOwnMessage) -> ReadMessage:
    """Return a received message whose attachments may be had.

    Raises:
        UsageError: it is this agency's own.
        NotShownError: its sender has taken it back.
    """
    if isinstance(found, ReadOwnMessage):
        raise UsageError("the message is this agency's own: its files were attached here", code="own-message")
    if found.stored.withdrawn_at is not None or found.standing.is_withdrawn or found.standing.is_to_be_erased:
        raise NotShownError(f"{found.stored.sender} took the message back; nothing of it is saved", code="withdrawn")
    return found


def _save(
    node: Node,
    found: ReadMessage,
    sealed: SealedAttachment,
    inside: MessageAttachment,
    folder: Path,
    progress: Progress,
) -> Saved:
    stored = found.stored
    wanted = Wanted(stored.sender, stored.message_id, stored.digest, sealed)
    ciphertext = fetch_attachment(node, wanted, progress)
    demand_room(folder, inside.size)
    try:
        with writing_draft(node.profile, folder) as draft:
            _decrypt(ciphertext, draft.descriptor, AttachmentOpener(stored.message_id, sealed, inside))
            _verify_unchanged(node, found)
            path = _put_in_place(draft.path, folder, make_safe_name(inside.name))
    except OpeningError as error:
        raise AttachmentForgedError(f"{inside.id}: {error}; nothing of it was saved") from error
    return Saved(inside.id, path, inside.size, inside.sha256)


def _verify_unchanged(node: Node, found: ReadMessage) -> None:
    """Verify that nothing was said of the message since it was read: to fetch a file may take long."""
    digest = found.stored.digest
    with node.store.read() as snapshot:
        if load_standing(snapshot, digest) == found.standing and has_content(snapshot, digest):
            return
    sentence = "a notice about the message has come meanwhile; nothing more of it is saved"
    raise NotShownError(sentence, fix="read it again", code="notice-came")


def _decrypt(ciphertext: Path, descriptor: int, opener: AttachmentOpener) -> None:
    for piece in read_pieces(ciphertext):
        write_all(descriptor, opener.update(piece))
    write_all(descriptor, opener.verify_end())
    os.fsync(descriptor)


def _put_in_place(draft: Path, folder: Path, name: str) -> Path:
    """Give a verified file the first name that is free: what lies there is never replaced."""
    for number in range(1, MAX_NAMES):
        path = folder / number_name(name, number)
        with suppress(FileExistsError):
            os.close(create_file(path))
            draft.replace(path)
            return path
    raise ClientError(f"{MAX_NAMES} files named like {name} lie in {folder}", fix="name another folder with --to")
