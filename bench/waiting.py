"""What a waiting inbox costs in memory: `python -m bench.waiting`, one broker and so many connections over mTLS.

Three things are held open in turn, each on connections of its own and on a broker of its own: connections that only
stand, long polls, and event streams. What a waiting inbox costs is what the broker's resident memory grew by, divided
by their number, and what of it is the connection's stands beside it. At the end something is sent, and every stream is
told.
"""

import argparse
import asyncio
import os
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

import uvloop
from rich.console import Console

from broker.inbox.events import OPENING
from broker.server import raise_file_limit
from schemas.api import EVENTS_PATH, HOME_PATH, LEASE_PATH, MAX_WAIT_SECONDS, LeaseRequest
from tests.support.caller import make_client_context
from tests.support.delivery import Correspondence, send
from tests.support.exchange import RunningExchange, running_exchange

GB, VN = "GB-HO", "VN-IMM"
QUIET_SECONDS, QUIET_SHARE, LONGEST_SETTLING_SECONDS = 1.0, 0.1, 50
HANDSHAKES_AT_ONCE = 32
_ENVIRONMENT = {
    "BILATERAL_BROKER_LIMITS__MAX_CONNECTIONS": "20000",
    "BILATERAL_BROKER_LIMITS__MAX_CONNECTIONS_OF_MEMBER": "20000",
    "BILATERAL_BROKER_LIMITS__MAX_WAITING_OF_MEMBER": "20000",
    "BILATERAL_BROKER_LIMITS__MAX_REQUESTS": "20000",
    "BILATERAL_BROKER_LIMITS__MAX_REQUESTS_OF_MEMBER": "20000",
    "BILATERAL_BROKER_LIMITS__BURST_REQUESTS": "100000",
    "BILATERAL_BROKER_LIMITS__BURST_REQUESTS_OF_MEMBER": "100000",
    "BILATERAL_BROKER_LIMITS__KEEP_ALIVE_SECONDS": "600",
}

Wire = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(frozen=True, slots=True)
class Held:
    """What a broker's resident memory was before, with all connections open, and while all of them wait, in KiB."""

    empty: int
    connected: int
    waiting: int

    def tell(self, what: str, count: int) -> str:
        """Return one line of the report."""
        connection, rest = (self.connected - self.empty) / count, (self.waiting - self.connected) / count
        return f"{what}: {connection + rest:.1f} KiB each ({connection:.1f} the connection, {rest:.1f} the waiting)"


def read_resident_kib(pid: int) -> int:
    """Return how much memory of a process is resident."""
    fields = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in fields if line.startswith("VmRSS:"))


def read_cpu_seconds(pid: int) -> float:
    """Return what a process has used of the processor, in user and system mode."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def hold(exchange: RunningExchange, count: int, request: bytes | None, end: Callable[[], None]) -> Held:
    """Open so many connections of one node, let each make a request that waits, and measure; then call `end`."""
    pid, url = exchange.process.pid if exchange.process else 0, urlsplit(exchange.url)
    context = make_client_context(exchange.sheet, exchange.members[VN])
    is_stream = request is not None and EVENTS_PATH.encode() in request
    empty = read_resident_kib(pid)
    turns = asyncio.Semaphore(HANDSHAKES_AT_ONCE)
    wires = await asyncio.gather(*(_connect(turns, context, url.hostname or "", url.port or 0) for _ in range(count)))
    await _settle(pid)
    connected = read_resident_kib(pid)
    if request is not None:
        for _, writer in wires:
            writer.write(request)
        if is_stream:
            await asyncio.gather(*(reader.readuntil(OPENING) for reader, _ in wires))
        await _settle(pid)
    held = Held(empty, connected, read_resident_kib(pid))
    end()
    if is_stream:
        await asyncio.gather(*(reader.readuntil(b"data: ") for reader, _ in wires))
    for _, writer in wires:
        writer.close()
    return held


async def _settle(pid: int) -> None:
    """Wait until the broker has nothing more to do than to hold what is open."""
    used = read_cpu_seconds(pid)
    for _ in range(LONGEST_SETTLING_SECONDS):
        await asyncio.sleep(QUIET_SECONDS)
        before, used = used, read_cpu_seconds(pid)
        if used - before < QUIET_SHARE * QUIET_SECONDS:
            return


async def _connect(turns: asyncio.Semaphore, context: ssl.SSLContext, host: str, port: int) -> Wire:
    async with turns:
        reader, writer = await asyncio.open_connection(host, port, ssl=context)
        writer.write(f"GET {HOME_PATH} HTTP/1.1\r\nHost: {host}\r\nBilateral-Version: 1\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        size = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length"))
        await reader.readexactly(int(size.partition(b":")[2]))
        return reader, writer


def make_requests(exchange: RunningExchange) -> dict[str, bytes | None]:
    """Return what is held open, by name."""
    token = exchange.caller(VN).token
    head = f"Host: 127.0.0.1\r\nBilateral-Version: 1\r\nAuthorization: Bearer {token}\r\n"
    body = LeaseRequest(wait_seconds=MAX_WAIT_SECONDS, max_items=1).canonical()
    poll = f"POST {LEASE_PATH} HTTP/1.1\r\n{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return {
        "standing connection": None,
        "long poll": poll.encode() + body,
        "event stream": f"GET {EVENTS_PATH} HTTP/1.1\r\n{head}\r\n".encode(),
    }


def measure(folder: Path, count: int, what: str) -> str:
    """Measure one thing on a broker of its own; return the line that tells it."""
    with running_exchange(folder, GB, VN, **_ENVIRONMENT) as exchange:
        messages = Correspondence(exchange.members[GB], exchange.members[VN], exchange.agree(GB, VN).terms.digest())
        sender, started = exchange.caller(GB), 0.0
        sender.authorize()  # with a token in hand, nothing but the message is timed

        def end() -> None:
            nonlocal started
            started = time.perf_counter()
            if what == "event stream":
                send(sender, messages.seal("wakes all"))

        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            held = runner.run(hold(exchange, count, make_requests(exchange)[what], end))
        told = f"; all told after {time.perf_counter() - started:.2f} s" if what == "event stream" else ""
        return held.tell(what, count) + told


def main() -> None:
    """Measure all three and print a line each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inboxes", type=int, default=2000, help="how many wait at once")
    count = parser.parse_args().inboxes
    raise_file_limit()
    console = Console()
    console.print(f"{count} at once, one process, {os.cpu_count()} cores")
    for what in ("standing connection", "long poll", "event stream"):
        with TemporaryDirectory() as folder:
            console.print(measure(Path(folder), count, what))


if __name__ == "__main__":
    main()
