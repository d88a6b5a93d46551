"""The JSON Schemas of everything on the wire, for who builds against it in another language.

This module only renders them; `deploy/export_schemas.py` writes them into `schemas/json/`. Rules between fields that
JSON Schema cannot say are in the descriptions and in `docs/protocol.md`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from schemas.agreements.steps import Step
from schemas.agreements.terms import Terms
from schemas.alerts import kind_names, kind_of
from schemas.alerts.examples import JsonSchema
from schemas.alerts.registry import Kind
from schemas.codec import encode_canonical
from schemas.enrolment import EnrolmentFile
from schemas.envelope import Envelope, Header, Message, Payload
from schemas.key_documents import EncryptionKeys, ExchangeSheet, KeySet, LogKeys, PossessedKey, Revocation
from schemas.log.leaf import Leaf
from schemas.log.records import Record
from schemas.model import WireModel
from schemas.receipts import Receipt, SealedReceipt
from schemas.signed import SignedDocument
from schemas.status import Status

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


_DOCUMENTS: dict[str, type[WireModel]] = {
    "agreement-step": Step,
    "agreement-terms": Terms,
    "encryption-keys": EncryptionKeys,
    "enrolment": EnrolmentFile,
    "envelope": Envelope,
    "exchange-sheet": ExchangeSheet,
    "header": Header,
    "key-possession": PossessedKey,
    "key-set": KeySet,
    "log-keys": LogKeys,
    "log-leaf": Leaf,
    "log-record": Record,
    "message": Message,
    "payload": Payload,
    "receipt": Receipt,
    "revocation": Revocation,
    "sealed-receipt": SealedReceipt,
    "signed-document": SignedDocument,
    "status": Status,
}
"""Everything that is hashed, signed or sealed, beside the alerts. HTTP bodies are in the OpenAPI document."""

EXPORTED: tuple[Export, ...] = (
    *(Export(f"alert-{name}", partial(_make_alert_schema, kind_of(name))) for name in kind_names()),
    *(Export(name, model.model_json_schema) for name, model in _DOCUMENTS.items()),
)
"""What is exported. A new kind is here by itself; a new document adds its line above."""


def render_schemas() -> dict[str, bytes]:
    """Return the files of `schemas/json/` by name."""
    return {f"{export.name}.json": _render_file(export) for export in EXPORTED}


def _render_file(export: Export) -> bytes:
    head = {"$schema": _DIALECT, "$id": f"urn:bilateral:schema:{export.name}:1"}
    return (_render(head | _clean(export.make()), "") + "\n").encode()


def _clean(node: Any) -> Any:
    """Take out what the wire does not have: null, defaults, and the titles pydantic makes of member names."""
    if not isinstance(node, dict):
        return [_clean(item) for item in node] if isinstance(node, list) else node
    options = [option for option in node.get("anyOf", ()) if option != {"type": "null"}]
    if len(options) == 1:
        return _clean(options[0] | {name: item for name, item in node.items() if name != "anyOf"})
    return {name: _clean_keyword(name, item) for name, item in node.items() if name != "default"}


def _clean_keyword(name: str, item: Any) -> Any:
    if name in {"const", "enum", "examples"}:
        return item
    if name == "$defs":
        return {part: _clean(definition) for part, definition in item.items()}
    if name == "properties":
        return {member: _without_title(_clean(definition)) for member, definition in item.items()}
    return _clean(item)


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
