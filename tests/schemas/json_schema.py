"""Judges a value by a JSON Schema, as a partner in another language would: the keywords the exported schemas use."""

import re
from typing import Any

KNOWN_KEYWORDS = {
    "$defs", "$id", "$ref", "$schema", "additionalProperties", "const", "description", "discriminator", "enum",
    "examples", "format", "items", "maxItems", "maxLength", "maximum", "minItems", "minLength", "minimum", "oneOf",
    "pattern", "properties", "required", "title", "type",
}  # fmt: skip
_TYPES: dict[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "boolean": bool,
}


def is_valid(schema: dict[str, Any], value: Any) -> bool:
    """Say whether `value` is valid under `schema`."""
    return _is_valid(schema, schema, value)


def _is_valid(root: dict[str, Any], node: dict[str, Any], value: Any) -> bool:
    assert set(node) <= KNOWN_KEYWORDS, set(node) - KNOWN_KEYWORDS
    if "$ref" in node and not _is_valid(root, root["$defs"][node["$ref"].rpartition("/")[2]], value):
        return False
    if "oneOf" in node and sum(_is_valid(root, option, value) for option in node["oneOf"]) != 1:
        return False
    if "const" in node and value != node["const"]:
        return False
    if "enum" in node and value not in node["enum"]:
        return False
    if "type" not in node:
        return True
    if not isinstance(value, _TYPES[node["type"]]) or (node["type"] == "integer" and isinstance(value, bool)):
        return False
    return bool(_CHECKS[node["type"]](root, node, value))


def _is_valid_object(root: dict[str, Any], node: dict[str, Any], value: dict[str, Any]) -> bool:
    properties = node.get("properties", {})
    if not set(node.get("required", ())) <= set(value):
        return False
    if node.get("additionalProperties") is False and not set(value) <= set(properties):
        return False
    return all(_is_valid(root, properties[name], item) for name, item in value.items() if name in properties)


def _is_valid_array(root: dict[str, Any], node: dict[str, Any], value: list[Any]) -> bool:
    if not node.get("minItems", 0) <= len(value) <= node.get("maxItems", len(value)):
        return False
    return all(_is_valid(root, node["items"], item) for item in value)


def _is_valid_string(root: dict[str, Any], node: dict[str, Any], value: str) -> bool:
    if not node.get("minLength", 0) <= len(value) <= node.get("maxLength", len(value)):
        return False
    # ECMA-262: without the flag m the sign $ stands for the very end, as \\Z does in Python.
    return "pattern" not in node or re.search(re.sub(r"\$$", r"\\Z", node["pattern"]), value, re.ASCII) is not None


def _is_valid_integer(root: dict[str, Any], node: dict[str, Any], value: int) -> bool:
    return bool(node.get("minimum", value) <= value <= node.get("maximum", value))


_CHECKS: dict[str, Any] = {
    "array": _is_valid_array,
    "boolean": lambda root, node, value: True,
    "integer": _is_valid_integer,
    "object": _is_valid_object,
    "string": _is_valid_string,
}
