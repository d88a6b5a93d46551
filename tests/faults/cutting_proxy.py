"""A line between client and broker that breaks after any byte of an answer.

    with cutting_proxy(broker_port) as proxy:
        connect to proxy.port, let the connection be made
        proxy.cut_after(17)     # the next answer ends behind its 17th byte, and both connections with it

It carries TLS and sees nothing but bytes. One connection at a time is cut; others pass.
"""

import asyncio
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_READ_BYTES = 1 << 16
_RESET = struct.pack("ii", 1, 0)  # close without lingering: the peer sees a reset instead of an end


class CuttingProxy:
    """Forwards one port to another. `passed` counts the bytes of answers since the last `cut_after` or `count_anew`."""

    def __init__(self, target_port: int) -> None:
        self.target_port = target_port
        self.port = 0
        self.passed = 0
        self.cuts = 0
        self._left: int | None = None
        self._resets = False
        self._connections: set[asyncio.StreamWriter] = set()

    def cut_after(self, count: int, *, resets: bool = False) -> None:
        """Let the next answer end after so many bytes: by a reset, or by an end as of a closed connection."""
        self.passed, self._left, self._resets = 0, count, resets

    def count_anew(self) -> None:
        """Cut nothing, and count what passes from now on."""
        self.passed, self._left = 0, None

    async def serve(self, client_in: asyncio.StreamReader, client_out: asyncio.StreamWriter) -> None:
        """Carry one connection until either side ends it, or it is cut."""
        try:
            broker_in, broker_out = await asyncio.open_connection("127.0.0.1", self.target_port)
        except OSError:
            client_out.transport.abort()
            return
        ends = {client_out, broker_out}
        self._connections |= ends
        pumps = [
            asyncio.ensure_future(self._carry_questions(client_in, broker_out)),
            asyncio.ensure_future(self._carry_answers(broker_in, client_out)),
        ]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            for end in ends:
                end.transport.abort() if self._resets else end.close()
            self._connections -= ends

    def abort_all(self) -> None:
        """End every connection."""
        for end in self._connections:
            end.transport.abort()

    async def _carry_questions(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while data := await _read(source):
            sink.write(data)
            await _drain(sink)

    async def _carry_answers(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while data := await _read(source):
            kept = data if self._left is None else data[: self._left]
            # Counted before they leave: whoever has received them may begin to count anew.
            self.passed += len(kept)
            if self._left is not None:
                self._left -= len(kept)
            if kept:
                sink.write(kept)
                await _drain(sink)
            if len(kept) < len(data):
                self._end(sink)
                return

    def _end(self, sink: asyncio.StreamWriter) -> None:
        self.cuts += 1
        self._left = None
        if self._resets:
            raw = sink.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)


@contextmanager
def cutting_proxy(target_port: int) -> Iterator[CuttingProxy]:
    """Run a proxy in front of a port of this machine as long as the block runs."""
    proxy, loop, ready = CuttingProxy(target_port), asyncio.new_event_loop(), threading.Event()

    def run() -> None:
        asyncio.set_event_loop(loop)
        server = loop.run_until_complete(asyncio.start_server(proxy.serve, "127.0.0.1", 0))
        proxy.port = server.sockets[0].getsockname()[1]
        ready.set()
        loop.run_forever()
        server.close()
        proxy.abort_all()
        loop.run_until_complete(asyncio.gather(*asyncio.all_tasks(loop)))
        loop.close()

    thread = threading.Thread(target=run, name="cutting-proxy", daemon=True)
    thread.start()
    ready.wait()
    try:
        yield proxy
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


async def _read(source: asyncio.StreamReader) -> bytes:
    try:
        return await source.read(_READ_BYTES)
    except OSError:
        return b""


async def _drain(sink: asyncio.StreamWriter) -> None:
    try:
        await sink.drain()
    except OSError:  # the other side has gone; reading from it says so
        pass
