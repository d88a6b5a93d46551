"""Every script is read into a–z, by the table that its readers use; nothing else ever comes out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agency_client.matching.letters import (
    find_script,
    has_loose_vowels,
    has_marks,
    is_vietnamese,
    list_readings,
    spell_tones,
    strip_marks,
)


@pytest.mark.parametrize(
    ("word", "reading"),
    [
        ("Müller", "mueller"),  # ICAO Doc 9303-3, section 6 A
        ("Müller", "muller"),
        ("Đặng", "dang"),
        ("Čapek", "chapek"),
        ("Şahin", "shahin"),
        ("Хрущёв", "khrushchev"),
        ("Гоголь", "hohol"),
        ("Џорџ", "dzhordzh"),
        ("Μπουμπουλίνα", "bouboulina"),
        ("Βενιζέλος", "venizelos"),
        ("محمد", "mhmd"),
        ("یوسف", "yusf"),
        ("מֹשֶׁה", "mshh"),
        ("毛泽东", "maozedong"),
        ("김", "gim"),
        ("შოთა", "shota"),
        ("ヴェルディ", "vueludei"),
    ],
)
def test_a_word_has_the_reading_of_its_table(word: str, reading: str) -> None:
    assert reading in list_readings(word)


def test_a_word_without_letters_has_no_reading() -> None:
    assert list_readings("") == list_readings("—’ 12") == ()


@given(st.text(max_size=12))
def test_whatever_is_read_comes_out_in_plain_letters_each_once(word: str) -> None:
    readings = list_readings(word)
    assert len(set(readings)) == len(readings)
    assert all(reading and set(reading) <= set("abcdefghijklmnopqrstuvwxyz") for reading in readings)


def test_the_script_is_that_of_the_first_letter() -> None:
    assert [find_script(word) for word in ("'Abd", "Жуков", "毛", "12", "")] == ["LATIN", "CYRILLIC", "CJK", "", ""]


def test_vowels_tell_little_where_a_script_leaves_them_out() -> None:
    assert has_loose_vowels(find_script("محمد"))
    assert not has_loose_vowels(find_script("Жуков"))


def test_marks_are_those_of_latin_letters() -> None:
    assert has_marks("Hùng")
    assert not has_marks("Hung")
    assert not has_marks("Жуков")
    assert strip_marks("Đỗ Thị Hồng".replace(" ", "")) == "dothihong"


def test_vietnamese_shows_in_letters_that_nobody_else_has() -> None:
    assert is_vietnamese("Nguyễn Du")
    assert is_vietnamese("Hưng")
    assert not is_vietnamese("José Muñoz")


def test_a_tone_stands_over_one_vowel_or_the_next() -> None:
    assert spell_tones("hoà") == spell_tones("hòa")
    assert spell_tones("hoa") != spell_tones("hòa")
    assert spell_tones("hùng") != spell_tones("hưng")
