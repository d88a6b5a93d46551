"""The filled examples of every kind, as the tests take them: fresh each time, and with one field changed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from schemas.alerts import Alert, parse_alert
from schemas.alerts.registry import FieldProblem, InvalidAlertError

FOLDER = Path(__file__).parents[3] / "examples" / "alerts"
ABSENT = object()


def load(kind: str) -> dict[str, Any]:
    """Return the example of a kind as plain values."""
    example: dict[str, Any] = orjson.loads((FOLDER / f"{kind}.json").read_bytes())
    return example


def load_changed(kind: str, changes: dict[str, Any]) -> dict[str, Any]:
    """Return the example with the fields at some paths set, or taken out where the value is `ABSENT`."""
    wire = load(kind)
    for path, value in changes.items():
        *above, last = (int(step) if step.isdigit() else step for step in path.split("."))
        node: Any = wire
        for step in above:
            node = node[step]
        if value is ABSENT:
            del node[last]
        else:
            node[last] = value
    return wire


def parse_changed(kind: str, changes: dict[str, Any]) -> Alert:
    """Parse the example with some fields changed."""
    return parse_alert(load_changed(kind, changes))


def problems_of(kind: str, changes: dict[str, Any]) -> tuple[FieldProblem, ...]:
    """Return what is wrong with the example once some fields are changed; nothing if it is still right."""
    try:
        parse_changed(kind, changes)
    except InvalidAlertError as error:
        return error.problems
    return ()


def fields_refused(kind: str, changes: dict[str, Any]) -> list[str]:
    """Return the fields a refusal names once some fields are changed."""
    return [problem.field for problem in problems_of(kind, changes)]


def leaves(value: Any, path: str = "") -> Iterator[str]:
    """Name every member of a value that is no object and no list."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield from leaves(item, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for position, item in enumerate(value):
            yield from leaves(item, f"{path}.{position}")
    else:
        yield path
