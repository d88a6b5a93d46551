"""A terminator in front of the broker: whom it speaks for is believed, and nobody else who says the same."""

import asyncio
import base64
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import httpx
import pytest
import uvloop
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from broker.http.connection import connection_of
from broker.http.terminator import (
    MAX_FORWARDED,
    MalformedFieldError,
    Peer,
    PeerCertificate,
    PeerUser,
    Terminator,
    bind_unix_socket,
    read_field,
)
from broker.observability.admin import make_admin_app
from broker.observability.metrics import Metrics
from broker.server import BrokerServer, ServerOptions, bind_socket, read_port
from keys.certificates import MAX_CERTIFICATE_BYTES, compute_certificate_thumbprint
from tests.broker.http.serving import VERSION, Member, make_server_identity

NOBODY = 65_534


async def describe(request: Request) -> Response:
    """Say whose certificate the request bore, and how often it was seen."""
    connection = connection_of(request.scope)
    seen = connection.recall(int) or 0
    connection.keep(seen + 1)
    return JSONResponse({"certificate": connection.certificate and connection.thumbprint.hex(), "seen": seen})


APP = Starlette(routes=[Route("/", describe)])


@pytest.fixture(scope="module")
def member(tmp_path_factory: pytest.TempPathFactory) -> Member:
    return Member(1, tmp_path_factory.mktemp("member"))


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Member:
    return Member(2, tmp_path_factory.mktemp("stranger"))


def format_field(certificate: bytes) -> str:
    return f":{base64.b64encode(certificate).decode()}:"


class Behind:
    """A server behind a terminator, on a thread of its own."""

    def __init__(self, peer: Peer, listening: socket.socket) -> None:
        self.terminator = Terminator(peer)
        context = (lambda: peer.make_context(*make_server_identity())) if isinstance(peer, PeerCertificate) else None
        self._started = threading.Event()
        self._listening = listening
        self._admin = bind_socket("127.0.0.1", 0)
        self.server = BrokerServer(
            APP,
            make_admin_app(Metrics(), {}),
            context,
            ServerOptions(terminator=self.terminator),
            on_started=self._note_start,
        )
        self._thread = threading.Thread(target=self._run, name="behind")

    def replace_context(self) -> None:
        asyncio.run_coroutine_threadsafe(self.server.replace_context(), self._loop).result(20)

    def _note_start(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._started.set()

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(self.server.serve(self._listening, self._admin))

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._started.wait(20)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self.server.stop)
        self._thread.join(20)
        assert not self._thread.is_alive()


@contextmanager
def behind_socket(folder: Path, uid: int) -> Iterator[tuple[Behind, httpx.Client]]:
    path = folder / "broker.sock"
    transport = httpx.HTTPTransport(uds=str(path))
    with (
        Behind(PeerUser(uid), bind_unix_socket(path)) as running,
        httpx.Client(base_url="http://broker", transport=transport, headers=VERSION, timeout=20) as client,
    ):
        yield running, client


@pytest.fixture(scope="module")
def terminating(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Behind, httpx.Client]]:
    with behind_socket(tmp_path_factory.mktemp("socket"), os.geteuid()) as pair:
        yield pair


@pytest.fixture(autouse=True)
def forgotten(terminating: tuple[Behind, httpx.Client]) -> None:
    """Let each test begin with clients that nobody has seen."""
    terminating[0].replace_context()


def test_the_application_is_given_the_certificate_that_the_terminator_names(
    terminating: tuple[Behind, httpx.Client], member: Member
) -> None:
    answer = terminating[1].get("/", headers={"Client-Cert": format_field(member.certificate)})
    assert answer.json()["certificate"] == compute_certificate_thumbprint(member.certificate).hex()


def test_clients_that_share_the_terminators_connection_are_kept_apart(
    terminating: tuple[Behind, httpx.Client], member: Member, stranger: Member
) -> None:
    _, client = terminating
    fields = [format_field(one.certificate) for one in (member, stranger, member)]
    answers = [client.get("/", headers={"Client-Cert": field}).json() for field in fields]
    assert [answer["seen"] for answer in answers] == [0, 0, 1]
    assert answers[0]["certificate"] == answers[2]["certificate"] != answers[1]["certificate"]


def test_a_request_for_which_no_certificate_is_named_has_none(terminating: tuple[Behind, httpx.Client]) -> None:
    assert terminating[1].get("/").json()["certificate"] is None


def test_what_was_concluded_of_a_client_is_forgotten_when_the_members_cas_change(
    terminating: tuple[Behind, httpx.Client], member: Member
) -> None:
    running, client = terminating
    field = format_field(member.certificate)
    assert [client.get("/", headers={"Client-Cert": field}).json()["seen"] for _ in range(2)] == [0, 1]
    running.replace_context()
    assert client.get("/", headers={"Client-Cert": field}).json()["seen"] == 0


def test_two_certificates_in_one_request_are_refused(
    terminating: tuple[Behind, httpx.Client], member: Member, stranger: Member
) -> None:
    fields = [("Client-Cert", format_field(one.certificate)) for one in (member, stranger)]
    answer = terminating[1].get("/", headers=[*VERSION.items(), *fields])
    assert (answer.status_code, answer.json()["field"]) == (400, "Client-Cert")


@pytest.mark.parametrize(
    "value", ["x", ":", "::", ":AB=:", ":AB==:", "AAAA", ":AAAA", "AAAA:", ":A A:", ":é:", ":AA-_:"]
)
def test_a_field_in_another_form_is_refused_and_never_taken_for_none(
    terminating: tuple[Behind, httpx.Client], value: str
) -> None:
    answer = terminating[1].get("/", headers={b"Client-Cert": value.encode("latin-1")})
    assert (answer.status_code, answer.json()["field"]) == (400, "Client-Cert")


ASK_AS = """
import os, socket, sys
uid, field = int(sys.argv[1]), sys.argv[2]
os.setuid(uid)
with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
    connection.settimeout(20)
    connection.connect("broker.sock")
    try:
        head = ["GET / HTTP/1.1", "Host: a", f"Client-Cert: {field}", "Connection: close", "", ""]
        connection.sendall("\\r\\n".join(head).encode())
        print(connection.recv(12).decode())
    except (BrokenPipeError, ConnectionResetError):
        print()
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_another_user_of_the_machine_is_not_believed(tmp_path: Path, member: Member) -> None:
    def ask_as(uid: int) -> str:
        command = [sys.executable, "-c", ASK_AS, str(uid), format_field(member.certificate)]
        return subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True).stdout.strip()

    tmp_path.chmod(0o711)
    with behind_socket(tmp_path, NOBODY):
        assert [ask_as(NOBODY), ask_as(NOBODY - 1)] == ["HTTP/1.1 200", ""]


@pytest.fixture(scope="module")
def terminators(tmp_path_factory: pytest.TempPathFactory) -> Member:
    return Member(3, tmp_path_factory.mktemp("terminator"))


@pytest.fixture(scope="module")
def port(terminators: Member) -> Iterator[int]:
    """A broker across a network: only the terminator's own certificate may connect."""
    listening = bind_socket("127.0.0.1", 0)
    with Behind(PeerCertificate(terminators.certificate), listening):
        yield read_port(listening)


def _ask(port: int, connecting: Member, named: Member) -> httpx.Response:
    headers = {**VERSION, "Client-Cert": format_field(named.certificate)}
    url = f"https://127.0.0.1:{port}"
    with httpx.Client(base_url=url, verify=connecting.make_context(), headers=headers, timeout=20) as client:
        return client.get("/")


def test_the_terminators_certificate_may_name_a_client(port: int, terminators: Member, member: Member) -> None:
    named = _ask(port, terminators, member).json()["certificate"]
    assert named == compute_certificate_thumbprint(member.certificate).hex()


def test_a_member_that_connects_by_itself_may_not_name_another(port: int, member: Member, stranger: Member) -> None:
    with pytest.raises(httpx.TransportError):
        _ask(port, stranger, member)


def test_another_certificate_of_the_terminators_authority_may_not_either(
    port: int, member: Member, tmp_path: Path
) -> None:
    with pytest.raises(httpx.TransportError):
        _ask(port, Member(3, tmp_path, key_number=99), member)


def test_what_is_kept_of_clients_is_bounded(member: Member) -> None:
    terminator = Terminator(PeerUser(0))
    first = terminator.find_client([(b"client-cert", format_field(b"first").encode())])
    for number in range(MAX_FORWARDED):
        terminator.find_client([(b"client-cert", format_field(number.to_bytes(4, "big")).encode())])
    again = terminator.find_client([(b"client-cert", format_field(b"first").encode())])
    assert again is not first
    assert again.certificate == b"first"


def test_a_certificate_that_is_larger_than_any_may_be_is_not_even_remembered() -> None:
    terminator = Terminator(PeerUser(0))
    largest = format_field(bytes(MAX_CERTIFICATE_BYTES)).encode()
    assert terminator.find_client([(b"client-cert", largest)]).certificate == bytes(MAX_CERTIFICATE_BYTES)
    with pytest.raises(MalformedFieldError, match="larger than any may be"):
        terminator.find_client([(b"client-cert", format_field(bytes(MAX_CERTIFICATE_BYTES + 3)).encode())])


@given(st.binary(min_size=1, max_size=64))
def test_a_field_gives_back_the_bytes_it_was_made_of(data: bytes) -> None:
    assert read_field(format_field(data).encode()) == data


@given(st.binary(max_size=64))
def test_any_other_bytes_are_refused_or_are_the_one_spelling(value: bytes) -> None:
    try:
        data = read_field(value)
    except MalformedFieldError:
        return
    assert format_field(data).encode() == value


def test_a_socket_that_somebody_listens_on_is_not_taken_away(tmp_path: Path) -> None:
    path = tmp_path / "broker.sock"
    with bind_unix_socket(path) as first:
        first.listen()
        with pytest.raises(OSError, match="somebody listens there"):
            bind_unix_socket(path)


def test_a_socket_that_was_left_behind_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "broker.sock"
    bind_unix_socket(path).close()
    with bind_unix_socket(path) as second:
        assert second.getsockname() == str(path)
