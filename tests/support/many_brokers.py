"""Several real broker processes on one PostgreSQL database of a real server: each with a folder of its own.

with running_brokers(folder, 2, "GB-HO", "VN-IMM") as (one, two):
    send(one.caller("GB-HO"), ...)
    lease(two.caller("VN-IMM"), wait=20)
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL

from broker.clock import SystemClock
from broker.exchange import ExchangeFolder
from broker.founding import found_exchange
from broker.joining import join_exchange
from keys.generation import generate_bytes
from tests.support.exchange import RunningExchange, make_live_member
from tests.support.members import EXCHANGE, Member
from tests.support.postgresql import shared_server

HOSTS = ("127.0.0.1", "localhost")


def found_brokers(folder: Path, number: int, url: URL) -> list[RunningExchange]:
    """Return so many brokers of a new exchange in this database; none serves yet."""
    folders = [ExchangeFolder(folder / str(one) / "exchange") for one in range(1, number + 1)]
    first = folders[0]
    sheet = found_exchange(first.path, EXCHANGE, HOSTS, None, SystemClock(), generate_bytes, database=url)
    for other in folders[1:]:
        join_exchange(first, other)
    members: dict[str, Member] = {}
    return [RunningExchange(one, sheet, members) for one in folders]


@contextmanager
def running_brokers(
    folder: Path, number: int, *agencies: str, url: URL | None = None
) -> Iterator[list[RunningExchange]]:
    """Run so many brokers of one exchange around the block, with these agencies enrolled and ready to receive."""
    brokers = found_brokers(folder, number, url or shared_server().make_database())
    try:
        for broker in brokers:
            broker.start()
        brokers[0].join(*(make_live_member(agency) for agency in agencies))
        yield brokers
    finally:
        for broker in brokers:
            broker.stop()
