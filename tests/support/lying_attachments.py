"""Attachments at a lying exchange: it keeps what it is given, and gives what it is told to give.

By itself it is honest, believes everything, and lets everybody read everything: it is the clients that are tested.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from agency_client.errors import ClientError, NotFoundError
from agency_client.refusals import RefusalDetails, RefusedConflictError
from schemas.attachments import Announcement, UploadAnswer

Place = tuple[str, str, str]


@dataclass
class Upload:
    """One attachment as it was announced, and what has come of it."""

    size: int
    data: bytearray = field(default_factory=bytearray)


@dataclass
class LyingAttachments:
    """All attachments, by sender, message and id.

    `fail_after` are the pieces it takes or gives before the line is cut, once; `twist` changes what is read.
    """

    uploads: dict[Place, Upload] = field(default_factory=dict)
    fail_after: int | None = None
    failure: ClientError | None = None
    twist: Callable[[Place, int, bytes], bytes] = lambda _place, _start, data: data
    takes: Callable[[bytes], bytes] = lambda piece: piece
    asked: list[str] = field(default_factory=list)

    def announce(self, sender: str, announcement: Announcement) -> UploadAnswer:
        """Begin an upload, or say how far it has come."""
        place = (sender, announcement.message, announcement.id)
        self.uploads.setdefault(place, Upload(announcement.size))
        return self._describe(place)

    def append(self, sender: str, path: str, piece: bytes, offset: int) -> UploadAnswer:
        """Add a piece."""
        self._count(path)
        _, message, attachment = path.strip("/").split("/")
        place = (sender, message, attachment)
        data = self.uploads[place].data
        if offset != len(data):
            raise RefusedConflictError("it stands elsewhere", RefusalDetails("upload-conflict", 409, (), ""))
        data += self.takes(piece)
        return self._describe(place)

    def read(self, path: str, start: int, count: int) -> bytes:
        """Return a part."""
        self._count(path)
        _, sender, message, attachment = path.strip("/").split("/")
        place = (sender, message, attachment)
        if place not in self.uploads:
            raise NotFoundError("there is no such attachment", code="not-found")
        return self.twist(place, start, bytes(self.uploads[place].data[start : start + count]))

    def cut_after(self, pieces: int, failure: ClientError) -> None:
        """Take or give so many pieces more, then fail once."""
        self.fail_after, self.failure = pieces, failure

    def _count(self, path: str) -> None:
        self.asked.append(path)
        if self.fail_after is None:
            return
        self.fail_after -= 1
        if self.fail_after < 0 and self.failure is not None:
            failure, self.fail_after, self.failure = self.failure, None, None
            raise failure

    def _describe(self, place: Place) -> UploadAnswer:
        upload, (_, message, attachment) = self.uploads[place], place
        offset = len(upload.data)
        return UploadAnswer(message=message, id=attachment, offset=offset, complete=offset == upload.size)
