"""Identifiers in words: what is found, what it is called, and which words are none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.identifiers.pseudonyms import make_pseudonym
from schemas.identifiers.words import find_identifiers

FOUND = {
    "Write to anna@example.org tonight.": "an e-mail address",
    "See https://example.org/anna": "a web address",
    "She is www.example.org there": "a web address",
    "Her account is @anna_specimen.": "an account's name",
    "Paid from GB29 NWBK 6016 1331 9268 19.": "an account number (IBAN)",
    "Call +44 1632 960961 after six.": "a telephone number",
    "Call (01632) 960961.": "a telephone number",
    "Her passport is L898902C3.": "a number like that of a document",
    "Card D23145890, taken away": "a number like that of a document",
    "P<UTOERIKSSON<<ANNA<MARIA": "a line of a machine readable zone",
    "Born on 1974-08-12.": "a full date, which may be one of birth",
    "Born 12.08.1974 in the north": "a full date, which may be one of birth",
}


@pytest.mark.parametrize("text", FOUND)
def test_an_identifier_is_found_and_called_by_its_name(text: str) -> None:
    assert FOUND[text] in find_identifiers(text)


@pytest.mark.parametrize(
    "text",
    [
        "The person worked twelve hours a day in 2025 and was paid 20 a week.",
        "Under article 12(1) of the Convention, 30 days at least.",
        "Since August 2026 nobody has called; the debt is 14,500.",
        "A flat on the second floor, 3 others, all between 18 and 20 years.",
        "Người phụ nữ trẻ cần được giúp đỡ.",
        "She was told: @ work, and nowhere else",
    ],
)
def test_ordinary_words_are_no_identifiers(text: str) -> None:
    assert find_identifiers(text) == ()


@given(st.binary(min_size=15, max_size=15))
def test_a_pseudonym_is_what_may_stand_in_words(randomness: bytes) -> None:
    assert find_identifiers(f"With {make_pseudonym(randomness)}, her child.") == ()


@given(st.text(alphabet="0123456789", min_size=7, max_size=15))
def test_digits_in_a_row_are_always_found(digits: str) -> None:
    assert find_identifiers(f"it is {digits} there")


@given(st.text(max_size=200))
def test_no_text_stops_it_and_nothing_of_the_text_comes_out(text: str) -> None:
    assert all(name.isascii() for name in find_identifiers(text))
