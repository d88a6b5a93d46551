"""Nothing foreign steers a terminal, reorders a line or hides; every script stays readable."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agency_client.terminal.cleaning import MAX_MARKS_IN_A_ROW, clean_block, clean_line, is_shown

BIDI_CONTROLS = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI", "BN", "B", "S"}
HOSTILE = st.text(
    st.one_of(
        st.characters(),
        st.characters(categories=["Cc", "Cf", "Zl", "Zp", "Zs", "Mn", "Me", "Co", "Cs", "Cn"]),
        st.sampled_from("\x1b[2J\x9b\u202e\u2066\u200b\u200d\ufeff\r\n\t\x7f\u034f\u0336é<U+001B>"),
    ),
    max_size=80,
)


def is_harmless(character: str) -> bool:
    return (
        unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
        and unicodedata.bidirectional(character) not in BIDI_CONTROLS
    )


@given(HOSTILE)
def test_a_cleaned_line_never_holds_a_control_or_a_bidirectional_character(text: str) -> None:
    assert all(is_harmless(character) for character in clean_line(text))


@given(HOSTILE)
def test_a_cleaned_block_holds_line_feeds_and_nothing_else_of_the_kind(text: str) -> None:
    assert all(is_harmless(character) for character in clean_block(text).replace("\n", ""))


@given(HOSTILE)
def test_cleaning_twice_changes_nothing_more(text: str) -> None:
    assert clean_line(clean_line(text)) == clean_line(text)


@given(HOSTILE, st.integers(1, 20))
def test_length_is_bounded_whatever_comes(text: str, limit: int) -> None:
    longest = limit * len("<U+10FFFF>") + len(f"… (+{len(text)})")
    assert len(clean_line(text, max_characters=limit)) <= longest
    assert len(clean_block(text * 50, max_characters=limit)) <= 10 * longest + 10


@pytest.mark.parametrize(
    "text",
    [
        "ERIKSSON<<ANNA<MARIA",
        "Nguyễn Thị Hồng Ánh",
        "Þórður Jónsdóttir",
        "محمد عبد الله",
        "Ђорђе Đorđević",
        "欧阳娜娜",
        "ඔයා කොහොමද",
        "Ngũ\u0302́ combined",
        "“quoted” – 50 €",
    ],
)
def test_names_of_every_script_pass_unchanged(text: str) -> None:
    assert clean_line(text) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\x1b[31mred", "a<U+001B>[31mred"),
        ("a\x9b31m", "a<U+009B>31m"),
        ("invoice\u202ecod.exe", "invoice<U+202E>cod.exe"),
        ("\u2066isolated\u2069", "<U+2066>isolated<U+2069>"),
        ("pass\u200bport", "pass<U+200B>port"),
        ("one\ntwo\r\n", "one<U+000A>two<U+000D><U+000A>"),
        ("tab\there", "tab<U+0009>here"),
        ("del\x7f", "del<U+007F>"),
        ("\ufeffbom", "<U+FEFF>bom"),
        ("line\u2028sep", "line<U+2028>sep"),
        ("tag\U000e0041", "tag<U+E0041>"),
        ("private\ue000", "private<U+E000>"),
        ("lone\ud800", "lone<U+D800>"),
        ("filler\u3164", "filler<U+3164>"),
        ("vs\ufe0f", "vs<U+FE0F>"),
        ("1\u0336 struck", "1<U+0336> struck"),
        ("key\u20e3cap", "key<U+20E3>cap"),
        ("\u0301leads", "<U+0301>leads"),
        ("no\u00a0break «\u202fx\u202f»\u3000wide", "no break « x » wide"),
        ("em\u2003space", "em<U+2003>space"),
    ],
)
def test_what_is_not_shown_is_named(text: str, expected: str) -> None:
    assert clean_line(text) == expected


def test_marks_do_not_pile_up() -> None:
    assert clean_line("a" + "\u0301" * 6) == "a" + "\u0301" * MAX_MARKS_IN_A_ROW + "<U+0301>" * 2


def test_a_block_keeps_its_lines_and_says_what_was_cut() -> None:
    assert clean_block("one\r\ntwo\n\tthree\rfour") == "one\ntwo\n    three<U+000D>four"
    assert clean_block("ab\ncdef", max_characters=4) == "ab\nc… (+3)"
    assert clean_line("abcdef", max_characters=4) == "abcd… (+2)"
    assert clean_line("abcd", max_characters=4) == "abcd"


def test_what_is_shown_is_decided_for_every_character_there_is() -> None:
    shown = [chr(code) for code in range(0x110000) if is_shown(chr(code))]
    assert all(is_harmless(character) or character == " " for character in shown)
    assert len(shown) > 140_000
