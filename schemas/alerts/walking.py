"""Goes through the parts of an alert, whatever its kind, each with the path under which it stands."""

from collections.abc import Iterator

from schemas.part import Part


def walk_parts(part: Part, path: str = "") -> Iterator[tuple[str, Part]]:
    """Give a part and every part below it, from the top, with paths such as `details.phones.0.number`."""
    yield path, part
    for field, value in list_values(part, path):
        if isinstance(value, Part):
            yield from walk_parts(value, field)


def list_values(part: Part, path: str = "") -> Iterator[tuple[str, object]]:
    """Give the values of a part's members, those of a list one by one, with their paths; what is absent is left out."""
    for name in type(part).model_fields:
        value, field = getattr(part, name), f"{path}.{name}" if path else name
        if isinstance(value, tuple):
            yield from ((f"{field}.{place}", item) for place, item in enumerate(value))
        elif value is not None:
            yield field, value
