"""Every text that a reader is shown of an alert is among those to translate."""

from collections import defaultdict
from string import Formatter
from typing import Any, get_args

import pytest

from agency_client.languages.texts import list_texts
from agency_client.languages.words import LANGUAGES, load_words
from schemas.alerts.base import Alert
from schemas.alerts.grading import SOURCE_GRADES, GradingScheme
from schemas.alerts.kinds.document_fraud import FraudType
from schemas.alerts.registry import kind_names, kind_of
from schemas.alerts.shapes import Moment, PersonRef
from schemas.alerts.walking import walk_parts
from schemas.coded import CodedValue
from schemas.identifiers.states import StateCode
from schemas.model import AgencyId
from schemas.part import Part
from tests.agency_client.interchange.exports import EXAMPLES

NATURES: dict[str, Any] = {"a state": StateCode, "a person": PersonRef, "a moment": Moment, "an agency": AgencyId}
SAME_SENSE = {"destination", "held_by", "issuing_state", "nationality", "onward", "origin"}
"""Written in words here and as a code there, and meant alike."""


def test_kinds_codes_grades_fields_and_states_are_texts() -> None:
    texts = list_texts()

    assert {kind_of(name).label for name in kind_names()} <= texts.keys()
    assert {member.label for member in FraudType} <= texts.keys()
    assert set(SOURCE_GRADES[GradingScheme.EUROPOL_4X4].values()) <= texts.keys()
    assert {"issuing state", "birth date", "holder", "caveats", "persons"} <= texts.keys()
    assert {"Viet Nam", "Utopia (specimen documents)", "Refugee (1951 Convention)"} <= texts.keys()


def test_no_text_is_empty_and_each_says_where_it_is_said() -> None:
    assert all(text.strip() == text and text and remark for text, remark in list_texts().items())


def test_the_name_of_a_field_has_one_sense_so_that_one_translation_fits_all_of_them() -> None:
    natures: dict[str, set[str]] = defaultdict(set)
    for part in {type(part) for alert in EXAMPLES.values() for _, part in walk_parts(alert)} - {Alert}:
        for cls in part.__mro__:
            for name, annotation in (cls.__annotations__ if issubclass(cls, Part) else {}).items():
                natures[name].add(find_nature(annotation))

    assert natures["state"] == {"a state"}
    assert natures["person"] == {"a person"}
    assert natures["at"] == {"a moment"}
    assert {name for name, found in natures.items() if len(found) > 1} == SAME_SENSE


def test_no_code_is_labelled_as_a_field_is_named() -> None:
    fields = {text for text, remark in list_texts().items() if remark.startswith("a field of")}
    labels = {member.label for codes in CodedValue.__subclasses__() for member in codes}
    assert fields & labels == set()


@pytest.mark.parametrize("code", LANGUAGES)
def test_a_translation_names_in_braces_what_the_text_names(code: str) -> None:
    words = load_words(code)
    named = {text: (list_names(text), list_names(words.say(text))) for text in list_texts() if "{" in text}
    assert len(named) > 15
    assert {text: names for text, names in named.items() if names[0] != names[1]} == {}


def list_names(text: str) -> list[str]:
    """Return what stands in braces in a text, sorted."""
    return sorted(name for _, name, _, _ in Formatter().parse(text) if name is not None)


def find_nature(annotation: Any) -> str:
    """Return what kind of value a field holds, as far as a reader would be misled by the word for another."""
    for nature, type_ in NATURES.items():
        if annotation is type_:
            return nature
    return next((found for item in get_args(annotation) if (found := find_nature(item)) != "words"), "words")
