"""Closed lists: codes on the wire, labels for people."""

import importlib
import pkgutil
from typing import Literal

import pytest
from pydantic import TypeAdapter, ValidationError

import schemas
from schemas.coded import CodedValue
from schemas.markings import Urgency

for module in pkgutil.walk_packages(schemas.__path__, "schemas."):
    importlib.import_module(module.name)
LISTS = sorted(CodedValue.__subclasses__(), key=lambda item: item.__name__)


@pytest.mark.parametrize("codes", LISTS, ids=lambda codes: str(codes.__name__))
def test_every_code_is_in_kebab_case_and_has_a_label(codes: type[CodedValue]) -> None:
    assert len({member.label for member in codes}) == len(codes)
    for member in codes:
        assert member.value.replace("-", "").isalnum()
        assert member.value == member.value.lower()
        assert member.label
        assert member.label[0] == member.label[0].upper() or member.label.startswith(("imo", "europol"))


def test_a_code_is_read_and_written_as_itself() -> None:
    adapter = TypeAdapter(Urgency)

    assert adapter.validate_json('"urgent"') is Urgency.URGENT
    assert adapter.dump_json(Urgency.URGENT) == b'"urgent"'
    assert adapter.validate_python(Urgency.URGENT) is Urgency.URGENT
    assert f"{Urgency.URGENT}" == "urgent"


@pytest.mark.parametrize("code", ["", "URGENT", "Urgent", "urgent "])
def test_another_code_is_refused_with_those_there_are(code: str) -> None:
    with pytest.raises(ValueError, match="routine, urgent, threat-to-life"):
        Urgency.from_code(code)


@pytest.mark.parametrize("value", ["1", "null", "[]", '"x"'])
def test_anything_else_is_refused(value: Literal["1", "null", "[]"]) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Urgency).validate_json(value)
