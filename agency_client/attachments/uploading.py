"""Upload the attachments of a message before it: in pieces, from where the exchange says that each stands.

Nothing of how far it came is kept here: the exchange knows what is durable there, and is asked. A broker that lies
about it holds its own member up and nothing else, since the recipient verifies every byte.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from agency_client.attachments.folder import find_outgoing
from agency_client.errors import ClientError, DeniedError, NotFoundError
from agency_client.node import Node
from agency_client.refusals import BadAnswerError, RefusedConflictError, RefusedError
from schemas.api import ATTACHMENTS_PATH
from schemas.attachments import MAX_PIECE_BYTES, Announcement, UploadAnswer
from schemas.envelope import SealedAttachment

MAX_SETBACKS = 5
"""How often an upload may stand elsewhere than the exchange said, or begin anew, before that is its answer."""
_SETBACKS = frozenset({"upload-conflict", "attachments-refused", "not-found"})

Watching = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]
"""Shows how far something long has come: words and a total in bytes in, a function that is told each step out."""


class AttachmentLostError(DeniedError):
    """The ciphertext of an attachment is not in the profile any more: the message cannot go as it was sealed."""

    default_code = "attachment-lost"


class UploadPausedError(ClientError):
    """There is more to upload than one round does; it goes on with the next."""

    default_code = "upload-under-way"


@contextmanager
def unwatched(_words: str, _total: int) -> Iterator[Callable[[int], None]]:
    """Show nothing."""
    yield lambda _step: None


class Uploader:
    """Uploads attachments, at most `budget_bytes` in one go."""

    def __init__(
        self,
        node: Node,
        watching: Watching = unwatched,
        budget_bytes: int | None = None,
    ) -> None:
        self._node = node
        self._watching = watching
        self._left = budget_bytes
        self.uploaded_bytes = 0

    def upload_all(self, message_id: str, attachments: Sequence[SealedAttachment]) -> None:
        """Upload what is missing of a message's attachments; afterwards the exchange has every byte of them.

        Raises:
            AttachmentLostError: a ciphertext is not here any more, or not as it was signed for.
            UploadPausedError: the budget is spent.
            ClientError: the exchange was not reached, has no room, or refused.
        """
        with self._watching("uploading attachments", sum(item.size for item in attachments)) as progress:
            for attachment in attachments:
                self._upload(message_id, attachment, progress)

    def _upload(self, message_id: str, attachment: SealedAttachment, progress: Callable[[int], None]) -> None:
        stands, setbacks, is_complete = 0, 0, False
        while not is_complete:
            try:
                answer = self._take_step(message_id, attachment, stands)
            except (RefusedError, RefusedConflictError, NotFoundError) as error:
                setbacks += 1
                if error.code not in _SETBACKS or setbacks > MAX_SETBACKS:
                    raise
                stands = 0
                continue
            progress(answer.offset - stands)
            stands, is_complete = answer.offset, answer.complete

    def _take_step(self, message_id: str, attachment: SealedAttachment, stands: int) -> UploadAnswer:
        """Ask where the upload stands where that is not known, else add the next piece."""
        if not stands:
            answer = self._announce(message_id, attachment)
            if answer.complete or answer.offset:
                return answer
        return self._append(message_id, attachment, stands)

    def _announce(self, message_id: str, attachment: SealedAttachment) -> UploadAnswer:
        body = Announcement(
            message=message_id, id=attachment.id, sha256=attachment.sha256, size=attachment.size
        ).canonical()
        return _verify(self._node.connection.post(ATTACHMENTS_PATH, body, UploadAnswer), message_id, attachment)

    def _append(self, message_id: str, attachment: SealedAttachment, offset: int) -> UploadAnswer:
        piece = _read_piece(find_outgoing(self._node.profile, message_id, attachment.id), attachment, offset)
        if self._left is not None:
            if self._left <= 0:
                done = 100 * offset // attachment.size
                raise UploadPausedError(f"an attachment is being uploaded: {done} % of it are at the exchange")
            self._left -= len(piece)
        address = f"{ATTACHMENTS_PATH}/{message_id}/{attachment.id}"
        answer = self._node.connection.patch(address, piece, UploadAnswer, offset=offset)
        self.uploaded_bytes += len(piece)
        if answer.offset != offset + len(piece):
            raise BadAnswerError(f"of a piece of {attachment.id} the exchange took another part than all of it")
        return _verify(answer, message_id, attachment)


def _verify(answer: UploadAnswer, message_id: str, attachment: SealedAttachment) -> UploadAnswer:
    is_whole = answer.offset == attachment.size
    if (answer.message, answer.id) != (message_id, attachment.id) or answer.offset > attachment.size:
        raise BadAnswerError("the broker's answer is about another upload")
    if answer.complete != is_whole:
        raise BadAnswerError("the broker says of an upload that it is complete and that it is not")
    return answer


def _read_piece(path: Path, attachment: SealedAttachment, offset: int) -> bytes:
    lost = f"the sealed file of the attachment {attachment.id} is not in this profile any more"
    fix = "cancel the message and send it again: agency outbox cancel ID"
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_size != attachment.size:
                raise AttachmentLostError(lost, fix=fix)
            file.seek(offset)
            return file.read(MAX_PIECE_BYTES)
    except FileNotFoundError as error:
        raise AttachmentLostError(lost, fix=fix) from error
