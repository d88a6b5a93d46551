"""The exported JSON Schemas are those of the models, and say what the wire says."""

import re
from collections.abc import Iterator
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import orjson
import pytest

import schemas
from schemas.alerts import kind_names, parse_alert
from schemas.codec import CodecError
from schemas.export import EXPORTED, render_schemas
from tests.schemas.alerts.filled import ABSENT, leaves, load, load_changed
from tests.schemas.json_schema import is_valid

FOLDER = Path(schemas.__file__).parent / "json"
NAMES = [f"{export.name}.json" for export in EXPORTED]


@cache
def load_schema(name: str) -> dict[str, Any]:
    schema: dict[str, Any] = orjson.loads((FOLDER / name).read_bytes())
    return schema


def walk(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
        for item in node.values():
            yield from walk(item)
    elif isinstance(node, list):
        for item in node:
            yield from walk(item)


def test_the_files_are_what_the_models_say() -> None:
    """After a change of a model: python deploy/export_schemas.py."""
    present = {path.name: path.read_bytes() for path in FOLDER.glob("*.json")}
    rendered = render_schemas()

    assert sorted(present) == sorted(rendered) == sorted(NAMES)
    assert [name for name, content in rendered.items() if present[name] != content] == []


def test_every_kind_is_exported() -> None:
    assert {f"alert-{name}" for name in kind_names()} <= {export.name for export in EXPORTED}


@pytest.mark.parametrize("name", NAMES)
def test_a_schema_names_itself_and_its_dialect(name: str) -> None:
    schema = load_schema(name)

    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$id"] == f"urn:bilateral:schema:{name.removesuffix('.json')}:1"
    assert schema["title"]
    assert schema["description"]


@pytest.mark.parametrize("name", NAMES)
def test_a_schema_is_closed_and_knows_no_null(name: str) -> None:
    for node in walk(load_schema(name)):
        assert node.get("type") != "null"
        assert "default" not in node or "type" not in node
        if node.get("type") == "object":
            assert node["additionalProperties"] is False or name == "message.json"


@pytest.mark.parametrize("name", NAMES)
def test_every_reference_leads_somewhere_and_every_pattern_is_anchored(name: str) -> None:
    for node in walk(load_schema(name)):
        if isinstance(node.get("$ref"), str):
            assert node["$ref"].removeprefix("#/$defs/") in load_schema(name)["$defs"]
        if isinstance(node.get("pattern"), str):
            assert re.fullmatch(r"\^.*\$", node["pattern"])
            assert "\\A" not in node["pattern"]


@pytest.mark.parametrize("kind", kind_names())
def test_an_example_is_valid_under_the_schema_of_its_kind(kind: str) -> None:
    assert is_valid(load_schema(f"alert-{kind}.json"), load(kind))


@pytest.mark.parametrize("kind", kind_names())
def test_what_the_schema_refuses_in_a_field_the_model_refuses(kind: str) -> None:
    wrong: tuple[Any, ...] = ({"not": "this"}, [], "\x1b", "", -1)
    changes = [{leaf: value} for leaf, value in product(leaves(load(kind)), wrong)]

    assert [change for change in changes if not is_refused_by_both(kind, load_changed(kind, change))] == []


def is_refused_by_both(kind: str, wire: dict[str, Any]) -> bool:
    try:
        parse_alert(wire)
    except CodecError:
        return not is_valid(load_schema(f"alert-{kind}.json"), wire)
    return False


@pytest.mark.parametrize("kind", kind_names())
def test_what_the_schema_requires_the_model_requires(kind: str) -> None:
    changes = [{field: ABSENT} for field in load_schema(f"alert-{kind}.json")["required"]]

    assert [change for change in changes if not is_refused_by_both(kind, load_changed(kind, change))] == []


def test_rules_of_a_kind_are_in_its_schema() -> None:
    assert "in_reply_to" in load_schema("alert-withdrawal.json")["required"]
    assert "grading" in load_schema("alert-document-fraud.json")["required"]
    assert "persons" not in load_schema("alert-ping.json")["properties"]
