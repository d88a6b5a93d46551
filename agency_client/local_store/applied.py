"""Which clause of which agreement each message came under, which receipts that demands, and what went beyond it.

Messages are named by their envelope's digest, received ones and sent ones alike. What follows another message up comes
under no clause and has no row.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from agency_client.local_store.engine import Columns, Snapshot, Transaction, spell_list
from agency_client.local_store.problems import Problem
from schemas.codec import decode_json


@dataclass(frozen=True, slots=True)
class AppliedClauseRow:
    """The clause (its place in the terms' list) of one version, by the version's digest, that a message came under.

    `accepted_on` is the day (UTC) its quota counts: of the leaf for a received one, of sealing for a sent one.
    `receipts` are the types the clause demands.
    """

    message: str
    agreement: str
    clause: int
    accepted_on: date
    receipts: tuple[str, ...]


def keep_applied(transaction: Transaction, row: AppliedClauseRow) -> None:
    """Record what a message came under; what stands there already stays."""
    members: Columns = {
        "message": row.message,
        "agreement": row.agreement,
        "clause": row.clause,
        "accepted_on": row.accepted_on.toordinal(),
        "receipts": spell_list(row.receipts),
    }
    transaction.insert("applied_clause", members, if_absent=True)


def list_applied(snapshot: Snapshot, message: str) -> list[AppliedClauseRow]:
    """Return every clause a message came under."""
    rows = snapshot.fetch_all("SELECT * FROM applied_clause WHERE message = ? ORDER BY agreement", message)
    return [
        AppliedClauseRow(
            row["message"],
            row["agreement"],
            row["clause"],
            date.fromordinal(row["accepted_on"]),
            tuple(decode_json(row["receipts"].encode())),
        )
        for row in rows
    ]


def is_receipt_required(snapshot: Snapshot, message: str, receipt_type: str) -> bool:
    """Tell whether a clause demands this receipt; for what came under none every receipt is signed."""
    applied = list_applied(snapshot, message)
    return not applied or any(receipt_type in row.receipts for row in applied)


def count_received(snapshot: Snapshot, sender: str, agreement: str, day: date) -> int:
    """Return how many messages of a sender came under a version on a day, as the log dates them."""
    count: int = snapshot.fetch_value(
        "SELECT count(*) FROM applied_clause JOIN inbox_message ON inbox_message.digest = applied_clause.message"
        " WHERE inbox_message.sender = ? AND applied_clause.agreement = ? AND accepted_on = ?",
        sender,
        agreement,
        day.toordinal(),
    )
    return count


def note_excess(transaction: Transaction, message: str, excesses: Iterable[Problem]) -> None:
    """Record what of a message went beyond what was agreed, though it is shown."""
    for excess in excesses:
        row: Columns = {"message": message, "code": excess.code, "sentence": excess.sentence}
        transaction.insert("terms_excess", row, if_absent=True)


def list_excesses(snapshot: Snapshot, message: str) -> list[Problem]:
    """Return what of a message went beyond what was agreed."""
    rows = snapshot.fetch_all("SELECT code, sentence FROM terms_excess WHERE message = ? ORDER BY code", message)
    return [Problem(row["code"], row["sentence"]) for row in rows]
