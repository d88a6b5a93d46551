"""Judge a correction before it is sent: each field stands in the original and says there what is said it said. Pure.

A recipient acts on it by hand or by machine; one that names no field, or another value, corrects the wrong thing.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from agency_client.errors import UsageError
from schemas.alerts.base import Alert
from schemas.alerts.examples import find_example
from schemas.alerts.registry import schema_of

_ABSENT = object()
_TRUTHS = {True: "true", False: "false"}


class ChangeRefusedError(UsageError):
    """A change does not fit the message it corrects; its field is named."""

    default_code = "change-refused"


def verify_changes(original: Alert, details: Mapping[str, Any]) -> None:
    """Verify that every change in a correction's details fits the original.

    What is of another form altogether passes: the alert's own check names it.

    Raises:
        ChangeRefusedError: a field does not stand there, or says something else there.
    """
    changes, wire = details.get("changes"), original.to_wire()
    for change in changes if isinstance(changes, list) else ():
        if isinstance(change, Mapping) and isinstance(change.get("field"), str):
            _verify_change(original.kind, wire, change["field"], change.get("was"))


def _verify_change(kind: str, wire: Mapping[str, Any], field: str, was: object) -> None:
    steps = _read_steps(field)
    value = _find(wire, steps)
    if value is _ABSENT:
        if was is not None or find_example(schema_of(kind), steps) is None:
            raise ChangeRefusedError(f"{field}: the message has no such field", fix="see what it says: agency read ID")
        return
    text = _spell(value)
    if text is None:
        raise ChangeRefusedError(f"{field}: it holds further fields", fix=f"name one of them, like {field}.…")
    if was is None:
        raise ChangeRefusedError(f"{field}: what it says now is missing", fix="write it like --change FIELD=WAS=>NOW")
    if was != text:
        raise ChangeRefusedError(f"{field}: the message says something else there", fix="see: agency read ID")


def _read_steps(field: str) -> list[str | int]:
    return [int(step) if step.isdecimal() and step.isascii() and len(step) < 6 else step for step in field.split(".")]


def _find(value: Any, steps: Sequence[str | int]) -> Any:
    for step in steps:
        if isinstance(step, int):
            value = value[step] if isinstance(value, list) and step < len(value) else _ABSENT
        else:
            value = value.get(step, _ABSENT) if isinstance(value, dict) else _ABSENT
    return value


def _spell(value: Any) -> str | None:
    """Return a value as a change writes it, a list at commas; None where other fields stand below it."""
    if isinstance(value, list):
        items = [_spell(item) if not isinstance(item, list) else None for item in value]
        return None if None in items else ",".join(item for item in items if item is not None)
    if isinstance(value, bool):
        return _TRUTHS[value]
    return None if isinstance(value, dict) else str(value)
