"""An alert as a table: each value in a line of its own, with its path, its field in words and what a code means. Pure.

Every value of the alert is there, and the marking and marks stand before the first of them. No spreadsheet evaluates a
cell of it (`agency_client.interchange.tables.cells`).
"""

import csv
from collections.abc import Iterator
from io import StringIO

from agency_client.interchange.leaves import list_leaves
from agency_client.interchange.misp import Origin
from agency_client.interchange.tables.cells import guard_cell
from agency_client.languages.words import spell_field
from schemas.alerts.base import Alert
from schemas.alerts.walking import list_values, walk_parts
from schemas.coded import CodedValue
from schemas.model import format_timestamp

COLUMNS = ("path", "label", "value", "meaning")


def make_table(alert: Alert, origin: Origin) -> bytes:
    """Return the table in UTF-8, with the byte order mark by which spreadsheets know it."""
    text = StringIO(newline="")
    writer = csv.writer(text, quoting=csv.QUOTE_ALL)
    writer.writerow(COLUMNS)
    writer.writerows([guard_cell(cell) for cell in row] for row in _list_rows(alert, origin))
    return text.getvalue().encode("utf-8-sig")


def _list_rows(alert: Alert, origin: Origin) -> Iterator[tuple[str, str, str, str]]:
    yield "message.marking", "marking", origin.marking.value, origin.marking.label
    for place, mark in enumerate(origin.marks):
        yield f"message.marks.{place}", "mark", mark, ""
    yield "message.id", "message", origin.message_id, ""
    yield "message.digest", "digest", origin.digest, ""
    yield "message.sender", "from", origin.sender, ""
    yield "message.sent_at", "sent", format_timestamp(origin.sent_at), ""
    meanings = dict(_list_meanings(alert))
    for path, value in list_leaves(alert).items():
        shown = str(value).lower() if isinstance(value, bool) else str(value)
        yield path, _spell_path(path), shown, meanings.get(path, "")


def _list_meanings(alert: Alert) -> Iterator[tuple[str, str]]:
    for path, part in walk_parts(alert):
        for field, value in list_values(part, path):
            if isinstance(value, CodedValue):
                yield field, value.label


def _spell_path(path: str) -> str:
    """Return the words for a path, counting places from one: `persons.0.names.1.text` is "persons 1, names 2, text"."""
    words: list[str] = []
    for step in path.split("."):
        if step.isdecimal() and words:
            words[-1] += f" {int(step) + 1}"
        else:
            words.append(spell_field(step))
    return ", ".join(words)
