"""A folder is of one epoch or of the next, wherever the switch is interrupted; and it can be finished from anywhere."""

from pathlib import Path

import pytest

from broker.epochs import switch
from broker.epochs.switch import build_epoch, finish_switch, is_switching

OLD = ("broker.db", "broker.db-wal", "exchange.json", "names.json", "stopped.json", "secrets.json")
NEW = ("broker.db", "exchange.json", "names.json", "secrets.json")
PLACES = ["rebase.before-decision", "rebase.decided", "rebase.archived", *(f"rebase.moved:{n}" for n in range(1, 5))]


class CutError(Exception):
    """Where the machine stood still."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in OLD:
        (tmp_path / name).write_text(f"old {name}")
    (tmp_path / "lock").touch()
    return tmp_path


def begin(folder: Path) -> None:
    with build_epoch(folder, 1) as building:
        for name in NEW:
            (building / name).write_text(f"new {name}")


def cut_at(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    name, _, nth = place.partition(":")
    passes = [int(nth or 1)]

    def cut(reached: str) -> None:
        if reached == name:
            passes[0] -= 1
            if passes[0] == 0:
                raise CutError

    monkeypatch.setattr(switch, "failpoint", cut)


def read_all(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_text()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "lock"
    }


def finished() -> dict[str, str]:
    archived = {f"epoch-1/{name}": f"old {name}" for name in OLD if name != "secrets.json"}
    return dict(sorted({**archived, **{name: f"new {name}" for name in NEW}}.items()))


def test_the_new_epoch_takes_the_place_of_the_old_which_is_kept_without_keys(folder: Path) -> None:
    begin(folder)
    assert read_all(folder) == finished()
    assert (folder / "epoch-1").stat().st_mode & 0o077 == 0
    assert not is_switching(folder)


@pytest.mark.parametrize("place", PLACES)
def test_wherever_it_is_interrupted_it_is_the_old_or_becomes_the_new(
    folder: Path, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = read_all(folder)
    with monkeypatch.context() as armed:
        cut_at(place, armed)
        with pytest.raises(CutError):
            begin(folder)
    if place == "rebase.before-decision":
        assert read_all(folder) == before
        assert not is_switching(folder)
        begin(folder)
    else:
        assert is_switching(folder)
        finish_switch(folder)
    assert read_all(folder) == finished()
    finish_switch(folder)
    assert read_all(folder) == finished()


def test_what_a_dead_process_was_building_is_thrown_away(folder: Path) -> None:
    (folder / ".epoch.new").mkdir()
    (folder / ".epoch.new" / "broker.db").write_text("half")
    finish_switch(folder)
    begin(folder)
    assert read_all(folder) == finished()


def test_a_failure_while_building_leaves_the_old_epoch(folder: Path) -> None:
    before = read_all(folder)

    def fail() -> None:
        with build_epoch(folder, 1) as building:
            (building / "broker.db").write_text("half")
            raise CutError

    with pytest.raises(CutError):
        fail()
    assert read_all(folder) == before


def test_a_new_database_that_is_not_in_one_file_is_not_switched_to(folder: Path) -> None:
    before = read_all(folder)

    def begin_half() -> None:
        with build_epoch(folder, 1) as building:
            (building / "broker.db").write_text("new broker.db")
            (building / "broker.db-shm").touch()
            (building / "broker.db-wal").write_text("not in it yet")

    with pytest.raises(RuntimeError, match="not all in its own file"):
        begin_half()
    assert read_all(folder) == before
