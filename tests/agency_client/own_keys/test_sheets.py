"""Printed sheets: what stands on paper leads back to the same bytes, and a slip is found."""

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agency_client.errors import UsageError
from agency_client.own_keys.sheets import (
    Block,
    Sheet,
    format_html,
    format_text,
    format_words_in_lines,
    list_different_words,
    read_blocks,
)
from keys.anchors import format_anchor_hex, format_anchor_words
from schemas.codec import b64u_encode

VALUES = st.binary(min_size=32, max_size=32).map(b64u_encode)
ONE, TWO = b64u_encode(bytes(range(32))), b64u_encode(bytes(range(100, 132)))


def make_sheet(*values: str, title: str = "SHEET OF GB") -> Sheet:
    blocks = tuple(Block(f"part {number}", value) for number, value in enumerate(values, start=1))
    return Sheet(title, ("Before.",), blocks, ("After.", "The end."))


@given(st.lists(VALUES, min_size=1, max_size=2))
def test_a_printed_sheet_leads_back_to_what_was_printed(values: list[str]) -> None:
    assert read_blocks(format_text(make_sheet(*values)), len(values)) == tuple(values)


class Reader(HTMLParser):
    """Collects what a browser would show, and which elements there are."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.text = ""
        self._tag = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._tag = tag
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        if self._tag == "li":
            self.words.append(data)
        self.text += data


@given(VALUES, VALUES)
def test_a_page_to_print_has_every_word_in_order_and_fetches_nothing(one: str, two: str) -> None:
    page = format_html(make_sheet(one, two))
    reader = Reader()
    reader.feed(page)
    assert reader.words == [*format_anchor_words(one).split(), *format_anchor_words(two).split()]
    assert format_anchor_hex(one) in reader.text
    assert format_anchor_hex(two) in reader.text
    assert reader.tags == {"html", "head", "meta", "title", "style", "body", "h1", "h2", "p", "section", "ol", "li"}
    assert reader.attributes == {"lang", "charset", "http-equiv", "content", "class"}
    assert "default-src 'none'" in page
    assert "url(" not in page


def test_what_is_printed_cannot_leave_its_place_on_the_page() -> None:
    page = format_html(make_sheet(ONE, title="<script>alert(1)</script>"))
    assert "<script" not in page


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda text: text.replace(" 1 ", " 2 ", 1), "does not hold"),
        (lambda text: text.replace(format_anchor_hex(ONE), format_anchor_hex(TWO)), "of different anchors"),
        (lambda text: text.replace(format_anchor_hex(ONE), ""), "24 numbered words and one line"),
        (lambda text: text.replace(" 7 " + format_anchor_words(ONE).split()[6], " 7 utopia"), "word 7"),
        (lambda text: "", "does not hold"),
    ],
    ids=["numbers", "hexadecimal", "no-hexadecimal", "unknown-word", "nothing"],
)
def test_a_page_that_does_not_agree_with_itself_is_refused(change: object, problem: str) -> None:
    assert callable(change)
    with pytest.raises(UsageError, match=problem):
        read_blocks(change(format_text(make_sheet(ONE))), 1)


def test_a_page_of_one_part_is_no_page_of_two() -> None:
    with pytest.raises(UsageError, match="2 times 24 numbered words"):
        read_blocks(format_text(make_sheet(ONE)), 2)


def test_words_stand_numbered_in_lines() -> None:
    lines = format_words_in_lines(ONE).splitlines()
    assert len(lines) == 4
    assert lines[0].split()[::2] == ["1", "2", "3", "4", "5", "6"]
    assert " ".join(word for line in lines for word in line.split()[1::2]) == format_anchor_words(ONE)


@given(VALUES, st.sets(st.integers(0, 23), max_size=5))
def test_words_that_differ_are_named_by_their_places(value: str, places: set[int]) -> None:
    words = format_anchor_words(value).split()
    for place in places:
        words[place] = "zoo" if words[place] != "zoo" else "abandon"
    assert list_different_words(" ".join(words).upper(), value) == [place + 1 for place in sorted(places)]
