"""A backup is whole and private, takes nobody's place, and what is made of it is stopped."""

import io
import tarfile
from pathlib import Path

import pytest

from broker.audit.standing import Stop, StopReason
from broker.composition import open_broker
from broker.epochs.backup import BackedUp, back_up, restore
from broker.epochs.errors import BackupError
from broker.exchange import ExchangeExistsError, ExchangeFolder, open_exchange, read_sheet, read_stop, write_stop
from broker.founding import found_exchange
from keys.generation import generate_bytes
from schemas.log.checkpoint import Checkpoint
from tests.broker.epochs.places import CLOCK, copy_place, grow, make_place, open_place, settings_of


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> ExchangeFolder:
    return make_place(tmp_path_factory.mktemp("backup") / "exchange")


@pytest.fixture
def place(original: ExchangeFolder, tmp_path: Path) -> ExchangeFolder:
    return copy_place(original, tmp_path / "exchange")


def save(place: ExchangeFolder, target: Path, *, with_open_keys: bool = True) -> BackedUp:
    return back_up(place, target, lambda _done, _of: None, with_open_keys=with_open_keys)


def read_size(place: ExchangeFolder) -> int:
    with open_broker(open_place(place), settings_of(place), CLOCK) as broker:
        return broker.log.view.size


def test_a_backup_is_taken_while_the_broker_works_and_makes_a_stopped_exchange(
    place: ExchangeFolder, tmp_path: Path
) -> None:
    target = tmp_path / "backup.tar"
    with open_broker(open_place(place), settings_of(place), CLOCK) as broker:
        grow(broker)
        done = save(place, target)
        assert done.size == broker.log.view.size
    assert (done.keys, target.stat().st_mode & 0o777) == ("secrets.json", 0o600)
    made = ExchangeFolder(tmp_path / "made")
    assert restore(target, made.path, CLOCK.now()).size == done.size
    stop = read_stop(made)
    assert stop is not None
    assert stop.reason is StopReason.RESTORED
    assert read_sheet(made) == read_sheet(place)
    assert read_size(made) in (done.size, done.size - 1)  # a stopped log shows its newest stored note


def test_open_keys_stay_out_of_a_backup_unless_asked_for(place: ExchangeFolder, tmp_path: Path) -> None:
    assert save(place, tmp_path / "without.tar", with_open_keys=False).keys is None
    with tarfile.open(tmp_path / "without.tar") as tar:
        assert sorted(tar.getnames()) == ["broker.db", "exchange.json", "names.json"]


def test_sealed_keys_are_in_every_backup(tmp_path: Path) -> None:
    found_exchange(tmp_path / "sealed", "exchange.example", ("localhost",), "a passphrase", CLOCK, generate_bytes)
    place = ExchangeFolder(tmp_path / "sealed")
    assert save(place, tmp_path / "sealed.tar", with_open_keys=False).keys == "secrets.sealed"
    restore(tmp_path / "sealed.tar", tmp_path / "made", CLOCK.now())
    open_exchange(ExchangeFolder(tmp_path / "made"), "a passphrase")


def test_a_backup_never_takes_the_place_of_a_file(place: ExchangeFolder, tmp_path: Path) -> None:
    (tmp_path / "there").write_text("something")
    with pytest.raises(BackupError, match="there already"):
        save(place, tmp_path / "there")
    assert (tmp_path / "there").read_text() == "something"
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_a_database_is_put_back_beside_the_one_that_was_there(place: ExchangeFolder, tmp_path: Path) -> None:
    target = tmp_path / "backup.tar"
    size = save(place, target).size
    with open_broker(open_place(place), settings_of(place), CLOCK) as broker:
        grow(broker)
    exchange = open_place(place)
    note = exchange.sign(Checkpoint(exchange.sheet.origin, 1000, bytes(32))).decode()
    evidence = Stop(v=1, reason=StopReason.BEHIND, since=CLOCK.now().replace(microsecond=0), note=note, witness="GB")
    write_stop(place, evidence)
    restore(target, place.path, CLOCK.now())
    stop = read_stop(place)
    assert stop is not None
    assert (stop.reason, stop.note, stop.witness) == (StopReason.RESTORED, note, "GB")
    assert read_size(place) == size
    assert (place.path / "broker.db.replaced").exists()
    with pytest.raises(BackupError, match="move it away first"):
        restore(target, place.path, CLOCK.now())


def test_a_backup_of_another_exchange_is_not_put_back(place: ExchangeFolder, tmp_path: Path) -> None:
    other = make_place(tmp_path / "other")
    save(other, tmp_path / "other.tar")
    before = place.database.read_bytes()
    with pytest.raises(BackupError, match="not of this exchange"):
        restore(tmp_path / "other.tar", place.path, CLOCK.now())
    assert (read_stop(place), place.database.read_bytes()) == (None, before)


def test_a_folder_of_something_else_is_left_alone(place: ExchangeFolder, tmp_path: Path) -> None:
    save(place, tmp_path / "backup.tar")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter").touch()
    with pytest.raises(ExchangeExistsError):
        restore(tmp_path / "backup.tar", tmp_path / "full", CLOCK.now())


def write_tar(path: Path, *members: tarfile.TarInfo) -> Path:
    with tarfile.open(path, "w") as tar:
        for member in members:
            tar.addfile(member, io.BytesIO(bytes(member.size)))
    return path


def name_member(name: str, **attributes: object) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    for attribute, value in attributes.items():
        setattr(member, attribute, value)
    return member


@pytest.mark.parametrize(
    ("member", "says"),
    [
        (name_member("../broker.db"), "no backup has"),
        (name_member("/etc/passwd"), "no backup has"),
        (name_member("broker.db", type=tarfile.SYMTYPE, linkname="/etc/passwd"), "no backup has"),
        (name_member("stopped.json"), "no backup has"),
        (name_member("names.json", size=2 << 20), "too large"),
        (name_member("names.json", size=3), "is missing"),
    ],
)
def test_a_file_that_holds_something_else_is_no_backup(tmp_path: Path, member: tarfile.TarInfo, says: str) -> None:
    with pytest.raises(BackupError, match=says):
        restore(write_tar(tmp_path / "crafted.tar", member), tmp_path / "made", CLOCK.now())
    assert not (tmp_path / "made").exists()


def test_what_is_no_archive_is_no_backup(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no archive")
    with pytest.raises(BackupError, match="no backup"):
        restore(tmp_path / "text", tmp_path / "made", CLOCK.now())
