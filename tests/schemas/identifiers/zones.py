"""Hypothesis strategies for fields of machine readable zones, and the zones built from them."""

from hypothesis import strategies as st

from schemas.identifiers.mrz_build import MrzFields, build_mrz
from schemas.identifiers.mrz_layout import MrzFormat

DIGITS = "0123456789"
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
ALPHABET = DIGITS + LETTERS + "<"
VALUES = {character: value for value, character in enumerate(DIGITS + LETTERS)} | {"<": 0}
NUMBER_ROOM = {MrzFormat.TD1: 22, MrzFormat.TD2: 14}
OPTIONAL_ROOM = {MrzFormat.TD1: 15, MrzFormat.TD2: 7, MrzFormat.TD3: 14, MrzFormat.MRV_A: 16, MrzFormat.MRV_B: 8}


def _name() -> st.SearchStrategy[str]:
    return st.lists(st.text(LETTERS, min_size=1, max_size=6), min_size=1, max_size=2).map(" ".join)


def _optional(room: int) -> st.SearchStrategy[str]:
    return st.text(DIGITS + LETTERS, max_size=max(room, 0))


def _date() -> st.SearchStrategy[str]:
    known = st.text(DIGITS, min_size=6, max_size=6)
    return st.one_of(known, known.map(lambda text: text[:4] + "<<"), known.map(lambda text: text[:2] + "<<<<"))


@st.composite
def fields(draw: st.DrawFn) -> MrzFields:
    """Draw fields that fit into a zone without truncation."""
    mrz_format = draw(st.sampled_from(list(MrzFormat)))
    number = draw(st.text(DIGITS + LETTERS, min_size=1, max_size=NUMBER_ROOM.get(mrz_format, 9)))
    overflow = len(number) - 9 + 2 if len(number) > 9 else 0
    is_visa = mrz_format in {MrzFormat.MRV_A, MrzFormat.MRV_B}
    return MrzFields(
        format=mrz_format,
        document_code=draw(st.sampled_from(["V", "VC"] if is_visa else ["P", "PP", "I", "ID", "C", "A"])),
        issuing_state=draw(st.sampled_from(["UTO", "D", "GBN", "XPO", "UNO"])),
        surname=draw(_name()),
        given_names=draw(st.one_of(st.just(""), _name())),
        document_number=number,
        nationality=draw(st.sampled_from(["UTO", "D", "XXA", "EUE"])),
        birth_date=draw(st.one_of(_date(), st.just("<<<<<<"))),
        sex=draw(st.sampled_from("MF<")),
        expiry_date=draw(_date()),
        optional_data=draw(_optional(OPTIONAL_ROOM[mrz_format] - overflow)),
        optional_data_2=draw(_optional(11)) if mrz_format is MrzFormat.TD1 else "",
    )


def zones() -> st.SearchStrategy[tuple[str, ...]]:
    """Draw the lines of a zone whose check digits are right."""
    return fields().map(build_mrz)
