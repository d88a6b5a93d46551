"""The operator's line to a serving broker: a socket in the exchange's own folder, for its owner alone.

While a broker serves it is the only writer; a command that changes something is handed to it here. One connection
carries one question and one answer, each canonical JSON that ends where its side of the connection ends. Who may
connect is decided by the folder's mode (0700), by the socket's (0600), and once more by the caller's user id.
"""

import asyncio
import os
import socket
import struct
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

import structlog
from pydantic import Field

from broker.http.problems import answer_error
from schemas.codec import CodecError, decode_canonical, encode_canonical
from schemas.enrolment import MAX_ENROLMENT_BYTES, EnrolmentFile
from schemas.model import WireModel

MAX_QUESTION_BYTES = MAX_ENROLMENT_BYTES + 4096
MAX_ANSWER_BYTES = 1 << 20
QUESTION_SECONDS = 10
ANSWER_SECONDS = 60

_log = structlog.get_logger(__name__)


class EnrolCommand(WireModel):
    """Enter the key sets of a member."""

    v: Literal[1]
    command: Literal["enrol"]
    file: EnrolmentFile


class StatusCommand(WireModel):
    """Say how the broker is."""

    v: Literal[1]
    command: Literal["status"]


Command = EnrolCommand | StatusCommand
Answer = dict[str, Any]
HandleCommand = Callable[[Command], Awaitable[Answer]]


class ControlQuestion(WireModel):
    """What may be asked."""

    ask: Annotated[Command, Field(discriminator="command")]


class ControlError(Exception):
    """The broker refused a command, or cannot be reached; `code` is the problem's slug where it refused."""

    def __init__(self, problem: str, code: str = "unavailable") -> None:
        super().__init__(problem)
        self.code = code


class NotServingError(ControlError):
    """No broker is serving this exchange."""


def bind_control_socket(path: Path) -> socket.socket:
    """Return a listening socket in the exchange's folder; what a killed broker left there is removed."""
    path.unlink(missing_ok=True)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    with _as_short_address(path) as address:
        listening.bind(address)
    path.chmod(0o600)
    listening.setblocking(False)
    return listening


async def serve_control(listening: socket.socket, handle: HandleCommand) -> asyncio.Server:
    """Answer commands on a bound socket until the returned server is closed."""

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await _converse(reader, writer, handle)
        except (OSError, TimeoutError) as error:
            _log.warning("control-connection-lost", reason=type(error).__name__)
        finally:
            writer.close()

    return await asyncio.start_unix_server(converse, sock=listening, limit=MAX_QUESTION_BYTES)


def ask_control(path: Path, question: Command) -> Answer:
    """Return a serving broker's answer to a command.

    Raises:
        NotServingError: nobody listens there.
        ControlError: the command was refused, or the connection broke.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(ANSWER_SECONDS)
        try:
            with _as_short_address(path) as address:
                connection.connect(address)
        except (FileNotFoundError, ConnectionRefusedError) as error:
            raise NotServingError("no broker is serving this exchange") from error
        try:
            connection.sendall(ControlQuestion(ask=question).canonical())
            connection.shutdown(socket.SHUT_WR)
            answer = decode_canonical(_receive_all(connection), max_bytes=MAX_ANSWER_BYTES)
        except (OSError, CodecError) as error:
            raise ControlError("the broker went away before it answered; see its log") from error
    if "problem" in answer:
        problem = answer["problem"]
        raise ControlError(problem["detail"], problem["type"].rpartition(":")[2])
    return dict(answer["answer"])


async def _converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, handle: HandleCommand) -> None:
    if not _is_owner(writer.get_extra_info("socket")):
        return
    async with asyncio.timeout(QUESTION_SECONDS):
        data = await reader.read(-1)
    try:
        question = ControlQuestion.from_canonical(data, max_bytes=MAX_QUESTION_BYTES)
        answer: Answer = {"answer": await handle(question.ask)}
    except Exception as error:  # noqa: BLE001 - the one place that answers for every command
        refusal, response = answer_error(error)
        _log.warning("control-command-refused", problem=refusal.slug)
        answer = {"problem": decode_canonical(bytes(response.body))}
    writer.write(encode_canonical(answer))
    await writer.drain()


def _is_owner(connection: Any) -> bool:
    """Return whether the other end runs as this broker's user, or as root (SO_PEERCRED)."""
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    _, user, _ = struct.unpack("3i", credentials)
    return user in (os.geteuid(), 0)


def _receive_all(connection: socket.socket) -> bytes:
    parts = []
    while part := connection.recv(65536):
        parts.append(part)
    return b"".join(parts)


@contextmanager
def _as_short_address(path: Path) -> Iterator[str]:
    """Lend an address of the socket that fits its 108 bytes, however deep the folder lies."""
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
