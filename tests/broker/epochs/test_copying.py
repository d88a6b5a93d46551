"""A backup, a restore and a new epoch of an exchange on PostgreSQL, and the way there from SQLite and back."""

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text

from broker.agreements.live import make_agreement_book
from broker.attachments.opening import open_contents
from broker.attachments.rules import ByteRange, UploadKey
from broker.audit.log_store import select_head
from broker.audit.standing import ExchangeStoppedError, StopReason
from broker.audit.verification import verify_stored_log
from broker.composition import open_broker
from broker.database import open_exchange_database, read_database_url, write_database_url
from broker.directory.live import make_directory
from broker.directory.members import Members
from broker.epochs.backup import BackedUp, back_up, restore
from broker.epochs.errors import NotWitnessedError, WrongStateError
from broker.epochs.reading import read_database, read_members
from broker.epochs.rebase import Rebased, Tools, plan_rebase, rebase
from broker.epochs.resume import resume
from broker.exchange import Exchange, ExchangeExistsError, ExchangeFolder, open_exchange, read_sheet, read_stop
from broker.founding import found_exchange
from broker.joining import join_exchange
from broker.storage.errors import CommitUnknownError, DatabaseInUseError, SchemaKeptError
from broker.stored_state import verify_stored_state
from keys.generation import generate_bytes
from schemas.log.checkpoint import Checkpoint
from tests.broker.epochs.places import CLOCK, GB, VN, grow, make_place, open_place, settings_of
from tests.support.exchange import make_live_member
from tests.support.members import EXCHANGE
from tests.support.messages import make_id
from tests.support.postgresql import shared_server


def quietly(_done: int, _of: int) -> None:
    """Tell nobody."""


TOOLS = Tools(CLOCK, generate_bytes, quietly)


def make_shared(path: Path) -> ExchangeFolder:
    """Found an exchange on a database of its own, with two members and a log that grew a little."""
    found_exchange(
        path, EXCHANGE, ("localhost",), None, CLOCK, generate_bytes, database=shared_server().make_database()
    )
    folder = ExchangeFolder(path)
    with open_broker(open_exchange(folder, None), settings_of(folder), CLOCK) as broker:
        for agency in (GB, VN):
            broker.members.enrol_and_wait([make_live_member(agency).verified.document])
    return folder


@pytest.fixture
def place(tmp_path: Path) -> ExchangeFolder:
    return make_shared(tmp_path / "exchange")


def save(place: ExchangeFolder, target: Path) -> BackedUp:
    return back_up(place, target, quietly, with_open_keys=True)


def serve_a_little(place: ExchangeFolder) -> int:
    """Open the exchange as a broker does, let its log grow, and return how long it is."""
    with open_broker(open_place(place), settings_of(place), CLOCK) as broker:
        grow(broker)
        return broker.log.view.size


def read_size(place: ExchangeFolder) -> int:
    with read_database(place) as connection:
        return select_head(connection).size


def find_findings(place: ExchangeFolder) -> list[object]:
    sheet = read_sheet(place)
    with read_database(place) as connection:
        report = verify_stored_log(connection, sheet, quietly)
        verify_stored_state(connection, sheet, report)
    return list(report.findings)


def list_schemas(place: ExchangeFolder) -> set[str]:
    with closing(open_exchange_database(place, read_sheet(place))) as database, database.read() as connection:
        found = connection.execute(text("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'bilateral%'"))
        return {name for (name,) in found}


def test_a_backup_of_a_shared_database_is_a_file_that_holds_everything(place: ExchangeFolder, tmp_path: Path) -> None:
    with open_broker(open_place(place), settings_of(place), CLOCK) as broker:
        grow(broker)
        done = save(place, tmp_path / "backup.tar")
        assert done.size == broker.log.view.size
    made = ExchangeFolder(tmp_path / "made")
    assert restore(tmp_path / "backup.tar", made.path, CLOCK.now()).size == done.size
    assert (made.database.is_file(), made.database_url.exists()) == (True, False)
    assert find_findings(made) == []
    with read_database(made) as connection:
        members = make_directory(EXCHANGE).read(connection)
        assert make_agreement_book().read(connection) is not None
    assert set(members.timelines) == {GB, VN}


def test_an_exchange_moves_from_sqlite_to_postgresql_by_its_backup(tmp_path: Path) -> None:
    old = make_place(tmp_path / "old")
    size = save(old, tmp_path / "backup.tar").size
    moved = ExchangeFolder(tmp_path / "new")
    url = shared_server().make_database()
    restore(tmp_path / "backup.tar", moved.path, CLOCK.now(), database=url)
    assert (moved.database.exists(), moved.database_url.is_file()) == (False, True)
    assert (read_size(moved), find_findings(moved)) == (size, [])
    with open_broker(open_place(moved), settings_of(moved), CLOCK) as broker, pytest.raises(ExchangeStoppedError):
        grow(broker)


def test_a_database_that_holds_an_exchange_is_not_taken_for_another(place: ExchangeFolder, tmp_path: Path) -> None:
    save(place, tmp_path / "backup.tar")
    url = open_exchange_database(place, read_sheet(place)).writing.url
    with pytest.raises(ExchangeExistsError, match="name an empty one"):
        restore(tmp_path / "backup.tar", tmp_path / "made", CLOCK.now(), database=url)
    assert not (tmp_path / "made").exists()
    assert find_findings(place) == []


def test_a_restored_database_is_stopped_for_every_broker_and_the_old_one_is_kept(
    place: ExchangeFolder, tmp_path: Path
) -> None:
    second = ExchangeFolder(tmp_path / "second")
    join_exchange(place, second)
    size = save(place, tmp_path / "backup.tar").size
    serve_a_little(place)
    restore(tmp_path / "backup.tar", place.path, CLOCK.now())
    assert (read_size(place), find_findings(place)) == (size, [])
    assert list_schemas(place) == {"bilateral_1", "bilateral_1_replaced"}
    stop = read_stop(place)
    assert stop is not None
    assert stop.reason is StopReason.RESTORED
    with open_broker(open_place(second), settings_of(second), CLOCK) as broker, pytest.raises(ExchangeStoppedError):
        grow(broker)
    with pytest.raises(SchemaKeptError, match="bilateral_1_replaced"):
        restore(tmp_path / "backup.tar", place.path, CLOCK.now())


def test_nothing_is_restored_under_a_serving_broker(place: ExchangeFolder, tmp_path: Path) -> None:
    second = ExchangeFolder(tmp_path / "second")
    join_exchange(place, second)
    save(place, tmp_path / "backup.tar")
    with open_broker(open_place(second), settings_of(second), CLOCK):
        with pytest.raises(DatabaseInUseError):
            restore(tmp_path / "backup.tar", place.path, CLOCK.now())
        with pytest.raises(DatabaseInUseError):
            open_next_epoch(place)
    assert (list_schemas(place), read_stop(place)) == ({"bilateral_1"}, None)
    serve_a_little(place)  # what was refused has stopped nobody


def test_a_restore_that_is_refused_for_the_schema_of_an_earlier_one_stops_nobody(
    place: ExchangeFolder, tmp_path: Path
) -> None:
    save(place, tmp_path / "backup.tar")
    with closing(open_exchange_database(place, read_sheet(place))) as database, database.write() as connection:
        connection.execute(text("CREATE SCHEMA bilateral_1_replaced"))
    with pytest.raises(SchemaKeptError):
        restore(tmp_path / "backup.tar", place.path, CLOCK.now())
    serve_a_little(place)


def test_a_restore_that_is_killed_once_it_is_loaded_has_stopped_every_broker(
    place: ExchangeFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class KilledError(Exception):
        """Stands for the end of the process."""

    def die(*_words: object) -> None:
        raise KilledError

    save(place, tmp_path / "backup.tar")
    with monkeypatch.context() as patch:
        patch.setattr("broker.epochs.backup.write_stop", die)
        with pytest.raises(KilledError):
            restore(tmp_path / "backup.tar", place.path, CLOCK.now())
    with open_broker(open_place(place), settings_of(place), CLOCK) as broker, pytest.raises(ExchangeStoppedError):
        grow(broker)


def test_nothing_is_opened_or_resumed_over_what_a_broker_learned_meanwhile(
    place: ExchangeFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The operator looked while another folder's broker still served, and stopped that one before the last step."""
    second = ExchangeFolder(tmp_path / "second")
    join_exchange(place, second)
    exchange = open_place(place)
    plan = plan_rebase(exchange, None, [])
    serve_a_little(second)
    with pytest.raises(WrongStateError, match="has written meanwhile"):
        rebase(exchange, plan, None, TOOLS, new_log_keys=True)
    serve_a_little(second)

    save(place, tmp_path / "backup.tar")
    restore(tmp_path / "backup.tar", place.path, CLOCK.now())

    def learn_more(found: Exchange) -> Members:
        with open_broker(open_place(second), settings_of(second), CLOCK) as broker:
            broker.standing.fall_behind(evidence, GB, CLOCK.now().replace(microsecond=0))
            broker.writer.commit_and_wait(lambda _transaction: None)
        return read_members(found)

    evidence = exchange.sign(Checkpoint(exchange.sheet.origin, 1000, bytes(32)))
    monkeypatch.setattr("broker.epochs.resume.read_members", learn_more)
    with pytest.raises(WrongStateError, match="another reason to stop"):
        resume(exchange, settings_of(place), CLOCK, [], frozenset({GB, VN}))
    with read_database(place) as connection:
        assert b"behind" in (select_head(connection).stop or b"")


def test_an_earlier_database_is_noticed_though_nobody_ran_while_it_was_put_back(
    place: ExchangeFolder, tmp_path: Path
) -> None:
    """A standby that lacked something was promoted, or a moment restored, after every broker was stopped."""
    second = ExchangeFolder(tmp_path / "second")
    join_exchange(place, second)
    earlier = shared_server().make_database(read_database_url(place.database_url).database)
    size = serve_a_little(place)
    for folder in (place, second):
        write_database_url(folder, earlier)
    with open_broker(open_place(place), settings_of(place), CLOCK) as broker, pytest.raises(ExchangeStoppedError):
        grow(broker)
    stop = read_stop(place)
    assert stop is not None
    assert stop.shown is not None
    assert (stop.reason, stop.witness, stop.shown.size) == (StopReason.BEHIND, None, size)
    with open_broker(open_place(second), settings_of(second), CLOCK) as broker, pytest.raises(ExchangeStoppedError):
        grow(broker)


def test_a_new_epoch_goes_on_from_what_this_broker_signed_though_its_database_is_lost(
    place: ExchangeFolder, tmp_path: Path
) -> None:
    save(place, tmp_path / "backup.tar")
    size = serve_a_little(place)
    restore(tmp_path / "backup.tar", place.path, CLOCK.now())
    exchange = open_place(place)
    with pytest.raises(NotWitnessedError, match="what this broker signed last"):
        resume(exchange, settings_of(place), CLOCK, [], frozenset({GB, VN}))
    plan = plan_rebase(exchange, read_stop(place), [])
    assert plan.last.checkpoint.size == size
    assert rebase(exchange, plan, None, TOOLS, new_log_keys=False).last.size == size


def open_next_epoch(place: ExchangeFolder) -> Rebased:
    exchange = open_place(place)
    return rebase(exchange, plan_rebase(exchange, None, []), None, TOOLS, new_log_keys=True)


def test_no_new_epoch_is_signed_that_no_standby_has_where_one_is_required(place: ExchangeFolder) -> None:
    exchange, signed = open_place(place), place.signed_head.read_bytes()
    demanding = replace(TOOLS, requires_standby=True)
    with pytest.raises(CommitUnknownError, match="no synchronous standby"):
        rebase(exchange, plan_rebase(exchange, None, []), None, demanding, new_log_keys=True)
    assert (read_sheet(place), place.signed_head.read_bytes()) == (exchange.sheet, signed)
    assert list_schemas(place) == {"bilateral_1"}
    serve_a_little(place)


def test_a_new_epoch_stands_in_a_schema_of_its_own_and_the_old_one_cannot_go_on(
    place: ExchangeFolder, tmp_path: Path
) -> None:
    stale = ExchangeFolder(tmp_path / "stale")
    join_exchange(place, stale)
    done = open_next_epoch(place)
    assert done.sheet == read_sheet(place)
    assert list_schemas(place) == {"bilateral_1", "bilateral_2"}
    assert find_findings(place) == []
    archive = ExchangeFolder(done.archive)
    assert (read_sheet(archive).origin, find_findings(archive)) == (f"{EXCHANGE}/1", [])
    before = read_size(place)
    assert serve_a_little(place) > before
    with (
        open_broker(open_place(stale), settings_of(stale), CLOCK) as broker,
        pytest.raises(ExchangeStoppedError, match="new sheet"),
    ):
        grow(broker)
    assert read_size(archive) == read_size(stale)
    third = ExchangeFolder(tmp_path / "third")
    join_exchange(place, third)
    assert serve_a_little(third) > before


def test_a_new_epoch_takes_over_the_bytes_of_attachments(place: ExchangeFolder) -> None:
    key, data = UploadKey(GB, make_id("message"), make_id("attachment")), bytes(range(256)) * 2_000
    with (
        open_contents(place, read_sheet(place), max_bytes=1 << 20) as contents,
        closing(contents.open_piece(key)) as to,
    ):
        to.write(data, 0)
    open_next_epoch(place)
    with open_contents(place, read_sheet(place)) as contents:
        assert contents.read(key, ByteRange(0, len(data))) == data


def test_a_new_epoch_that_cannot_be_built_leaves_everything_as_it_was(
    place: ExchangeFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_new: object) -> None:
        raise OSError("no room")

    size = read_size(place)
    with monkeypatch.context() as patch:
        patch.setattr("broker.epochs.rebase._verify_built", fail)
        with pytest.raises(OSError, match="no room"):
            open_next_epoch(place)
    assert (read_size(place), list_schemas(place)) == (size, {"bilateral_1"})
    assert serve_a_little(place) > size
    open_next_epoch(place)


def test_a_schema_of_the_next_epoch_is_never_taken_away(place: ExchangeFolder, tmp_path: Path) -> None:
    """Another folder's brokers may serve from it: this one is stale, or an operator was killed in the middle."""
    stale = ExchangeFolder(tmp_path / "stale")
    join_exchange(place, stale)
    open_next_epoch(place)
    size = read_size(place)
    with pytest.raises(WrongStateError, match="drop their schema"):
        open_next_epoch(stale)
    assert (read_size(place), find_findings(place)) == (size, [])
