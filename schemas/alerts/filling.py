"""Fills in what the checks of an alert's identifiers find, where its author gave only what was seen. Pure."""

from typing import TypeVar

from schemas.alerts.seen import SeenIdentifier
from schemas.part import Part

P = TypeVar("P", bound=Part)


def fill_checks(part: P) -> P:
    """Return a part with normal form and findings of every identifier in it that has neither."""
    changes = {name: filled for name in type(part).model_fields if (filled := _fill(part, name)) is not None}
    changed = part.model_copy(update=changes) if changes else part
    return changed.fill() if isinstance(changed, SeenIdentifier) else changed


def _fill(part: Part, name: str) -> object | None:
    """Return what a member becomes, None where it stays."""
    value = getattr(part, name)
    if isinstance(value, Part):
        filled: object = fill_checks(value)
    elif isinstance(value, tuple) and value and isinstance(value[0], Part):
        filled = tuple(fill_checks(item) for item in value)
    else:
        return None
    return None if filled == value else filled
