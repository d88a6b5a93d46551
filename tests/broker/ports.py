"""Small stand-ins for the broker's ports: a clock set by hand, salts that count, a store in a temporary folder."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from broker.audit.log import AuditLog, create_log
from broker.audit.standing import Standing
from broker.storage.engine import Database, open_database
from broker.storage.migrate import migrate
from keys.log_keys import LogSigner, sign_checkpoint

ORIGIN = "exchange.test/1"
START = datetime(2026, 11, 21, 21, 0, tzinfo=UTC)

_opened: list[Database] = []


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


def make_store(folder: Path) -> Database:
    """Return an open, migrated database with an empty log in it."""
    database = open_database(folder / "broker.db")
    _opened.append(database)
    migrate(database)
    with database.writing.begin() as connection:
        create_log(connection, ORIGIN, START)
    return database


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
