"""Writing zones: what is written is what is read, names fit as the standard's own examples do."""

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.identifiers.mrz import parse_mrz
from schemas.identifiers.mrz_build import MrzFields, build_mrz
from schemas.identifiers.mrz_layout import MrzError, MrzFormat
from tests.schemas.identifiers.zones import LETTERS, fields

ERIKSSON = MrzFields(
    format=MrzFormat.TD3,
    document_code="P",
    issuing_state="UTO",
    surname="Eriksson",
    given_names="Anna Maria",
    document_number="L898902C3",
    nationality="UTO",
    birth_date="740812",
    sex="F",
    expiry_date="120415",
    optional_data="ZE184226B",
)


def test_the_specimen_of_the_standard_is_written_letter_by_letter() -> None:
    assert build_mrz(ERIKSSON) == (
        "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<",
        "L898902C36UTO7408122F1204159ZE184226B<<<<<10",
    )


def test_the_long_number_of_the_standard_is_written_letter_by_letter() -> None:
    stevenson = MrzFields(
        MrzFormat.TD2, "I", "UTO", "STEVENSON", "PETER JOHN", "D23145890734", "UTO", "340712", "M", "950712"
    )

    assert build_mrz(stevenson) == ("I<UTOSTEVENSON<<PETER<JOHN<<<<<<<<<<", "D23145890<UTO3407127M95071227349<<<8")


@given(fields())
def test_what_was_written_is_read_back(written: MrzFields) -> None:
    mrz = parse_mrz(build_mrz(written))

    assert {name: getattr(mrz, name) for name in MrzFields.__slots__} == {
        name: getattr(written, name) for name in MrzFields.__slots__
    }
    assert mrz.failed_checks == ()


@pytest.mark.parametrize(
    ("surname", "given_names", "line"),
    [
        ("HENG", "DEBORAH MING LO", "P<UTOHENG<<DEBORAH<MING<LO<<<<<<<<<<<<<<<<<<"),
        ("SMITH-JONES", "SUSIE MARGARET", "P<UTOSMITH<JONES<<SUSIE<MARGARET<<<<<<<<<<<<"),
        ("O'CONNOR", "ENYA SIOBHAN", "P<UTOOCONNOR<<ENYA<SIOBHAN<<<<<<<<<<<<<<<<<<"),
        ("VAN DER MUELLEN", "MARTIN", "P<UTOVAN<DER<MUELLEN<<MARTIN<<<<<<<<<<<<<<<<"),
        ("ARKFREITH", "", "P<UTOARKFREITH<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<"),
        ("PAPANDROPOULOUS", "JONATHON WARREN TREVOR", "P<UTOPAPANDROPOULOUS<<JONATHON<WARREN<TREVOR"),
        ("NILAVADHANANANDA", "CHAYAPA DEJTHAMRONG KRASUANG", "P<UTONILAVADHANANANDA<<CHAYAPA<DEJTHAMRONG<K"),
        ("NILAVADHANANANDA", "ARNPOL PETCH CHARONGUANG", "P<UTONILAVADHANANANDA<<ARNPOL<PETCH<CHARONGU"),
    ],
)
def test_names_are_written_as_the_examples_of_the_standard(surname: str, given_names: str, line: str) -> None:
    """ICAO Doc 9303-4, 4.2.3."""
    assert build_mrz(replace(ERIKSSON, surname=surname, given_names=given_names))[0] == line


NAMES = st.lists(st.text(LETTERS, min_size=1, max_size=30), min_size=1, max_size=8).map(" ".join)


@given(NAMES, NAMES)
def test_a_truncated_name_ends_in_a_letter_and_keeps_a_letter_of_the_given_names(
    surname: str, given_names: str
) -> None:
    mrz = parse_mrz(build_mrz(replace(ERIKSSON, surname=surname, given_names=given_names)))

    has_a_letter_to_give_up = re.search(r"[A-Z]{2}", mrz.lines[0][5:]) is not None
    if len(surname) + len(given_names) + 2 > 39 and has_a_letter_to_give_up:
        assert mrz.names_may_be_truncated
    assert mrz.surname
    assert mrz.given_names
    assert mrz.surname[0] == surname[0]
    assert mrz.given_names[0] == given_names[0]


def test_a_name_of_single_letters_only_is_cut_where_the_field_ends() -> None:
    letters = " ".join("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    line = build_mrz(replace(ERIKSSON, surname="E", given_names=letters))[0]

    assert line == "P<UTOE<<A<B<C<D<E<F<G<H<I<J<K<L<M<N<O<P<Q<R<"


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"document_number": "L898902C34"}, "document_number"),
        ({"document_number": "L8 98"}, "document_number"),
        ({"document_number": "12345678901234567890123", "format": MrzFormat.TD1}, "document_number"),
        ({"document_code": "V"}, "document_code"),
        ({"format": MrzFormat.MRV_A}, "document_code"),
        ({"sex": "X"}, "sex"),
        ({"birth_date": "1974"}, "birth_date"),
        ({"surname": "李"}, "names"),
        ({"surname": "'"}, "surname"),
        ({"optional_data": "Z" * 15}, "Z: there is room for 14"),
        ({"optional_data_2": "Z"}, "optional_data_2"),
    ],
)
def test_what_does_not_fit_is_refused_and_named(change: dict[str, str], named: str) -> None:
    with pytest.raises(MrzError, match=named):
        build_mrz(replace(ERIKSSON, **change))  # type: ignore[arg-type]
