"""Begin alerts from a table: a draft for each line that is one, and of each other line what is wrong with it.

Nothing half done: the drafts are there when the last line was read, or not at all. Lines that were refused can be
written back with the reasons beside them, to be mended and taken in again under the same mapping.
"""

import csv
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from io import TextIOWrapper
from pathlib import Path
from typing import Any

from agency_client.errors import ClientError, UsageError
from agency_client.interchange.tables.cells import guard_cell, unguard_cell
from agency_client.interchange.tables.drafts import verify_free, writing_drafts
from agency_client.interchange.tables.mapping import CheckedMapping, MappingError, TableForm, read_mapping
from agency_client.interchange.tables.reading import ENCODINGS, Table, TableError, TableLine, open_table
from agency_client.interchange.tables.rows import CellProblem, RefusedLineError, read_line
from agency_client.local_store.access_log import append_entry
from agency_client.node import Node
from agency_client.profiles.private_files import writing_private_file
from agency_client.profiles.public_files import read_foreign_text
from agency_client.sending.composing import Usual, fill_common_part
from schemas.alerts.quality import Doubt, find_quality_doubts
from schemas.codec import encode_canonical
from schemas.log.records import Action

REFUSED_LINE, REFUSED_BECAUSE = "bilateral: line", "bilateral: refused because"
"""Columns of a table of refused lines. By the second one it is known as ours, and its apostrophes are taken off."""


class LinesRefusedError(ClientError):
    """Nothing was taken, because of lines that were refused."""

    default_code = "lines-refused"


@dataclass(frozen=True, slots=True)
class TableOrder:
    """What is to be taken in, under which mapping, and where to. `strict`: nothing, if one line is refused."""

    file: Path
    mapping: Path
    out: Path
    reason: str
    case: str | None = None
    refused: Path | None = None
    is_strict: bool = False


@dataclass(frozen=True, slots=True)
class JudgedLine:
    """A line and what became of it: a draft, with what is doubtful about it, or the problems it was refused for."""

    line: TableLine
    draft: dict[str, Any] | None
    problems: tuple[CellProblem, ...] = ()
    doubts: tuple[Doubt, ...] = ()


@dataclass(slots=True)
class TableCount:
    """How many lines became what, and which columns the mapping does not speak of."""

    taken: int = 0
    refused: int = 0
    doubtful: int = 0
    unread_columns: tuple[str, ...] = ()


def import_table(
    node: Node,
    order: TableOrder,
    usual: Usual,
    *,
    tell: Callable[[JudgedLine], None],
    advance: Callable[[int], None],
) -> TableCount:
    """Write a draft for each line of a table; that it was taken in is on record. Memory does not grow with the table.

    `tell` gets each line that was refused or is doubtful, as it is read; `advance` how many bytes were read since.

    Raises:
        FileNotFoundError: the table or the mapping is not there.
        UsageError: the mapping is none, or does not fit the table; or the file is no table.
        LinesRefusedError: every line was refused, or one was and the order is strict.
        ConflictError: something lies where a file is to be written.
    """
    for path in (order.out, *([order.refused] if order.refused else [])):
        verify_free(path)
    try:
        mapping = read_mapping(read_foreign_text(order.mapping))
        with open_table(order.file, encoding=mapping.form.encoding, delimiter=mapping.form.delimiter) as table:
            lines = _advancing(table, judge_table(table, mapping, usual), advance)
            with ExitStack() as stack:
                refused = order.refused and _RefusedTable(stack, order.refused, table, mapping.form)
                count = _take_or_explain(node, order, lines, refused or None, tell)
            unread = list_unread(table, mapping)
    except MappingError as error:
        raise UsageError(f"{order.mapping}: {error}", fix="mend the mapping", code="mapping") from error
    except TableError as error:
        raise UsageError(f"{order.file}: {error}", fix="nothing was taken: mend the file", code="table") from error
    if isinstance(count, LinesRefusedError):
        raise count
    return replace(count, unread_columns=unread)


def judge_table(table: Table, mapping: CheckedMapping, usual: Usual) -> Iterator[JudgedLine]:
    """Give each line of a table with what became of it.

    Raises:
        TableError: the table is broken from here on.
        MappingError: columns that the mapping names are not there, or stand there twice.
    """
    columns = _read_header(table, mapping)
    is_ours = REFUSED_BECAUSE in columns
    members = fill_common_part({}, usual)
    for line in table:
        if len(line.cells) != len(columns):
            problem = f"it has {len(line.cells)} cells, and the header {len(columns)}"
            yield JudgedLine(line, None, (CellProblem("", "", problem),))
            continue
        texts = [unguard_cell(cell) for cell in line.cells] if is_ours else line.cells
        try:
            read = read_line(mapping, dict(zip(columns, texts, strict=True)), members)
        except RefusedLineError as error:
            yield JudgedLine(line, None, error.problems)
        else:
            yield JudgedLine(line, read.draft, (), find_quality_doubts(read.alert, usual.now))


def list_unread(table: Table, mapping: CheckedMapping) -> tuple[str, ...]:
    """Return the columns of a table that the mapping neither reads nor leaves out on purpose."""
    known = {*mapping.named_columns, *mapping.form.ignore, REFUSED_LINE, REFUSED_BECAUSE, ""}
    return tuple(name for name in _list_columns(table) if name not in known)


def _list_columns(table: Table) -> tuple[str, ...]:
    is_ours = REFUSED_BECAUSE in table.columns
    return tuple(unguard_cell(name) for name in table.columns) if is_ours else table.columns


def _read_header(table: Table, mapping: CheckedMapping) -> tuple[str, ...]:
    columns = _list_columns(table)
    times = Counter(columns)
    missing = [name for name in mapping.named_columns if name not in times]
    if missing:
        there = ", ".join(columns[:20])
        raise MappingError(f"the table has no column {', '.join(missing)}; there are: {there}")
    twice = [name for name in mapping.named_columns if times[name] > 1]
    if twice:
        raise MappingError(f"the table has the column {', '.join(twice)} more than once")
    return columns


def _take_or_explain(
    node: Node,
    order: TableOrder,
    lines: Iterator[JudgedLine],
    refused: "_RefusedTable | None",
    tell: Callable[[JudgedLine], None],
) -> "TableCount | LinesRefusedError":
    """Return why nothing was taken rather than raise it: the table of refused lines is then still finished."""
    try:
        return _take(node, order, lines, refused, tell)
    except LinesRefusedError as error:
        return error


def _take(
    node: Node,
    order: TableOrder,
    lines: Iterator[JudgedLine],
    refused: "_RefusedTable | None",
    tell: Callable[[JudgedLine], None],
) -> TableCount:
    count = TableCount()
    with writing_drafts(order.out) as write:
        for judged in lines:
            if judged.draft is not None:
                write(judged.line.number, judged.draft)
                count.taken += 1
                count.doubtful += bool(judged.doubts)
            else:
                count.refused += 1
                if refused is not None:
                    refused.add(judged)
            if judged.problems or judged.doubts:
                tell(judged)
        _verify_enough(order, count)
        with node.store.write() as transaction:
            append_entry(transaction, node.note_access(Action.COLLECTION, "import", order.reason, case=order.case))
    return count


def _verify_enough(order: TableOrder, count: TableCount) -> None:
    if count.refused and (order.is_strict or not count.taken):
        lines = "1 line was" if count.refused == 1 else f"{count.refused} lines were"
        raise LinesRefusedError(f"{lines} refused, so nothing was taken", fix="mend what is listed, and import again")
    if not count.taken:
        raise LinesRefusedError("the table has no lines below its header", fix="name another file")


def _advancing(table: Table, lines: Iterator[JudgedLine], advance: Callable[[int], None]) -> Iterator[JudgedLine]:
    position = 0
    for line in lines:
        yield line
        if table.position != position:
            advance(table.position - position)
            position = table.position


class _RefusedTable:
    """The lines that were refused, with the reasons, as a table that the same mapping reads. Made at the first one."""

    def __init__(self, stack: ExitStack, path: Path, table: Table, form: TableForm) -> None:
        self._stack, self._path, self._form = stack, path, form
        self._columns = _list_columns(table)
        self._is_ours = REFUSED_BECAUSE in self._columns
        self._writer: Any = None

    def add(self, judged: JudgedLine) -> None:
        """Write a line and why it was refused."""
        if self._writer is None:
            self._writer = self._open()
            self._write([*self._keep(self._columns), REFUSED_LINE, REFUSED_BECAUSE])
        cells = [unguard_cell(cell) for cell in judged.line.cells] if self._is_ours else judged.line.cells
        self._write([*self._keep(cells), str(judged.line.number), "; ".join(map(describe_problem, judged.problems))])

    def _keep(self, cells: Sequence[str]) -> list[str]:
        """Return the cells but those of an earlier refusal."""
        old = {REFUSED_LINE, REFUSED_BECAUSE}
        return [
            cell for place, cell in enumerate(cells) if place >= len(self._columns) or self._columns[place] not in old
        ]

    def _open(self) -> Any:
        file = self._stack.enter_context(writing_private_file(self._path))
        # Cells can be written, since they were read so; a reason may quote the mapping in letters the encoding lacks.
        text = TextIOWrapper(file, ENCODINGS[self._form.encoding], errors="replace", newline="")
        self._stack.callback(text.detach)
        return csv.writer(text, delimiter=self._form.delimiter, quoting=csv.QUOTE_ALL)

    def _write(self, cells: Sequence[str]) -> None:
        self._writer.writerow([guard_cell(cell) for cell in cells])


def describe_problem(item: CellProblem) -> str:
    """Return a problem as a sentence: column, field, what is wrong, and an example."""
    where = " → ".join(part for part in (item.column, item.field) if part)
    example = "" if item.example is None else f" (example: {encode_canonical(item.example).decode()})"
    return f"{where}: {item.problem}{example}" if where else f"{item.problem}{example}"
