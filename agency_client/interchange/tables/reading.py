"""Reads a table of somebody else's line by line: bounded in memory whatever it holds, and never half understood.

A file whose quotation marks or bytes do not add up is refused as a whole, since nobody can say which cell is which
behind that place. What the cells mean is left to `agency_client.interchange.tables.rows`.
"""

import csv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader, TextIOWrapper
from pathlib import Path
from typing import TextIO

MAX_LINE_CHARACTERS = 100_000
MAX_COLUMNS = 300
ENCODINGS = {
    "utf-8": "utf-8-sig",
    "utf-16": "utf-16",
    "utf-16-le": "utf-16-le",
    "utf-16-be": "utf-16-be",
    "windows-1252": "cp1252",
    "windows-1258": "cp1258",
}
"""The encodings a mapping may name, and Python's names for them. UTF-8 and UTF-16 with or without a byte order mark."""

_MARKS = {b"\xef\xbb\xbf": "utf-8", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
"""With what files in these encodings often begin."""


class TableError(ValueError):
    """A file is no table that can be read; the sentence says where and why."""


@dataclass(frozen=True, slots=True)
class TableLine:
    """A line of a table below its header: where it begins in the file, and its cells as they stand."""

    number: int
    cells: Sequence[str]


class Table:
    """An open table: its header, then its lines. `position` is how many bytes of the file were read so far."""

    def __init__(self, file: BufferedReader, *, encoding: str, delimiter: str) -> None:
        """Read the header.

        Raises:
            TableError: the file is empty, in another encoding, or no table.
        """
        self._file, self._encoding = file, encoding
        _verify_mark(file, encoding)
        self._text = TextIOWrapper(file, encoding=_choose_codec(file, encoding), newline="")
        self._lines = _BoundedLines(self._text, encoding)
        self._reader = csv.reader(self._lines, delimiter=delimiter, strict=True)
        header = next(self._iterate(), None)
        if header is None:
            raise TableError("it is empty: its first line names the columns")
        self.columns = tuple(cell.strip() for cell in header.cells)

    @property
    def position(self) -> int:
        """Return how many bytes were read."""
        return self._file.tell()

    def __iter__(self) -> Iterator[TableLine]:
        """Give the lines below the header; empty ones are passed over.

        Raises:
            TableError: the rest of the file cannot be told apart into cells.
        """
        return self._iterate()

    def _iterate(self) -> Iterator[TableLine]:
        while True:
            first = self._lines.count + 1
            self._lines.begin_record()
            try:
                cells = next(self._reader)
            except StopIteration:
                return
            except csv.Error as error:
                raise TableError(f"line {first}: {_explain(error)}") from error
            if len(cells) > MAX_COLUMNS:
                raise TableError(f"line {first}: it has {len(cells)} cells, and at most {MAX_COLUMNS} are read")
            if any(cell.strip() for cell in cells):
                yield TableLine(first, cells)


@contextmanager
def open_table(path: Path, *, encoding: str, delimiter: str) -> Iterator[Table]:
    """Open a table in one of `ENCODINGS`.

    Raises:
        FileNotFoundError: there is none.
        TableError: as `Table`.
    """
    with path.open("rb") as file:
        yield Table(file, encoding=encoding, delimiter=delimiter)


class _BoundedLines:
    """The lines of a text for the reader of cells; a record that grows beyond bounds is refused before it is held."""

    def __init__(self, text: TextIO, encoding: str) -> None:
        self._text, self._encoding = text, encoding
        self.count = 0
        self._began, self._characters = 1, 0

    def begin_record(self) -> None:
        """Count anew: what was read so far belongs to the records before."""
        self._began, self._characters = self.count + 1, 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        try:
            line = self._text.readline(MAX_LINE_CHARACTERS + 1 - self._characters)
        except UnicodeError as error:
            problem = f"line {self.count + 1} or one soon after is no text in {self._encoding}"
            raise TableError(f"{problem}: name the right encoding in the mapping") from error
        if not line:
            raise StopIteration
        self._characters += len(line)
        if self._characters > MAX_LINE_CHARACTERS:
            problem = f"it begins a record of more than {MAX_LINE_CHARACTERS} characters"
            raise TableError(f"line {self._began}: {problem}: is a quotation mark never closed?")
        if "\0" in line:
            problem = f"it holds zero bytes, so it is hardly text in {self._encoding}"
            raise TableError(f"line {self.count + 1}: {problem}: utf-16, perhaps")
        self.count += 1
        return line


def _verify_mark(file: BufferedReader, encoding: str) -> None:
    start = file.peek(4)
    for mark, name in _MARKS.items():
        if start.startswith(mark) and not encoding.startswith(name):
            raise TableError(f"it begins as a file in {name} does, and the mapping says {encoding}")


def _choose_codec(file: BufferedReader, encoding: str) -> str:
    if not encoding.startswith("utf-16"):
        return ENCODINGS[encoding]
    if file.peek(2).startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"  # The mark itself says which of the two it is, and is no part of the text.
    # Without a mark it is little-endian, whatever RFC 2781 says: so write the machines that leave the mark out.
    return "utf-16-le" if encoding == "utf-16" else encoding


def _explain(error: csv.Error) -> str:
    problem = str(error)
    if "unexpected end" in problem:
        return "a quotation mark is opened and never closed"
    if "expected after" in problem:
        return "a quotation mark stands inside a cell: within quotation marks it is written twice"
    return problem
