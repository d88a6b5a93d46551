"""The form of the agency's own access log, and its check without any store: entry n names the head of entry n - 1.

An entry is canonical JSON; the head after it is hash("access-log", entry). So one signed head fixes every entry before
it, and an auditor with the exported lines and that head needs nothing else. Storing entries is `access_log`, signing
heads is not here.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from agency_client.errors import VerificationFailedError
from schemas.codec import CodecError, b64u_encode, hash_domain
from schemas.log.records import Action
from schemas.model import AgencyId, Code, Counter, Digest, Line, Timestamp, Uuid, WireModel

MAX_ENTRY_BYTES = 16 * 1024


class AccessEntry(WireModel):
    """One access: when, which officer, what (`action` for the auditor, `verb` as typed), why, of what, with what end.

    `message` is a message's id, `case` the officer's case reference, `outcome` a code such as `done`, `denied`,
    `failed`. `purpose` is a code of the closed list for which the log itself may be read
    (`agency_client.audit.purposes`), `conditions` the digest of the processing conditions the reader was told.
    """

    v: Literal[1]
    n: Counter
    prev: Digest | None = None
    time: Timestamp
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


def compute_head(entry: bytes) -> bytes:
    """Return the chain's head after an entry's canonical bytes, 32 bytes."""
    return hash_domain("access-log", entry)


def verify_chain(
    unverified_lines: Iterable[bytes], *, start: ChainPoint | None = None, heads: Mapping[int, str] | None = None
) -> tuple[list[AccessEntry], ChainPoint | None]:
    """Check exported entries and return them with the place where they end.

    `start` is a trusted place when the export begins later than entry 1; `heads` are signed heads by their count: every
    one that lies beyond `start` must be reached and fit.

    Raises:
        AccessChainError: an entry is missing, altered, out of order, or the heads do not fit.
    """
    entries, point = [], start
    demanded = {count: head for count, head in (heads or {}).items() if start is None or count > start.count}
    for line in unverified_lines:
        entry, point = _verify_next(line, point)
        entries.append(entry)
        if demanded.pop(entry.n, point.head) != point.head:
            raise AccessChainError(entry.n, "it, or one before it, was changed after its head was signed")
    if demanded:
        raise AccessChainError(min(demanded), "its head was signed, but the entry is missing")
    return entries, point


def _verify_next(unverified_line: bytes, point: ChainPoint | None) -> tuple[AccessEntry, ChainPoint]:
    expected = 1 if point is None else point.count + 1
    try:
        entry = AccessEntry.from_canonical(unverified_line, max_bytes=MAX_ENTRY_BYTES)
    except CodecError as error:
        raise AccessChainError(expected, str(error)) from error
    if entry.n != expected:
        raise AccessChainError(expected, f"entry {entry.n} stands in its place")
    if entry.prev != (None if point is None else point.head):
        raise AccessChainError(expected, "it does not continue the entry before it")
    return entry, ChainPoint(entry.n, b64u_encode(compute_head(unverified_line)))
