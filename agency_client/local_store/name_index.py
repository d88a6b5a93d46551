"""What can be found of the messages kept here: names with the keys they are looked up under, and numbers.

The rows are the one place beside `content` that repeats what messages say. They lie in the same encrypted file, are
written in the transaction that keeps the content, and are deleted by the schema when that is erased, for whatever
reason. Which rows may match is not known here (`agency_client.aftercare.rules.choose_usable`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import log

from agency_client.local_store.engine import Columns, Row, Snapshot, Transaction, spell_list
from agency_client.matching.entries import NameEntry, NumberEntry
from agency_client.matching.names import list_keys, list_word_keys, read_name
from schemas.alerts.shapes import Identifier, IdentifierType
from schemas.codec import encode_canonical

MAX_LOOKED_AT = 600
"""So many names at most are compared with one that is asked for: those that share its rarest keys."""
MAX_OF_ONE_MESSAGE = 20
"""Of which so many at most stand in one message, those that share most: no message hides what stands in others."""
_MAX_POSTINGS = 20_000
"""A key that leads to more names than this tells as little as one that leads to so many."""
_WEIGHT_SCALE, _MOST = 1_000, 2 * _MAX_POSTINGS


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
    rows = snapshot.fetch_all(
        "WITH asked AS (SELECT value ->> 0 AS key, value ->> 1 AS word, value ->> 2 AS weight FROM json_each(?1)),"
        " shared AS (SELECT name, word, max(weight) AS weight"
        "   FROM asked JOIN name_key USING (key) GROUP BY name, word),"
        " ranked AS (SELECT name, sum(weight) AS weight FROM shared GROUP BY name),"
        " found AS (SELECT id, message, weight, ?2 <> '' AND instr(births, ?2) > 0 AS is_born_so"
        "   FROM ranked JOIN indexed_name ON id = name),"
        " placed AS (SELECT id, weight, is_born_so, row_number()"
        "   OVER (PARTITION BY message ORDER BY is_born_so DESC, weight DESC, id DESC) AS place FROM found),"
        " first AS (SELECT * FROM placed WHERE place <= ?4 ORDER BY is_born_so DESC, weight DESC, id DESC LIMIT ?3)"
        " SELECT message, path, role, text, births FROM first JOIN indexed_name USING (id)"
        " ORDER BY is_born_so DESC, weight DESC, id DESC",
        _weigh_keys(snapshot, list_word_keys(read_name(text))),
        birth_year,
        limit,
        MAX_OF_ONE_MESSAGE,
    )
    return [FoundName(row["message"], _read_name(row)) for row in rows]


def find_numbers(snapshot: Snapshot, values: Iterable[str], *, limit: int = MAX_LOOKED_AT) -> list[FoundNumber]:
    """Return in which messages numbers stand, of whatever type, each once by the first path."""
    rows = snapshot.fetch_all(
        "SELECT message, min(path) AS path, type, value FROM indexed_number"
        " WHERE value IN (SELECT value FROM json_each(?)) GROUP BY value, type, message"
        " ORDER BY value, type, message LIMIT ?",
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


def _weigh_keys(snapshot: Snapshot, words: Sequence[frozenset[str]]) -> str:
    """Return each key with the number of its word and what it tells, the rarer the more, as `json_each` takes them.

    Of one word the best key counts. Two words together tell half of what one tells: they are told of already.
    """
    rows = snapshot.fetch_all(
        "SELECT asked.value AS key, (SELECT count(*) FROM"
        "   (SELECT 1 FROM name_key WHERE key = asked.value LIMIT ?2)) AS count"
        " FROM json_each(?1) AS asked",
        spell_list(sorted(frozenset().union(*words))),
        _MAX_POSTINGS,
    )
    told = {row["key"]: _WEIGHT_SCALE * log(_MOST / row["count"]) for row in rows if row["count"]}
    together = len(words) - 1
    asked = [
        [key, word, round(told[key] / (2 if word == together else 1))]
        for word, keys in enumerate(words)
        for key in sorted(keys & told.keys())
    ]
    return encode_canonical(asked).decode()


def _read_name(row: Row) -> NameEntry:
    return NameEntry(row["path"], row["role"], row["text"], tuple(row["births"].split()))


def _read_number(row: Row) -> NumberEntry:
    return NumberEntry(row["path"], Identifier(IdentifierType.from_code(row["type"]), row["value"]))
