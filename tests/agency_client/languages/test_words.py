"""Words are said in the language asked for, in English where a catalogue lacks them, and in the right number."""

import pytest

from agency_client.languages.words import LANGUAGES, UnknownLanguageError, load_words, spell_field


def test_a_state_has_its_name_in_every_language() -> None:
    names = {code: load_words(code).say("Belgium") for code in LANGUAGES}

    assert names == {"en": "Belgium", "fr": "Belgique", "ar": "بلجيكا", "vi": "Bỉ", "zh": "比利时", "sq": "Belgjikë"}


@pytest.mark.parametrize("code", LANGUAGES)
def test_what_no_catalogue_has_is_said_in_english(code: str) -> None:
    assert load_words(code).say("nobody translates this") == "nobody translates this"


@pytest.mark.parametrize("code", LANGUAGES)
def test_an_empty_text_stays_empty_and_never_becomes_the_catalogues_header(code: str) -> None:
    assert load_words(code).say("") == ""


def test_a_language_without_words_is_refused_with_those_there_are() -> None:
    with pytest.raises(UnknownLanguageError, match=r"'xx'.*en, fr, ar, vi, zh, sq"):
        load_words("xx")


def test_only_arabic_runs_from_right_to_left() -> None:
    assert [language.code for language in LANGUAGES.values() if language.direction == "rtl"] == ["ar"]


def test_a_field_is_spelled_in_words() -> None:
    assert [spell_field(name) for name in ("birth_date", "is_minor", "sex")] == ["birth date", "minor", "sex"]
