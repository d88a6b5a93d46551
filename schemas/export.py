"""The JSON Schemas of everything on the wire, for who builds against it in another language.

This module only renders them; `deploy/export_schemas.py` writes them into `schemas/json/`. Rules between fields that
JSON Schema cannot say are in the descriptions and in `docs/protocol.md`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from schemas.alerts import kind_names, kind_of
from schemas.alerts.examples import JsonSchema
from schemas.alerts.registry import Kind
from schemas.codec import encode_canonical

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_INDENT = "  "


@dataclass(frozen=True, slots=True)
class Export:
    """One file: its name without suffix, and what makes its schema."""

    name: str
    make: Callable[[], JsonSchema]


def _make_alert_schema(kind: Kind) -> JsonSchema:
    schema = kind.alert.model_json_schema()
    schema["title"] = kind.label
    if kind.needs_refers_to:
        schema["required"].append("in_reply_to")
    if kind.needs_grading:
        schema["required"].append("grading")
    if kind.forbids_persons:
        del schema["properties"]["persons"]
    return schema


EXPORTED: tuple[Export, ...] = tuple(
    Export(f"alert-{name}", partial(_make_alert_schema, kind_of(name))) for name in kind_names()
)
"""What is exported. A new document adds its line here."""


def render_schemas() -> dict[str, bytes]:
    """Return the files of `schemas/json/` by name."""
    return {f"{export.name}.json": _render_file(export) for export in EXPORTED}


def _render_file(export: Export) -> bytes:
    head = {"$schema": _DIALECT, "$id": f"urn:bilateral:schema:{export.name}:1"}
    return (_render(head | _clean(export.make()), "") + "\n").encode()


def _clean(node: Any) -> Any:
    """Take out what the wire does not have: null, defaults, and the titles pydantic makes of member names."""
    if isinstance(node, list):
        return [_clean(item) for item in node]
    if not isinstance(node, dict):
        return node
    if "anyOf" in node:
        options = [option for option in node["anyOf"] if option != {"type": "null"}]
        if len(options) == 1:
            return _clean(options[0] | {name: item for name, item in node.items() if name != "anyOf"})
    kept = {name: _clean(item) for name, item in node.items() if name != "default"}
    if "properties" in kept:
        kept["properties"] = {name: _without_title(item) for name, item in kept["properties"].items()}
    return kept


def _without_title(member: JsonSchema) -> JsonSchema:
    return {name: item for name, item in member.items() if name != "title"}


def _render(value: Any, margin: str) -> str:
    inner = margin + _INDENT
    if isinstance(value, dict) and value:
        members = (f"{inner}{_render(name, '')}: {_render(item, inner)}" for name, item in value.items())
        return "{\n" + ",\n".join(members) + f"\n{margin}}}"
    if isinstance(value, list) and value:
        return "[\n" + ",\n".join(f"{inner}{_render(item, inner)}" for item in value) + f"\n{margin}]"
    return encode_canonical(value).decode()
