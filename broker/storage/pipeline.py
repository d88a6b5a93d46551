"""Several prepared statements by one message there and one back: libpq's pipeline mode (PostgreSQL 18, section 32.5).

What fails ends those behind it in the same message, as it ends the transaction that all of them are in.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from select import POLLIN, POLLOUT, poll
from typing import Any

from psycopg import OperationalError

_BINARY = 1
_BAD = 1  # CONNECTION_BAD
_PIPELINE_SYNC = 10  # PGRES_PIPELINE_SYNC


@dataclass(frozen=True, slots=True)
class Call:
    """A prepared statement with the values for its parameters, as they travel."""

    name: bytes
    values: Sequence[bytes | None]
    formats: Sequence[int]


def send_together(session: Any, calls: Sequence[Call]) -> list[Any]:
    """Execute calls in order on a libpq connection and return their results; those behind one that failed are void.

    Raises:
        psycopg.OperationalError: the connection broke.
    """
    session.enter_pipeline_mode()
    for call in calls:
        session.send_query_prepared(call.name, call.values, call.formats, _BINARY)
    session.pipeline_sync()
    results = _receive_all(session, _send_all(session))
    session.exit_pipeline_mode()
    return results


def _send_all(session: Any) -> poll:
    """Give everything to the network, taking what comes meanwhile: neither side may wait for the other to read."""
    ready = poll()
    ready.register(session.socket, POLLIN | POLLOUT)
    while session.flush():
        for _, events in ready.poll():
            if events & ~POLLOUT:
                session.consume_input()
    ready.modify(session.socket, POLLIN)
    return ready


def _receive_all(session: Any, ready: poll) -> list[Any]:
    # `get_result` would wait with the interpreter's lock in hand, so it is asked only when it need not.
    results: list[Any] = []
    while True:
        while session.is_busy():
            ready.poll()
            session.consume_input()
        result = session.get_result()
        if result is None:  # the end of one call's results
            if session.status == _BAD:
                raise OperationalError(session.get_error_message())
        elif result.status == _PIPELINE_SYNC:
            return results
        else:
            results.append(result)
