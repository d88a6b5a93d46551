"""How brokers on one PostgreSQL database reach each other: LISTEN and NOTIFY, on a channel named as their schema is.

A notification is part of the transaction that makes it, and comes in the order of the commits. It reaches whoever
listens then, and nobody else; a session that is lost misses what comes until the next one, which `Hearing` says.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from broker.storage.announcements import Hearing, HearingLostError, News, write_announcement
from broker.storage.libpq import LibpqStatement

_NOTIFY = LibpqStatement("SELECT pg_notify(current_setting('search_path'), $1)")


class PostgresqlChannel:
    """The channel of one broker's database. `announce` and `doubt` are for its writer's thread."""

    def __init__(self, reading: Engine, broker: str) -> None:
        self._reading = reading
        self._broker = broker
        self._is_in_doubt = threading.Event()

    def announce(self, connection: Connection, news: News, size: int) -> None:
        """Tell `news` if, and as soon as, the transaction of `connection` is committed; the log then has `size`."""
        _NOTIFY.defer(connection, (write_announcement(self._broker, news, size),))

    def doubt(self) -> None:
        """Say that nobody knows whether the last batch was committed, and that nobody here was told of it."""
        self._is_in_doubt.set()

    def take_doubt(self) -> bool:
        """Return whether there was a doubt since this was asked last."""
        was_in_doubt = self._is_in_doubt.is_set()
        self._is_in_doubt.clear()
        return was_in_doubt

    @contextmanager
    def listen(self) -> Iterator[Hearing]:
        """Lend a session that hears what is committed from now on.

        Raises:
            HearingLostError: there is none to be had.
        """
        try:
            session = self._reading.raw_connection()
        except (SQLAlchemyError, self._reading.dialect.loaded_dbapi.Error) as error:
            raise HearingLostError("no session to be had") from error
        driver: Any = session.driver_connection
        session.detach()  # it is no request's: the pool keeps its number of connections without it
        try:
            yield _PostgresqlHearing(driver, self._reading)
        finally:
            with suppress(Exception):
                driver.close()


class _PostgresqlHearing:
    """One session that listens."""

    def __init__(self, driver: Any, engine: Engine) -> None:
        self._driver = driver
        self._error: type[Exception] = engine.dialect.loaded_dbapi.Error
        try:
            driver.autocommit = True
            (channel,) = driver.execute("SELECT current_setting('search_path')").fetchone()
            driver.execute(f'LISTEN "{channel}"')
        except self._error as error:
            raise HearingLostError("the session cannot listen") from error

    def wait(self, seconds: float) -> list[str]:
        """Return what was announced, as soon as anything was; nothing after so many seconds.

        Raises:
            HearingLostError: the session is gone, and announcements may be with it.
        """
        try:
            return [notice.payload for notice in self._driver.notifies(timeout=seconds, stop_after=1)]
        except self._error as error:
            raise HearingLostError("the session is gone") from error
