"""One line of a table as an alert, or what is wrong with it: column by column, each with an example. Pure.

A cell is data, whatever it looks like. What it says is not repeated in a refusal: the line and the column say where to
look, and the table stays where it is.
"""

import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from agency_client.interchange.leaves import Leaf, build_wire, list_wire_leaves
from agency_client.interchange.tables.mapping import NAMED, NEXT, CheckedMapping, Column, PathMaker
from schemas.alerts.base import Alert
from schemas.alerts.registry import FieldProblem, InvalidAlertError, parse_alert
from schemas.codec import CodecError
from schemas.model import format_timestamp

Wire = dict[str, Any]

_TRUTHS = {"true": True, "false": False}
_ANY_THREAD = "00000000-0000-4000-8000-000000000000"
"""A draft has no thread before it is sent; to be judged, it needs one."""
_COMBINING = frozenset({"windows-1258"})
"""Encodings that write a letter and its tone mark one after the other, where all else writes one character."""


@dataclass(frozen=True, slots=True)
class CellProblem:
    """One thing that is wrong with a line: the column (empty: the line as a whole), the field, what, and an example."""

    column: str
    field: str
    problem: str
    example: Any = None


class RefusedLineError(ValueError):
    """A line is no alert; `problems` names each thing that is wrong."""

    def __init__(self, problems: tuple[CellProblem, ...]) -> None:
        super().__init__("; ".join(f"{item.column or item.field}: {item.problem}" for item in problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class ReadLine:
    """A line as the draft of an alert, and as the alert it will be when the sender's own members are filled in."""

    draft: Wire
    alert: Alert


class _CellError(ValueError):
    """A cell has no value of its field."""


def read_line(mapping: CheckedMapping, cells: Mapping[str, str], usual: Mapping[str, Any]) -> ReadLine:
    """Return the alert that a line is; `usual` are the members that sending fills in where a draft has none.

    Raises:
        RefusedLineError: the line is no alert of the mapping's kind.
    """
    leaves = _fill_constants(mapping, cells)
    origins: dict[str, Leaf] = {path: _name_column(mapping.constants[path]) for path in leaves}
    problems: list[CellProblem] = []
    maker = PathMaker(mapping)
    for name, column in mapping.columns.items():
        try:
            values = _read_cell(mapping, name, cells[name])
        except _CellError as error:
            problems.append(CellProblem(name, column.field, str(error), mapping.examples[name]))
            continue
        for value in values:
            path = maker.make(column.field)
            leaves[path], origins[path] = value, name
    if problems:
        raise RefusedLineError(tuple(problems))
    draft = {"kind": mapping.kind, **build_wire(leaves)}
    try:
        return ReadLine(draft, parse_alert({**usual, "thread": _ANY_THREAD, **draft}))
    except InvalidAlertError as error:
        # The same tree with columns for values: it says where each value has come to stand.
        columns = list_wire_leaves(build_wire({path: origins[path] for path in leaves}))
        raise RefusedLineError(tuple(_place(mapping, columns, item) for item in error.problems)) from error
    except CodecError as error:
        raise RefusedLineError((CellProblem("", error.field, error.problem),)) from error


def _fill_constants(mapping: CheckedMapping, cells: Mapping[str, str]) -> dict[str, Leaf]:
    """Return the leaves that every alert has, with the cells their texts name; an empty one is left out."""
    filled = {path: _fill(mapping, value, cells) for path, value in mapping.constants.items()}
    return {path: value for path, value in filled.items() if value != ""}


def _name_column(constant: Leaf) -> str:
    """Return the first column that a text of the mapping names."""
    found = NAMED.search(str(constant))
    return "" if found is None else found[1]


def _fill(mapping: CheckedMapping, value: Leaf, cells: Mapping[str, str]) -> Leaf:
    if not isinstance(value, str) or "{" not in value:
        return value
    return " ".join(NAMED.sub(lambda found: _clean(mapping, cells[found[1]]), value).split())


def _read_cell(mapping: CheckedMapping, name: str, cell: str) -> list[Leaf]:
    column, example = mapping.columns[name], mapping.examples[name]
    parts = [cell] if column.separator is None else cell.split(column.separator)
    texts = [text for part in parts if (text := _clean(mapping, part))]
    if not texts and column.required:
        raise _CellError("is empty, and the mapping requires it")
    return [_read_text(column, mapping.zone, example, text) for text in texts]


def _clean(mapping: CheckedMapping, cell: str) -> str:
    text = cell.replace("\r\n", "\n").strip()
    return unicodedata.normalize("NFC", text) if mapping.form.encoding in _COMBINING else text


def _read_text(column: Column, zone: ZoneInfo | None, example: Leaf, text: str) -> Leaf:
    if column.values is not None:
        return _translate(column.values, text)
    if column.dates is not None:
        return _read_date(column.dates, zone, text)
    if isinstance(example, bool):
        if text not in _TRUTHS:
            raise _CellError("must be true or false; other words are translated by values in the mapping")
        return _TRUTHS[text]
    if isinstance(example, int):
        if not (text.isdecimal() and text.isascii() and len(text) < 16):
            raise _CellError("must be a whole number")
        return int(text)
    return text


def _translate(values: Mapping[str, Leaf], text: str) -> Leaf:
    if text in values:
        return values[text]
    by_letters = {word.casefold(): value for word, value in values.items()}
    if text.casefold() not in by_letters:
        raise _CellError(f"is none of the mapping's values: {', '.join(values)}")
    return by_letters[text.casefold()]


def _read_date(forms: list[str], zone: ZoneInfo | None, text: str) -> str:
    # Digits of any script, such as ٢٠٢٦; `strptime` knows them for years only.
    plain = "".join(str(unicodedata.decimal(letter, letter)) for letter in text)
    for form in forms:
        try:
            found = datetime.strptime(plain, form)  # noqa: DTZ007 - the zone is the table's, and is put on below
        except ValueError:
            continue
        if "%H" in form:
            return _spell_moment(found, zone)
        day = found.date().isoformat()
        return day if "%d" in form else day[:7] if "%m" in form else day[:4]
    raise _CellError(f"is no date as the mapping spells them: {', '.join(forms)}")


def _spell_moment(local: datetime, zone: ZoneInfo | None) -> str:
    first, second = (local.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    if first.utcoffset() != second.utcoffset():
        raise _CellError(
            "the clocks were changed in that hour, so it names two moments or none: give it by another zone"
        )
    try:
        return format_timestamp(first.astimezone(UTC))
    except (ValueError, OverflowError) as error:
        raise _CellError("is a moment that no alert has: years from 1900 to 2999") from error


def _place(mapping: CheckedMapping, columns: Mapping[str, Leaf], item: FieldProblem) -> CellProblem:
    """Return what is wrong with a field as what is wrong with a column: the one that filled it, or that would."""
    return CellProblem(next(_list_columns(mapping, columns, item.field), ""), item.field, item.problem, item.example)


def _list_columns(mapping: CheckedMapping, columns: Mapping[str, Leaf], field: str) -> Iterator[str]:
    yield from (str(name) for path, name in columns.items() if name and path == field)
    wanted = _generalise(field)
    yield from (name for name, column in mapping.columns.items() if _generalise(column.field) == wanted)
    around = (path for path in columns if path.startswith(f"{field}.") or field.startswith(f"{path}."))
    yield from (str(columns[path]) for path in around if columns[path])


def _generalise(field: str) -> str:
    return ".".join(NEXT if step.isdecimal() and step.isascii() else step for step in field.split("."))
