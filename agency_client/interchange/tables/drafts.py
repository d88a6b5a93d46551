"""Where drafts go: a file of lines, or a folder with a file each; whole and private at the end, or not there."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from agency_client.errors import ConflictError
from agency_client.profiles.private_files import PRIVATE_FILE_MODE, PRIVATE_FOLDER_MODE, writing_private_file
from schemas.codec import encode_canonical

LINES_SUFFIX = ".jsonl"

WriteDraft = Callable[[int, dict[str, Any]], None]
"""Takes the number of a draft, by which its file is named, and the draft."""


def verify_free(path: Path) -> None:
    """Check that nothing lies where a file is to be written.

    Raises:
        ConflictError: something does.
    """
    if path.exists() or path.is_symlink():
        raise ConflictError(f"{path} exists already", fix="name another one", code="file-exists")


@contextmanager
def writing_drafts(out: Path, name: str = "line") -> Iterator[WriteDraft]:
    """Give what takes the drafts: lines of `out` where it ends in `.jsonl`, else files in a new folder of that name.

    A file is called by `name` and the draft's number.

    After the block they are all there; when it fails, none is.

    Raises:
        ConflictError: something lies there.
    """
    verify_free(out)
    with _writing_lines(out) if out.suffix == LINES_SUFFIX else _writing_folder(out, name) as write:
        yield write


@contextmanager
def _writing_lines(out: Path) -> Iterator[WriteDraft]:
    with writing_private_file(out) as file:
        yield lambda _, draft: _drop(file.write(encode_canonical(draft) + b"\n"))


@contextmanager
def _writing_folder(out: Path, name: str) -> Iterator[WriteDraft]:
    folder = out.with_name(f".{out.name}.{os.getpid()}.new")
    folder.mkdir(mode=PRIVATE_FOLDER_MODE)
    try:
        yield lambda number, draft: _write_file(folder / f"{name}-{number:07}.json", encode_canonical(draft))
        os.sync()  # Once for all: a hundred thousand files each waiting for the disk would take an hour.
        folder.rename(out)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _write_file(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW, PRIVATE_FILE_MODE)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)


def _drop(_: int) -> None:
    return None
