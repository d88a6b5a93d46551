"""Which message began a row of messages that follow each other up, and the clauses that all of them come under by it.

A reference names id and digest of a message that passed between the same two agencies; the stored header has it.
"""

from sqlalchemy import Connection

from broker.agreements.book import Agreements
from broker.inbox.envelopes import read_header
from broker.inbox.store import StoredMessage, select_document, select_referred
from schemas.agreements.terms import Clause
from schemas.alerts.registry import UnknownKindError, kind_of

MAX_ROW = 64
"""So long a row is followed; beyond it what was reached counts."""


def is_aftercare(kind: str) -> bool:
    """Return whether a kind follows up a message that was accepted before."""
    try:
        return kind_of(kind).is_aftercare
    except UnknownKindError:
        return False


def list_covering_clauses(connection: Connection, agreements: Agreements, row: StoredMessage) -> tuple[Clause, ...]:
    """Return the clauses that a message came under, in its direction; of what follows another up those of that one."""
    first = find_first(connection, row)
    direction = (first.sender, first.recipient)
    terms = agreements.find(first.agreement).terms
    return tuple(clause for clause in terms.clauses if (clause.sender, clause.recipient) == direction)


def find_first(connection: Connection, row: StoredMessage) -> StoredMessage:
    """Return the message that began the row which this one stands in: itself, if it follows nothing up.

    Where an earlier one was forgotten, the oldest that is on record counts.
    """
    for _ in range(MAX_ROW):
        earlier = _find_earlier(connection, row)
        if earlier is None:
            break
        row = earlier
    return row


def _find_earlier(connection: Connection, row: StoredMessage) -> StoredMessage | None:
    if not is_aftercare(row.kind):
        return None
    reference = read_header(select_document(connection, row.recipient, row.number)).refers_to
    if reference is None:
        return None
    pair = {row.sender, row.recipient}
    found = select_referred(connection, pair, reference)
    return next((earlier for earlier in found if earlier.recipient in pair), None)
