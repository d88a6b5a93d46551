"""Names in the letters of a zone: the standard's recommendations, and letters it cannot write."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.identifiers.transliteration import TransliterationError, transliterate_name


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("Térèsa", "TERESA"),
        ("Müller", "MUELLER"),
        ("Mu\u0308ller", "MUELLER"),
        ("Österbyen Åsamund", "OESTERBYEN<AASAMUND"),
        ("Þór Æsir", "THOR<AESIR"),
        ("Weiß", "WEISS"),
        ("Łukasz Đorđe", "LUKASZ<DORDE"),
        ("Nguyễn Văn-Ơn", "NGUYEN<VAN<ON"),
        ("D'Artagnan", "DARTAGNAN"),
        ("Eriksson, Anna", "ERIKSSON<ANNA"),
        ("  Anna   Maria ", "ANNA<MARIA"),
        ("Jr.", "JR"),
        ("İpek ışık", "IPEK<ISIK"),
    ],
)
def test_names_are_written_as_the_standard_recommends(name: str, written: str) -> None:
    assert transliterate_name(name) == written


@pytest.mark.parametrize("name", ["李", "Иван", "محمد", "Anna2"])
def test_a_letter_without_a_latin_form_is_named(name: str) -> None:
    with pytest.raises(TransliterationError) as refusal:
        transliterate_name(name)
    assert refusal.value.letter in name.upper()


@given(st.text(max_size=60))
def test_whatever_the_name_only_letters_of_a_zone_come_out(name: str) -> None:
    try:
        written = transliterate_name(name)
    except TransliterationError:
        return
    assert set(written) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZ<")
    assert "<<" not in written
