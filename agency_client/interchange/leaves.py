"""An alert as its leaves: each single value with the path under which it stands, and back again. Pure.

A foreign format holds some leaves in fields of its own and the others as text beside their path, so that none is lost.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from schemas.alerts.base import Alert

Leaf = str | int | bool
MAX_PATH, MAX_STEPS = 200, 32
"""No path of an alert is longer (`schemas.alerts.shapes.FieldPath`) or leads deeper."""


class LeafError(ValueError):
    """Paths do not fit together; `path` is the first that does not."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"{path}: {problem}")
        self.path, self.problem = path, problem


def list_leaves(alert: Alert) -> dict[str, Leaf]:
    """Return every value of an alert by its path (`details.phones.0.number.as_seen`), in the order of its fields."""
    return list_wire_leaves(alert.to_wire())


def list_wire_leaves(wire: Mapping[str, Any]) -> dict[str, Leaf]:
    """Return every value of an object by its path, in the order of its members."""
    found: dict[str, Leaf] = {}
    _add_leaves(found, "", wire)
    return found


def build_wire(leaves: Mapping[str, Leaf]) -> dict[str, Any]:
    """Return the object that has these leaves. Places in a list are taken in their order, without gaps.

    Raises:
        LeafError: a path leads through a value or deeper than any alert, or members and places are mixed.
    """
    root: dict[str, Any] = {}
    for path, value in leaves.items():
        _place(root, path, value)
    built: dict[str, Any] = {name: _settle(value, name) for name, value in root.items()}
    return built


def _add_leaves(found: dict[str, Leaf], path: str, value: Any) -> None:
    members: Iterable[tuple[object, Any]]
    if isinstance(value, dict):
        members = value.items()
    elif isinstance(value, list | tuple):
        members = enumerate(value)
    else:
        found[path] = value
        return
    for name, item in members:
        _add_leaves(found, f"{path}.{name}" if path else str(name), item)


def _place(root: dict[str, Any], path: str, value: Leaf) -> None:
    if len(path) > MAX_PATH or path.count(".") >= MAX_STEPS:
        raise LeafError(f"{path[:MAX_STEPS]}…", "leads deeper than any alert")
    *above, last = path.split(".")
    if not all((*above, last)):
        raise LeafError(path, "a path has no empty parts")
    node = root
    for name in above:
        node = node.setdefault(name, {})
        if not isinstance(node, dict):
            raise LeafError(path, "a value stands above it")
    if last in node:
        raise LeafError(path, "stands there twice")
    node[last] = value


def _settle(value: Any, path: str) -> Any:
    if not isinstance(value, dict):
        return value
    settled = {name: _settle(item, f"{path}.{name}") for name, item in value.items()}
    places = [name for name in settled if name.isdecimal() and name.isascii()]
    if not places:
        return settled
    if len(places) != len(settled):
        raise LeafError(path, "has places of a list and members of an object")
    return [settled[name] for name in sorted(places, key=int)]
