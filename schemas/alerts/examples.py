"""Finds an example value for any field of a JSON Schema, so that every refusal can show what would be right."""

from collections.abc import Sequence
from typing import Any

JsonSchema = dict[str, Any]

_MAX_DEPTH = 12


def find_example(schema: JsonSchema, path: Sequence[str | int]) -> Any:
    """Return an example value for the field at `path`, or None where the schema has no such field."""
    node = _find(schema, path)
    return None if node is None else _compose(schema, node, 0)


def find_description(schema: JsonSchema, path: Sequence[str | int]) -> str | None:
    """Return in words how the field at `path` is written, where the schema says so."""
    node = _find(schema, path)
    return None if node is None else node.get("description") or _resolve(schema, node).get("description")


def list_members(schema: JsonSchema, path: Sequence[str | int]) -> tuple[str, ...]:
    """Return the names of the members that the object at `path` can have."""
    node = _find(schema, path)
    return () if node is None else tuple(_resolve(schema, node).get("properties", {}))


def _find(schema: JsonSchema, path: Sequence[str | int]) -> JsonSchema | None:
    node: JsonSchema | None = schema
    for step in path:
        node = None if node is None else _descend(schema, node, step)
    return node


def _descend(schema: JsonSchema, node: JsonSchema, step: str | int) -> JsonSchema | None:
    resolved = _resolve(schema, node)
    below = resolved.get("items") if isinstance(step, int) else resolved.get("properties", {}).get(step)
    return below if isinstance(below, dict) else None


def _resolve(schema: JsonSchema, node: JsonSchema) -> JsonSchema:
    """Follow a reference, and take what a member is when it is there rather than null."""
    if "anyOf" in node:
        return _resolve(schema, next(option for option in node["anyOf"] if option.get("type") != "null"))
    if "$ref" in node:
        name = str(node["$ref"]).rpartition("/")[2]
        return _resolve(schema, schema["$defs"][name])
    return node


def _compose(schema: JsonSchema, node: JsonSchema, depth: int) -> Any:
    for given in (node, _resolve(schema, node)):
        if given.get("examples"):
            return given["examples"][0]
    resolved = _resolve(schema, node)
    if "const" in resolved:
        return resolved["const"]
    if "enum" in resolved:
        return resolved["enum"][0]
    if resolved.get("type") == "object" and depth < _MAX_DEPTH:
        properties = resolved.get("properties", {})
        return {name: _compose(schema, properties[name], depth + 1) for name in resolved.get("required", ())}
    if resolved.get("type") == "array" and depth < _MAX_DEPTH:
        return [_compose(schema, resolved["items"], depth + 1)]
    return _EXAMPLES_BY_TYPE.get(str(resolved.get("type")))


_EXAMPLES_BY_TYPE = {"integer": 1, "boolean": True, "string": "text"}
