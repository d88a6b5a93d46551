"""Keyed references of the persons whom messages are about, so that one person's data are found without being listed.

The key is drawn once for this store and never leaves it: a copy of these rows without it says nobody's name. The rows
stand beside the messages, and with them beside the access-log entries that name those messages. They outlive the
content, since the log of a disclosure outlives it too and the person may ask what became of it, and are gone with the
row that says that a message was once here (a trigger of the schema sees to it).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from agency_client.local_store.engine import Columns, Snapshot, Transaction, spell_list
from keys.generation import generate_bytes
from keys.references import REFERENCE_KEY_BYTES, compute_reference
from schemas.alerts.subjects import SubjectKey

_REQUEST_CHARACTERS = 32
_PREFIX = "subject-"


@dataclass(frozen=True, slots=True)
class FoundReference:
    """A message that a key leads to: its digest, by what type of key, and as what the person stands in it."""

    digest: str
    type: str
    role: str


def keep_references(transaction: Transaction, digest: str, keys: Iterable[SubjectKey], *, at: datetime) -> None:
    """Keep references of everyone whom the message with this envelope digest is about."""
    secret = _demand_key(transaction, at)
    for key in keys:
        reference = compute_reference(secret, key.type.value, key.value)
        row: Columns = {"reference": reference, "message": digest, "type": key.type.value, "role": key.role}
        transaction.insert("subject_reference", row, if_absent=True)


def find_references(snapshot: Snapshot, keys: Iterable[SubjectKey]) -> list[FoundReference]:
    """Return the messages that any of these keys leads to; a message may stand there under several."""
    secret = _load_key(snapshot)
    if secret is None:
        return []
    found: list[FoundReference] = []
    for reference in {compute_reference(secret, key.type.value, key.value): None for key in keys}:
        rows = snapshot.fetch_all(
            "SELECT message, type, role FROM subject_reference WHERE reference = ? ORDER BY message, role", reference
        )
        found += [FoundReference(row["message"], row["type"], row["role"]) for row in rows]
    return found


def list_following(snapshot: Snapshot, digests: Iterable[str]) -> list[str]:
    """Return the digests of messages, ours and theirs, that refer to one of these: answers, corrections, copies."""
    given = spell_list(digests)
    rows = snapshot.fetch_all(
        "SELECT digest, issued_at FROM inbox_message WHERE refers_to IN (SELECT value FROM json_each(?1))"
        " AND state NOT IN ('new', 'unverifiable')"
        " UNION SELECT digest, issued_at FROM sent_message WHERE refers_to IN (SELECT value FROM json_each(?1))"
        " ORDER BY issued_at, digest",
        given,
    )
    return [row["digest"] for row in rows]


def make_request_reference(transaction: Transaction, text: str, *, at: datetime) -> str:
    """Return the pseudonym under which a partner is asked about one person or document: always the same, here only."""
    reference = compute_reference(_demand_key(transaction, at), "request", text)
    return f"{_PREFIX}{reference.hex()[:_REQUEST_CHARACTERS]}"


def compute_mark(transaction: Transaction, purpose: str, text: str, *, at: datetime) -> bytes:
    """Return a keyed mark of any content, to see it again without keeping it."""
    return compute_reference(_demand_key(transaction, at), purpose, text)


def erase_references(transaction: Transaction, digest: str) -> int:
    """Erase the references of one message, and return how many there were."""
    return transaction.execute("DELETE FROM subject_reference WHERE message = ?", digest)


def _load_key(snapshot: Snapshot) -> bytes | None:
    key: bytes | None = snapshot.fetch_value("SELECT key FROM subject_key WHERE id = 1")
    return key


def _demand_key(transaction: Transaction, at: datetime) -> bytes:
    present = _load_key(transaction)
    if present is not None:
        return present
    drawn = generate_bytes(REFERENCE_KEY_BYTES)
    transaction.insert("subject_key", {"id": 1, "key": drawn, "made_at": at})
    return drawn
