"""One more broker of an exchange: its folder holds what every broker needs, and the database takes it, or says why."""

import shutil
import stat
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import URL, text
from typer.testing import CliRunner

from broker.audit.belonging import ForeignLogError
from broker.audit.log_store import LogMissingError, store_stop
from broker.audit.standing import ExchangeStoppedError, Stop, StopReason
from broker.cli import app
from broker.composition import Broker, open_broker
from broker.database import open_exchange_database
from broker.epochs.resume import resume
from broker.exchange import (
    ExchangeExistsError,
    ExchangeFolder,
    ServerNames,
    lift_stop,
    open_exchange,
    read_sheet,
    read_stop,
    write_stop,
)
from broker.founding import found_exchange
from broker.joining import NotSharedError, StaleFolderError, join_exchange
from broker.settings import Settings, load_settings
from broker.storage.announcements import Topic, read_announcement
from broker.storage.errors import DatabaseInUseError, StoreUnreachableError
from broker.storage.revision import SchemaOutdatedError, find_revision
from broker.storage.transaction import Transaction
from keys.generation import generate_bytes, generate_id
from schemas.codec import decode_canonical
from schemas.log.records import RecordType
from tests.broker.ports import START, ManualClock
from tests.support.postgresql import shared_server

NAME, HOSTS = "exchange.example", ("127.0.0.1",)
CLOCK = ManualClock()


def found(folder: Path, database: URL | None = None) -> ExchangeFolder:
    found_exchange(folder, NAME, HOSTS, None, CLOCK, generate_bytes, database=database)
    return ExchangeFolder(folder)


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> ExchangeFolder:
    return found(tmp_path_factory.mktemp("first") / "exchange", shared_server().make_database())


@pytest.fixture(scope="module")
def second(first: ExchangeFolder, tmp_path_factory: pytest.TempPathFactory) -> ExchangeFolder:
    folder = ExchangeFolder(tmp_path_factory.mktemp("second") / "exchange")
    join_exchange(first, folder)
    return folder


def settings_of(folder: ExchangeFolder) -> Settings:
    return load_settings(None, {}, folder=folder.path, environment="testing")


@contextmanager
def opened(folder: ExchangeFolder, *, is_alone: bool = False) -> Iterator[Broker]:
    exchange = open_exchange(folder, None)
    with folder.hold_lock(), open_broker(exchange, settings_of(folder), CLOCK, is_alone=is_alone) as broker:
        yield broker


def append(transaction: Transaction) -> None:
    transaction.append(RecordType.OPERATOR_ACTION, concerns=[], detail="a test")
    transaction.announce_change(Topic.KEYS)


def test_the_folder_holds_what_every_broker_needs_for_its_owner_alone(first: ExchangeFolder, tmp_path: Path) -> None:
    write_stop(first, Stop(v=1, reason=StopReason.RESTORED, since=START))
    (first.path / "address.json").write_text("{}")
    folder = ExchangeFolder(tmp_path / "deep" / "second")
    sheet = join_exchange(first, folder)
    assert sheet.name == NAME
    assert {path.name for path in folder.path.iterdir()} == {
        "database.url", "exchange.json", "names.json", "secrets.json",
    }  # fmt: skip
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.path.iterdir()} == {0o600}
    assert stat.S_IMODE(folder.path.stat().st_mode) == 0o700
    assert open_exchange(folder, None).secrets == open_exchange(first, None).secrets
    assert open_exchange(folder, None).hosts == HOSTS
    lift_stop(first)


def test_sealed_keys_stay_sealed_and_the_names_may_be_its_own(first: ExchangeFolder, tmp_path: Path) -> None:
    source, folder = ExchangeFolder(tmp_path / "copy"), ExchangeFolder(tmp_path / "second")
    shutil.copytree(first.path, source.path)
    source.open_secrets.rename(source.sealed_secrets)  # of what is in it nothing is looked at
    words = ["join", str(source.path), "--data", str(folder.path), "--host", "broker-2.exchange.example", "--json"]
    done = CliRunner().invoke(app, words, catch_exceptions=False)
    assert (done.exit_code, decode_canonical(done.stdout.strip().encode())["origin"]) == (0, f"{NAME}/1")
    assert not folder.open_secrets.exists()
    assert folder.sealed_secrets.read_bytes() == source.sealed_secrets.read_bytes()
    assert ServerNames.from_canonical(folder.names.read_bytes()).hosts == ("broker-2.exchange.example",)


def test_an_exchange_in_sqlite_has_one_broker(tmp_path: Path) -> None:
    with pytest.raises(NotSharedError, match="SQLite"):
        join_exchange(found(tmp_path / "first"), ExchangeFolder(tmp_path / "second"))
    assert not (tmp_path / "second").exists()


def test_nothing_is_left_where_the_database_does_not_take_it(first: ExchangeFolder, tmp_path: Path) -> None:
    source = ExchangeFolder(tmp_path / "copy")
    shutil.copytree(first.path, source.path)
    empty, gone = shared_server().make_database(), shared_server().url_of("gone")
    for url, error in ((empty, SchemaOutdatedError), (gone, StoreUnreachableError)):
        source.database_url.write_text(url.render_as_string())
        with pytest.raises(error):
            join_exchange(source, ExchangeFolder(tmp_path / "second"))
        assert not (tmp_path / "second").exists()


def test_no_folder_is_written_over(first: ExchangeFolder, second: ExchangeFolder) -> None:
    with pytest.raises(ExchangeExistsError):
        join_exchange(first, second)


def test_brokers_write_together_and_who_works_alone_locks_them_out(
    first: ExchangeFolder, second: ExchangeFolder
) -> None:
    with opened(first) as one, opened(second) as two:
        for broker in (one, two, one):
            broker.writer.commit_and_wait(append)
        assert one.log.view.size == two.log.view.size + 1
    with opened(first), pytest.raises(DatabaseInUseError), opened(second, is_alone=True):
        pass
    for is_alone in (False, True):
        with opened(first, is_alone=True), pytest.raises(DatabaseInUseError), opened(second, is_alone=is_alone):
            pass
    with opened(first) as one, opened(second) as two:
        assert one.log.view.checkpoint == two.log.view.checkpoint


def test_what_one_broker_commits_is_heard_by_the_others(first: ExchangeFolder, second: ExchangeFolder) -> None:
    with opened(first) as one, opened(second) as two:
        channel = two.database.open_channel(generate_id())
        assert channel is not None
        with channel.listen() as hearing:
            one.writer.commit_and_wait(append)
            (heard,) = [read_announcement(text) for text in hearing.wait(20)]
    assert heard is not None
    assert (heard.topics, heard.size) == ((Topic.KEYS,), one.log.view.size)


def test_a_verb_that_works_alone_says_why_it_cannot(first: ExchangeFolder, second: ExchangeFolder) -> None:
    with opened(first):
        for verb in ("migrate", "purge"):
            done = CliRunner().invoke(
                app, [verb, "--data", str(second.path)], env={"BILATERAL_BROKER_ENVIRONMENT": "testing"}
            )
            assert (done.exit_code, "another broker" in done.stderr) == (8, True)


def test_a_stop_in_one_folder_stops_the_exchange_until_it_is_lifted_there(
    first: ExchangeFolder, second: ExchangeFolder
) -> None:
    write_stop(first, Stop(v=1, reason=StopReason.RESTORED, since=START))
    with opened(first):
        pass
    with opened(second) as two, pytest.raises(ExchangeStoppedError):
        two.writer.commit_and_wait(append)
    assert read_stop(second) is None, "what was restored is for the operator of the first one to decide"
    with first.hold_lock():
        resume(open_exchange(first, None), settings_of(first), CLOCK, [], frozenset())
    with opened(second) as two:
        two.writer.commit_and_wait(append)


def test_a_broker_signs_nothing_over_the_database_of_another_exchange_or_epoch(
    first: ExchangeFolder, tmp_path: Path
) -> None:
    other = found(tmp_path / "other", shared_server().make_database())
    given = other.database_url.read_bytes()
    other.database_url.write_bytes(first.database_url.read_bytes())
    with pytest.raises(ForeignLogError, match="other keys"), opened(other):
        pass
    other.database_url.write_bytes(given)
    database = open_exchange_database(other, open_exchange(other, None).sheet)
    for change, error in (
        ("UPDATE log_head SET origin = 'exchange.example/2'", ForeignLogError),
        ("DELETE FROM log_head", LogMissingError),
    ):
        with database.write() as connection:
            connection.exec_driver_sql(change)
        with pytest.raises(error), opened(other):
            pass
    database.close()


def test_a_folder_of_an_epoch_that_is_over_is_joined_by_nobody(tmp_path: Path) -> None:
    stale = found(tmp_path / "stale", shared_server().make_database())
    over = Stop(v=1, reason=StopReason.REBASED, since=START)
    with closing(open_exchange_database(stale, read_sheet(stale))) as database, database.write() as connection:
        store_stop(connection, over.canonical())
    with pytest.raises(StaleFolderError, match="another log goes on after"):
        join_exchange(stale, ExchangeFolder(tmp_path / "joined"))
    assert not (tmp_path / "joined").exists()


def test_no_exchange_is_founded_where_brokers_serve_or_another_version_has_its_tables(tmp_path: Path) -> None:
    url = shared_server().make_database()
    place = found(tmp_path / "place", url)
    served = open_broker(open_exchange(place, None), Settings(folder=place.path, environment="testing"), CLOCK)
    with served, pytest.raises(DatabaseInUseError):
        found(tmp_path / "other", url)
    with pytest.raises(ExchangeExistsError, match="holds the log"):
        found(tmp_path / "other", url)
    with closing(open_exchange_database(place, read_sheet(place))) as database, database.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    with pytest.raises(ExchangeExistsError, match="of another version"):
        found(tmp_path / "other", url)
    with closing(open_exchange_database(place, read_sheet(place))) as database, database.read() as connection:
        assert find_revision(connection) == "0001"
