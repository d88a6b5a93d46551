"""What could be found of a message before it was corrected, and the changes of each correction of it.

It repeats what messages say, as the index does (`local_store.name_index`), and ends with their content.
"""

from agency_client.local_store.engine import Columns, Snapshot, Transaction
from agency_client.matching.entries import NameEntry, NumberEntry
from schemas.alerts.kinds.correction import Change
from schemas.alerts.shapes import Identifier, IdentifierType
from schemas.codec import decode_canonical, encode_canonical

_MAX_BYTES = 16 << 20
"""More than the names and numbers of any alert take: `agency_client.matching.entries` bounds both."""

Entries = tuple[list[NameEntry], list[NumberEntry]]


def keep_before(transaction: Transaction, message: str, names: list[NameEntry], numbers: list[NumberEntry]) -> None:
    """Keep what can be found of a message, unless that was kept before."""
    row: Columns = {
        "message": message,
        "names": encode_canonical([[item.path, item.role, item.text, list(item.births)] for item in names]).decode(),
        "numbers": encode_canonical(
            [[item.path, item.identifier.type.value, item.identifier.value] for item in numbers]
        ).decode(),
    }
    transaction.insert("index_before", row, if_absent=True)


def find_before(snapshot: Snapshot, message: str) -> Entries | None:
    """Return what could be found of a message before any correction; None: it was not corrected."""
    row = snapshot.fetch_one("SELECT names, numbers FROM index_before WHERE message = ?", message)
    if row is None:
        return None
    names = [NameEntry(path, role, text, tuple(births)) for path, role, text, births in _read(row["names"])]
    numbers = [
        NumberEntry(path, Identifier(IdentifierType.from_code(type_), value))
        for path, type_, value in _read(row["numbers"])
    ]
    return names, numbers


def keep_changes(transaction: Transaction, message: str, notice: str, changes: tuple[Change, ...]) -> None:
    """Keep what the correction with this digest changes of a message."""
    text = encode_canonical([change.to_wire() for change in changes]).decode()
    transaction.insert("index_change", {"message": message, "notice": notice, "changes": text}, if_absent=True)


def list_changes(snapshot: Snapshot, message: str) -> list[tuple[str, tuple[Change, ...]]]:
    """Return the corrections of a message by their digests, in the order in which they were said."""
    rows = snapshot.fetch_all(
        "SELECT notice, changes FROM index_change JOIN aftercare_notice ON digest = notice WHERE message = ?"
        " ORDER BY said_at, origin",
        message,
    )
    return [(row["notice"], tuple(map(Change.from_wire, _read(row["changes"])))) for row in rows]


def list_changed_by(snapshot: Snapshot, notice: str) -> list[str]:
    """Return the digests of the messages that the correction with this digest changes."""
    rows = snapshot.fetch_all("SELECT message FROM index_change WHERE notice = ? ORDER BY message", notice)
    return [row["message"] for row in rows]


def _read(text: str) -> list[list[str]]:
    found: list[list[str]] = decode_canonical(text.encode(), max_bytes=_MAX_BYTES)
    return found
