"""Drafts in a file of lines or in a folder, read one after the other: none is held longer than it takes to send it."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from agency_client.errors import ClientError, NotFoundError, UsageError
from agency_client.sending.composing import MAX_FILE_BYTES, read_alert_file

MAX_DRAFTS = 100_000
_SUFFIX = ".json"


@dataclass(frozen=True, slots=True)
class WrittenLine:
    """What stands in one line or file: its number and name, how many bytes it had, its members or what is wrong."""

    number: int
    name: str
    size: int
    members: dict[str, Any] | None = None
    problem: ClientError | None = None


def measure_drafts(path: Path) -> int:
    """Return how many bytes of drafts there are, to show how far the reading has come.

    Raises:
        NotFoundError: nothing lies there.
        UsageError: no draft lies in the folder.
    """
    if not path.exists():
        raise NotFoundError(f"there is no file or folder {path}", code="file-missing")
    if not path.is_dir():
        return path.stat().st_size
    files = _list_files(path)
    if not files:
        raise UsageError(f"{path} holds no drafts: files that end in {_SUFFIX} are expected")
    return sum(file.stat().st_size for file in files)


def read_drafts(path: Path, *, max_drafts: int = MAX_DRAFTS) -> Iterator[WrittenLine]:
    """Give what stands in each line of a file, or in each `.json` file of a folder in the order of their names.

    Empty lines are passed over. What cannot be read is given with its problem, and the rest goes on.

    Raises:
        UsageError: there are more than `max_drafts`.
    """
    lines = _read_folder(path) if path.is_dir() else _read_lines(path)
    for count, line in enumerate(lines):
        if count == max_drafts:
            raise UsageError(f"{path} holds more than {max_drafts} drafts", fix="divide it", code="too-large")
        yield line


def _list_files(folder: Path) -> list[Path]:
    with os.scandir(folder) as entries:
        names = [entry.name for entry in entries if entry.name.endswith(_SUFFIX) and not entry.name.startswith(".")]
    return [folder / name for name in sorted(names)]


def _read_folder(folder: Path) -> Iterator[WrittenLine]:
    for number, file in enumerate(_list_files(folder), 1):
        with file.open("rb") as opened:
            yield _read_one(number, file.name, opened.read(MAX_FILE_BYTES + 1))


def _read_lines(path: Path) -> Iterator[WrittenLine]:
    with path.open("rb") as file:
        number = 0
        while data := file.readline(MAX_FILE_BYTES + 1):
            number += 1
            if not data.endswith(b"\n"):
                _skip_line(file)
            if data.strip():
                yield _read_one(number, f"line {number}", data)


def _skip_line(file: IO[bytes]) -> None:
    """Read on to the end of a line that is longer than any draft may be."""
    while rest := file.readline(MAX_FILE_BYTES):
        if rest.endswith(b"\n"):
            break


def _read_one(number: int, name: str, data: bytes) -> WrittenLine:
    try:
        return WrittenLine(number, name, len(data), members=read_alert_file(data, name))
    except UsageError as error:
        return WrittenLine(number, name, len(data), problem=error)
