"""The exchange's log: appends inside the group commit, signs what is durable, proves what it signed (RFC 9162, C2SP).

Who owns what: the database's head row owns the truth; `LogBatch` lives inside one transaction; the tree in memory
holds committed leaves only; `LogView` is the newest signed head, and nothing beyond it is ever shown. A head is signed
after its COMMIT has returned and never before: a crash can lose a signature, but no leaf under one. What other brokers
committed is signed after a COMMIT of this one's that came later: the database then holds both as firmly. A database
that lacks what was signed here has lost it, and stops the log. A log that has stopped (`broker.audit.standing`) is read
as far as its stored note reaches; it takes no leaf and signs no head.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from broker.audit.errors import BeyondCheckpointError, LogError
from broker.audit.leaf_rows import make_leaf_row, show_leaf
from broker.audit.log_store import (
    StoredHead,
    insert_head,
    insert_leaves,
    move_head,
    select_hashes,
    select_head,
    select_range,
    select_record,
    store_stop,
    take_head,
)
from broker.audit.log_view import LogView
from broker.audit.signed_head import SignedHead
from broker.audit.standing import Standing
from broker.clock import Clock
from broker.storage.engine import Database
from broker.storage.failpoints import failpoint
from broker.storage.transaction import PendingLeaf, Transaction
from schemas.api import Evidence, RangeLeaf
from schemas.log.checkpoint import Checkpoint, parse_checkpoint
from schemas.log.note import parse_note
from schemas.log.records import Record
from schemas.log.tree import EMPTY_ROOT, Frontier, MerkleTree

SignCheckpoint = Callable[[Checkpoint], bytes]
MakeSalt = Callable[[], bytes]

_MAX_AHEAD_SECONDS = 60


class LogDamagedError(LogError):
    """The stored leaves do not hash to the stored head: somebody or something changed the database."""


class LogBatch:
    """The leaves of one group commit, before its COMMIT."""

    def __init__(
        self,
        connection: Connection,
        head: StoredHead,
        frontier: Frontier,
        now: datetime,
        salt: MakeSalt,
        standing: Standing,
        signed: LogView | None,
    ) -> None:
        self._connection = connection
        self._standing = standing
        self._head = head
        self._frontier = frontier
        self._make_salt = salt
        self._leaves: list[tuple[PendingLeaf, bytes]] = []
        self.now = now
        self._signed = signed
        self.hashes: list[bytes] = []

    @property
    def size(self) -> int:
        """How many leaves the log has, those of this batch included."""
        return self._head.size + len(self._leaves)

    def append(self, record: Record) -> PendingLeaf:
        """Add a leaf over `record` under a fresh salt.

        Raises:
            ExchangeStoppedError: the log may not grow.
            ValueError: the record bears another time than the batch.
        """
        self._standing.verify_open()
        if record.time != self.now:
            raise ValueError(f"the record's time is {record.time}, its batch's {self.now}")
        leaf = PendingLeaf(self.size, record, self._make_salt())
        self._leaves.append((leaf, record.canonical()))
        return leaf

    def recall(self, index: int) -> PendingLeaf | None:
        """Return a leaf of this batch or of the past; nothing once its record has been erased.

        Raises:
            LookupError: there is no such leaf.
        """
        if self._head.size <= index < self.size:
            return self._leaves[index - self._head.size][0]
        return read_leaf(self._connection, index)

    def truncate(self, size: int) -> None:
        """Forget the leaves from index `size` on."""
        del self._leaves[size - self._head.size :]

    def write(self) -> None:
        """Write the leaves and move the head over them.

        Raises:
            ExchangeStoppedError: an operation of this very batch found that the log may not grow.
        """
        stop = self._standing.wanted
        if stop != self._head.stop and (stop is not None or self._leaves):  # one is lifted by the leaf that says so
            store_stop(self._connection, stop)
        if not self._leaves:
            self._touch_head()
            return
        self._standing.verify_open()
        rows = [make_leaf_row(leaf, data) for leaf, data in self._leaves]
        self.hashes = [row["leaf_hash"] for row in rows]
        for digest in self.hashes:
            self._frontier.append(digest)
        concerns = [
            {"agency": agency, "leaf_index": leaf.index} for leaf, _ in self._leaves for agency in leaf.record.concerns
        ]
        insert_leaves(self._connection, rows, concerns)
        head = StoredHead(self._head.origin, self.size, self._frontier.root(), self.now, self._newest_note)
        move_head(self._connection, self._head.size, head)
        self._head, self._leaves = head, []

    def _touch_head(self) -> None:
        """Let this batch commit something, if its COMMIT is to be followed by the signature of others' leaves."""
        is_signed = self._signed is not None and self._signed.checkpoint == self.checkpoint
        if not is_signed and self._standing.stop is None:
            move_head(self._connection, self._head.size, replace(self._head, checkpoint=self._newest_note))

    @property
    def _newest_note(self) -> bytes | None:
        return _choose_note(self._head, self._signed)

    @property
    def checkpoint(self) -> Checkpoint:
        """What may be signed once this batch is durable."""
        return Checkpoint(self._head.origin, self._head.size, self._head.root)


class AuditLog:
    """The journal of the group commit, and what can be read from it. Load it before the writer starts."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        sign: SignCheckpoint,
        make_salt: MakeSalt,
        standing: Standing | None = None,
        signed_head: SignedHead | None = None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._sign = sign
        self._make_salt = make_salt
        self._standing = standing or Standing()
        self._signed_head = signed_head
        self._newest_time: datetime | None = None
        self._tree = MerkleTree()
        self._view: LogView | None = None

    def load(self) -> None:
        """Rebuild the tree from the stored leaves and sign the stored head; a log that has stopped shows its old note.

        Raises:
            LogMissingError: no log was created.
            LogDamagedError: the leaves do not hash to the head, or the note of a stopped log is not of its leaves.
        """
        with self._database.read() as connection:  # most of it without the lock, which other brokers wait for
            self._catch_up(connection, select_head(connection))
        with self._database.write() as connection:
            batch = self.begin(connection)
            self._verify_not_behind()
            batch.write()
            if self._standing.stop is not None:
                self._view = self._read_stored_view(select_head(connection))
        self._take_over(batch)

    def begin(self, connection: Connection, meanwhile: Callable[[], None] | None = None) -> LogBatch:
        """Start a batch on top of the stored head, which is locked until the transaction ends.

        `meanwhile` is called before waiting, where another broker has it locked.

        Raises:
            LogDamagedError: the stored head and the tree in memory do not agree.
        """
        head = take_head(connection)
        if head is None and meanwhile is not None:
            meanwhile()
        head = head or select_head(connection, for_update=True)
        self._standing.follow(head.stop)
        self._catch_up(connection, head)
        now = self._newest_time = max(self._clock.now().replace(microsecond=0), head.last_time)
        return LogBatch(connection, head, self._tree.frontier(), now, self._make_salt, self._standing, self._view)

    def publish(self, batch: LogBatch) -> None:
        """Take over the leaves of a durable batch and sign its head, once a batch."""
        has_grown = self._view is None or self._view.checkpoint != batch.checkpoint
        if has_grown:
            failpoint("log.before-sign")
        self._take_over(batch)
        if has_grown:
            failpoint("log.after-sign")

    def _take_over(self, batch: LogBatch) -> None:
        self._tree.extend(batch.hashes)
        if self._standing.stop is not None:
            return  # a batch that stopped the log, or came after, has no leaf: `LogBatch.write` sees to that
        checkpoint = batch.checkpoint
        if self._view is None or self._view.checkpoint != checkpoint:
            self._publish_head(checkpoint)

    @property
    def view(self) -> LogView:
        """The newest signed state.

        Raises:
            LogError: the log was not loaded.
        """
        if self._view is None:
            raise LogError("the log was not loaded")
        return self._view

    def find_root(self, size: int) -> bytes | None:
        """Return the root over the first `size` committed leaves; nothing where there are fewer.

        For operations of the writer: there, what other processes have committed is known as well.
        """
        return self._tree.root(size) if 0 <= size <= len(self._tree) else None

    @property
    def problem(self) -> str | None:
        """Why the log's times cannot be trusted right now, or None.

        Leaf times never go back, a clock that ran ahead does: until it has caught up, the newest leaf's time is used.
        """
        if self._newest_time is None:
            return None
        ahead = (self._newest_time - self._clock.now()).total_seconds()
        return f"the clock is {ahead:.0f} seconds behind the newest leaf" if ahead > _MAX_AHEAD_SECONDS else None

    def prove(self, leaf: PendingLeaf) -> Evidence:
        """Return the evidence for a leaf whose commit has been answered."""
        return self.view.prove(leaf)

    def read_range(self, connection: Connection, view: LogView, start: int, end: int) -> tuple[RangeLeaf, ...]:
        """Return the leaves from index `start` to before `end`, the public ones with record and salt.

        Raises:
            BeyondCheckpointError: the range does not lie within the view.
        """
        if not 0 <= start <= end <= view.size:
            raise BeyondCheckpointError(end, view.size)
        return tuple(show_leaf(row) for row in select_range(connection, start, end))

    def store_checkpoint(self, transaction: Transaction) -> None:
        """Keep the newest note in the head row, as an operation of the writer's: the last thing before it closes."""
        head = select_head(transaction.connection, for_update=True)
        move_head(transaction.connection, head.size, replace(head, checkpoint=_choose_note(head, self._view)))

    def _catch_up(self, connection: Connection, head: StoredHead) -> None:
        # Another process may have committed leaves since (an operator's command, later a second broker). After a COMMIT
        # whose outcome is unknown this is also what finds out.
        if head.size > len(self._tree):
            self._tree.extend(select_hashes(connection, len(self._tree)))
        if len(self._tree) != head.size or self._tree.root() != head.root:
            self._read_anew(connection, head)

    def _read_anew(self, connection: Connection, head: StoredHead) -> None:
        """Read the whole log of a database that is not what it was: a standby that lacked something took its place."""
        tree = MerkleTree(select_hashes(connection, 0))
        if len(tree) != head.size or tree.root() != head.root:
            raise LogDamagedError("the stored leaves do not hash to the stored head")
        self._tree = tree  # what was signed keeps the tree that it was signed over
        signed = self._view
        if signed is not None and self.find_root(signed.size) != signed.checkpoint.root:
            self._standing.fall_behind(signed.note.encode(), None, self._clock.now().replace(microsecond=0))

    def _verify_not_behind(self) -> None:
        """Stop the log if its database lacks what was signed here before this process began."""
        kept = None if self._signed_head is None or self._standing.stop is not None else self._signed_head.read()
        if kept is not None and self.find_root(kept.checkpoint.size) != kept.checkpoint.root:
            self._standing.fall_behind(kept.note, None, self._clock.now().replace(microsecond=0))

    def _read_stored_view(self, head: StoredHead) -> LogView:
        if head.checkpoint is None:
            raise LogError("the log has stopped before any head of it was kept")
        checkpoint = parse_checkpoint(parse_note(head.checkpoint).text)
        if checkpoint.root != self.find_root(checkpoint.size):
            raise LogDamagedError("the stored leaves do not hash to the stored checkpoint")
        return LogView(checkpoint, head.checkpoint.decode("utf-8"), self._tree)

    def _publish_head(self, checkpoint: Checkpoint) -> None:
        note = self._sign(checkpoint)
        if self._signed_head is not None:
            self._signed_head.keep(note)
        self._view = LogView(checkpoint, note.decode("utf-8"), self._tree)


def _choose_note(head: StoredHead, signed: LogView | None) -> bytes | None:
    """Return the newest note to keep: where others have written since, theirs may be newer than the one signed here."""
    stored = head.checkpoint
    if signed is None:
        return stored
    if stored is not None and head.size > signed.size and _read_size(stored) > signed.size:
        return stored
    return signed.note.encode()


def _read_size(note: bytes) -> int:
    return parse_checkpoint(parse_note(note).text).size


def create_log(connection: Connection, origin: str, now: datetime) -> None:
    """Write the empty head of a new log; its first leaf is the operator's to append."""
    insert_head(connection, StoredHead(origin, 0, EMPTY_ROOT, now.replace(microsecond=0), None))


def read_leaf(connection: Connection, index: int) -> PendingLeaf | None:
    """Return a committed leaf with its record; nothing once the record has been erased.

    Raises:
        LookupError: there is no such leaf.
    """
    record, salt = select_record(connection, index)
    if record is None or salt is None:
        return None
    return PendingLeaf(index, Record.model_validate_json(record), salt)
