"""The switches: which manipulations are on, and a socket in the exchange's folder to turn them while the broker serves.

One connection carries one question and one answer, each canonical JSON. For the folder's owner alone, as the broker's
own control socket is.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from broker.control import _as_short_address, bind_control_socket
from schemas.codec import decode_canonical, encode_canonical
from tests.hostile.catalogue import MANIPULATIONS
from tests.hostile.manipulation import Manipulation
from tests.hostile.operator import HostileOperator

SOCKET = "hostile.sock"
_ANSWER_SECONDS = 30


class UnknownManipulationError(LookupError):
    """No manipulation has this name."""


class Switchboard:
    """What is on now. A switch is `name`, or `name=AGENCY` to lie to one member only."""

    def __init__(self, operator: HostileOperator, folder: Path, switches: Iterable[str] = ()) -> None:
        self.operator = operator
        self.active: list[Manipulation] = []
        self._socket = folder / SOCKET
        self._first = [make_manipulation(switch) for switch in switches]

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Turn on what was asked for at the start, and answer on the socket for as long as the block runs."""
        for lie in self._first:
            await self._turn_on(lie)
        server = await asyncio.start_unix_server(self._converse, sock=bind_control_socket(self._socket))
        try:
            yield
        finally:
            server.close()
            self._socket.unlink(missing_ok=True)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        question = decode_canonical(await reader.read(-1))
        try:
            answer = await self._answer(question)
        except Exception as error:  # noqa: BLE001 - whoever asked is told, and the broker goes on lying
            answer = {"problem": repr(error)}
        writer.write(encode_canonical(answer))
        await writer.drain()
        writer.close()

    async def _answer(self, question: dict[str, Any]) -> dict[str, Any]:
        match question["ask"]:
            case "on":
                await self._turn_on(make_manipulation(question["switch"]))
            case "off":
                self.active.clear()
            case "clock":
                self.operator.clock.ahead = timedelta(seconds=question["ahead_seconds"])
        return {"told": {lie.name: lie.told for lie in self.active}}

    async def _turn_on(self, lie: Manipulation) -> None:
        await lie.begin(self.operator)
        self.active.append(lie)


def make_manipulation(switch: str) -> Manipulation:
    """Return the manipulation that a switch names.

    Raises:
        UnknownManipulationError: there is none.
    """
    name, _, against = switch.partition("=")
    if name not in MANIPULATIONS:
        raise UnknownManipulationError(f"{name}: run: python -m tests.hostile list")
    return MANIPULATIONS[name](against)


def ask_switchboard(folder: Path, question: dict[str, Any]) -> dict[str, int]:
    """Put a question to a serving hostile broker; return how often each manipulation that is on has lied.

    Raises:
        UnknownManipulationError: the manipulation could not be turned on.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(_ANSWER_SECONDS)
        with _as_short_address(folder / SOCKET) as address:
            connection.connect(address)
        connection.sendall(encode_canonical(question))
        connection.shutdown(socket.SHUT_WR)
        answer = decode_canonical(b"".join(iter(lambda: connection.recv(65536), b"")))
    if "problem" in answer:
        raise UnknownManipulationError(answer["problem"])
    return dict(answer["told"])
