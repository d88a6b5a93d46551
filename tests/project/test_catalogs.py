"""The catalogues of words are those of the texts in the code, and no text is left without words in any language."""

import pytest

from agency_client.languages.texts import list_texts
from agency_client.languages.words import ENGLISH, LANGUAGES, Language
from deploy.catalogs import list_files, read

TRANSLATED = [language for language in LANGUAGES.values() if language is not ENGLISH.language]


def test_the_catalogues_are_current() -> None:
    stale = [path.name for path, content in list_files() if path.read_bytes() != content]

    assert stale == [], "run: python deploy/catalogs.py"


@pytest.mark.parametrize("language", TRANSLATED, ids=lambda language: str(language.code))
def test_every_text_has_words(language: Language) -> None:
    catalogue = read(language)

    assert [text for text in list_texts() if not getattr(catalogue.get(text), "string", "")] == []
