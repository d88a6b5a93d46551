"""Let what a message says be found, in the transaction that keeps its content; follow what its sender corrects.

A correction names fields. What it replaces is not found any more, and what it says is, under the same path, until it is
taken back itself; whose word it is was judged before it came here (`agency_client.aftercare.acting`).
"""

import re
from collections.abc import Callable
from dataclasses import replace
from itertools import chain

from agency_client.local_store.corrected_index import find_before, keep_before, keep_changes, list_changes
from agency_client.local_store.engine import Transaction
from agency_client.local_store.name_index import (
    drop_index,
    index_names,
    index_numbers,
    list_indexed_names,
    list_indexed_numbers,
)
from agency_client.matching.entries import NameEntry, NumberEntry, list_names, list_numbers
from agency_client.matching.scoring import forget_names
from schemas.alerts.base import Alert
from schemas.alerts.kinds.correction import Change
from schemas.alerts.shapes import Identifier
from schemas.identifiers.dates import read_partial_date
from schemas.identifiers.numbers import normalise_document_number

MAX_NAME_LENGTH = 600
"""No name of an alert is longer, given names and surname together."""
_BIRTH_FIELD = re.compile(r"\.birth_date(s\.[0-9]+)?$")


def index_message(transaction: Transaction, digest: str, alert: Alert) -> None:
    """Let the names and numbers of the message with this envelope digest be found."""
    index_names(transaction, digest, list_names(alert))
    index_numbers(transaction, digest, list_numbers(alert))
    forget_names()


def correct_index(transaction: Transaction, digest: str, notice: str, changes: tuple[Change, ...]) -> None:
    """Keep what a correction changes of what can be found of a message; `renew_index` does it."""
    names, numbers = list_indexed_names(transaction, digest), list_indexed_numbers(transaction, digest)
    if names or numbers:
        keep_before(transaction, digest, names, numbers)
        keep_changes(transaction, digest, notice, changes)


def renew_index(transaction: Transaction, digest: str, does_count: Callable[[str], bool]) -> None:
    """Let a message be found by what it says now, by the corrections that count; nothing where none was ever here."""
    before = find_before(transaction, digest)
    if before is None:
        return
    names, numbers = before
    counting = (changes for notice, changes in list_changes(transaction, digest) if does_count(notice))
    for change in chain.from_iterable(counting):
        names = list(filter(None, (change_name(entry, change) for entry in names)))
        numbers = list(filter(None, (change_number(entry, change) for entry in numbers)))
    drop_index(transaction, digest)
    index_names(transaction, digest, dict.fromkeys(names))
    index_numbers(transaction, digest, dict.fromkeys(numbers))
    forget_names()


def change_name(entry: NameEntry, change: Change) -> NameEntry | None:
    """Return a name with its birth dates as a change leaves it; None: nothing is left of it."""
    if change.was is None:
        return entry
    if _is_of_person(entry.path, change.field) and change.was in entry.births:
        now = (change.now,) if change.now is not None and _is_date(change.now) else ()
        births = (date for known in entry.births for date in (now if known == change.was else (known,)))
        return replace(entry, births=tuple(births))
    if not change.field.startswith(f"{entry.path}.") or change.was not in entry.text:
        return entry
    # Once: where the words stand several times a change says no more, and a name never grows beyond all names.
    text = " ".join(entry.text.replace(change.was, change.now or "", 1).split())
    if len(text) > MAX_NAME_LENGTH:
        return entry
    return replace(entry, text=text) if text else None


def change_number(entry: NumberEntry, change: Change) -> NumberEntry | None:
    """Return a number as a change leaves it; None: nothing is left of it."""
    if change.was is None or normalise_document_number(change.was) != normalise_document_number(entry.identifier.value):
        return entry
    if not change.field.startswith(f"{entry.path}."):
        return entry
    if change.now is None:
        return None
    return replace(entry, identifier=Identifier(entry.identifier.type, normalise_document_number(change.now)))


def _is_date(text: str) -> bool:
    try:
        read_partial_date(text)
    except ValueError:
        return False
    return True


def _is_of_person(path: str, field: str) -> bool:
    """Return whether a field is a birth date of whom a name at a path belongs to."""
    owner = _BIRTH_FIELD.sub("", field)
    return owner != field and (path == owner or path.startswith(f"{owner}."))
