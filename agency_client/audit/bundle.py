"""The form of an exported audit: canonical JSON Lines, each with its `type`, in this order.

    header            exchange, origin, agency, who asked why, when
    checkpoint        the signed note under which everything stands
    leaves …          class and commitment of every leaf, in ranges from 0
    record …          a record with its index and salt
    access-entry …    the agency's own access log, from its first entry
    access-head …     heads of it that this agency signed for the exchange
    end               how many lines stand before it, and their hash

Whoever has the file and the exchange's sheet can verify all of it (`agency_client.audit.checking`).
"""

import hashlib
from typing import Annotated, Any, Literal

from pydantic import Field

from agency_client.local_store.access_chain import AccessEntry, ErasedEntry
from schemas.api import MAX_NOTE_CHARACTERS, MAX_RANGE_LEAVES
from schemas.codec import b64u_encode
from schemas.key_documents import LogOrigin
from schemas.log.records import Record
from schemas.model import AgencyId, Code, Digest, ExchangeName, Line, Salt, Size, Timestamp, WireModel
from schemas.signed import SignedDocument

MAX_LINE_BYTES = 1 << 20


class HeaderLine(WireModel):
    """Whose export it is, and why it was made."""

    type: Literal["header"]
    v: Literal[1]
    exchange: ExchangeName
    origin: LogOrigin
    agency: AgencyId
    officer: Line
    reason: Line
    purpose: Code | None = None
    made_at: Timestamp
    records_complete: bool


class CheckpointLine(WireModel):
    """The signed tree head under which the leaves stand."""

    type: Literal["checkpoint"]
    note: Annotated[str, Field(min_length=1, max_length=MAX_NOTE_CHARACTERS)]


class LeavesLine(WireModel):
    """A range of leaves: `public` are the places (from 0) in the range whose leaf is public, the others are private."""

    type: Literal["leaves"]
    start: Size
    commitments: Annotated[tuple[Digest, ...], Field(min_length=1, max_length=MAX_RANGE_LEAVES)]
    public: Annotated[tuple[Size, ...], Field(max_length=MAX_RANGE_LEAVES)]


class RecordLine(WireModel):
    """One record and the salt of its leaf."""

    type: Literal["record"]
    index: Size
    record: Record
    salt: Salt


class AccessEntryLine(WireModel):
    """One entry of the agency's own access log, or the link that is left of it once its term is over."""

    type: Literal["access-entry"]
    entry: AccessEntry | ErasedEntry


class AccessHeadLine(WireModel):
    """A head of the access log, signed for the exchange."""

    type: Literal["access-head"]
    document: SignedDocument


class EndLine(WireModel):
    """The end: so many lines before it, with this hash over all of them, line feeds included."""

    type: Literal["end"]
    lines: Size
    sha256: Digest


BundleLine = HeaderLine | CheckpointLine | LeavesLine | RecordLine | AccessEntryLine | AccessHeadLine | EndLine
LINE_TYPES: dict[str, type[BundleLine]] = {
    "header": HeaderLine,
    "checkpoint": CheckpointLine,
    "leaves": LeavesLine,
    "record": RecordLine,
    "access-entry": AccessEntryLine,
    "access-head": AccessHeadLine,
    "end": EndLine,
}


class LineHash:
    """The running hash over the lines of a bundle, and how many there were."""

    def __init__(self) -> None:
        self.lines = 0
        self._state = hashlib.sha256()

    def add(self, line: bytes) -> None:
        """Take in one line, without its line feed."""
        self._state.update(line + b"\n")
        self.lines += 1

    def make_end(self) -> EndLine:
        """Return the line that ends a bundle here."""
        return EndLine(type="end", lines=self.lines, sha256=b64u_encode(self._state.digest()))


def get_line_type(value: Any) -> str:
    """Return the type a decoded line claims, "" where it claims none."""
    found = value.get("type") if isinstance(value, dict) else None
    return found if isinstance(found, str) else ""
