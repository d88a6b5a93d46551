"""Where an exchange keeps what it knows: `broker.db` in its folder, or what `database.url` there names.

The one place that opens an exchange's database, for the serving broker and for every verb. The URL may hold a password:
it lies in a file that only its owner reads, and no message repeats it.
"""

from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from broker.durable_files import write_private_file
from broker.exchange import ExchangeError, ExchangeFolder
from broker.storage.engine import Database, open_database
from schemas.key_documents import ExchangeSheet
from schemas.log.epoch import read_epoch

_OTHERS_MAY_READ = 0o077


class DatabaseUrlError(ExchangeError):
    """The file with the database's URL cannot be used; the text says why, without what it holds."""


class UnsafeDatabaseError(ExchangeError):
    """The database server is set so that it may lose what it committed."""


def open_exchange_database(
    folder: ExchangeFolder,
    sheet: ExchangeSheet,
    *,
    requires_standby: bool = False,
    is_alone: bool = False,
    beside: int = 0,
) -> Database:
    """Open the database of an exchange, in the epoch that its sheet is of; no table is made or looked at.

    With `requires_standby` no commit counts that no synchronous standby has. With `is_alone` the first write raises
    `DatabaseInUseError` while brokers serve, and none can until this is closed. `beside` is as in `open_database`.

    Raises:
        DatabaseUrlError: the file that says where it is cannot be used.
        UnsafeDatabaseError: a standby is required of SQLite.
    """
    epoch, where = read_epoch(sheet.origin, sheet.name), find_database(folder)
    if requires_standby and isinstance(where, Path):
        raise UnsafeDatabaseError("database.require_standby is set, and SQLite has no standby: leave the setting out")
    return open_database(where, epoch=epoch, requires_standby=requires_standby, is_alone=is_alone, beside=beside)


def find_database(folder: ExchangeFolder) -> Path | URL:
    """Return where the exchange's database is: a SQLite file, or a PostgreSQL server's.

    Raises:
        DatabaseUrlError: the file that says so cannot be used.
    """
    return read_database_url(folder.database_url) if folder.database_url.exists() else folder.database


def write_database_url(folder: ExchangeFolder, url: URL) -> None:
    """Make it durable that the exchange is kept in this PostgreSQL database."""
    write_private_file(folder.database_url, url.render_as_string(hide_password=False).encode() + b"\n")


def read_database_url(path: Path) -> URL:
    """Return the URL in the first line of a private file.

    Raises:
        DatabaseUrlError: others may read the file, or it names no PostgreSQL database.
    """
    if path.stat().st_mode & _OTHERS_MAY_READ:
        raise DatabaseUrlError(f"{path} can be read by other users of this machine: run `chmod go= {path}`")
    try:
        url = make_url(path.read_text("utf-8").strip())
    except (ArgumentError, ValueError) as error:
        raise DatabaseUrlError(f"{path} holds no URL: it reads postgresql://USER@HOST/DATABASE") from error
    if url.get_backend_name() != "postgresql" or not url.database:
        raise DatabaseUrlError(f"{path} names no PostgreSQL database: it reads postgresql://USER@HOST/DATABASE")
    return url


def verify_safe(database: Database) -> None:
    """Verify that nothing is set on the database's server that lets committed writes be lost.

    Raises:
        UnsafeDatabaseError: something is; for tests the environment is `testing`.
    """
    for reason in database.find_unsafe():
        raise UnsafeDatabaseError(reason)
