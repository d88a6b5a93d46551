"""Anchors as words and hexadecimal: every slip of a pen is caught."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keys.anchors import format_anchor_hex, format_anchor_words, parse_anchor
from keys.errors import AnchorError
from schemas.codec import b64u_encode

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
        ("", "neither"),
        ("abandon", "neither"),
        ("zz" * 32, "neither"),
        ("abandon " * 24, "check word"),
        ("abandon " * 23 + "passport", "word 24 is not in the list"),
        ("A" * 42, "neither"),
        ("a!" * 20, "neither"),
    ],
)
def test_what_is_no_anchor_says_why(text: str, problem: str) -> None:
    with pytest.raises(AnchorError, match=problem):
        parse_anchor(text)
