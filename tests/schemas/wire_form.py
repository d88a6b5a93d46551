"""What every wire model must do, whatever it says: come back from its bytes, and refuse by name what is not its own."""

from types import ModuleType
from typing import Any

import pytest

from schemas.codec import UnsupportedValueError, encode_canonical
from schemas.model import DocumentError, WireModel

WRONG_VALUES: tuple[Any, ...] = (-1, 2**53 - 1, "\x00", [], {}, [-1], {"\x00": True}, True)


def list_models(module: ModuleType) -> set[type[WireModel]]:
    """Return the wire models that a module defines."""
    return {
        member
        for member in vars(module).values()
        if isinstance(member, type) and issubclass(member, WireModel) and member.__module__ == module.__name__
    }


def verify_wire_form(model: WireModel) -> None:
    """Check a model against everything that is true of all models."""
    kind, wire = type(model), model.to_wire()
    assert kind.from_canonical(model.canonical()) == model
    assert kind.from_wire(wire) == model
    assert encode_canonical(wire) == model.canonical()
    _verify_closed(kind, wire)
    _verify_members(kind, wire)


def _verify_closed(kind: type[WireModel], wire: dict[str, Any]) -> None:
    with pytest.raises(DocumentError) as refusal:
        kind.from_wire(wire | {"unknown": 1})
    assert refusal.value.field == "unknown"
    assert refusal.value.document == kind.__name__
    for value in ([], [wire], "text", 1):
        with pytest.raises(DocumentError):
            kind.from_wire(value)


def _verify_members(kind: type[WireModel], wire: dict[str, Any]) -> None:
    for name, field in kind.model_fields.items():
        with pytest.raises(UnsupportedValueError, match=f"^{name}: "):
            kind.from_wire(wire | {name: None})
        if field.is_required():
            with pytest.raises(DocumentError) as refusal:
                kind.from_wire({other: value for other, value in wire.items() if other != name})
            assert refusal.value.field.split(".")[0] == name
        _verify_wrong_values(kind, wire, name)


def _verify_wrong_values(kind: type[WireModel], wire: dict[str, Any], name: str) -> None:
    refused = 0
    for value in WRONG_VALUES:
        try:
            model = kind.from_wire(wire | {name: value})
        except DocumentError as refusal:
            refused += 1
            found = refusal
        else:
            assert model.to_wire().get(name) == value
            continue
        assert found.field.split(".")[0] in {name, ""}
        assert str(found).isprintable()
    assert refused >= len(WRONG_VALUES) - 3
