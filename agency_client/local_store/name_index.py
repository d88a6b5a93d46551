"""What can be found of the messages kept here: names with the keys they are looked up under, and numbers.

The rows are the one place beside `content` that repeats what messages say. They lie in the same encrypted file, are
written in the transaction that keeps the content, and are deleted by the schema when that is erased, for whatever
reason. Which rows may match is not known here (`agency_client.aftercare.rules.choose_usable`).
"""

from collections.abc import Iterable
from dataclasses import dataclass

from agency_client.local_store.engine import Columns, Row, Snapshot, Transaction, spell_list
from agency_client.matching.entries import NameEntry, NumberEntry
from agency_client.matching.names import list_keys, read_name
from schemas.alerts.shapes import Identifier, IdentifierType
from schemas.codec import encode_canonical

MAX_LOOKED_AT = 400
"""So many names at most are compared with one that is asked for: those that share its rarest keys."""
_MAX_POSTINGS = 20_000
"""A key that leads to more names than this tells as little as one that leads to so many."""
_WEIGHT_SCALE = 1_000_000


@dataclass(frozen=True, slots=True)
class FoundName:
    """A name on record and the message, by its digest, that it stands in."""

    message: str
    entry: NameEntry


@dataclass(frozen=True, slots=True)
class FoundNumber:
    """A number on record and the message, by its digest, that it stands in."""

    message: str
    entry: NumberEntry


def index_names(transaction: Transaction, message: str, entries: Iterable[NameEntry]) -> None:
    """Let the names of a message be found; in the transaction that keeps its content."""
    for entry in entries:
        keys = list_keys(read_name(entry.text))
        if not keys:
            continue
        row: Columns = {"message": message, "path": entry.path, "role": entry.role, "text": entry.text}
        transaction.insert("indexed_name", row | {"births": " ".join(entry.births)})
        number: int = transaction.fetch_value("SELECT last_insert_rowid()")
        transaction.execute("INSERT INTO name_key SELECT value, ? FROM json_each(?)", number, spell_list(sorted(keys)))


def index_numbers(transaction: Transaction, message: str, entries: Iterable[NumberEntry]) -> None:
    """Let the numbers of a message be found; in the transaction that keeps its content."""
    for entry in entries:
        row: Columns = {"value": entry.identifier.value, "type": entry.identifier.type.value}
        transaction.insert("indexed_number", row | {"message": message, "path": entry.path}, if_absent=True)


def find_names(snapshot: Snapshot, text: str, *, birth_year: str = "", limit: int = MAX_LOOKED_AT) -> list[FoundName]:
    """Return the names that share keys with a text, what shares the rarest ones first; of one year before others."""
    weights = _weigh_keys(snapshot, sorted(list_keys(read_name(text))))
    rows = snapshot.fetch_all(
        "WITH asked AS (SELECT key, CAST(value AS INTEGER) AS weight FROM json_each(?1)),"
        " shared AS (SELECT name, sum(weight) AS weight FROM asked JOIN name_key USING (key) GROUP BY name)"
        " SELECT message, path, role, text, births FROM shared JOIN indexed_name ON id = name"
        " ORDER BY (?2 <> '' AND instr(births, ?2) > 0) DESC, weight DESC, id DESC LIMIT ?3",
        weights,
        birth_year,
        limit,
    )
    return [FoundName(row["message"], _read_name(row)) for row in rows]


def find_numbers(snapshot: Snapshot, values: Iterable[str], *, limit: int = MAX_LOOKED_AT) -> list[FoundNumber]:
    """Return where numbers stand, of whatever type."""
    rows = snapshot.fetch_all(
        "SELECT message, path, type, value FROM indexed_number"
        " WHERE value IN (SELECT value FROM json_each(?)) ORDER BY value, type, message, path LIMIT ?",
        spell_list(values),
        limit,
    )
    return [FoundNumber(row["message"], _read_number(row)) for row in rows]


def drop_index(transaction: Transaction, message: str) -> None:
    """Let nothing of a message be found; its content stays."""
    transaction.execute("DELETE FROM indexed_name WHERE message = ?", message)
    transaction.execute("DELETE FROM indexed_number WHERE message = ?", message)


def list_indexed_names(snapshot: Snapshot, message: str) -> list[NameEntry]:
    """Return every name of a message that can be found."""
    rows = snapshot.fetch_all("SELECT * FROM indexed_name WHERE message = ? ORDER BY id", message)
    return [_read_name(row) for row in rows]


def list_indexed_numbers(snapshot: Snapshot, message: str) -> list[NumberEntry]:
    """Return every number of a message that can be found."""
    rows = snapshot.fetch_all("SELECT * FROM indexed_number WHERE message = ? ORDER BY path, type, value", message)
    return [_read_number(row) for row in rows]


def _weigh_keys(snapshot: Snapshot, keys: list[str]) -> str:
    """Return what each key tells, the rarer the more, as the JSON object that `json_each` takes."""
    rows = snapshot.fetch_all(
        "SELECT asked.value AS key, (SELECT count(*) FROM"
        "   (SELECT 1 FROM name_key WHERE key = asked.value LIMIT ?2)) AS count"
        " FROM json_each(?1) AS asked",
        spell_list(keys),
        _MAX_POSTINGS,
    )
    weights = {row["key"]: str(_WEIGHT_SCALE // (row["count"] + 10)) for row in rows if row["count"]}
    return encode_canonical(weights).decode()


def _read_name(row: Row) -> NameEntry:
    return NameEntry(row["path"], row["role"], row["text"], tuple(row["births"].split()))


def _read_number(row: Row) -> NumberEntry:
    return NumberEntry(row["path"], Identifier(IdentifierType.from_code(row["type"]), row["value"]))
