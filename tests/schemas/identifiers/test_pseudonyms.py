"""Pseudonyms: drawn, read back, and refused once a single character is another."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from schemas.identifiers.pseudonyms import PSEUDONYM_RANDOM_BYTES, Pseudonym, is_pseudonym, make_pseudonym

RANDOMNESS = st.binary(min_size=PSEUDONYM_RANDOM_BYTES, max_size=PSEUDONYM_RANDOM_BYTES)
READ = TypeAdapter(Pseudonym).validate_python


@given(RANDOMNESS)
def test_what_is_drawn_is_a_pseudonym(randomness: bytes) -> None:
    assert READ(make_pseudonym(randomness)) == make_pseudonym(randomness)


@given(RANDOMNESS, st.integers(min_value=2, max_value=20), st.sampled_from("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
def test_one_other_character_makes_it_none(randomness: bytes, place: int, other: str) -> None:
    drawn = make_pseudonym(randomness)
    changed = drawn[:place] + other + drawn[place + 1 :]
    assert is_pseudonym(changed) == (changed == drawn)


@pytest.mark.parametrize("text", ["", "V-", "L898902C3", "V-7KQ2-M4XD-9TRB-H3CF\n", "v-7kq2-m4xd-9trb-h3cf"])
def test_nothing_else_is_one(text: str) -> None:
    assert not is_pseudonym(text)
    with pytest.raises(ValidationError):
        READ(text)


def test_a_wrong_check_character_is_said_to_be_one() -> None:
    with pytest.raises(ValidationError, match="check character is wrong"):
        READ("V-7KQ2-M4XD-9TRB-H3CG")


def test_it_is_drawn_from_exactly_so_many_bytes() -> None:
    with pytest.raises(ValueError, match="15 bytes, not 14"):
        make_pseudonym(bytes(14))
