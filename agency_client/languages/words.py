"""The words of one language: a gettext catalogue by message id, which is the English text itself.

The catalogues are written by `deploy/catalogs.py` and lie in `catalogs/`. A text that a catalogue lacks is said in
English, never left out.
"""

from dataclasses import dataclass
from functools import cache
from gettext import GNUTranslations, NullTranslations
from pathlib import Path
from typing import Literal

_CATALOGS = Path(__file__).with_name("catalogs")


@dataclass(frozen=True, slots=True)
class Language:
    """A language: its BCP 47 code, its own name, which way it runs, whether a native speaker has read its words."""

    code: str
    own_name: str
    direction: Literal["ltr", "rtl"] = "ltr"
    is_reviewed: bool = False


LANGUAGES: dict[str, Language] = {
    language.code: language
    for language in (
        Language("en", "English", is_reviewed=True),
        Language("fr", "Français"),
        Language("ar", "العربية", "rtl"),
        Language("vi", "Tiếng Việt"),
        Language("zh", "中文"),
        Language("sq", "Shqip"),
    )
}


class UnknownLanguageError(ValueError):
    """There are no words in a language."""


@dataclass(frozen=True, slots=True)
class Words:
    """What says a text in one language."""

    language: Language
    translations: NullTranslations

    def say(self, text: str) -> str:
        """Return an English text of the code in this language, or as it is."""
        return self.translations.gettext(text) if text else ""

    def count(self, one: str, many: str, number: int) -> str:
        """Return the form that goes with a number, which stands in it where `{number}` does."""
        return self.translations.ngettext(one, many, number).format(number=number)


ENGLISH = Words(LANGUAGES["en"], NullTranslations())


def spell_field(name: str) -> str:
    """Return the words for the name of a field: `birth_date` is "birth date", `is_minor` is "minor"."""
    return name.removeprefix("is_").replace("_", " ")


@cache
def load_words(code: str) -> Words:
    """Load the words of a language.

    Raises:
        UnknownLanguageError: there are none.
    """
    if code not in LANGUAGES:
        raise UnknownLanguageError(f"there are no words in {code!r}; there are: {', '.join(LANGUAGES)}")
    if code == ENGLISH.language.code:
        return ENGLISH
    with (_CATALOGS / f"{code}.mo").open("rb") as catalogue:
        return Words(LANGUAGES[code], GNUTranslations(catalogue))
