"""What is removed, where, and which tests must turn red: read from the table, and shown as one in the threat model."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TABLE = Path(__file__).with_name("removals.toml")
_ATTACKS = "tests/attacks/"


class EditError(Exception):
    """The code is not what it was when the removal was written: its old text stands there no more, or twice."""


@dataclass(frozen=True, slots=True)
class Edit:
    """One change: `old` stands in a file exactly once, and `new` takes its place."""

    file: str
    old: str
    new: str

    def apply(self, root: Path) -> str:
        """Make the change in a copy of the tree and return what the file held before.

        Raises:
            EditError: the old text is not there, or not once.
        """
        before = (root / self.file).read_text("utf-8")
        count = before.count(self.old)
        if count != 1:
            raise EditError(f"{self.file}: the old text stands there {count} times: {self.old!r}")
        (root / self.file).write_text(before.replace(self.old, self.new), "utf-8")
        return before


@dataclass(frozen=True, slots=True)
class Removal:
    """One control taken out. `tests` are ids as pytest knows them, without parameters."""

    control: str
    tests: tuple[str, ...]
    edits: tuple[Edit, ...]

    @property
    def row(self) -> str:
        """Return its row in the threat model."""
        files = " ".join(dict.fromkeys(f"`{edit.file}`" for edit in self.edits))
        return f"| {self.control} | {files} | {'<br>'.join(f'`{test}`' for test in self.tests)} |"


def load_removals(wanted: str = "") -> list[Removal]:
    """Return every removal, or those in whose control or tests a word stands."""
    table = tomllib.loads(TABLE.read_text("utf-8"))["removal"]
    found = [_read(entry) for entry in table]
    return [removal for removal in found if wanted in removal.control or any(wanted in test for test in removal.tests)]


def _read(entry: dict[str, object]) -> Removal:
    tests = [f"{_ATTACKS}{test}" for test in _list(entry["tests"])]
    edits = [Edit(str(edit["file"]), str(edit["old"]), str(edit["new"])) for edit in _list(entry["edit"])]
    return Removal(str(entry["control"]), tuple(tests), tuple(edits))


def _list(value: object) -> list[dict[str, object]]:
    assert isinstance(value, list)
    return value
