"""Verify an exported audit, offline: the whole tree, every record, the keys, the access log. Pure; lines come in.

Nothing ends the check early but a file that cannot be read at all: each part gets its own line in the verdict, and what
fails is named by its leaf or entry.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import BinaryIO, TypeVar

from agency_client.audit.bundle import (
    LINE_TYPES,
    MAX_LINE_BYTES,
    AccessEntryLine,
    AccessHeadLine,
    BundleLine,
    CheckpointLine,
    EndLine,
    HeaderLine,
    LeavesLine,
    LineHash,
    RecordLine,
    get_line_type,
)
from agency_client.directory.documents import KEY_RECORDS, rebuild_timeline
from agency_client.epochs.places import Openings
from agency_client.errors import VerificationFailedError
from agency_client.local_store.access_chain import AccessChainError, ChainedEntry, ErasedEntry, verify_chain
from agency_client.retention.rules import MIN_LOG_DAYS
from agency_client.witness.observer import hash_logged_record, read_log_keys
from keys.cosignatures import find_cosigner, list_witness_keys, verify_cosignature
from keys.errors import KeysError
from keys.log_keys import LogSignatureError, verify_checkpoint
from keys.signing import verify_document
from keys.timeline import MemberTimeline
from schemas.api import AccessLogHead, LoggedRecord
from schemas.codec import CodecError, b64u_decode, decode_canonical, hash_text
from schemas.key_documents import ExchangeSheet
from schemas.log.checkpoint import Checkpoint
from schemas.log.cosignature import format_witness_name
from schemas.log.epoch import FIRST_EPOCH
from schemas.log.leaf import leaf_hash, make_leaf
from schemas.log.note import parse_note
from schemas.log.records import RecordType
from schemas.log.tree import Frontier
from schemas.signed import DocumentType, KeyUse, SignedDocument, read_signatures

MAX_NAMED = 20
"""So many failures of one part are named; the others are counted."""
ERASED_AFTER = timedelta(days=MIN_LOG_DAYS - 35)
"""No entry of an access log ends earlier. A head, which alone says when it was not there yet, may have waited."""
MAX_AHEAD = timedelta(days=1)
"""How far the clock of who exported may be ahead of the verifier's."""

Line = TypeVar("Line", bound=BundleLine)
Progress = Callable[[int], None]


class BundleError(VerificationFailedError):
    """The file is not an exported audit, or was cut."""

    default_code = "bundle-broken"


@dataclass(slots=True)
class CheckedPart:
    """One part of the verdict: what was checked, how many of them hold, and what does not."""

    name: str
    holding: int = 0
    failures: list[str] = field(default_factory=list)
    failed: int = 0

    @property
    def holds(self) -> bool:
        """Return whether nothing failed."""
        return self.failed == 0

    def fail(self, sentence: str) -> None:
        """Note one failure."""
        self.failed += 1
        if len(self.failures) < MAX_NAMED:
            self.failures.append(sentence)


@dataclass(frozen=True, slots=True)
class AuditVerdict:
    """What the check of one file came to."""

    header: HeaderLine
    checkpoint: Checkpoint | None
    parts: tuple[CheckedPart, ...]
    records: tuple[LoggedRecord, ...]

    @property
    def holds(self) -> bool:
        """Return whether every part holds."""
        return all(part.holds for part in self.parts)


def check_bundle(
    unverified_lines: Iterable[bytes],
    sheet: ExchangeSheet,
    progress: Progress | None = None,
    *,
    now: datetime | None = None,
) -> AuditVerdict:
    """Check every line of an exported audit against the exchange's sheet; `now` is when, where the caller knows it.

    1. Form and completeness of the file. 2. The checkpoint's signatures. 3. The tree over all leaves has its root. 4.
    Each record is the one its leaf commits to, under the class its type demands, in the order of time. 5. The key
    documents verify. 6. So do the cosignatures under the checkpoint, by whatever agencies. 7. The access log is one
    unbroken chain, of which nothing was erased before its term, and its heads are signed by the agency and stand in
    the log.

    Raises:
        BundleError: the file cannot be read as one, or its end is missing.
    """
    whole = CheckedPart("lines of the file, from its header to its end, as they were written")
    lines = list(_read_lines(unverified_lines, whole, progress))
    header = lines[0] if lines else None
    if not isinstance(header, HeaderLine):
        raise BundleError("the file does not begin with a header: it is no exported audit")
    if now is not None and header.made_at > now + MAX_AHEAD:
        whole.fail(f"it says that it was made on {header.made_at:%Y-%m-%d}, which has not come")
    checkpoint, signed = _check_checkpoint(header, _pick(lines, CheckpointLine), sheet)
    leaves, tree = _check_tree(_pick(lines, LeavesLine), checkpoint)
    records, kept = _check_records(_pick(lines, RecordLine), leaves)
    timelines, keys = _check_keys(kept, header)
    cosigned = _check_cosignatures(header, _pick(lines, CheckpointLine), timelines)
    access, heads = _check_access_log(lines, header, kept, timelines.get(header.agency))
    return AuditVerdict(header, checkpoint, (whole, signed, tree, records, keys, cosigned, access, heads), tuple(kept))


def split_lines(file: BinaryIO) -> Iterator[bytes]:
    """Yield a file's lines, and of one that is longer than any may be, no more than shows that it is."""
    return iter(lambda: file.readline(MAX_LINE_BYTES + 2), b"")


def read_origin(unverified_lines: Iterable[bytes]) -> str:
    """Return the origin of the log that an exported audit says it is about: whose sheet it is to be checked against.

    Raises:
        BundleError: it does not begin with a header.
    """
    for data in unverified_lines:
        header = _read_line(1, data.removesuffix(b"\n"))
        if isinstance(header, HeaderLine):
            return header.origin
        break
    raise BundleError("the file does not begin with a header: it is no exported audit")


def _read_lines(
    unverified_lines: Iterable[bytes], part: CheckedPart, progress: Progress | None
) -> Iterator[BundleLine]:
    running, expected = LineHash(), None
    for number, data in enumerate(unverified_lines, start=1):
        line = _read_line(number, data.removesuffix(b"\n"))
        if expected is not None:
            part.fail(f"line {number}: it stands behind the end")
        elif isinstance(line, EndLine):
            expected = running.make_end()
            if line != expected:
                part.fail("the end does not fit: lines are missing, added, moved or changed")
        running.add(data.removesuffix(b"\n"))
        part.holding += 1
        if progress is not None:
            progress(len(data))
        yield line
    if expected is None:
        part.fail("the end is missing: the file was cut")


def _read_line(number: int, data: bytes) -> BundleLine:
    try:
        line_type = get_line_type(decode_canonical(data, max_bytes=MAX_LINE_BYTES))
        if line_type not in LINE_TYPES:
            raise BundleError(f"line {number}: a line of no known type")
        return LINE_TYPES[line_type].from_canonical(data, max_bytes=MAX_LINE_BYTES)
    except CodecError as error:
        raise BundleError(f"line {number}: {error}") from error


def _pick(lines: Iterable[BundleLine], line_type: type[Line]) -> list[Line]:
    return [line for line in lines if isinstance(line, line_type)]


def _check_checkpoint(
    header: HeaderLine, lines: list[CheckpointLine], sheet: ExchangeSheet
) -> tuple[Checkpoint | None, CheckedPart]:
    part = CheckedPart("checkpoint signed by the exchange's two keys")
    if (header.exchange, header.origin) != (sheet.name, sheet.origin) or len(lines) != 1:
        part.fail(f"the file is about {header.origin}, the sheet about {sheet.origin}, or not one checkpoint is there")
        return None, part
    try:
        checkpoint = verify_checkpoint(lines[0].note.encode(), sheet.origin, read_log_keys(sheet))
    except (LogSignatureError, CodecError) as error:
        part.fail(f"the checkpoint: {error}")
        return None, part
    part.holding = 1
    return checkpoint, part


def _check_tree(lines: list[LeavesLine], checkpoint: Checkpoint | None) -> tuple[list[bytes], CheckedPart]:
    part = CheckedPart("leaves that hash to the checkpoint's root")
    hashes: list[bytes] = []
    frontier = Frontier()
    for line in lines:
        if line.start != len(hashes):
            part.fail(f"leaves {len(hashes)} to {line.start} are missing or doubled")
        public = set(line.public)
        for place, commitment in enumerate(line.commitments):
            leaf = make_leaf("public" if place in public else "private", b64u_decode(commitment))
            hashes.append(leaf_hash(leaf))
            frontier.append(hashes[-1])
    if checkpoint is None:
        part.fail("there is no checkpoint to compare with")
    elif len(hashes) != checkpoint.size or frontier.root() != checkpoint.root:
        part.fail(f"{len(hashes)} leaves do not hash to the root of {checkpoint.size} that the exchange signed")
    else:
        part.holding = len(hashes)
    return hashes, part


def _check_records(lines: list[RecordLine], leaves: list[bytes]) -> tuple[CheckedPart, list[LoggedRecord]]:
    part = CheckedPart("records that their leaves commit to")
    kept: list[LoggedRecord] = []
    for line in lines:
        logged = LoggedRecord(index=line.index, record=line.record, salt=line.salt)
        what = f"leaf {line.index} ({line.record.type.value})"
        if line.index >= len(leaves) or hash_logged_record(logged) != leaves[line.index]:
            part.fail(f"{what}: the leaf commits to another record")
        elif kept and line.index <= kept[-1].index:
            part.fail(f"{what}: it stands twice, or out of order")
        elif kept and line.record.time < kept[-1].record.time:
            part.fail(f"{what}: its time lies before that of leaf {kept[-1].index}")
        else:
            part.holding += 1
            kept.append(logged)
    return part, kept


def _check_keys(kept: list[LoggedRecord], header: HeaderLine) -> tuple[dict[str, MemberTimeline], CheckedPart]:
    part = CheckedPart("members whose key documents verify")
    by_agency: dict[str, list[LoggedRecord]] = {}
    for logged in kept:
        if logged.record.type in KEY_RECORDS and logged.record.agency is not None:
            by_agency.setdefault(logged.record.agency, []).append(logged)
    timelines: dict[str, MemberTimeline] = {}
    openings = _find_openings(kept)
    for agency, records in by_agency.items():
        try:
            timeline = rebuild_timeline(records, exchange=header.exchange, openings=openings)
        except (KeysError, CodecError) as error:
            part.fail(f"{agency}: {error}")
            continue
        if timeline is not None:
            timelines[agency] = timeline
            part.holding += 1
    return timelines, part


def _check_cosignatures(
    header: HeaderLine, lines: list[CheckpointLine], timelines: dict[str, MemberTimeline]
) -> CheckedPart:
    part = CheckedPart("cosignatures of agencies under the checkpoint")
    prefix = format_witness_name(header.exchange, "")
    try:
        notes = [(line.note.encode(), parse_note(line.note.encode())) for line in lines]
    except CodecError:
        return part  # told of the checkpoint already
    for data, note in notes:
        for name in (line.name for line in note.signatures if line.name.startswith(prefix)):
            timeline = timelines.get(name.removeprefix(prefix))
            sets = () if timeline is None else timeline.key_sets
            keys = [key for _, verified in sets for key in list_witness_keys(verified.key_set)]
            try:
                verify_cosignature(data, name, find_cosigner(data, name, keys))
            except (KeysError, CodecError) as error:
                part.fail(str(error))
            else:
                part.holding += 1
    return part


def _find_openings(kept: list[LoggedRecord]) -> Openings:
    """Return when the log was opened, if it goes on from an earlier one; its own indexes are the places here."""
    first = kept[0] if kept and kept[0].index == 0 else None
    if first is None or first.record.type is not RecordType.EXCHANGE_OPENED or first.record.checkpoint is None:
        return {}
    return {FIRST_EPOCH: first.record.time}


def _check_access_log(
    lines: list[BundleLine], header: HeaderLine, kept: list[LoggedRecord], timeline: MemberTimeline | None
) -> tuple[CheckedPart, CheckedPart]:
    heads_part = CheckedPart("signed heads of the access log")
    heads = _read_heads(_pick(lines, AccessHeadLine), header, kept, timeline, heads_part)
    part = CheckedPart("entries of the agency's own access log, one unbroken chain")
    entries = [line.entry.canonical() for line in _pick(lines, AccessEntryLine)]
    try:
        verified, _ = verify_chain(entries, heads=heads)
        verify_ended(verified, _list_head_times(kept, header), header.made_at)
        part.holding = len(verified)
        part.name += _spell_erased(verified)
    except AccessChainError as error:
        part.holding = error.n - 1
        part.fail(error.sentence)
    return part, heads_part


def _list_head_times(kept: list[LoggedRecord], header: HeaderLine) -> list[tuple[int, datetime]]:
    """Return how many entries the agency's log had when, by the heads in the exchange's log, oldest first."""
    records = (item.record for item in kept)
    return [
        (record.count, record.time)
        for record in records
        if record.type is RecordType.ACCESS_LOG_HEAD and record.agency == header.agency and record.count is not None
    ]


def verify_ended(entries: Sequence[ChainedEntry], heads: Sequence[tuple[int, datetime]], made_at: datetime) -> None:
    """Verify that every erased entry had reached its term.

    An entry's own time is its agency's word. It was not written before the exchange logged a head without it.

    Raises:
        AccessChainError: one was erased too early.
    """
    for entry in entries:
        if not isinstance(entry, ErasedEntry):
            return
        written = max([entry.time, *(time for count, time in heads if count < entry.n)])
        if written > made_at - ERASED_AFTER:
            raise AccessChainError(entry.n, f"it was erased before its term: it was written on {written:%Y-%m-%d}")


def _spell_erased(verified: Sequence[ChainedEntry]) -> str:
    erased = [entry for entry in verified if isinstance(entry, ErasedEntry)]
    if not erased:
        return ""
    return f"; of {len(erased)}, written up to {erased[-1].time:%Y-%m-%d}, only the links are left: their term is over"


def _read_heads(
    lines: list[AccessHeadLine],
    header: HeaderLine,
    kept: list[LoggedRecord],
    timeline: MemberTimeline | None,
    part: CheckedPart,
) -> dict[int, str]:
    logged = {
        item.record.digest: item
        for item in kept
        if item.record.type is RecordType.ACCESS_LOG_HEAD and item.record.agency == header.agency
    }
    heads: dict[int, str] = {}
    shown: set[str | None] = set()
    for line in lines:
        digest = hash_text("access-log-head", line.document.payload_bytes)
        shown.add(digest)
        try:
            head = AccessLogHead.from_canonical(line.document.payload_bytes)
            _verify_head(head, line.document, header, logged.get(digest), timeline)
        except (KeysError, CodecError, BundleError) as error:
            part.fail(f"a head: {error}")
            continue
        heads[head.count] = head.head
        part.holding += 1
    for missing, item in logged.items():
        if missing not in shown:
            part.fail(f"leaf {item.index}: the head of {item.record.count} entries is logged and not in this file")
    return heads


def _verify_head(
    head: AccessLogHead,
    document: SignedDocument,
    header: HeaderLine,
    leaf: LoggedRecord | None,
    timeline: MemberTimeline | None,
) -> None:
    if (head.agency, head.exchange) != (header.agency, header.exchange):
        raise BundleError(f"it is of {head.agency} on {head.exchange}")
    if leaf is None:
        return  # signed, not yet handed in when the file was made: the chain is checked against it all the same
    if timeline is None:
        raise BundleError(f"the keys of {header.agency} are not in the file")
    if leaf.record.count != head.count:
        raise BundleError(f"leaf {leaf.index} says {leaf.record.count} entries, the signed head {head.count}")
    slots = read_signatures(document.payload, document.signatures, DocumentType.ACCESS_LOG_HEAD)
    kids = tuple(slot.header.kid for slot in slots)
    jwks = timeline.find_signing_keys(KeyUse.RECEIPT, kids, leaf.index, leaf.record.time)
    verify_document(document, DocumentType.ACCESS_LOG_HEAD, jwks)
