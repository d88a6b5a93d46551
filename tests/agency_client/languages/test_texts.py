"""Every text that a reader is shown of an alert is among those to translate."""

from string import Formatter

import pytest

from agency_client.languages.texts import list_texts
from agency_client.languages.words import LANGUAGES, load_words
from schemas.alerts.grading import SOURCE_GRADES, GradingScheme
from schemas.alerts.kinds.document_fraud import FraudType
from schemas.alerts.registry import kind_names, kind_of


def test_kinds_codes_grades_fields_and_states_are_texts() -> None:
    texts = list_texts()

    assert {kind_of(name).label for name in kind_names()} <= texts.keys()
    assert {member.label for member in FraudType} <= texts.keys()
    assert set(SOURCE_GRADES[GradingScheme.EUROPOL_4X4].values()) <= texts.keys()
    assert {"issuing state", "birth date", "holder", "caveats", "persons"} <= texts.keys()
    assert {"Viet Nam", "Utopia (specimen documents)", "Refugee (1951 Convention)"} <= texts.keys()


def test_no_text_is_empty_and_each_says_where_it_is_said() -> None:
    assert all(text.strip() == text and text and remark for text, remark in list_texts().items())


@pytest.mark.parametrize("code", LANGUAGES)
def test_a_translation_names_in_braces_what_the_text_names(code: str) -> None:
    words = load_words(code)
    named = {text: (list_names(text), list_names(words.say(text))) for text in list_texts() if "{" in text}
    assert len(named) > 15
    assert {text: names for text, names in named.items() if names[0] != names[1]} == {}


def list_names(text: str) -> list[str]:
    """Return what stands in braces in a text, sorted."""
    return sorted(name for _, name, _, _ in Formatter().parse(text) if name is not None)
