"""What is left in the database after all that was done to a broker: verified whole, and held against what was seen.

The broker need not run. Clients remember what they were answered; a note of the log that any of them saw must be of
these leaves, whoever signed it and whatever happened since.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Connection

from broker.audit.queries import list_leaves
from broker.audit.verification import verify_stored_log
from broker.database import open_exchange_database
from broker.stored_state import verify_stored_state
from keys.log_keys import LogPublicKeys, verify_checkpoint
from schemas.api import LoggedRecord
from schemas.codec import b64u_encode
from schemas.key_documents import ExchangeSheet
from schemas.log.records import Record, RecordType
from schemas.log.tree import MerkleTree
from tests.support.exchange import RunningExchange


@dataclass(frozen=True, slots=True)
class StoredLog:
    """The leaves of a database that was found sound, and the tree over them."""

    sheet: ExchangeSheet
    leaves: tuple[LoggedRecord, ...]
    tree: MerkleTree

    def verify_told(self, leaves: Iterable[LoggedRecord], notes: Iterable[str]) -> None:
        """Verify that what was answered stands where it was said to, and that every head that was seen is of it."""
        for leaf in leaves:
            assert leaf.index < len(self.leaves), f"leaf {leaf.index} was answered and is not there"
            assert self.leaves[leaf.index] == leaf, f"leaf {leaf.index} is another than was answered"
        keys = LogPublicKeys(self.sheet.log_keys.ed25519.public_bytes, self.sheet.log_keys.ml_dsa.public_bytes)
        for note in set(notes):
            seen = verify_checkpoint(note.encode(), self.sheet.origin, keys)
            assert seen.size <= len(self.leaves), f"{len(self.leaves)} leaves are left of {seen.size} under a head"
            assert self.tree.root(seen.size) == seen.root, f"a head over {seen.size} leaves was seen with another root"

    def count_messages(self, record_type: RecordType) -> Counter[str]:
        """Return how many leaves of a type each message has, by its id."""
        records = (leaf.record for leaf in self.leaves)
        return Counter(record.message.id for record in records if record.type is record_type and record.message)

    def count_digests(self, record_type: RecordType) -> Counter[str]:
        """Return how many leaves of a type each document has, by its digest."""
        records = (leaf.record for leaf in self.leaves)
        return Counter(record.digest for record in records if record.type is record_type and record.digest)


def read_stored_log(exchange: RunningExchange, *, is_lacking: bool = False) -> StoredLog:
    """Verify the whole database as the operator's command does, and return its log; no record may be erased.

    Where it `is_lacking` leaves under a head that was signed, exactly that must be found, and nothing else.
    """
    with reading(exchange) as connection:
        report = verify_stored_log(connection, exchange.sheet, lambda _done, _of: None)
        verify_stored_state(connection, exchange.sheet, report)
        lacks = [finding for finding in report.findings if "leaves was signed, only" in finding.problem]
        assert report.findings == lacks, report.findings
        assert len(lacks) == is_lacking, report.findings
        stored = list_leaves(connection, 0, report.leaves)
        rows = [(row.leaf_index, row.record, row.salt, row.leaf_hash) for row in stored]
    tree = MerkleTree()
    tree.extend(leaf_hash for _, _, _, leaf_hash in rows)
    leaves = (
        LoggedRecord(index=index, record=Record.from_canonical(record), salt=b64u_encode(salt))
        for index, record, salt, _ in rows
    )
    return StoredLog(exchange.sheet, tuple(leaves), tree)


@contextmanager
def reading(exchange: RunningExchange) -> Iterator[Connection]:
    """Lend a connection to the exchange's database, for as long as the block runs."""
    database = open_exchange_database(exchange.folder, exchange.sheet)
    try:
        with database.read() as connection:
            yield connection
    finally:
        database.close()
