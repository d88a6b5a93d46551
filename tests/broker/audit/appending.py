"""A log with its writer, on a store that others may have open too, and records to append to it."""

from broker.audit.standing import Standing
from broker.storage.engine import Database
from broker.storage.group_commit import GroupCommitWriter
from broker.storage.transaction import PendingLeaf, Transaction
from schemas.log.records import RecordType
from tests.broker.ports import ManualClock, make_log

DIGEST = "A" * 43


def note(transaction: Transaction, detail: str = "note", concerns: tuple[str, ...] = ()) -> PendingLeaf:
    """Append a record that anybody may write."""
    return transaction.append(RecordType.OPERATOR_ACTION, concerns=concerns, detail=detail)


def enrol(transaction: Transaction, agency: str) -> PendingLeaf:
    """Append a public record about an agency."""
    return transaction.append(RecordType.MEMBER_ENROLLED, concerns=(agency,), agency=agency, digest=DIGEST)


class Exchange:
    """A log with its writer."""

    def __init__(self, database: Database, standing: Standing | None = None) -> None:
        self.clock = ManualClock()
        self.database = database
        self.log = make_log(database, self.clock, standing=standing)
        self.writer = GroupCommitWriter(database, self.log)
        self.writer.start()

    def append(self, detail: str = "note", concerns: tuple[str, ...] = ()) -> PendingLeaf:
        """Append one record in a commit of its own."""
        return self.writer.commit_and_wait(lambda transaction: note(transaction, detail, concerns))

    def close(self) -> None:
        """Commit what is queued and end the writer."""
        self.writer.close()
