"""What a message says once corrections are applied to it, beside what it said. Pure.

A correction names fields by their paths and what they said. What does not fit is not applied and is said: a field that
is not there, another value than the one named, a result that is no alert of this kind, or none that the agreement
covers: what that would say is not repeated.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from schemas.alerts import parse_alert
from schemas.alerts.base import Alert
from schemas.alerts.examples import find_example
from schemas.alerts.kinds.correction import Change
from schemas.alerts.registry import AlertError, schema_of
from schemas.codec import CodecError

ABSENT = object()
_TRUTHS = {True: "true", False: "false"}
_MAX_DIGITS = 6

Wire = dict[str, Any]
Steps = list[str | int]


@dataclass(frozen=True, slots=True)
class Correction:
    """The changes of one correction: the notice's digest, who said them and when."""

    digest: str
    author: str
    said_at: datetime
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class ChangedField:
    """One change as it went: what stood there, what stands there now (None: nothing), and why it was not applied.

    `is_outside`: no clause of the message covers what would stand there.
    """

    field: str
    was: str | None
    now: str | None
    author: str
    said_at: datetime
    notice: str
    misfit: str = ""
    is_outside: bool = False


@dataclass(frozen=True, slots=True)
class CorrectedAlert:
    """The alert as it is to be read now, and every change that led to it or did not fit."""

    alert: Alert
    fields: tuple[ChangedField, ...]


def apply_corrections(
    original: Alert,
    corrections: Iterable[Correction],
    *,
    author: str | None = None,
    find_outside: Callable[[Alert], str] = lambda changed: "",
) -> CorrectedAlert:
    """Apply corrections to an alert in the order given, change by change; where `author` is named, that one's alone.

    `find_outside` says what of a corrected alert no clause of the message covers, "" where all of it is covered.
    """
    alert, fields, first = original, [], original.to_wire()
    for correction in corrections:
        for change in correction.changes:
            if author in (None, correction.author):
                changed, misfit = _apply_change(alert, first, change)
            else:
                changed, misfit = None, f"the words are {author}'s, and only {author} corrects them"
            outside = "" if changed is None else find_outside(changed)
            alert = alert if changed is None or outside else changed
            fields.append(
                ChangedField(
                    change.field,
                    change.was,
                    None if outside else change.now,
                    correction.author,
                    correction.said_at,
                    correction.digest,
                    f"the agreement does not cover what would stand there: {outside}" if outside else misfit,
                    is_outside=bool(outside),
                )
            )
    return CorrectedAlert(alert, tuple(fields))


def read_steps(field: str) -> Steps:
    """Return the members and places that a field's path goes through."""
    return [
        int(step) if step.isdecimal() and step.isascii() and len(step) < _MAX_DIGITS else step
        for step in field.split(".")
    ]


def find_value(value: Any, steps: Sequence[str | int]) -> Any:
    """Return what stands at a path of a wire, or `ABSENT`."""
    for step in steps:
        if isinstance(step, int):
            value = value[step] if isinstance(value, list) and step < len(value) else ABSENT
        else:
            value = value.get(step, ABSENT) if isinstance(value, dict) else ABSENT
    return value


def spell_wire(value: Any) -> str | None:
    """Return a value as a change writes it, a list at commas; None where other fields stand below it."""
    if isinstance(value, list):
        items = [spell_wire(item) if not isinstance(item, list) else None for item in value]
        return None if None in items else ",".join(item for item in items if item is not None)
    if isinstance(value, bool):
        return _TRUTHS[value]
    return None if isinstance(value, dict) else str(value)


def has_field(kind: str, steps: Sequence[str | int]) -> bool:
    """Return whether alerts of a kind can have a field at a path."""
    return find_example(schema_of(kind), steps) is not None


def _apply_change(alert: Alert, first: Wire, change: Change) -> tuple[Alert | None, str]:
    """Return the changed alert, or why the change does not fit."""
    wire, steps = alert.to_wire(), read_steps(change.field)
    value = find_value(wire, steps)
    if value is ABSENT and (change.was is not None or change.now is None or not has_field(alert.kind, steps)):
        return None, "the message has no such field"
    text = None if value is ABSENT else spell_wire(value)
    if value is not ABSENT and text is None:
        return None, "further fields stand below it"
    # A second correction may speak of what the message said first, or of what the first one made of it.
    if change.was != text and change.was != _spell_first(first, steps):
        return None, "the message says something else there"
    for candidate in _read_candidates(change.now, value):
        changed = _parse(_set_value(wire, steps, candidate))
        if changed is not None and changed.kind == alert.kind:
            return changed, ""
    return None, "with it the message would not be of its kind"


def _spell_first(first: Wire, steps: Steps) -> str | None:
    value = find_value(first, steps)
    return None if value is ABSENT else spell_wire(value)


def _read_candidates(now: str | None, before: Any) -> list[Any]:
    """Return what the words of a change may mean as a value, the likeliest first; `ABSENT`: nothing stands there."""
    if now is None:
        return [ABSENT]
    if isinstance(before, list):
        return [now.split(",")]
    found: list[Any] = [now]
    found += [truth for truth, word in _TRUTHS.items() if word == now]
    digits = now.removeprefix("-")
    if digits.isdecimal() and digits.isascii() and len(digits) < 16:
        found.append(int(now))
    return found if isinstance(before, str) else list(reversed(found))


def _set_value(wire: Wire, steps: Steps, value: Any) -> Wire:
    changed = deepcopy(wire)
    *above, last = steps
    node: Any = find_value(changed, above)
    if isinstance(node, dict) and isinstance(last, str):
        if value is ABSENT:
            node.pop(last, None)
        else:
            node[last] = value
        if last == "as_seen":
            # What was found of the former reading does not hold of this one: whoever reads it checks it again.
            node.pop("normalised", None)
            node.pop("findings", None)
    elif isinstance(node, list) and isinstance(last, int):
        _set_item(node, last, value)
    return changed


def _set_item(items: list[Any], place: int, value: Any) -> None:
    if value is ABSENT:
        del items[place]
    elif place < len(items):
        items[place] = value
    elif place == len(items):
        items.append(value)


def _parse(wire: Mapping[str, Any]) -> Alert | None:
    try:
        return parse_alert(wire)
    except (AlertError, CodecError):
        return None
