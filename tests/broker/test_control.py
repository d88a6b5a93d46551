"""The operator's line: one question, one answer, for the owner alone, in whatever folder it lies."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from broker.control import (
    Answer,
    Command,
    ControlError,
    ControlQuestion,
    NotServingError,
    StatusCommand,
    ask_control,
    bind_control_socket,
    serve_control,
)
from broker.directory.errors import EnrolmentError
from schemas.codec import decode_canonical

STATUS = StatusCommand(v=1, command="status")


async def answer_kindly(command: Command) -> Answer:
    return {"you": command.command}


async def refuse(_command: Command) -> Answer:
    raise EnrolmentError("key_sets.0: another key set 1 of GB-HO is enrolled already")


async def break_down(_command: Command) -> Answer:
    raise RuntimeError("a secret that nobody may read")


@contextmanager
def listening(path: Path, handle: object = answer_kindly) -> Iterator[None]:
    """Serve the line on a thread of its own."""
    ready, loop = threading.Event(), asyncio.new_event_loop()

    async def run() -> None:
        server = await serve_control(bind_control_socket(path), handle)  # type: ignore[arg-type]
        ready.set()
        async with server:
            await stopped.wait()

    stopped = asyncio.Event()
    thread = threading.Thread(target=lambda: loop.run_until_complete(run()))
    thread.start()
    assert ready.wait(10)
    try:
        yield
    finally:
        loop.call_soon_threadsafe(stopped.set)
        thread.join(10)
        loop.close()


def ask_raw(path: Path, data: bytes) -> bytes:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(10)
        connection.connect(str(path))
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        parts = []
        while part := connection.recv(65536):
            parts.append(part)
        return b"".join(parts)


def test_a_question_is_answered(tmp_path: Path) -> None:
    with listening(tmp_path / "control.sock"):
        assert ask_control(tmp_path / "control.sock", STATUS) == {"you": "status"}
        assert ask_control(tmp_path / "control.sock", STATUS) == {"you": "status"}


def test_the_socket_is_the_owners_alone(tmp_path: Path) -> None:
    with listening(tmp_path / "control.sock"):
        assert (tmp_path / "control.sock").stat().st_mode & 0o777 == 0o600


def test_a_folder_deeper_than_a_socket_address_is_long_will_do(tmp_path: Path) -> None:
    deep = tmp_path / ("a" * 100) / ("b" * 100)
    deep.mkdir(parents=True)

    with listening(deep / "control.sock"):
        assert ask_control(deep / "control.sock", STATUS) == {"you": "status"}


def test_where_nobody_serves_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(NotServingError):
        ask_control(tmp_path / "control.sock", STATUS)
    bind_control_socket(tmp_path / "control.sock").close()  # as a killed broker leaves it
    with pytest.raises(NotServingError):
        ask_control(tmp_path / "control.sock", STATUS)


def test_a_socket_that_a_killed_broker_left_is_replaced(tmp_path: Path) -> None:
    bind_control_socket(tmp_path / "control.sock").close()

    with listening(tmp_path / "control.sock"):
        assert ask_control(tmp_path / "control.sock", STATUS) == {"you": "status"}


def test_a_refusal_arrives_with_its_sentence_and_code(tmp_path: Path) -> None:
    with (
        listening(tmp_path / "control.sock", refuse),
        pytest.raises(ControlError, match="another key set 1 of GB-HO") as caught,
    ):
        ask_control(tmp_path / "control.sock", STATUS)
    assert caught.value.code == "key-set-refused"


def test_what_nobody_foresaw_is_not_told(tmp_path: Path) -> None:
    with listening(tmp_path / "control.sock", break_down), pytest.raises(ControlError) as caught:
        ask_control(tmp_path / "control.sock", STATUS)
    assert caught.value.code == "internal"
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "question",
    [
        b"",
        b"{}",
        b"GET / HTTP/1.1\r\n\r\n",
        b'{"ask":{"command":"shutdown","v":1}}',
        b'{"ask":{"command":"status","v":1}} ',
        b'{"ask":{"command":"status","command":"status","v":1}}',
    ],
)
def test_a_question_in_any_other_form_is_refused(tmp_path: Path, question: bytes) -> None:
    with listening(tmp_path / "control.sock"):
        answer = decode_canonical(ask_raw(tmp_path / "control.sock", question))

    assert set(answer) == {"problem"}


def test_a_line_that_breaks_is_not_taken_for_an_answer(tmp_path: Path) -> None:
    bound = bind_control_socket(tmp_path / "control.sock")
    bound.setblocking(True)
    bound.listen()

    def hang_up() -> None:
        connection, _ = bound.accept()
        connection.recv(65536)
        connection.close()

    thread = threading.Thread(target=hang_up)
    thread.start()
    with pytest.raises(ControlError, match="went away"):
        ask_control(tmp_path / "control.sock", STATUS)
    thread.join(10)
    bound.close()


def test_a_question_has_one_spelling() -> None:
    assert ControlQuestion(ask=STATUS).canonical() == b'{"ask":{"command":"status","v":1}}'
