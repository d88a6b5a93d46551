"""Small stand-ins for the broker's ports: a clock set by hand, salts that count, a store in a temporary folder.

Stores stand on the engine that was chosen (`tests.support.engines`).
"""

from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import URL

from broker.audit.log import AuditLog, create_log
from broker.audit.standing import Standing
from broker.storage.engine import Database, open_database
from broker.storage.migrate import migrate
from keys.log_keys import LogSigner, sign_checkpoint
from schemas.jwk import Algorithm, make_jwk
from schemas.key_documents import ExchangeSheet
from tests.support.engines import is_on_postgresql, make_server_database
from tests.support.members import EXCHANGE
from tests.support.postgresql import shared_server

ORIGIN = "exchange.test/1"
START = datetime(2026, 11, 21, 21, 0, tzinfo=UTC)

_opened: list[Database] = []
_places: dict[Path, Path | URL] = {}


class ManualClock:
    """A clock that stands still until it is moved."""

    def __init__(self, moment: datetime = START) -> None:
        self.moment = moment

    def now(self) -> datetime:
        """Return the moment it was set to."""
        return self.moment

    def move(self, seconds: float) -> None:
        """Move by so many seconds, back too."""
        self.moment += timedelta(seconds=seconds)


class CountingSalts:
    """Salts that differ and repeat from run to run."""

    def __init__(self) -> None:
        self.drawn = 0

    def __call__(self) -> bytes:
        """Return the next 32 bytes."""
        self.drawn += 1
        return self.drawn.to_bytes(32, "big")


def make_signer() -> LogSigner:
    """Return the log keys of the tests."""
    return LogSigner(bytes([1]) * 32, bytes([2]) * 32)


def make_sheet() -> ExchangeSheet:
    """Return the sheet of the tests' exchange, as far as its log's keys."""
    public = make_signer().public
    keys = {
        "ed25519": make_jwk(Algorithm.ED25519, public.ed25519).to_wire(),
        "ml_dsa": make_jwk(Algorithm.ML_DSA_44, public.ml_dsa_44).to_wire(),
    }
    return ExchangeSheet.from_wire({"v": 1, "name": EXCHANGE, "origin": ORIGIN, "log_keys": keys, "tls_ca": ""})


def make_empty_store(folder: Path) -> Database:
    """Return an open database without tables."""
    _places[folder] = make_server_database() or folder / "broker.db"
    return open_store(folder)


def make_store(folder: Path) -> Database:
    """Return an open, migrated database with an empty log in it."""
    if is_on_postgresql():
        _places[folder] = shared_server().make_database(_prepared_database())
    else:
        _places[folder] = place = folder / "broker.db"
        place.touch(0o600)
        place.write_bytes(_prepared_file())
    return open_store(folder)


def make_store_by_steps(folder: Path) -> Database:
    """Return the same, every byte of it written by the store itself."""
    database = make_empty_store(folder)
    prepare_store(database)
    return database


def open_store(folder: Path, *, beside: int = 0) -> Database:
    """Open the store that was made in this folder once more; `beside` is as in `open_database`."""
    database = open_database(_places[folder], beside=beside)
    _opened.append(database)
    return database


def prepare_store(database: Database) -> None:
    """Make the tables of an empty database, and an empty log in it."""
    migrate(database)
    with database.write() as connection:
        create_log(connection, ORIGIN, START)


@cache
def _prepared_file() -> bytes:
    """Return the database that new stores are copies of: copying is quicker than migrating."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "broker.db"
        database = open_database(path)
        prepare_store(database)
        database.close()
        return path.read_bytes()


@cache
def _prepared_database() -> str:
    """Return the name of such a database on the server."""
    url = shared_server().make_database()
    database = open_database(url)
    prepare_store(database)
    database.close()
    assert url.database is not None
    return url.database


def close_stores() -> None:
    """Close every store that was made."""
    while _opened:
        _opened.pop().close()


def make_log(
    database: Database, clock: ManualClock, signer: LogSigner | None = None, standing: Standing | None = None
) -> AuditLog:
    """Return the log over a store, loaded, signing with real keys."""
    keys = signer or make_signer()
    log = AuditLog(database, clock, lambda checkpoint: sign_checkpoint(checkpoint, keys), CountingSalts(), standing)
    log.load()
    return log
