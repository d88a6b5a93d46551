"""A store on disk under a throw-away key, and the specimens the tests of its features share."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from agency_client.local_store.engine import Store, Transaction
from agency_client.local_store.migrations import create_store, open_store
from agency_client.local_store.outbox import enqueue_message
from agency_client.local_store.sent import Delivery, SentMessage
from agency_client.local_store.streams import allocate_number
from schemas.codec import b64u_encode, hash_text

KEY = bytes(range(32))
NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Give an empty store of the present schema."""
    made = make_store(tmp_path / "store.db")
    yield made
    made.close()


def make_store(path: Path) -> Store:
    """Return a new store, copied from an empty one: that is quicker than all the steps that lead to it."""
    path.touch(0o600)
    path.write_bytes(_empty_store())
    return open_store(path, KEY)


@cache
def _empty_store() -> bytes:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "store.db"
        create_store(path, KEY).close()
        return path.read_bytes()


def make_id(number: int) -> str:
    """Return a UUID that says which message of the test it is."""
    return f"00000000-0000-4000-8000-{number:012d}"


def make_digest(number: int) -> str:
    """Return a digest that belongs to message `number`."""
    return hash_text("envelope", str(number).encode())


def name_streams() -> Callable[[], str]:
    """Return a maker of stream ids that never repeats one."""
    count = iter(range(1, 1000))
    return lambda: b64u_encode(next(count).to_bytes(16))


def make_sent_message(number: int, *, at: datetime = NOON, urgency: str = "routine") -> SentMessage:
    """Return a sealed document-fraud message as the outbox takes it."""
    return SentMessage(
        message_id=make_id(number),
        digest=make_digest(number),
        thread=make_id(900),
        kind="document-fraud",
        marking="amber",
        urgency=urgency,
        issued_at=at,
        expires_at=at + timedelta(days=7),
        refers_to=None,
        replaces=None,
        evidence=b'{"payload":"specimen"}',
        summary=b'{"subject":"UTO passport L898902C3"}',
        officer="a.eriksson",
        created_at=at,
    )


def enqueue(
    transaction: Transaction,
    number: int,
    *,
    partners: tuple[str, ...] = ("VN-IMM",),
    make_stream: Callable[[], str],
    at: datetime = NOON,
    urgency: str = "routine",
) -> list[Delivery]:
    """Allocate, seal (a fixed string here) and queue one message."""
    deliveries = []
    for partner in partners:
        given = allocate_number(transaction, partner, make_id(number), make_stream=make_stream, at=at)
        deliveries.append(Delivery(partner, hash_text("terms", partner.encode()), given.stream, given.n))
    enqueue_message(
        transaction, make_sent_message(number, at=at, urgency=urgency), deliveries, f"sealed {number}".encode()
    )
    return deliveries
