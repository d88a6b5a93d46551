"""Every English text that a catalogue translates, found in the models themselves so that none can be forgotten.

Labels of closed lists, grades, kinds, states, the names of fields as `spell_field` makes words of them, and the fixed
texts of pages.
"""

import importlib
import pkgutil
from collections.abc import Iterator
from itertools import product
from typing import TypeVar

import schemas
from agency_client.languages.page_texts import HEADER_TEXTS, PAGE_TEXTS, REPORT_TEXTS
from agency_client.languages.words import spell_field
from schemas.agreements.answering import list_legal_deadlines
from schemas.alerts import kind_names, kind_of
from schemas.alerts.base import Alert
from schemas.alerts.grading import INFORMATION_GRADES, SOURCE_GRADES
from schemas.coded import CodedValue
from schemas.identifiers.states import STATE_NAMES
from schemas.markings import Urgency
from schemas.part import Part

T = TypeVar("T")


def list_texts() -> dict[str, str]:
    """Return every text with a remark for the translator: where it is said."""
    texts: dict[str, str] = {}
    for text, remark in _list_all():
        texts.setdefault(text, remark)
    return texts


def _list_all() -> Iterator[tuple[str, str]]:
    for name in kind_names():
        yield kind_of(name).label, "a kind of alert"
    for module in pkgutil.walk_packages(schemas.__path__, "schemas."):
        importlib.import_module(module.name)
    for codes in _list_below(CodedValue):
        yield from ((member.label, f"a code of {codes.__name__}") for member in codes)
    for grades in (*SOURCE_GRADES.values(), *INFORMATION_GRADES.values()):
        yield from ((words, "a grade") for words in grades.values())
    for part in _list_below(Part):
        yield from ((spell_field(name), f"a field of {part.__name__}") for name in part.model_fields)
    for code, name in STATE_NAMES.items():
        yield name, f"the state, organisation or status {code}"
    for kind, urgency in product(kind_names(), Urgency):
        yield from ((item.label, "a term that the law sets") for item in list_legal_deadlines(kind, urgency))
    yield from ((text, "on the page of an alert") for text in (*PAGE_TEXTS, *HEADER_TEXTS))
    yield from ((text, "in a report of an alert") for text in REPORT_TEXTS)


def _list_below(base: type[T]) -> list[type[T]]:
    found = set(base.__subclasses__())
    while added := {below for item in found for below in item.__subclasses__()} - found:
        found |= added
    shown = [item for item in found if item.__module__.startswith("schemas.") and item.__base__ is not Alert]
    return sorted(shown, key=lambda item: (item.__module__, item.__qualname__))
