"""The form of the agency's own access log, and its check without any store: entry n names the head of entry n - 1.

An entry is canonical JSON with a salt of its own; its link is canonical JSON of number, predecessor, time and
`hash("access-entry", entry)`, and the head after it is `hash("access-log", link)`. So one signed head fixes every entry
before it, and an auditor with the exported lines and that head needs nothing else. When the log's own term is over the
entry goes and its link stays: the chain holds, and nobody can guess from the hash who read what. Storing entries is
`access_log`, signing heads is not here.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from agency_client.errors import VerificationFailedError
from schemas.codec import CodecError, b64u_encode, hash_domain, hash_text
from schemas.log.records import Action
from schemas.model import AgencyId, Code, Counter, Digest, Line, Salt, Timestamp, Uuid, WireModel

MAX_ENTRY_BYTES = 16 * 1024


class AccessEntry(WireModel):
    """One access: when, which officer, what (`action` for the auditor, `verb` as typed), why, of what, with what end.

    `message` is a message's id, `case` the officer's case reference, `outcome` a code such as `done`, `denied`,
    `failed`. `purpose` is a code of the closed list for which the log itself may be read
    (`agency_client.audit.purposes`), `conditions` the digest of the processing conditions the reader was told. `query`
    is what was asked for in a search, in words.
    """

    v: Literal[2]
    n: Counter
    prev: Digest | None = None
    time: Timestamp
    salt: Salt
    officer: Line
    action: Action
    verb: Code
    reason: Annotated[str, Field(max_length=300, pattern=r"^[^\x00-\x1f\x7f-\x9f]*$")]
    message: Uuid | None = None
    partner: AgencyId | None = None
    case: Line | None = None
    outcome: Code
    purpose: Code | None = None
    conditions: Digest | None = None
    query: Annotated[str, Field(max_length=1000, pattern=r"^[^\x00-\x1f\x7f-\x9f]*$")] | None = None


class ErasedEntry(WireModel):
    """The link of an entry in the chain, which is all that stays of it once it is erased."""

    v: Literal[2]
    n: Counter
    prev: Digest | None = None
    time: Timestamp
    commitment: Digest


ChainedEntry = AccessEntry | ErasedEntry
_ERASED_START = b'{"commitment":'
"""In canonical JSON no entry begins so, and every link does."""


@dataclass(frozen=True, slots=True)
class ChainPoint:
    """A place in the chain: how many entries, and the head after the last one (base64url)."""

    count: int
    head: str


class AccessChainError(VerificationFailedError):
    """The exported access log is not the one its heads were signed over; `n` is the first entry that does not fit."""

    default_code = "access-log-broken"

    def __init__(self, n: int, problem: str) -> None:
        super().__init__(f"access log entry {n}: {problem}")
        self.n = n


def make_link(entry: AccessEntry) -> ErasedEntry:
    """Return what stays of an entry when it is erased; the head after it is the same."""
    commitment = hash_text("access-entry", entry.canonical())
    return ErasedEntry(v=2, n=entry.n, prev=entry.prev, time=entry.time, commitment=commitment)


def compute_head(entry: ChainedEntry) -> bytes:
    """Return the chain's head after an entry, 32 bytes."""
    link = entry if isinstance(entry, ErasedEntry) else make_link(entry)
    return hash_domain("access-log", link.canonical())


def read_line(unverified_line: bytes) -> ChainedEntry:
    """Return the entry, or the link of an erased one, that a line holds.

    Raises:
        CodecError: it holds neither.
    """
    form = ErasedEntry if unverified_line.startswith(_ERASED_START) else AccessEntry
    return form.from_canonical(unverified_line, max_bytes=MAX_ENTRY_BYTES)


def verify_chain(
    unverified_lines: Iterable[bytes], *, start: ChainPoint | None = None, heads: Mapping[int, str] | None = None
) -> tuple[list[ChainedEntry], ChainPoint | None]:
    """Check exported entries and return them with the place where they end.

    `start` is a trusted place when the export begins later than entry 1; `heads` are signed heads by their count: every
    one that lies beyond `start` must be reached and fit. Erased entries stand before all others: nobody picks out one.

    Raises:
        AccessChainError: an entry is missing, altered, erased alone, out of order, or the heads do not fit.
    """
    entries: list[ChainedEntry] = []
    point = start
    demanded = {count: head for count, head in (heads or {}).items() if start is None or count > start.count}
    for line in unverified_lines:
        entry, point = _verify_next(line, point)
        if isinstance(entry, ErasedEntry) and entries and isinstance(entries[-1], AccessEntry):
            raise AccessChainError(entry.n, "it was erased though an older one was not")
        entries.append(entry)
        if demanded.pop(entry.n, point.head) != point.head:
            raise AccessChainError(entry.n, "it, or one before it, was changed after its head was signed")
    if demanded:
        raise AccessChainError(min(demanded), "its head was signed, but the entry is missing")
    return entries, point


def _verify_next(unverified_line: bytes, point: ChainPoint | None) -> tuple[ChainedEntry, ChainPoint]:
    expected = 1 if point is None else point.count + 1
    try:
        entry = read_line(unverified_line)
    except CodecError as error:
        raise AccessChainError(expected, str(error)) from error
    if entry.n != expected:
        raise AccessChainError(expected, f"entry {entry.n} stands in its place")
    if entry.prev != (None if point is None else point.head):
        raise AccessChainError(expected, "it does not continue the entry before it")
    return entry, ChainPoint(entry.n, b64u_encode(compute_head(entry)))
