"""Seal files for one message each, outside any transaction: a gigabyte takes seconds, and the store waits for nobody.

The ciphertexts lie in the profile before the message that names them is sealed, since it is signed with their hashes.
Until that message is in the outbox the profile's lock on attachments is held, so that nobody clears them away.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from agency_client.attachments.attaching import ChosenFile
from agency_client.attachments.fetching import AttachmentForgedError
from agency_client.attachments.folder import (
    LOCK,
    LOCK_SECONDS,
    create_file,
    demand_room,
    find_outgoing,
    read_pieces,
    write_all,
)
from agency_client.attachments.uploading import AttachmentLostError, Watching, unwatched
from agency_client.errors import ConflictError
from agency_client.profiles.profile import Profile, hold_lock
from keys.attachments import AttachmentOpener, AttachmentSealer
from keys.errors import OpeningError
from keys.generation import generate_id, generate_seed
from schemas.attachments import measure_sealed
from schemas.codec import b64u_encode
from schemas.envelope import MessageAttachment, SealedAttachment

Progress = Callable[[int], None]
_STAND_IN = "A" * 43


@dataclass(frozen=True, slots=True)
class SealedFiles:
    """The attachments of a message to come: its id, what P says of them, and what M does."""

    message_id: str
    sealed: tuple[SealedAttachment, ...] = ()
    inside: tuple[MessageAttachment, ...] = ()


@dataclass(frozen=True, slots=True)
class PlainFile:
    """Bytes to seal, and how they are named in the message."""

    id: str
    name: str
    media_type: str
    size: int
    pieces: Callable[[], Iterator[bytes]]


@contextmanager
def sealing_files(
    profile: Profile, recipients: Sequence[str], files: Sequence[PlainFile], watching: Watching = unwatched
) -> Iterator[Mapping[str, SealedFiles]]:
    """Lend the attachments of one message for each recipient; their files go again if the block raises.

    Raises:
        ConflictError: a file changed meanwhile, or another process of this profile has been sealing for long.
        DiskFullError: there is no room for them.
    """
    if not files:
        yield {}
        return
    with hold_lock(profile, LOCK, wait_seconds=LOCK_SECONDS):
        demand_room(profile.folder, len(recipients) * sum(measure_sealed(file.size) for file in files))
        made: list[Path] = []
        try:
            with watching("sealing attachments", len(recipients) * sum(file.size for file in files)) as progress:
                sealed = {name: _seal_for_message(profile, files, made, progress) for name in recipients}
            yield sealed
        except BaseException:
            for path in made:
                path.unlink(missing_ok=True)
            raise


def describe_unsealed(files: Sequence[PlainFile]) -> SealedFiles:
    """Return what stands for attachments before they are sealed: everything of its true length."""
    return SealedFiles(
        generate_id(),
        tuple(SealedAttachment(id=file.id, sha256=_STAND_IN, size=measure_sealed(file.size)) for file in files),
        tuple(_describe(file, key=_STAND_IN, sha256=_STAND_IN) for file in files),
    )


def plan_resealing(path: Path, message_id: str, sealed: SealedAttachment, inside: MessageAttachment) -> PlainFile:
    """Return the plaintext of a ciphertext that lies here as bytes to seal for another message, id and name kept.

    Its pieces raise AttachmentLostError where it does not lie here, and AttachmentForgedError, at the latest at the
    end, where it is not what was signed for; what was sealed of it until then goes.
    """

    def open_pieces() -> Iterator[bytes]:
        opener = AttachmentOpener(message_id, sealed, inside)
        try:
            for piece in read_pieces(path):
                yield opener.update(piece)
            yield opener.verify_end()
        except FileNotFoundError as error:
            raise AttachmentLostError(f"the sealed file of the attachment {inside.id} is not here any more") from error
        except OpeningError as error:
            raise AttachmentForgedError(f"{inside.id}: {error}; nothing of it was sealed") from error

    return PlainFile(inside.id, inside.name, inside.media_type, inside.size, open_pieces)


def plan_file(file: ChosenFile) -> PlainFile:
    """Return a chosen file as bytes to seal."""
    return PlainFile(file.id, file.name, file.media_type, file.size, lambda: read_pieces(file.path))


def _seal_for_message(
    profile: Profile, files: Sequence[PlainFile], made: list[Path], progress: Progress
) -> SealedFiles:
    message_id = generate_id()
    pairs = []
    for file in files:
        path = find_outgoing(profile, message_id, file.id)
        made.append(path)
        pairs.append(_seal_file(path, message_id, file, progress))
    _sync(made[0].parent)
    return SealedFiles(message_id, tuple(outer for outer, _ in pairs), tuple(inner for _, inner in pairs))


def _seal_file(
    path: Path, message_id: str, file: PlainFile, progress: Progress
) -> tuple[SealedAttachment, MessageAttachment]:
    key = generate_seed()
    sealer = AttachmentSealer(message_id, file.id, content_key=key)
    descriptor = create_file(path)
    try:
        for piece in file.pieces():
            write_all(descriptor, sealer.update(piece))
            progress(len(piece))
        write_all(descriptor, sealer.finalize())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    if sealer.plain.size != file.size:
        raise ConflictError(f"{file.name} changed while it was sealed", fix="send it again", code="file-changed")
    outer = SealedAttachment(id=file.id, sha256=sealer.sealed.sha256, size=sealer.sealed.size)
    return outer, _describe(file, key=b64u_encode(key), sha256=sealer.plain.sha256)


def _describe(file: PlainFile, *, key: str, sha256: str) -> MessageAttachment:
    return MessageAttachment(
        id=file.id, key=key, name=file.name, media_type=file.media_type, size=file.size, sha256=sha256
    )


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
