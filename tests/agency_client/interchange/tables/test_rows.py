"""A line becomes the alert that it says, or is refused with column, field and what would be right there."""

import pytest

from agency_client.interchange.tables.mapping import read_mapping
from agency_client.interchange.tables.rows import ReadLine, RefusedLineError, read_line
from agency_client.sending.composing import fill_common_part
from tests.agency_client.interchange.tables.tables import EXAMPLES, MAPPING, USUAL
from tests.strategies.hostile_text import PRINTABLE

CELLS = {"Number": " L898902C3 ", "What": "gestohlen", "When": "03.09.2026", "Where": "Zenith"}
FRAUD = (EXAMPLES / "false-documents.toml").read_text()
FRAUD_CELLS = {
    "Case": "BE-7",
    "Found": "21/11/2026 16:05",
    "Noted": "21/07/2026 19:40",
    "Way": "transit",
    "Document": "P",
    "State": "UTO",
    "Fraud": "counterfeit | forged",
    "Techniques": "",
    "Seized": "YES",
}


def read(cells: dict[str, str], mapping: str = MAPPING) -> ReadLine:
    """Return what a line becomes; columns that are not given are empty."""
    checked = read_mapping(mapping)
    return read_line(checked, dict.fromkeys(checked.columns, "") | cells, fill_common_part({}, USUAL))


def refuse(cells: dict[str, str], mapping: str = MAPPING) -> list[tuple[str, str, str, object]]:
    """Return what is wrong with a line."""
    with pytest.raises(RefusedLineError) as refusal:
        read(cells, mapping)
    assert str(refusal.value)
    return [(item.column, item.field, item.problem, item.example) for item in refusal.value.problems]


def test_a_line_is_the_draft_that_the_mapping_says_and_nothing_more() -> None:
    assert read(CELLS).draft == {
        "kind": "document-status",
        "subject": "Passport L898902C3 reported",
        "grading": {"scheme": "europol-4x4", "source": "A", "information": "1"},
        "statements": [{"text": "Reported at Zenith.", "basis": "fact"}],
        "details": {
            "type": "passport",
            "issuing_state": "UTO",
            "national_reference": "UTO-7",
            "number": "L898902C3",
            "status": "stolen",
            "happened_on": "2026-09-03",
            "place": "Zenith",
        },
    }


def test_lists_times_and_truths_are_read_as_the_mapping_says() -> None:
    draft = read(FRAUD_CELLS, FRAUD).draft

    assert draft["details"]["fraud_types"] == ["counterfeit", "forgery"]
    assert draft["details"]["custody"] == {"is_seized": True}
    assert (draft["details"]["encounter"]["at"], draft["data_as_of"]) == (
        "2026-11-21T15:05:00Z",
        "2026-07-21T17:40:00Z",
    )
    assert "techniques" not in draft["details"]


@pytest.mark.parametrize(("text", "date"), [("3.9.2026", "2026-09-03"), ("09.2026", "2026-09"), ("٠٩.٢٠٢٦", "2026-09")])
def test_a_date_is_as_exact_as_its_cell(text: str, date: str) -> None:
    assert read(CELLS | {"When": text}).draft["details"]["happened_on"] == date


@pytest.mark.parametrize(
    ("cells", "column", "field", "sentence", "example"),
    [
        ({"Number": " "}, "Number", "details.number", "is empty, and the mapping requires it", "L898902C3"),
        ({"What": "weg"}, "What", "details.status", "is none of the mapping's values: gestohlen, verloren", "stolen"),
        ({"What": ""}, "What", "details.status", "is missing", "stolen"),
        ({"When": "31.02.2026"}, "When", "details.happened_on", "is no date as the mapping spells them", "1985-07"),
        ({"When": "2026-09-03"}, "When", "details.happened_on", "is no date as the mapping spells them", "1985-07"),
        ({"Number": "x" * 41}, "Number", "details.number", "is too long", "L898902C3"),
        ({"Where": "a\nb"}, "Where", "details.place", "is not written as it must be", "text on one line"),
        ({"Where": "a\x1b[2J"}, "Where", "details.place", "is not written as it must be", "text on one line"),
    ],
)
def test_a_wrong_cell_is_named_by_its_column_with_an_example(
    cells: dict[str, str], column: str, field: str, sentence: str, example: str
) -> None:
    found = refuse(CELLS | cells)

    assert [(*item[:2], item[3]) for item in found if item[1] == field and sentence in item[2]] == [
        (column, field, example)
    ]


def test_every_wrong_cell_of_a_line_is_named_at_once() -> None:
    found = refuse(CELLS | {"Number": "", "What": "weg", "When": "soon"})

    assert [column for column, *_ in found] == ["Number", "What", "When"]


def test_a_place_in_a_list_is_traced_to_its_column_past_empty_ones() -> None:
    mapping = FRAUD.replace('values = { "counterfeit"', 'values = { "unheard" = "unheard-of", "counterfeit"')

    found = refuse(FRAUD_CELLS | {"Fraud": "counterfeit|unheard"}, mapping)

    assert [item[:2] for item in found] == [("Fraud", "details.fraud_types.1")]


def test_what_is_wrong_with_a_constant_names_no_column() -> None:
    assert [item[:2] for item in refuse(CELLS, MAPPING.replace('"UTO"', '"ZZZ"'))] == [("", "details.issuing_state")]


@pytest.mark.parametrize(
    ("found", "wrong"), [("25/10/2026 02:30", True), ("29/03/2026 02:30", True), ("25/10/2026 03:30", False)]
)
def test_an_hour_in_which_the_clocks_were_changed_is_no_moment(found: str, *, wrong: bool) -> None:
    cells = FRAUD_CELLS | {"Found": found}
    if wrong:
        assert "the clocks were changed" in refuse(cells, FRAUD)[0][2]
    else:
        assert read(cells, FRAUD).draft["details"]["encounter"]["at"] == "2026-10-25T02:30:00Z"


def test_a_moment_before_our_time_is_refused() -> None:
    assert "years from 1900" in refuse(FRAUD_CELLS | {"Found": "21/11/0001 16:05"}, FRAUD)[0][2]


@pytest.mark.parametrize("text", PRINTABLE.values(), ids=list(PRINTABLE))
def test_a_cell_is_data_whatever_it_looks_like(text: str) -> None:
    draft = read(CELLS | {"Where": text}).draft

    assert draft["details"]["place"] == text.strip()
    assert draft["statements"][0]["text"] == " ".join(f"Reported at {text.strip()}.".split())


def test_a_column_named_in_a_cell_is_not_filled_in_again() -> None:
    assert read(CELLS | {"Where": "{Number}"}).draft["statements"][0]["text"] == "Reported at {Number}."


def test_letters_and_tone_marks_of_windows_1258_become_one_character() -> None:
    in_pieces = b"Nguy\xea\xde n".decode("cp1258").replace(" ", "")
    mapping = MAPPING.replace('ignore = ["Remarks"]', 'encoding = "windows-1258"')

    assert read(CELLS | {"Where": in_pieces}, mapping).draft["details"]["place"] == "Nguyễn"
    assert read(CELLS | {"Where": in_pieces}).draft["details"]["place"] == in_pieces != "Nguyễn"


@pytest.mark.parametrize(("text", "whole"), [("12", 12), ("1.5", None), ("٣", None), ("9" * 16, None)])
def test_a_whole_number_is_read_as_one(text: str, whole: int | None) -> None:
    mapping = FRAUD + '\n[columns."Metres"]\nfield = "details.encounter.position.within_metres"\n'
    mapping = mapping.replace("[alert]", '[alert]\ndetails.encounter.position.as_seen = "51.05, 1.78"')
    cells = FRAUD_CELLS | {"Metres": text}
    if whole is None:
        assert refuse(cells, mapping)[0][::2] == ("Metres", "must be a whole number")
    else:
        assert read(cells, mapping).draft["details"]["encounter"]["position"]["within_metres"] == whole


def test_true_and_false_need_no_translation_and_other_words_do() -> None:
    mapping = FRAUD.replace('values = { "yes" = true, "no" = false }', "")

    assert read(FRAUD_CELLS | {"Seized": "false"}, mapping).draft["details"]["custody"] == {"is_seized": False}
    assert refuse(FRAUD_CELLS | {"Seized": "ja"}, mapping)[0][:2] == ("Seized", "details.custody.is_seized")
