"""An alert as a table: every value in its line, beside its path and what its code means; nothing in it is evaluated."""

import csv
from io import StringIO

import pytest

from agency_client.interchange.leaves import list_leaves
from agency_client.interchange.tables.cells import unguard_cell
from agency_client.interchange.tables.writing import COLUMNS, make_table
from tests.agency_client.interchange.exports import EXAMPLES, ORIGIN


def read(data: bytes) -> list[list[str]]:
    """Return the cells of a table, as they were before they were guarded."""
    rows = csv.reader(StringIO(data.decode("utf-8-sig"), newline=""))
    return [[unguard_cell(cell) for cell in row] for row in rows]


@pytest.mark.parametrize("kind", EXAMPLES)
def test_every_value_of_an_alert_stands_in_a_line_of_its_own(kind: str) -> None:
    header, *rows = read(make_table(EXAMPLES[kind], ORIGIN))

    leaves = {path: str(value) for path, value in list_leaves(EXAMPLES[kind]).items()}
    found = {path: value for path, _, value, _ in rows if not path.startswith("message.")}
    assert tuple(header) == COLUMNS
    assert found == {path: {"True": "true", "False": "false"}.get(value, value) for path, value in leaves.items()}
    assert len({path for path, *_ in rows}) == len(rows)


def test_whose_it_is_and_how_it_is_marked_comes_first() -> None:
    _, *rows = read(make_table(EXAMPLES["document-status"], ORIGIN))

    assert [row[:3] for row in rows[:5]] == [
        ["message.marking", "marking", "amber-strict"],
        ["message.id", "message", ORIGIN.message_id],
        ["message.digest", "digest", ORIGIN.digest],
        ["message.sender", "from", "GB-HO"],
        ["message.sent_at", "sent", "2026-11-21T21:02:25Z"],
    ]


def test_fields_and_codes_are_said_in_words() -> None:
    rows = {row[0]: row[1:] for row in read(make_table(EXAMPLES["document-fraud"], ORIGIN))}

    assert rows["details.techniques.1"] == ["details, techniques 2", "imitated-uv", "Ultraviolet features imitated"]
    assert rows["details.custody.is_seized"] == ["details, custody, seized", "true", ""]
    assert rows["persons.0.names.0.text"][0] == "persons 1, names 1, text"
