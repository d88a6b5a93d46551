"""Walk the log: read every leaf up to the newest checkpoint, compute the root anew, and read what is public.

Nothing is believed before the leaves hash to what the exchange signed. A public record that does not hold is kept as a
suspicion, one that proves two words of one signer as a contradiction; neither stops the walk, and neither is believed.
Long logs are walked in stages, each proven against the newest checkpoint and stored in one transaction.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from agency_client.directory.directory import load_openings
from agency_client.directory.documents import (
    KEY_RECORDS,
    VerifiedKeyDocument,
    add_document,
    find_rival,
    get_sequence,
    verify_key_record,
    verify_not_shared,
)
from agency_client.epochs.places import move_to_place, number_epoch
from agency_client.errors import DeniedError, NotFoundError, OfflineError
from agency_client.local_store.checkpoints import LogWalk, load_walk, save_walk
from agency_client.local_store.contradictions import ContradictionKind, EquivocationError, keep_contradiction
from agency_client.local_store.engine import Snapshot
from agency_client.local_store.restored import is_behind
from agency_client.local_store.suspicions import Suspicion, record_suspicion
from agency_client.local_store.trust import (
    KeyDocument,
    find_placed,
    give_way_to_logged,
    list_known_agencies,
    load_key_chain,
    load_pin,
    mark_shown,
    note_opened,
    record_key_document,
)
from agency_client.node import Node
from agency_client.witness.observer import LogError, hash_range_leaf
from keys.errors import KeysError
from keys.key_sets import VerifiedKeySet, verify_anchor
from keys.timeline import MemberTimeline
from schemas.api import (
    CHECKPOINT_PATH,
    LEAVES_PATH,
    MAX_RANGE_LEAVES,
    CheckpointAnswer,
    LeavesAnswer,
    LoggedRecord,
    RangeLeaf,
)
from schemas.codec import CodecError, b64u_decode
from schemas.key_documents import digest_key_document
from schemas.log.checkpoint import Checkpoint
from schemas.log.leaf import Leaf, verify_record
from schemas.log.records import Record, RecordType
from schemas.log.tree import HASH_BYTES, Frontier, LogProofError, verify_consistency
from schemas.signed import SignedDocument

STAGE_LEAVES = 16 * MAX_RANGE_LEAVES
MAX_WALK_LEAVES = 4096 * MAX_RANGE_LEAVES
"""One walk reads no more: an exchange may sign any size, and must not keep this node reading for ever."""

Progress = Callable[[int, int], None]
"""Told after every answer: how many leaves have been read, of how many."""


class WalkUnfinishedError(OfflineError):
    """The log is longer than one walk reads; what was read stands, and the next walk goes on behind it."""

    default_code = "log-not-read"


@dataclass(slots=True)
class WalkReport:
    """What a walk found: sizes of the log before and after, new key documents, and what was not believed."""

    start: int
    size: int
    documents: list[VerifiedKeyDocument] = field(default_factory=list)
    suspicions: list[Suspicion] = field(default_factory=list)

    @property
    def leaves(self) -> int:
        """Return how many leaves were read."""
        return self.size - self.start


@dataclass(frozen=True, slots=True)
class _Stage:
    """Some leaves after a place of the log: the tree's edge behind them, and the public records among them."""

    frontier: Frontier
    public: Sequence[tuple[LoggedRecord, str]]


def walk_log(node: Node, progress: Progress | None = None) -> WalkReport:
    """Bring this node's reading of the log up to the newest checkpoint.

    Raises:
        OfflineError: the broker was not reached, or the log is too long for one walk; what was walked before stands.
        LogError: the broker's answers do not hash to what it signed, or are not of the agreed form.
        EquivocationError: two checkpoints prove two histories; both have been kept.
    """
    return LogWalker(node).walk(progress)


def refresh_checkpoint(node: Node) -> Checkpoint:
    """Ask for the newest checkpoint and observe it.

    Raises:
        as `walk_log`.
    """
    answer = node.connection.get(CHECKPOINT_PATH, CheckpointAnswer)
    return node.observer.observe(answer.checkpoint)


class LogWalker:
    """Reads the log of a node's exchange.

    `stage_leaves` is how many leaves are held in memory at most, `max_leaves` how many one walk reads.
    """

    def __init__(self, node: Node, *, stage_leaves: int = STAGE_LEAVES, max_leaves: int = MAX_WALK_LEAVES) -> None:
        self._node = node
        self._connection, self._observer = node.connection, node.observer
        self._origin = node.sheet.origin
        self._stage_leaves, self._max_leaves = stage_leaves, max_leaves

    def walk(self, progress: Progress | None = None) -> WalkReport:
        """Walk to the newest checkpoint, stage by stage."""
        newest = refresh_checkpoint(self._node)
        before = self._load_walk()
        report = WalkReport(start=_size_of(before), size=_size_of(before))
        while _size_of(before) < newest.size:
            if report.leaves >= self._max_leaves:
                raise WalkUnfinishedError(
                    f"the exchange signed {newest.size:,} leaves, and {report.size:,} of them are read: more at once "
                    "would keep this node from everything else",
                    fix="run: agency sync",
                )
            end = min(_size_of(before) + self._stage_leaves, newest.size)
            stage = self._fetch_stage(_take_up(before), end, lambda size: progress and progress(size, newest.size))
            self._verify_stage(stage.frontier, newest)
            if self._store_stage(stage, before, report):
                report.size = end
            before = self._load_walk()
        return report

    def _load_walk(self) -> LogWalk | None:
        with self._node.store.read() as snapshot:
            return load_walk(snapshot, self._origin)

    def _fetch_stage(self, frontier: Frontier, end: int, progress: Callable[[int], object]) -> _Stage:
        public: list[tuple[LoggedRecord, str]] = []
        while len(frontier) < end:
            start = len(frontier)
            query = {"start": start, "end": min(start + MAX_RANGE_LEAVES, end)}
            answer = self._fetch_leaves(query)
            self._observer.observe(answer.checkpoint)
            if answer.start != start or not 0 < len(answer.leaves) <= query["end"] - start:
                raise LogError(f"leaves {start} to {query['end']} were asked for, and others came")
            for index, leaf in enumerate(answer.leaves, start=start):
                frontier.append(hash_range_leaf(leaf))
                if leaf.leaf_class == "public":
                    public.append(_read_public(index, leaf))
            progress(len(frontier))
        return _Stage(frontier, public)

    def _fetch_leaves(self, query: dict[str, int]) -> LeavesAnswer:
        try:
            return self._connection.get(LEAVES_PATH, LeavesAnswer, query)
        except (DeniedError, NotFoundError) as error:
            sentence = f"the exchange signed a larger log and will not show leaves {query['start']} to {query['end']}"
            raise LogError(f"{sentence}: {error.sentence}") from error

    def _verify_stage(self, frontier: Frontier, newest: Checkpoint) -> None:
        """Verify that the leaves read so far are the beginning of the tree the newest checkpoint signs."""
        path: list[bytes] = []
        if len(frontier) < newest.size:
            path = self._observer.fetch_consistency(len(frontier), newest.size)
        try:
            verify_consistency(len(frontier), newest.size, frontier.root(), newest.root, path)
        except LogProofError as error:
            raise LogError(f"the first {len(frontier)} leaves do not hash to what the exchange signed") from error

    def _store_stage(self, stage: _Stage, before: LogWalk | None, report: WalkReport) -> bool:
        """Judge the public records and store everything at once; False when another process walked on meanwhile."""
        now = self._node.clock.now()
        with self._node.store.write() as transaction:
            if load_walk(transaction, self._origin) != before:
                return False
            findings = _judge_records(self._node, transaction, stage.public, now)
            for document in findings.documents:
                try:
                    record_key_document(transaction, document)
                except EquivocationError as error:
                    findings.contradictions.append(error)
                    if document.agency == self._node.agency:
                        give_way_to_logged(transaction, document, at=now)
            for digest in findings.shown:
                mark_shown(transaction, digest, self._origin)
            if findings.opened_at is not None:
                note_opened(transaction, self._origin, findings.opened_at)
            fresh = [item for item in findings.suspicions if record_suspicion(transaction, item)]
            peaks = b"".join(stage.frontier.peaks)
            save_walk(transaction, LogWalk(self._origin, len(stage.frontier), peaks, now))
        for contradiction in findings.contradictions:
            keep_contradiction(self._node.store, contradiction, at=now)
        report.documents += findings.verified
        report.suspicions += fresh
        return True


@dataclass(slots=True)
class _Findings:
    """What a stage's public records come to. `shown` are documents that an earlier log had before this one.

    `opened_at` is the time of the first leaf, where the log goes on from an earlier one.
    """

    opened_at: datetime | None = None
    shown: list[str] = field(default_factory=list)
    verified: list[VerifiedKeyDocument] = field(default_factory=list)
    documents: list[KeyDocument] = field(default_factory=list)
    suspicions: list[Suspicion] = field(default_factory=list)
    contradictions: list[EquivocationError] = field(default_factory=list)


def _judge_records(
    node: Node, snapshot: Snapshot, public: Sequence[tuple[LoggedRecord, str]], now: datetime
) -> _Findings:
    if not public:
        return _Findings()
    reader = _RecordReader(node, snapshot, now)
    for logged, problem in public:
        reader.read(logged, problem)
    return reader.findings


class _RecordReader:
    """Judges public records one after the other, with all members as they stand after the record before."""

    def __init__(self, node: Node, snapshot: Snapshot, now: datetime) -> None:
        self._node, self._snapshot, self._now, self._origin = node, snapshot, now, node.sheet.origin
        self._openings = dict(load_openings(snapshot))
        self._timelines = self._load_timelines()
        self._newest_time = self._find_newest_time()
        self.findings = _Findings()

    def read(self, logged: LoggedRecord, problem: str) -> None:
        """Judge one record. `problem` is what was found when it was taken out of its leaf, "" for nothing."""
        record = logged.record
        if problem:
            self._suspect(logged, "record-of-wrong-class", problem)
            return
        if self._newest_time is not None and record.time < self._newest_time:
            self._suspect(logged, "time-went-back", f"{record.time:%Y-%m-%d %H:%M:%S}, before the record before it")
            return
        self._newest_time = record.time
        if self._opens_later_log(logged):
            self.findings.opened_at = self._openings[number_epoch(self._origin)] = record.time
        elif record.type in KEY_RECORDS and not self._is_known(record):
            self._read_key_document(logged)

    def _opens_later_log(self, logged: LoggedRecord) -> bool:
        # The first log goes on from none, whatever its first leaf says: nothing in it was carried over.
        is_first_leaf = logged.record.type is RecordType.EXCHANGE_OPENED and logged.index == 0
        return is_first_leaf and logged.record.checkpoint is not None and number_epoch(self._origin) > 1

    def _is_known(self, record: Record) -> bool:
        """Tell whether an earlier log had this very document: it was verified then, and keeps its place."""
        if record.document is None:
            return False
        digest = digest_key_document(KEY_RECORDS[record.type], record.document.payload_bytes)
        known = find_placed(self._snapshot, digest)
        is_known = known is not None and known.origin != self._origin and known.agency == record.agency
        if is_known and record.digest == digest:
            self.findings.shown.append(digest)
        return is_known and record.digest == digest

    def _read_key_document(self, logged: LoggedRecord) -> None:
        agency = logged.record.agency or ""
        timeline = self._timelines.get(agency)
        placed = move_to_place(logged, self._origin)
        try:
            verified = verify_key_record(placed, timeline, exchange=self._node.exchange, openings=self._openings)
            verify_not_shared(verified, self._timelines.values())
            self._verify_pinned(agency, verified)
        except (KeysError, CodecError) as error:
            self._suspect(logged, error.code, str(error))
            self._note_rival(logged, timeline)
            return
        if agency == self._node.agency and not self._is_own(verified):
            self._suspect(logged, "not-ours", "it verifies as ours, but this node did not make it: who holds our keys?")
        self._timelines[agency] = add_document(timeline, placed.index, verified)
        self.findings.verified.append(verified)
        self.findings.documents.append(_make_key_document(agency, logged, verified, self._now, self._origin))

    def _verify_pinned(self, agency: str, verified: VerifiedKeyDocument) -> None:
        pin = load_pin(self._snapshot, agency)
        if pin is not None and isinstance(verified, VerifiedKeySet) and verified.key_set.seq == 1:
            verify_anchor(verified, pin.anchor)

    def _is_own(self, verified: VerifiedKeyDocument) -> bool:
        if is_behind(self._snapshot, "keys"):
            return True  # What this node published after its backup was made comes back to it this way.
        chains = (load_key_chain(self._snapshot, self._node.agency, kind) for kind in KEY_RECORDS.values())
        return verified.digest in {document.digest for chain in chains for document in chain}

    def _note_rival(self, logged: LoggedRecord, timeline: MemberTimeline | None) -> None:
        known = None if timeline is None else find_rival(logged, timeline, exchange=self._node.exchange)
        document = logged.record.document
        if known is not None and document is not None:
            self.findings.contradictions.append(_make_contradiction(logged.record, known, document))

    def _suspect(self, logged: LoggedRecord, code: str, sentence: str) -> None:
        record, origin = logged.record, self._node.sheet.origin
        about = f"leaf {logged.index}, the {record.type.value} record of {record.agency or 'nobody'}: {sentence}"
        self.findings.suspicions.append(
            Suspicion(origin, logged.index, code, record.agency or "", about, logged.canonical(), self._now)
        )

    def _load_timelines(self) -> dict[str, MemberTimeline]:
        directory = self._node.directory
        agencies = list_known_agencies(self._snapshot)
        found = {agency: directory.read_timeline(self._snapshot, agency) for agency in agencies}
        return {agency: timeline for agency, timeline in found.items() if timeline is not None}

    def _find_newest_time(self) -> datetime | None:
        leaves = (
            LoggedRecord.from_canonical(document.leaf)
            for agency in self._timelines
            for kind in KEY_RECORDS.values()
            for document in load_key_chain(self._snapshot, agency, kind)
            if document.leaf is not None and document.origin == self._origin
        )
        newest = max((leaf.record.time for leaf in leaves), default=None)
        return newest or self._openings.get(number_epoch(self._origin))


def _size_of(walk: LogWalk | None) -> int:
    return 0 if walk is None else walk.size


def _take_up(walk: LogWalk | None) -> Frontier:
    if walk is None:
        return Frontier()
    peaks = [walk.frontier[at : at + HASH_BYTES] for at in range(0, len(walk.frontier), HASH_BYTES)]
    return Frontier(walk.size, peaks)


def _read_public(index: int, leaf: RangeLeaf) -> tuple[LoggedRecord, str]:
    """Return a public leaf's record with what is wrong about it; a record that is not the leaf's is an error."""
    if leaf.record is None or leaf.salt is None:
        raise LogError(f"leaf {index} is public, and its record was not shown")
    try:
        committed = Leaf.model_validate({"v": 1, "class": leaf.leaf_class, "commitment": leaf.commitment})
        verify_record(committed, leaf.record.to_wire(), b64u_decode(leaf.salt))
    except LogProofError as error:
        raise LogError(f"the record shown for leaf {index} is not the one the leaf commits to") from error
    problem = "" if leaf.record.is_public else "its leaf is public, and records of this type stand under private ones"
    return LoggedRecord(index=index, record=leaf.record, salt=leaf.salt), problem


def _make_key_document(
    agency: str, logged: LoggedRecord, verified: VerifiedKeyDocument, now: datetime, origin: str
) -> KeyDocument:
    return KeyDocument(
        digest=verified.digest,
        agency=agency,
        type=KEY_RECORDS[logged.record.type],
        seq=get_sequence(verified),
        document=verified.document.canonical(),
        leaf=logged.canonical(),
        verified_at=now,
        origin=origin,
    )


def _make_contradiction(record: Record, known: SignedDocument, other: SignedDocument) -> EquivocationError:
    return EquivocationError(
        f"{record.agency} signed two different documents {record.type.value} for one number",
        kind=ContradictionKind.KEY_DOCUMENT,
        signer=record.agency or "",
        documents=(known.canonical(), other.canonical()),
    )
