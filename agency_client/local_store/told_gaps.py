"""Which gaps in partners' streams a person was told of, so that it is told as well when one of them closes."""

from dataclasses import dataclass
from datetime import datetime

from agency_client.local_store.engine import Columns, Snapshot, Transaction, read_moment
from agency_client.local_store.inbound_streams import Gap


@dataclass(frozen=True, slots=True)
class ToldGap:
    """Numbers of one stream, both ends included, whose absence was told at `told_at`."""

    sender: str
    stream: str
    first: int
    last: int
    told_at: datetime

    def overlaps(self, gap: Gap) -> bool:
        """Return whether some of its numbers are still missing in this gap."""
        is_same = (self.sender, self.stream) == (gap.sender, gap.stream)
        return is_same and self.first <= gap.last and gap.first <= self.last


def list_told_gaps(snapshot: Snapshot) -> list[ToldGap]:
    """Return every gap that was told of and has not closed, longest known first."""
    rows = snapshot.fetch_all("SELECT sender, stream, first, last, told_at FROM told_gap ORDER BY told_at, sender")
    return [ToldGap(**{**dict(row), "told_at": read_moment(row["told_at"])}) for row in rows]


def replace_told_gaps(transaction: Transaction, gaps: list[Gap], *, at: datetime) -> None:
    """Let these gaps be the ones that were told of; what was known of one before keeps its moment."""
    before = list_told_gaps(transaction)
    transaction.execute("DELETE FROM told_gap")
    for gap in gaps:
        told_at = min((item.told_at for item in before if item.overlaps(gap)), default=at)
        row: Columns = {"sender": gap.sender, "stream": gap.stream, "first": gap.first, "last": gap.last}
        transaction.insert("told_gap", {**row, "told_at": told_at})
