"""A guarded cell begins no formula in any program, and comes back to the letter."""

import csv
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agency_client.interchange.tables.cells import guard_cell, unguard_cell
from tests.strategies.hostile_text import HOSTILE

BEGINNINGS = "=+-@＝＋－＠\t\r\n"
ANY_LETTER = st.characters(codec="utf-8")
TEXTS = st.text(st.one_of(st.sampled_from("=+-@'\",;|\t\r\n aﬀ＝0"), ANY_LETTER), max_size=30)


@given(TEXTS)
def test_every_text_comes_back_to_the_letter(text: str) -> None:
    assert unguard_cell(guard_cell(text)) == text


@given(TEXTS, st.sampled_from(",;\t|"))
def test_no_cell_begins_a_formula_whatever_a_program_takes_for_the_separator(text: str, delimiter: str) -> None:
    written = StringIO(newline="")
    csv.writer(written, quoting=csv.QUOTE_ALL).writerow([guard_cell(text), "end"])

    for row in csv.reader(StringIO(written.getvalue(), newline=""), delimiter=delimiter):
        assert [cell for cell in row if cell.lstrip(' "')[:1] and cell.lstrip(' "')[0] in BEGINNINGS[:8]] == []


@pytest.mark.parametrize("text", ["", "ERIKSSON", "+44 7700 900123", "O'Neill", "2026-11-21", "a=b", "'quoted'"])
def test_a_text_is_changed_only_where_a_formula_could_begin(text: str) -> None:
    assert guard_cell(text) == ("'" + text if text.startswith("+") else text)


@pytest.mark.parametrize("text", HOSTILE.values(), ids=list(HOSTILE))
def test_hostile_text_comes_back_too(text: str) -> None:
    assert unguard_cell(guard_cell(text)) == text


@pytest.mark.parametrize("letter", ["\t", "'", '"', " ", ";", ",\t' "])
def test_a_long_row_of_one_character_is_gone_through_once(letter: str) -> None:
    assert unguard_cell(guard_cell(letter * 300_000)) == letter * 300_000
