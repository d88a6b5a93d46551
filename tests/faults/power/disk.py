"""A disk that keeps only what was synced: what a power cut leaves of files whose every change was recorded.

What was written since a file's last sync is kept by chance, sector by sector, in any order, torn within a sector too;
a name that its folder was not synced for may be there or not, one that was removed as well. What was synced stays as
it is: a write does not harm the bytes beside it, which SQLite takes for granted of every disk (`powersafe overwrite`).
Nothing here touches a file.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import TypeAlias

SECTOR_BYTES = 512


@dataclass(frozen=True, slots=True)
class Opened:
    """A name was opened, and made if it was not there."""

    name: str


@dataclass(frozen=True, slots=True)
class Written:
    """Bytes were written into a file."""

    name: str
    offset: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Truncated:
    """A file was cut to a size."""

    name: str
    size: int


@dataclass(frozen=True, slots=True)
class Synced:
    """A file was synced, and its folder too where `with_folder` says so."""

    name: str
    with_folder: bool


@dataclass(frozen=True, slots=True)
class Removed:
    """A name was removed, and its folder synced where `with_folder` says so."""

    name: str
    with_folder: bool


Change: TypeAlias = Opened | Written | Truncated | Synced | Removed


@dataclass(slots=True, eq=False)
class _File:
    """One file: what is durable of it, and what was done to it since."""

    durable: bytearray = field(default_factory=bytearray)
    pending: list[Written | Truncated] = field(default_factory=list)

    def sync(self) -> None:
        for change in self.pending:
            _apply(self.durable, change)
        self.pending.clear()

    @property
    def content(self) -> bytes:
        whole = bytearray(self.durable)
        for change in self.pending:
            _apply(whole, change)
        return bytes(whole)


class Disk:
    """One folder: the files by their names as programs see them, and as the folder durably has them."""

    def __init__(self, durable: Mapping[str, bytes]) -> None:
        self._seen = {name: _File(bytearray(data)) for name, data in durable.items()}
        self._kept = dict(self._seen)

    def take(self, change: Change) -> None:
        """Let one change happen."""
        if isinstance(change, Opened):
            self._seen.setdefault(change.name, _File())
        elif isinstance(change, Removed):
            self._seen.pop(change.name, None)
        elif isinstance(change, Synced):
            self._seen[change.name].sync()
        else:
            self._seen[change.name].pending.append(change)
        if isinstance(change, Synced | Removed) and change.with_folder:
            self._kept = dict(self._seen)

    def read(self) -> dict[str, bytes]:
        """Return the files as programs see them."""
        return {name: file.content for name, file in self._seen.items()}

    def cut_power(self, chance: Random) -> dict[str, bytes]:
        """Return what is there when the power comes back; the disk itself goes on as if nothing had been."""
        left = {}
        share = chance.choice((0.0, 1.0, 0.5, chance.random()))
        for name in sorted({*self._seen, *self._kept}):
            candidates = (self._seen.get(name), self._kept.get(name))
            file = candidates[0] if candidates[0] is candidates[1] else chance.choice(candidates)
            if file is not None:
                left[name] = _tear(file, share, chance)
        return left


def _tear(file: _File, share: float, chance: Random) -> bytes:
    """Return a file with about this share of what is pending, in pieces no larger than a sector."""
    whole = bytearray(file.durable)
    for change in file.pending:
        for piece in _cut_into_sectors(change, chance):
            if chance.random() < share:
                _apply(whole, piece)
    return bytes(whole)


def _cut_into_sectors(change: Written | Truncated, chance: Random) -> Iterable[Written | Truncated]:
    if isinstance(change, Truncated):
        yield change
        return
    start, end = change.offset, change.offset + len(change.data)
    while start < end:
        stop = min(end, (start // SECTOR_BYTES + 1) * SECTOR_BYTES)
        if chance.random() < 0.05:  # a torn sector: two pieces that are kept or lost apart
            stop = chance.randint(start + 1, stop)
        yield Written(change.name, start, change.data[start - change.offset : stop - change.offset])
        start = stop


def _apply(whole: bytearray, change: Written | Truncated) -> None:
    if isinstance(change, Truncated):
        del whole[change.size :]
        whole.extend(bytes(max(0, change.size - len(whole))))
        return
    whole.extend(bytes(max(0, change.offset - len(whole))))
    whole[change.offset : change.offset + len(change.data)] = change.data
