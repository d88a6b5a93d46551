"""Reading zones: published specimens, damaged ones, and anything else that may be handed in."""

from datetime import date
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.identifiers.mrz import CheckName, CheckResult, Mrz, MrzError, parse_mrz, read_birth_date, read_expiry_date
from schemas.identifiers.mrz_layout import LAYOUTS, MrzFormat
from schemas.identifiers.states import is_state_code
from tests.schemas.identifiers.zones import ALPHABET, VALUES, zones

SPECIMENS = sorted((Path(__file__).parents[3] / "examples" / "specimens").glob("*.json"))
TD3 = ("P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", "L898902C36UTO7408122F1204159ZE184226B<<<<<10")
TD1 = ("I<UTOD231458907<<<<<<<<<<<<<<<", "7408122F1204159UTO<<<<<<<<<<<6", "ERIKSSON<<ANNA<MARIA<<<<<<<<<<")


def load(path: Path) -> dict[str, Any]:
    specimen: dict[str, Any] = orjson.loads(path.read_bytes())
    return specimen


def results(mrz: Mrz) -> dict[CheckName, CheckResult]:
    return {check.name: check.result for check in mrz.checks}


def replace(lines: tuple[str, ...], line: int, position: int, character: str) -> tuple[str, ...]:
    """Put another character at a position, both counted from 1."""
    changed = list(lines)
    changed[line - 1] = changed[line - 1][: position - 1] + character + changed[line - 1][position:]
    return tuple(changed)


def test_specimens_of_at_least_twenty_states_cover_all_five_formats() -> None:
    states = {load(path)["says"]["issuing_state"] for path in SPECIMENS}
    assert len(states - {"UTO"}) >= 20
    assert all(is_state_code(state) for state in states)
    assert {load(path)["says"]["format"] for path in SPECIMENS} == {str(item) for item in MrzFormat}


@pytest.mark.parametrize("path", SPECIMENS, ids=lambda path: path.stem)
def test_a_published_specimen_names_its_source_and_reads_as_published(path: Path) -> None:
    specimen = load(path)
    mrz = parse_mrz(specimen["lines"])

    assert {name: getattr(mrz, name) for name in specimen["says"]} == specimen["says"]
    assert mrz.lines == tuple(specimen["lines"])
    assert mrz.failed_checks == ()
    assert specimen["source"]
    assert specimen["read_from"]


@pytest.mark.parametrize("zone", ["\n".join(TD3), "\r\n".join(TD3), "".join(TD3), "".join(TD3).encode(), list(TD3)])
def test_a_zone_reads_alike_from_lines_and_from_text_with_breaks_or_without(zone: str | bytes | list[str]) -> None:
    assert parse_mrz(zone) == parse_mrz(TD3)


def test_a_long_document_number_continues_in_the_optional_data() -> None:
    td1 = parse_mrz(
        ("I<UTOD23145890<7349<<<<<<<<<<<", "3407127M9507122UTO<<<<<<<<<<<2", "STEVENSON<<PETER<JOHN<<<<<<<<<")
    )

    assert td1.document_number == "D23145890734"
    assert td1.optional_data == ""
    assert results(td1)[CheckName.DOCUMENT_NUMBER] is CheckResult.PASS


def test_a_long_document_number_may_fill_the_optional_data_to_the_end() -> None:
    """Doc 9303 wants a filler after the check digit; where none fits, the last character is the check digit."""
    lines = ("I<UTOD23145890<" + "7" * 14 + "0", TD1[1], TD1[2])

    assert parse_mrz(lines).document_number == "D23145890" + "7" * 14


def test_a_filler_for_the_check_digit_of_a_short_number_is_wrong() -> None:
    lines = replace(TD1, 1, 15, "<")

    assert results(parse_mrz(lines))[CheckName.DOCUMENT_NUMBER] is CheckResult.FAIL


@pytest.mark.parametrize(
    ("printed", "result"), [("<", CheckResult.ABSENT), ("0", CheckResult.PASS), ("3", CheckResult.FAIL)]
)
def test_unused_optional_data_may_have_a_filler_or_zero_as_check_digit(printed: str, result: CheckResult) -> None:
    lines = (TD3[0], "L898902C36UTO7408122F1204159<<<<<<<<<<<<<<" + printed + "0")

    assert results(parse_mrz(lines))[CheckName.OPTIONAL_DATA] is result


def test_an_unknown_birth_date_needs_no_check_digit() -> None:
    lines = (TD3[0], "L898902C36UTO<<<<<<<F1204159ZE184226B<<<<<10")

    assert results(parse_mrz(lines))[CheckName.BIRTH_DATE] is CheckResult.ABSENT


def test_visas_have_no_composite_and_no_optional_check_digit() -> None:
    mrz = parse_mrz(("V<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<", "L898902C<3UTO6908061F9406236ZE184226"))

    assert mrz.format is MrzFormat.MRV_B
    assert results(mrz)[CheckName.COMPOSITE] is results(mrz)[CheckName.OPTIONAL_DATA] is CheckResult.ABSENT


def test_a_failing_zone_is_kept_as_seen_with_every_result() -> None:
    lines = replace(TD3, 2, 1, "M")
    mrz = parse_mrz(lines)

    assert mrz.lines == lines
    assert mrz.document_number == "M898902C3"
    assert mrz.failed_checks == (CheckName.DOCUMENT_NUMBER, CheckName.COMPOSITE)
    assert [check.computed for check in mrz.checks if check.name is CheckName.DOCUMENT_NUMBER] == ["3"]


def test_a_question_mark_for_a_check_digit_never_passes() -> None:
    """An unreadable field has no digit, and a reader's mark for 'unreadable' must not equal it."""
    lines = replace(replace(TD3, 2, 1, "?"), 2, 10, "?")

    assert CheckName.DOCUMENT_NUMBER in parse_mrz(lines).failed_checks


@pytest.mark.parametrize("code", ["D", "GBD", "GBN", "XPO", "XOM", "XXA", "UTO", "EUE", "UNO", "QQQ"])
def test_any_state_code_is_read_known_or_not(code: str) -> None:
    lines = ("P<" + code.ljust(3, "<") + TD3[0][5:], TD3[1][:10] + code.ljust(3, "<") + TD3[1][13:])
    mrz = parse_mrz(lines)

    assert (mrz.issuing_state, mrz.nationality, mrz.failed_checks) == (code, code, ())


@pytest.mark.parametrize(
    ("field", "surname", "given_names"),
    [
        ("ERIKSSON<<ANNA<MARIA", "ERIKSSON", "ANNA MARIA"),
        ("VAN<DER<MUELLEN<<MARTIN", "VAN DER MUELLEN", "MARTIN"),
        ("ARKFREITH", "ARKFREITH", ""),
        ("MUSIELAK<<<BORYS<ANDRZEJ", "MUSIELAK", "BORYS ANDRZEJ"),
        ("SPECIMEN<<ANNA<<MARIA", "SPECIMEN", "ANNA MARIA"),
        ("", "", ""),
    ],
)
def test_names_are_split_at_the_first_two_fillers(field: str, surname: str, given_names: str) -> None:
    mrz = parse_mrz(("P<UTO" + field.ljust(39, "<"), TD3[1]))

    assert (mrz.surname, mrz.given_names) == (surname, given_names)


def test_a_full_name_field_is_the_sign_of_truncation() -> None:
    full = parse_mrz(("P<UTOPAPANDROPOULOUS<<JONATHON<WARREN<TREVOR", TD3[1]))

    assert full.names_may_be_truncated
    assert not parse_mrz(TD3).names_may_be_truncated


@pytest.mark.parametrize(
    ("printed", "read"),
    [
        ("740812", "1974-08-12"),
        ("260101", "2026-01-01"),
        ("271231", "1927-12-31"),
        ("7408<<", "1974-08"),
        ("74<<<<", "1974"),
        ("74<<12", "1974"),
        ("<<<<<<", None),
        ("741312", None),
        ("000229", "2000-02-29"),
        ("990229", None),
        ("74O812", None),
    ],
)
def test_a_birth_date_lies_in_the_last_century_before_the_day_of_reading(printed: str, read: str | None) -> None:
    mrz = parse_mrz((TD3[0], TD3[1][:13] + printed + TD3[1][19:]))

    assert read_birth_date(mrz, as_of=date(2026, 11, 21)) == read


@pytest.mark.parametrize(
    ("printed", "read"), [("120415", "2012-04-15"), ("940623", "1994-06-23"), ("750101", "2075-01-01")]
)
def test_an_expiry_date_lies_in_the_century_nearest_to_the_day_of_reading(printed: str, read: str) -> None:
    mrz = parse_mrz((TD3[0], TD3[1][:21] + printed + TD3[1][27:]))

    assert read_expiry_date(mrz, as_of=date(2026, 11, 21)) == read


def test_an_impossible_expiry_date_is_none() -> None:
    mrz = parse_mrz((TD3[0], TD3[1][:21] + "120231" + TD3[1][27:]))

    assert read_expiry_date(mrz, as_of=date(2026, 11, 21)) is None


@pytest.mark.parametrize(
    "zone", ["", "P<UTO", ("A" * 44, "B" * 43), ("A" * 30,) * 2, "A" * 89, "A" * 2000, "é".encode()]
)
def test_lines_of_no_known_shape_are_refused_by_name(zone: str | bytes | tuple[str, ...]) -> None:
    with pytest.raises(MrzError):
        parse_mrz(zone)


@given(st.one_of(st.binary(max_size=250), st.text(max_size=250), st.lists(st.text(max_size=50), max_size=4)))
def test_whatever_is_handed_in_nothing_but_the_named_error_comes_out(zone: str | bytes | list[str]) -> None:
    try:
        mrz = parse_mrz(zone)
    except MrzError:
        return
    assert len(mrz.checks) == len(CheckName)


@given(
    st.sampled_from([(3, 30), (2, 36), (2, 44)]).flatmap(
        lambda shape: st.tuples(
            *[st.text(st.characters(codec="utf-8"), min_size=shape[1], max_size=shape[1])] * shape[0]
        )
    )
)
def test_any_characters_in_the_shape_of_a_zone_are_read_or_refused_by_name(lines: tuple[str, ...]) -> None:
    try:
        mrz = parse_mrz(lines)
    except MrzError:
        return
    read_birth_date(mrz, as_of=date(2026, 11, 21))
    read_expiry_date(mrz, as_of=date(2026, 11, 21))
    assert mrz.lines == lines or any(line != line.strip() for line in lines)


@given(zones(), st.data())
def test_one_wrong_character_in_a_checked_field_is_found_unless_the_weights_cannot_tell(
    lines: tuple[str, ...], data: st.DataObject
) -> None:
    """7, 3 and 1 have no factor in common with 10: only values that are equal modulo 10 (0, A, K, U, <) look alike."""
    layout = LAYOUTS[parse_mrz(lines).format]
    checked = layout.composite or tuple((line, first, last + 1) for line, first, last in _checked_fields(layout))
    line, first, last = data.draw(st.sampled_from(checked))
    position = data.draw(st.integers(first, last))
    before = lines[line - 1][position - 1]
    after = data.draw(st.sampled_from(ALPHABET).filter(lambda other: (VALUES[other] - VALUES[before]) % 10))

    assert parse_mrz(lines).failed_checks == ()
    assert parse_mrz(replace(lines, line, position, after)).failed_checks


def _checked_fields(layout: Any) -> tuple[tuple[int, int, int], ...]:
    return (layout.number, layout.birth, layout.expiry)
