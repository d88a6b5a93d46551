"""An exchange has its database in its folder, or where a private file says; one place finds it and never tells it."""

from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import make_url

from broker.audit.log_store import select_head
from broker.database import (
    DatabaseUrlError,
    UnsafeDatabaseError,
    find_database,
    open_exchange_database,
    read_database_url,
    verify_safe,
    write_database_url,
)
from broker.exchange import ExchangeExistsError, ExchangeFolder
from broker.founding import found_exchange
from keys.generation import generate_bytes
from schemas.key_documents import ExchangeSheet
from tests.broker.ports import ManualClock
from tests.support.postgresql import shared_server

SECRET = "postgresql://broker:se%2Fcret@db.example:5432/exchange?sslmode=verify-full"


def found(path: Path, database: str | None = None) -> ExchangeSheet:
    url = None if database is None else make_url(database)
    return found_exchange(path, "exchange.test", ("localhost",), None, ManualClock(), generate_bytes, database=url)


def write(path: Path, words: str, mode: int = 0o600) -> Path:
    path.touch()
    path.chmod(mode)
    path.write_text(words)
    return path


def test_without_a_url_the_database_is_a_file_in_the_folder(tmp_path: Path) -> None:
    assert find_database(ExchangeFolder(tmp_path)) == tmp_path / "broker.db"


def test_a_url_is_kept_whole_in_a_file_that_only_its_owner_reads(tmp_path: Path) -> None:
    folder = ExchangeFolder(tmp_path)
    write_database_url(folder, make_url(SECRET))
    assert folder.database_url.stat().st_mode & 0o777 == 0o600
    assert find_database(folder) == make_url(SECRET)


@pytest.mark.parametrize(
    ("words", "mode", "reason"),
    [
        (SECRET, 0o640, "can be read by other users"),
        ("se%2Fcret", 0o600, "holds no URL"),
        ("", 0o600, "holds no URL"),
        ("postgresql://broker:se%2Fcret@db.example:port/exchange", 0o600, "holds no URL"),
        ("mysql://broker:se%2Fcret@db.example/exchange", 0o600, "names no PostgreSQL database"),
        ("postgresql://broker:se%2Fcret@db.example", 0o600, "names no PostgreSQL database"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_without_what_it_holds(
    tmp_path: Path, words: str, mode: int, reason: str
) -> None:
    with pytest.raises(DatabaseUrlError, match=reason) as caught:
        read_database_url(write(tmp_path / "url", words, mode))
    assert "cret" not in str(caught.value)
    assert "db.example" not in str(caught.value)


def test_an_exchange_is_founded_on_postgresql_and_only_once(tmp_path: Path) -> None:
    url = shared_server().make_database().render_as_string(hide_password=False)
    sheet = found(tmp_path / "first", url)
    folder = ExchangeFolder(tmp_path / "first")
    assert not folder.database.exists()
    with closing(open_exchange_database(folder, sheet)) as database:
        with database.read() as connection:
            assert (select_head(connection).origin, select_head(connection).size) == ("exchange.test/1", 1)
        with pytest.raises(UnsafeDatabaseError, match="fsync = off: a power cut would lose"):
            verify_safe(database)
    with pytest.raises(ExchangeExistsError, match=r"holds the log exchange\.test/1 already"):
        found(tmp_path / "second", url)
    assert not (tmp_path / "second").exists()


def test_a_sqlite_file_is_safe_and_has_no_standby_to_require(tmp_path: Path) -> None:
    sheet, folder = found(tmp_path / "exchange"), ExchangeFolder(tmp_path / "exchange")
    with closing(open_exchange_database(folder, sheet)) as database:
        verify_safe(database)
    with pytest.raises(UnsafeDatabaseError, match="SQLite has no standby"):
        open_exchange_database(folder, sheet, requires_standby=True)
