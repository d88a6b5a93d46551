"""Tables as a weapon: formulas for whoever opens an export, files made to exhaust or mislead whoever takes them in."""

import csv
import tracemalloc
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest

from agency_client.interchange.tables.importing import judge_table
from agency_client.interchange.tables.mapping import read_mapping
from agency_client.interchange.tables.reading import TableError, open_table
from agency_client.interchange.tables.writing import make_table
from schemas.alerts import parse_alert
from tests.agency_client.interchange.exports import ORIGIN
from tests.agency_client.interchange.tables.tables import HEADER, MAPPING, USUAL, judge
from tests.schemas.alerts.filled import load

FORMULAS = (
    "=cmd|' /C calc'!A0",
    "+1+cmd|' /C calc'!A0",
    "-2+3+cmd|' /C calc'!A0",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    '=HYPERLINK("https://example.org?"&A1,"open")',
    "\uff1dcmd|' /C calc'!A0",
    '","=1+1","',
    ';=IMPORTXML("https://example.org")',
    "first\t=1+1",
    " =1+1",
    "'=1+1",
    '"=1+1"',
    "a|=1+1",
)
BEGIN_A_FORMULA = tuple("=+-@\uff1d\uff0b\uff0d\uff20\t\r\n")


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("text", FORMULAS)
def test_no_word_of_a_partner_is_a_formula_in_an_exported_table(text: str, delimiter: str) -> None:
    alert = load("document-status")
    single = text.replace("\t", " ")
    alert["subject"], alert["unit"], alert["statements"][0]["text"] = single, single, f"{text}\n{text}"

    written = make_table(parse_alert(alert), ORIGIN).decode("utf-8-sig")

    # As programs of other countries split it, and as those do that forget about quotation marks.
    for quoting in (csv.QUOTE_ALL, csv.QUOTE_NONE):
        for row in csv.reader(StringIO(written, newline=""), delimiter=delimiter, quoting=quoting):
            assert [cell for cell in row if cell.strip(' "').startswith(BEGIN_A_FORMULA)] == []


@pytest.mark.parametrize("text", FORMULAS)
def test_a_formula_in_a_table_taken_in_is_data(tmp_path: Path, text: str) -> None:
    path = tmp_path / "table.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([HEADER.split(","), ["L898902C3", "gestohlen", "2026", text]])

    (judged,) = judge(path, MAPPING.replace('"%m.%Y"', '"%Y"'))

    if "\t" in text:
        assert [item.field for item in judged.problems if item.column == "Where"]
    else:
        assert judged.draft is not None
        assert judged.draft["details"]["place"] == text.strip()


BOMBS: dict[str, Callable[[], bytes]] = {
    "a million columns": lambda: b"," * 1_000_000,
    "a giant cell": lambda: b'"' + b"x" * 8_000_000 + b'"',
    "a quotation mark never closed": lambda: b'"' + b"x\r\n" * 1_000_000,
    "one line without an end": lambda: b"x" * 8_000_000,
    "zero bytes": lambda: bytes(8_000_000),
    "bytes of no encoding": lambda: b"\xff" * 8_000_000,
    "line breaks of another machine": lambda: b'"' + b"\r" * 4_000_000,
}


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=list(BOMBS))
def test_a_bomb_is_refused_in_a_sentence_before_it_fills_memory(tmp_path: Path, bomb: Callable[[], bytes]) -> None:
    path = tmp_path / "bomb.csv"
    path.write_bytes(f"{HEADER}\r\n".encode() + bomb())
    mapping = read_mapping(MAPPING)

    tracemalloc.start()
    try:
        with pytest.raises(TableError, match=r"^line"), open_table(path, encoding="utf-8", delimiter=",") as table:
            list(judge_table(table, mapping, USUAL))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak < 3_000_000


def test_a_table_of_another_cannot_pass_its_apostrophes_off_as_ours(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text(f"{HEADER}\r\nL898902C3,gestohlen,2026,'=1+1\r\n", newline="")

    (judged,) = judge(path, MAPPING.replace('"%m.%Y"', '"%Y"'))

    assert judged.draft is not None
    assert judged.draft["details"]["place"] == "'=1+1"
