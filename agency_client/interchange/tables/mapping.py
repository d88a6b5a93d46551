"""A mapping: which column of somebody's table is which field of an alert, and how its cells are spelt there. Pure.

Whatever can be wrong with a mapping is said before the first line of a table is read: a field that the kind does not
have, a date that could mean two days, two columns for one place.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agency_client.interchange.leaves import Leaf, LeafError, build_wire, list_wire_leaves
from agency_client.interchange.tables.reading import ENCODINGS
from schemas.alerts.examples import JsonSchema, find_example, list_members
from schemas.alerts.registry import kind_of, schema_of
from schemas.codec import CodecError, encode_canonical
from schemas.envelope import SAFEGUARDING_KIND

NEXT = "+"
"""A step of a path that is a new place at the end of a list."""
NAMED = re.compile(r"\{([^{}]+)\}")
"""A column named in a text of the mapping."""

_DIRECTIVES = frozenset("YmdHMS")
_DAY = frozenset("Ymd")
_SETTINGS = ConfigDict(extra="forbid", frozen=True, strict=True)


class MappingError(ValueError):
    """A mapping is none; the sentence says where and what."""


class Column(BaseModel):
    """How one column is read: the field its cells are, and how they are spelt.

    `separator` splits a cell into places of a list; `values` translates codes; `dates` are the forms a date has here.
    """

    model_config = _SETTINGS

    field: str
    required: bool = False
    separator: str | None = Field(default=None, min_length=1)
    values: dict[str, str | int | bool] | None = None
    dates: list[str] | None = Field(default=None, min_length=1)


class TableForm(BaseModel):
    """How the file is written, and which of its columns are left out on purpose."""

    model_config = _SETTINGS

    delimiter: str = Field(default=",", min_length=1, max_length=1)
    encoding: str = "utf-8"
    time_zone: str | None = None
    ignore: list[str] = []


class TableMapping(BaseModel):
    """A mapping as somebody wrote it, checked against the kind it is for."""

    model_config = _SETTINGS

    kind: str
    table: TableForm = TableForm()
    alert: dict[str, Any] = {}
    columns: dict[str, Column] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class CheckedMapping:
    """A mapping that fits its kind. `constants` are leaves of every alert; `examples` what each column's field holds.

    `first_places` is, for a list that columns add to, the place behind all that the mapping numbers itself.
    """

    kind: str
    form: TableForm
    zone: ZoneInfo | None
    constants: Mapping[str, Leaf]
    columns: Mapping[str, Column]
    examples: Mapping[str, Leaf]
    first_places: Mapping[str, int]

    @property
    def named_columns(self) -> tuple[str, ...]:
        """Return the columns that a table must have."""
        in_texts = [name for value in self.constants.values() for name in NAMED.findall(str(value))]
        return tuple(dict.fromkeys([*self.columns, *in_texts]))


def read_mapping(unverified_text: str) -> CheckedMapping:
    """Read a mapping in TOML.

    Raises:
        MappingError: it is no mapping, or none that fits its kind.
    """
    try:
        mapping = TableMapping.model_validate(tomllib.loads(unverified_text))
        schema = schema_of(kind_of(mapping.kind).name)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise MappingError(f"{'.'.join(str(step) for step in first['loc'])}: {first['msg']}") from error
    except (tomllib.TOMLDecodeError, CodecError) as error:
        raise MappingError(str(error)) from error
    if mapping.kind == SAFEGUARDING_KIND:
        raise MappingError("kind: what is said of victims is taken from no table")
    constants = _list_constants(mapping)
    examples = {name: _find_leaf(schema, name, column) for name, column in mapping.columns.items()}
    for name, column in mapping.columns.items():
        _verify_column(name, column, mapping.table)
    _verify_form(mapping.table)
    places = _count_places([*constants, *(column.field for column in mapping.columns.values())])
    checked = CheckedMapping(
        mapping.kind, mapping.table, _find_zone(mapping.table), constants, mapping.columns, examples, places
    )
    _verify_fits(checked)
    return checked


class PathMaker:
    """Numbers the places that `+` stands for, for the alert of one line."""

    def __init__(self, mapping: CheckedMapping) -> None:
        self._next = dict(mapping.first_places)

    def make(self, field: str) -> str:
        """Return the path of a field's next value."""
        steps: list[str] = []
        for step in field.split("."):
            above = ".".join(steps)
            if step == NEXT:
                place = self._next.get(above, 0)
                self._next[above] = place + 1
                steps.append(str(place))
            else:
                steps.append(step)
        return ".".join(steps)


def _list_constants(mapping: TableMapping) -> dict[str, Leaf]:
    try:
        encode_canonical(mapping.alert)
    except CodecError as error:
        raise MappingError(f"alert.{error}; a date or a number with a fraction stands in quotation marks") from error
    if "kind" in mapping.alert or "thread" in mapping.alert:
        raise MappingError("alert: the kind stands at the top, and each alert gets a thread of its own when it is sent")
    return list_wire_leaves(mapping.alert)


def _find_leaf(schema: JsonSchema, name: str, column: Column) -> Leaf:
    """Return an example of what a column's field holds."""
    steps = [0 if step == NEXT or (step.isdecimal() and step.isascii()) else step for step in column.field.split(".")]
    for length in range(1, len(steps) + 1):
        if find_example(schema, steps[:length]) is None:
            there = ", ".join(list_members(schema, steps[: length - 1])) or "no fields below"
            raise MappingError(f"columns.{name}.field: {column.field}: no such field; there are: {there}")
    example = find_example(schema, steps)
    if isinstance(example, list):
        raise MappingError(f"columns.{name}.field: {column.field} is a list: end it with .{NEXT} or .0")
    if isinstance(example, dict):
        raise MappingError(f"columns.{name}.field: {column.field} holds fields: {', '.join(example)}, …")
    leaf: Leaf = example
    return leaf


def _verify_column(name: str, column: Column, form: TableForm) -> None:
    if column.separator is not None and NEXT not in column.field.split("."):
        raise MappingError(f"columns.{name}.separator: only a field with .{NEXT} takes several values")
    if column.values is not None and column.dates is not None:
        raise MappingError(f"columns.{name}: either values or dates")
    for text in column.dates or ():
        _verify_date_form(f"columns.{name}.dates", text, form)


def _verify_date_form(where: str, text: str, form: TableForm) -> None:
    parts = re.findall(r"%(.)", text)
    if not set(parts) <= _DIRECTIVES or len(set(parts)) != len(parts) or "Y" not in parts:
        raise MappingError(
            f"{where}: {text}: once %Y, and %m %d %H %M %S as far as they are there; two-digit years are none"
        )
    if "d" in parts and "m" not in parts:
        raise MappingError(f"{where}: {text}: a day without its month")
    if set(parts) - _DAY:
        if not _DAY | {"H", "M"} <= set(parts):
            raise MappingError(f"{where}: {text}: a time has its day, %H and %M")
        if form.time_zone is None:
            raise MappingError(
                "table.time_zone: is missing, and times without a zone mean nothing (such as Europe/Brussels)"
            )


def _verify_form(form: TableForm) -> None:
    if form.encoding not in ENCODINGS:
        raise MappingError(f"table.encoding: {form.encoding} is none of: {', '.join(ENCODINGS)}")
    if form.delimiter in '"\r\n\0 ':
        raise MappingError("table.delimiter: a comma, a semicolon, a tab or such is expected")


def _find_zone(form: TableForm) -> ZoneInfo | None:
    try:
        return None if form.time_zone is None else ZoneInfo(form.time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise MappingError(
            f"table.time_zone: {form.time_zone} is not known here; such as Europe/Brussels, UTC"
        ) from error


def _count_places(paths: list[str]) -> dict[str, int]:
    places: dict[str, int] = {}
    for path in paths:
        for above, step in _list_steps(path):
            if step.isdecimal() and step.isascii():
                places[above] = max(places.get(above, 0), int(step) + 1)
    return places


def _list_steps(path: str) -> Iterator[tuple[str, str]]:
    steps = path.split(".")
    yield from ((".".join(steps[:place]), step) for place, step in enumerate(steps))


def _verify_fits(mapping: CheckedMapping) -> None:
    """Check that an alert with every column filled can be put together."""
    maker, leaves = PathMaker(mapping), dict(mapping.constants)
    taken: set[str] = set()
    for name, column in mapping.columns.items():
        path = maker.make(column.field)
        if path in taken:
            raise MappingError(f"columns.{name}.field: {column.field} is another column's too")
        taken.add(path)
        leaves[path] = ""
    try:
        build_wire(leaves)
    except LeafError as error:
        raise MappingError(f"the fields do not fit together: {error}") from error
