"""Which messages became of a draft, so that one handed over again after an interruption is not sent twice.

A draft is known by a keyed mark. What is written here stands in the transaction that queues the messages.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from agency_client.local_store.engine import Snapshot, Transaction
from agency_client.local_store.outbox import OutboxState
from agency_client.local_store.problems import Problem, read_problem


@dataclass(frozen=True, slots=True)
class DraftMessage:
    """One message of a draft: to whom it goes, and where it stands in the outbox."""

    message_id: str
    recipient: str
    state: OutboxState
    problem: Problem | None


def keep_sent_draft(transaction: Transaction, draft: bytes, message_ids: Iterable[str]) -> None:
    """Record which messages a draft became, in the place of those it became before and that were all refused."""
    transaction.execute("DELETE FROM sent_draft WHERE draft = ?", draft)
    for message_id in message_ids:
        transaction.insert("sent_draft", {"draft": draft, "message_id": message_id})


def list_sent_draft(snapshot: Snapshot, draft: bytes) -> list[DraftMessage]:
    """Return the messages of a draft, by recipient."""
    rows = snapshot.fetch_all(
        "SELECT message_id, recipient, outbox.state, problem_code, problem FROM sent_draft"
        " JOIN outbox USING (message_id) JOIN sent_delivery USING (message_id)"
        " WHERE draft = ? ORDER BY recipient, message_id",
        draft,
    )
    return [
        DraftMessage(row["message_id"], row["recipient"], OutboxState(row["state"]), read_problem(row)) for row in rows
    ]


def rename_sent_draft(transaction: Transaction, message_id: str, renewed: str) -> None:
    """Let a message that was sealed again stand in the place of the refused one."""
    transaction.execute("UPDATE sent_draft SET message_id = ? WHERE message_id = ?", renewed, message_id)
