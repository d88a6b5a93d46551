"""Examples and descriptions found in a JSON Schema by the path of a field."""

from typing import Any

from schemas.alerts.examples import find_description, find_example, list_members

SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["code", "parts"],
    "properties": {
        "code": {"type": "string", "examples": ["x-1"], "description": "a code"},
        "parts": {"type": "array", "items": {"anyOf": [{"$ref": "#/$defs/Part"}, {"type": "null"}]}},
        "kind": {"const": "fixed"},
        "weight": {"type": "integer"},
        "shape": {"type": "number"},
        "self": {"$ref": "#/$defs/Loop"},
    },
    "$defs": {
        "Part": {
            "type": "object",
            "description": "a part",
            "required": ["colour", "ok"],
            "properties": {
                "colour": {"enum": ["red", "blue"]},
                "ok": {"type": "boolean"},
                "name": {"type": "string"},
            },
        },
        "Loop": {"type": "object", "required": ["again"], "properties": {"again": {"$ref": "#/$defs/Loop"}}},
    },
}


def test_an_example_is_the_one_given_or_made_of_the_parts() -> None:
    assert find_example(SCHEMA, ["code"]) == "x-1"
    assert find_example(SCHEMA, ["parts", 0, "colour"]) == "red"
    assert find_example(SCHEMA, ["parts", 7]) == {"colour": "red", "ok": True}
    assert find_example(SCHEMA, []) == {"code": "x-1", "parts": [{"colour": "red", "ok": True}]}
    assert find_example(SCHEMA, ["kind"]) == "fixed"
    assert find_example(SCHEMA, ["weight"]) == 1
    assert find_example(SCHEMA, ["parts", 0, "name"]) == "text"


def test_where_the_schema_has_no_such_field_there_is_no_example() -> None:
    paths: list[list[str | int]] = [["nothing"], ["nothing", "below"], ["code", 0], ["code", "below"], ["shape"]]
    for path in paths:
        assert find_example(SCHEMA, path) is None
        assert find_description(SCHEMA, path) is None
    assert list_members(SCHEMA, ["nothing"]) == ()


def test_a_description_is_the_fields_own_or_its_types() -> None:
    assert find_description(SCHEMA, ["code"]) == "a code"
    assert find_description(SCHEMA, ["parts", 0]) == "a part"
    assert find_description(SCHEMA, ["weight"]) is None


def test_the_members_of_an_object_are_listed() -> None:
    assert list_members(SCHEMA, ["parts", 0]) == ("colour", "ok", "name")


def test_a_type_that_contains_itself_ends() -> None:
    assert "again" in find_example(SCHEMA, ["self"])
