"""The list of erasures beside the profile: what was erased stays so though an older copy of the store comes back.

A backup holds what was erased after it was made. What ended by its term ends again by itself on the restored node; what
was erased earlier, by hand or because its sender demanded it, only this list knows. It lies in the folder of all
profiles and not in the profile, so that no backup takes its place; it holds digests, moments and codes, and nothing of
any content. Copy it to where the backups are: `agency retention repeat FILE` reads it anywhere.
"""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from agency_client.local_store.content import (
    Erasure,
    erase_content,
    find_erasure,
    list_erasures_to_note,
    mark_erasures_noted,
)
from agency_client.local_store.problems import Problem
from agency_client.local_store.restored import is_behind, note_caught_up
from agency_client.node import Node
from agency_client.profiles.private_files import PRIVATE_FILE_MODE, read_private_file
from agency_client.profiles.profile import Profile
from agency_client.retention.rules import ErasureCode
from schemas.codec import CodecError
from schemas.log.records import Action
from schemas.model import Code, Digest, Timestamp, WireModel

MAX_LINE_BYTES = 512
_AT_ONCE = 100

NO_LEDGER = Problem(
    "no-list-of-erasures",
    "no list of erasures lies beside the restored profile: what was erased before its term since the backup is back;"
    " where you have the list, run: agency retention repeat FILE",
)


class LedgerLine(WireModel):
    """One erasure: of which message, by its envelope's digest, when, and why in a code."""

    v: Literal[1]
    digest: Digest
    erased_at: Timestamp
    code: Code


@dataclass(frozen=True, slots=True)
class Repetition:
    """What a restored node erased again; `is_complete` is false where it found no list."""

    erased: int
    is_complete: bool


def find_ledger(profile: Profile) -> Path:
    """Return where a profile's list of erasures lies, whether there is one or not."""
    return profile.folder.with_name(f"{profile.name}.erasures")


def note_erasures(node: Node) -> int:
    """Write every erasure that is not in the list yet to it, durably; return how many. After a crash it goes on."""
    noted, path = 0, find_ledger(node.profile)
    while True:
        with node.store.read() as snapshot:
            erasures = list_erasures_to_note(snapshot)
        if not erasures:
            return noted
        _append(path, erasures)
        with node.store.write() as transaction:
            mark_erasures_noted(transaction, (erasure.digest for erasure in erasures))
        noted += len(erasures)


def read_ledger(path: Path) -> list[LedgerLine]:
    """Return every erasure of a list, each message once; a line that a crash cut short stands whole in a later one.

    Raises:
        NotFoundError, NotPrivateError: there is no such file, or others may read it.
    """
    lines = {line.digest: line for line in _parse(read_private_file(path))}
    return list(lines.values())


def repeat_erasures(node: Node, lines: Iterable[LedgerLine]) -> int:
    """Erase again what a list names and this store does not know as erased; return how many.

    A message of the list that never comes back is marked all the same: delivered once more it is not kept.
    """
    wanted, repeated = list(lines), 0
    for start in range(0, len(wanted), _AT_ONCE):
        with node.store.write() as transaction:
            page = wanted[start : start + _AT_ONCE]
            page = [line for line in page if find_erasure(transaction, line.digest) is None]
            for line in page:
                reason = f"erased on {line.erased_at:%Y-%m-%d} ({line.code}); repeated after a restore"
                note = node.note_access(Action.ERASURE, "repeat-erasure", reason)
                erase_content(transaction, line.digest, note, code=ErasureCode.REPEATED)
            mark_erasures_noted(transaction, (line.digest for line in page))
            repeated += len(page)
    node.store.truncate_wal()
    return repeated


def repeat_if_restored(node: Node) -> Repetition | None:
    """Repeat the erasures of the list beside the profile if this node was restored and has not; None: it need not."""
    with node.store.read() as snapshot:
        if not is_behind(snapshot, "erasures"):
            return None
    path = find_ledger(node.profile)
    found = path.is_file()
    erased = repeat_erasures(node, read_ledger(path)) if found else 0
    with node.store.write() as transaction:
        note_caught_up(transaction, "erasures")
    return Repetition(erased, is_complete=found)


def _parse(data: bytes) -> Iterator[LedgerLine]:
    for line in data.split(b"\n"):
        try:
            yield LedgerLine.from_canonical(line, max_bytes=MAX_LINE_BYTES)
        except CodecError:
            continue


def _append(path: Path, erasures: Iterable[Erasure]) -> None:
    lines = [
        LedgerLine(v=1, digest=item.digest, erased_at=item.erased_at, code=item.code).canonical() for item in erasures
    ]
    descriptor = os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY | os.O_NOFOLLOW, PRIVATE_FILE_MODE)
    with os.fdopen(descriptor, "ab") as file:
        # A line feed first: it ends a line that a crash cut short.
        file.write(b"\n" + b"\n".join(lines) + b"\n")
        file.flush()
        os.fsync(file.fileno())
