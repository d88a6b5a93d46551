"""People who do not exist, named in many scripts. The names are in `names.toml`, each with where it is from."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from importlib.resources import files
from typing import Any

from agency_client.generating.dice import Dice
from agency_client.generating.reserved import SPECIMEN_STATE

SCRIPTS: Mapping[str, int] = {"Latn": 40, "Arab": 24, "Cyrl": 12, "Hans": 7, "Ethi": 6, "Deva": 5, "Grek": 4, "Hebr": 2}
"""Shares of a hundred. Assumed: no figures by script are published."""

_OLDEST_DAYS, _YOUNGEST_DAYS = 62 * 365, 4 * 365
_WITHOUT_DAY_PERCENT = 3


@dataclass(frozen=True, slots=True)
class SyntheticPerson:
    """A person: names as written and in Latin letters, sex as F or M, the birth date."""

    script: str
    surname: str
    given_names: str
    latin_surname: str
    latin_given_names: str
    sex: str
    born: date

    @property
    def name(self) -> str:
        """Return the whole name as written."""
        return f"{self.surname}{self.given_names}" if self.script == "Hans" else f"{self.given_names} {self.surname}"

    def describe(self, ref: str, role: str, dice: Dice) -> dict[str, Any]:
        """Return the person as an alert has it."""
        is_latin = self.script == "Latn"
        name = {"text": self.name, "script": self.script, "surname": self.surname, "given_names": self.given_names}
        if not is_latin:
            name["transliteration"] = f"{self.latin_given_names} {self.latin_surname}".title()
        born = self.born.isoformat()
        return {
            "ref": ref,
            "role": role,
            "names": [name],
            "birth_dates": [born[:4] if dice.happens(_WITHOUT_DAY_PERCENT) else born],
            "sex": "female" if self.sex == "F" else "male",
            "nationalities": [SPECIMEN_STATE],
        }


def draw_person(dice: Dice, on: date) -> SyntheticPerson:
    """Return a person as old as travellers are on a day: 4 to 62 years, most of them young adults."""
    script = dice.weigh(SCRIPTS)
    names = _load_names()[script]
    sex = "M" if dice.happens(72) else "F"
    surname, latin_surname = dice.choose(names["surnames"])
    given, latin_given = dice.choose(names["male" if sex == "M" else "female"])
    span = _OLDEST_DAYS - _YOUNGEST_DAYS
    # The lesser of two draws: the young are more.
    days = _YOUNGEST_DAYS + min(dice.below(span), dice.below(span))
    return SyntheticPerson(script, surname, given, latin_surname, latin_given, sex, on - timedelta(days=days))


@cache
def _load_names() -> dict[str, Any]:
    text = files("agency_client.generating").joinpath("names.toml").read_text("utf-8")
    return {entry["script"]: entry for entry in tomllib.loads(text)["scripts"]}
