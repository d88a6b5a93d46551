"""Files that go with a draft: looked at, given ids, and written into the alert that speaks of them.

An alert's author cannot know ids. Where a note or a detail names a file of the draft as `file:NAME`, the file's id
takes its place; a file without a note gets one.
"""

import stat
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agency_client.attachments.media_types import HEAD_BYTES, sniff_media_type
from agency_client.attachments.names import make_safe_name
from agency_client.errors import NotFoundError, UsageError
from schemas.attachments import MAX_ATTACHMENT_BYTES
from schemas.envelope import MAX_ATTACHMENTS
from schemas.markings import Tlp

REFERENCE_PREFIX = "file:"


@dataclass(frozen=True, slots=True)
class AttachedFile:
    """A file to send along: where it lies, and what its reader is told of it (by default its name)."""

    path: Path
    caption: str | None = None
    marking: Tlp | None = None


@dataclass(frozen=True, slots=True)
class ChosenFile:
    """A file that was looked at: its id in the message, its name there, its size in bytes, what it seems to be."""

    id: str
    path: Path
    name: str
    media_type: str
    size: int
    caption: str
    marking: Tlp | None = None


def choose_files(attached: Sequence[AttachedFile], *, make_id: Callable[[], str]) -> tuple[ChosenFile, ...]:
    """Look at the files of a draft.

    Raises:
        NotFoundError, UsageError: one is not there, no ordinary file, empty, too large, or named like another.
    """
    if len(attached) > MAX_ATTACHMENTS:
        raise UsageError(f"{len(attached)} files: at most {MAX_ATTACHMENTS} go with one message")
    chosen = tuple(_look_at(item, make_id()) for item in attached)
    names = [item.path.name for item in chosen]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise UsageError(f"two files are named {twice}", fix="rename one: the alert could not tell them apart")
    return chosen


def attach_files(alert: Mapping[str, Any], files: Sequence[ChosenFile]) -> dict[str, Any]:
    """Return the alert with the files' ids in place of their names, and a note for each."""
    ids = {f"{REFERENCE_PREFIX}{file.path.name}": file.id for file in files}
    named: dict[str, Any] = _put_ids(dict(alert), ids)
    notes = list(named.get("attachments", ()))
    noted = {note.get("id") for note in notes if isinstance(note, dict)}
    notes += [_write_note(file) for file in files if file.id not in noted]
    return {**named, "attachments": notes} if notes else named


def parse_attached(text: str) -> AttachedFile:
    """Return the file that `PATH` or `PATH=CAPTION` names; a path that has an equals sign and is there is a path."""
    path, separator, caption = text.partition("=")
    if not separator or Path(text).is_file():
        return AttachedFile(Path(text))
    return AttachedFile(Path(path), caption.strip() or None)


def _look_at(attached: AttachedFile, file_id: str) -> ChosenFile:
    path = attached.path
    try:
        found = path.stat()
        head = _read_head(path) if stat.S_ISREG(found.st_mode) else b""
    except FileNotFoundError as error:
        raise NotFoundError(f"there is no file {path} to attach", code="file-missing") from error
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    if not head:
        raise UsageError(f"{path} is no file with anything in it")
    if found.st_size > MAX_ATTACHMENT_BYTES:
        raise UsageError(
            f"{path} has {found.st_size} bytes, an attachment at most {MAX_ATTACHMENT_BYTES}", code="too-large"
        )
    name = make_safe_name(path.name)
    caption = attached.caption or name
    return ChosenFile(file_id, path, name, sniff_media_type(head), found.st_size, caption, attached.marking)


def _read_head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(HEAD_BYTES)


def _write_note(file: ChosenFile) -> dict[str, Any]:
    note = {"id": file.id, "caption": file.caption}
    return note if file.marking is None else {**note, "marking": file.marking.value}


def _put_ids(value: Any, ids: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return ids.get(value, value)
    if isinstance(value, Mapping):
        return {name: _put_ids(item, ids) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_put_ids(item, ids) for item in value]
    return value
