"""People who do not exist: named in every script there is a share for, of an age at which people travel."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agency_client.generating.dice import Dice
from agency_client.generating.people import SCRIPTS, _load_names, draw_person
from agency_client.matching.letters import find_script
from schemas.identifiers.transliteration import transliterate_name

ON = date(2023, 7, 14)
NAMED = {
    "Arab": "ARABIC",
    "Cyrl": "CYRILLIC",
    "Deva": "DEVANAGARI",
    "Ethi": "ETHIOPIC",
    "Grek": "GREEK",
    "Hans": "CJK",
    "Hebr": "HEBREW",
    "Latn": "LATIN",
}
"""The scripts by their codes (ISO 15924), and as Unicode calls their letters."""


def test_every_script_has_names_and_a_share() -> None:
    assert set(_load_names()) == set(SCRIPTS)
    assert sum(SCRIPTS.values()) == 100


@pytest.mark.parametrize("script", SCRIPTS)
def test_names_are_in_their_script_and_their_latin_form_fits_a_zone(script: str) -> None:
    entry = _load_names()[script]
    for written, latin in (*entry["surnames"], *entry["female"], *entry["male"]):
        assert transliterate_name(latin) == latin.replace(" ", "<")
        assert find_script(written) == NAMED[script]


@given(st.integers(0, 10**6))
def test_a_person_is_whole_and_of_an_age_to_travel(seed: int) -> None:
    person = draw_person(Dice(seed, "people"), ON)
    described = person.describe("p1", "suspect", Dice(seed, "described"))

    assert 3 < (ON - person.born).days / 365 < 63
    assert person.surname in person.name
    assert person.given_names in person.name
    assert person.born.isoformat().startswith(described["birth_dates"][0])
    assert ("transliteration" in described["names"][0]) == (person.script != "Latn")
