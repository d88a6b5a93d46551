"""What an exchange's database at rest says of its log, and its folder: the head, the tree, and every note kept."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Connection

from broker.audit.log import LogDamagedError
from broker.audit.log_store import StoredHead, select_hashes, select_head
from broker.audit.signed_head import SignedHead
from broker.audit.standing import Stop, choose_stop
from broker.database import open_exchange_database
from broker.directory.live import make_directory
from broker.directory.members import Members
from broker.epochs.errors import WrongStateError
from broker.epochs.rules import Shown, read_notes, sort_shown
from broker.exchange import Exchange, ExchangeFolder, read_sheet
from broker.storage.revision import verify_migrated
from broker.witnesses.rules import OwnLog
from broker.witnesses.store import select_all_cosignatures
from schemas.log.checkpoint import Checkpoint
from schemas.log.tree import MerkleTree

Notes = list[tuple[str, bytes]]
"""Notes, each with where it comes from; not verified."""


@dataclass(frozen=True, slots=True)
class LogAtRest:
    """A stored log: its head, the tree over its leaves, what witnesses cosigned of it, what this folder signed last."""

    own: OwnLog
    head: StoredHead
    tree: MerkleTree
    cosigned: Notes
    signed: Notes

    @property
    def stop(self) -> Stop | None:
        """Return why the log may not grow, as the database says; nothing where it may."""
        return None if self.head.stop is None else Stop.from_canonical(self.head.stop)

    def find_root(self, size: int) -> bytes | None:
        """Return the root over the first `size` leaves; nothing where there are fewer."""
        return self.tree.root(size) if 0 <= size <= len(self.tree) else None

    def compare(self, unverified_notes: Notes, stop: Stop | None) -> list[Shown]:
        """Verify the given notes, those that are kept and the evidence; return them, the largest head first.

        The stored head is among them without a note: somebody may have seen it signed.

        Raises:
            NotWitnessedError: one is not signed by this log's keys.
            LogDamagedError: the stored leaves do not hash to the stored head.
        """
        if self.find_root(self.head.size) != self.head.root:
            raise LogDamagedError("the stored leaves do not hash to the stored head")
        stop = choose_stop(stop, self.stop)
        evidence = [("the evidence", stop.note.encode())] if stop is not None and stop.note is not None else []
        shown = read_notes([*unverified_notes, *self.cosigned, *self.signed, *evidence], self.own, self.find_root)
        head = Checkpoint(self.head.origin, self.head.size, self.head.root)
        return sort_shown([*shown, Shown("this database", b"", head, is_lost=False)])


def read_log(exchange: Exchange) -> LogAtRest:
    """Read the log of an exchange that nobody serves.

    Raises:
        LogMissingError, SchemaOutdatedError: the database is not one of this version.
    """
    own = OwnLog(exchange.name, exchange.sheet.origin, exchange.log_signer.public)
    kept = SignedHead(exchange.folder.signed_head, own.origin, own.keys).read()
    with read_database(exchange.folder) as connection:
        return LogAtRest(
            own=own,
            head=select_head(connection),
            tree=MerkleTree(select_hashes(connection, 0)),
            cosigned=[(f"the cosignature of {row.agency}", row.note) for row in select_all_cosignatures(connection)],
            signed=[] if kept is None else [("what this broker signed last", kept.note)],
        )


def verify_unchanged(connection: Connection, known: StoredHead) -> StoredHead:
    """Verify that the log stands as it was read, now that no broker can write any more; return its head.

    Raises:
        WrongStateError: one has written, or has learned why the log may not grow, in between.
    """
    head = select_head(connection)
    if (head.size, head.stop) != (known.size, known.stop):
        raise WrongStateError(
            f"a broker has written meanwhile: there were {known.size} leaves, now there are {head.size}, or another "
            "reason to stop. Stop every broker, and run this again"
        )
    return head


def read_members(exchange: Exchange) -> Members:
    """Read the members of an exchange that nobody serves, verifying every key document.

    Raises:
        KeysError, CodecError: one does not verify.
    """
    with read_database(exchange.folder) as connection:
        return make_directory(exchange.name).read(connection)


@contextmanager
def read_database(folder: ExchangeFolder) -> Iterator[Connection]:
    """Lend a snapshot of an exchange's database.

    Raises:
        SchemaOutdatedError: its tables are of another version.
    """
    database = open_exchange_database(folder, read_sheet(folder))
    try:
        with database.read() as connection:
            verify_migrated(connection)
            yield connection
    finally:
        database.close()
