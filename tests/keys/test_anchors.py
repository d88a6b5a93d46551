"""Anchors as words and hexadecimal: every slip of a pen is caught."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mnemonic import Mnemonic

from keys.anchors import find_wrong_word, format_anchor_hex, format_anchor_words, parse_anchor
from keys.errors import AnchorError
from schemas.codec import b64u_encode

NEITHER = "the anchor is neither 24 words nor 64 hexadecimal digits"
ANCHORS = st.binary(min_size=32, max_size=32).map(b64u_encode)


@given(ANCHORS)
def test_words_hex_and_base64_lead_back(anchor: str) -> None:
    assert parse_anchor(format_anchor_words(anchor)) == anchor
    assert parse_anchor(format_anchor_hex(anchor)) == anchor
    assert parse_anchor(format_anchor_words(anchor).upper().replace(" ", "\n")) == anchor
    assert parse_anchor(f" {anchor}\n") == anchor


@given(ANCHORS, st.integers(0, 22))
def test_two_neighbouring_words_swapped_give_no_other_anchor_unless_the_check_allows_it(anchor: str, at: int) -> None:
    words = format_anchor_words(anchor).split()
    words[at], words[at + 1] = words[at + 1], words[at]
    try:
        assert parse_anchor(" ".join(words)) != anchor or words[at] == words[at + 1]
    except AnchorError as error:
        assert "check word" in str(error)  # noqa: PT017 - about one swap in 256 passes the eight-bit check


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", NEITHER),
        ("abandon", NEITHER),
        ("zz" * 32, NEITHER),
        ("abandon " * 24, "the check word does not fit: one word is wrong or two were swapped"),
        ("abandon " * 23 + "passport", "word 24 is not in the list: check its spelling"),
        ("A" * 42, NEITHER),
        ("a!" * 20, NEITHER),
    ],
)
def test_what_is_no_anchor_says_why(text: str, problem: str) -> None:
    with pytest.raises(AnchorError) as refusal:
        parse_anchor(text)
    assert str(refusal.value) == problem


@given(ANCHORS, st.integers(0, 23), st.integers(0, 2046))
def test_one_wrong_word_is_found_by_whoever_knows_what_the_words_lead_to(anchor: str, place: int, step: int) -> None:
    words = format_anchor_words(anchor).split()
    vocabulary = Mnemonic("english").wordlist
    words[place] = vocabulary[(vocabulary.index(words[place]) + 1 + step) % len(vocabulary)]
    assert find_wrong_word(words, lambda found: found == anchor) == place + 1


def test_two_wrong_words_have_no_one_place() -> None:
    anchor = b64u_encode(bytes(32))
    words = format_anchor_words(anchor).split()
    words[3] = words[4] = "zoo"
    assert find_wrong_word(words, lambda found: found == anchor) is None
