"""A whole exchange behind haproxy and behind nginx, with the configurations of `deploy/` and only paths changed.

They are tried where they are installed (Debian: haproxy, nginx-light). What a terminator may say, and who may say it,
is tested without them in tests/broker/http/test_terminator.py.
"""

import base64
import os
import pwd
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from agency_client.refusals import UnavailableError, read_refusal
from schemas.api import ENCRYPTION_KEYS_PATH, MEMBERS_PATH, VERSION_HEADER
from tests.support.caller import Caller, issue_client_chain, make_client_context, read_slug
from tests.support.delivery import Correspondence, acknowledge, envelopes_of, lease, send
from tests.support.exchange import RunningExchange, found, make_live_member

DEPLOY = Path(__file__).parents[2] / "deploy"
PATIENCE_SECONDS = 60.0
USER = pwd.getpwuid(os.geteuid()).pw_name
COMMANDS = {"haproxy": ("haproxy", "-db", "-f"), "nginx": ("nginx", "-g", "daemon off; pid nginx.pid;", "-c")}

pytestmark = pytest.mark.long


@dataclass
class Fronted:
    """An exchange of two members, and the terminator in front of it."""

    exchange: RunningExchange
    be: Caller
    gb: Caller
    conversation: Correspondence


@pytest.fixture(scope="module", params=sorted(COMMANDS))
def fronted(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fronted]:
    program = request.param
    if shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin") is None:
        pytest.skip(f"{program} is not installed")
    folder = tmp_path_factory.mktemp(program)
    port = _find_free_port()
    exchange = found(folder)
    exchange.environment = {
        "BILATERAL_BROKER_TERMINATOR__URL": f"https://127.0.0.1:{port}",
        "BILATERAL_BROKER_TERMINATOR__SOCKET": str(folder / "first.sock"),
        "BILATERAL_BROKER_TERMINATOR__USER": USER,
    }
    exchange.start()
    try:
        members = [make_live_member(agency) for agency in ("BE-OE", "GB-HO")]
        exchange.enrol(*members)
        with _terminating(program, folder, exchange, port):
            for member in members:
                exchange.caller(member).submit(ENCRYPTION_KEYS_PATH, member.encryption.document)
            agreement = exchange.agree("BE-OE", "GB-HO")
            be, gb = exchange.caller("BE-OE"), exchange.caller("GB-HO")
            conversation = Correspondence(members[0], members[1], agreement.terms.digest())
            yield Fronted(exchange, be, gb, conversation)
    finally:
        exchange.stop()


def _find_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _is_open(port: int) -> bool:
    with socket.socket() as probe:
        return not probe.connect_ex(("127.0.0.1", port))


class _terminating:  # noqa: N801 - a context manager
    """Run a terminator with its configuration from `deploy/` around the block."""

    def __init__(self, program: str, folder: Path, exchange: RunningExchange, port: int) -> None:
        files = folder / "files"
        command = ("terminator", str(files), "--data", str(exchange.folder.path))
        subprocess.run([sys.executable, "-m", "broker", *command], check=True, capture_output=True)
        text = (DEPLOY / {"haproxy": "haproxy.cfg", "nginx": "nginx.conf"}[program]).read_text()
        for ours, theirs in {
            f"/etc/{program}/bilateral": str(files),
            "/run/bilateral/first.sock": str(folder / "first.sock"),
            "bind :8443": f"bind 127.0.0.1:{port}",
            "listen 8443": f"listen 127.0.0.1:{port}",
            "user haproxy": f"user {USER}",
            "user www-data": f"user {USER}",
            "    group haproxy\n": "",
        }.items():
            text = text.replace(ours, theirs)
        # The second broker needs a database that two can share; its place stays empty here.
        text = "\n".join(line for line in text.splitlines() if "second.sock" not in line) + "\n"
        self._config = folder / "terminator.conf"
        self._config.write_text(text)
        self._port, self._folder = port, folder
        self._command = [*COMMANDS[program], str(self._config)]
        if program == "nginx":
            self._command += ["-p", str(folder), "-e", "stderr"]

    def __enter__(self) -> None:
        environment = os.environ | {"PATH": f"{os.environ['PATH']}:/usr/sbin"}
        with (self._folder / "terminator.err").open("wb") as errors:
            self._process = subprocess.Popen(self._command, env=environment, stdout=errors, stderr=errors)
        until = time.monotonic() + PATIENCE_SECONDS
        while not _is_open(self._port):
            said = (self._folder / "terminator.err").read_text()
            assert self._process.poll() is None, said
            assert time.monotonic() < until, said
            time.sleep(0.05)

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def test_a_message_goes_from_member_to_member(fronted: Fronted) -> None:
    sealed = fronted.conversation.seal("plain")
    send(fronted.be, sealed)
    answer = lease(fronted.gb, wait=30)
    assert [one.canonical() for one in envelopes_of(answer)] == [sealed.envelope.canonical()]
    assert acknowledge(fronted.gb, answer) >= 1


def test_who_waits_is_woken(fronted: Fronted) -> None:
    found: list[int] = []
    waiting = threading.Thread(target=lambda: found.append(len(envelopes_of(lease(fronted.gb, wait=50)))))
    waiting.start()
    send(fronted.be, fronted.conversation.seal("waking"))
    waiting.join(PATIENCE_SECONDS)
    assert found == [1]


def test_without_a_members_certificate_nobody_gets_in(fronted: Fronted) -> None:
    stranger = make_live_member("ZZ-STRANGER")
    try:
        answer = Caller(fronted.exchange.url, fronted.exchange.sheet, stranger).http.get("/")
    except httpx.TransportError:
        return  # haproxy ends the handshake
    assert read_slug(answer) == "certificate-unknown"


def test_a_member_cannot_name_another_members_certificate(fronted: Fronted) -> None:
    """The field that BE writes is replaced by the terminator: BE's token stays BE's, GB's is not BE's to use."""
    certificate = _read_certificate(fronted.gb)
    named = {"Client-Cert": f":{base64.b64encode(certificate).decode()}:", "client-cert-chain": ":AA==:"}
    own = fronted.be.http.get(MEMBERS_PATH, headers=fronted.be.authorize() | named)
    stolen = fronted.be.http.get(MEMBERS_PATH, headers=fronted.gb.authorize() | named)
    assert (own.status_code, stolen.status_code) == (200, 401)


def _read_certificate(caller: Caller) -> bytes:
    chain = issue_client_chain(caller.member, caller.node)
    return ssl.PEM_cert_to_DER_cert(chain.decode().split("-----END CERTIFICATE-----")[0] + "-----END CERTIFICATE-----")


def test_a_direct_connection_to_the_brokers_socket_by_the_same_user_is_the_terminators(fronted: Fronted) -> None:
    """Whoever runs as the terminator's user is the terminator: no certificate named, so nobody is let in."""
    path = fronted.exchange.folder.path.parent / "first.sock"
    transport = httpx.HTTPTransport(uds=str(path))
    with httpx.Client(base_url="http://broker", transport=transport, headers={VERSION_HEADER: "1"}) as client:
        assert client.get(MEMBERS_PATH, headers=fronted.be.authorize()).status_code == 401


def _head(method: str, *fields: str) -> bytes:
    return "\r\n".join((f"{method} {MEMBERS_PATH} HTTP/1.1", "Host: x", f"{VERSION_HEADER}: 1", *fields, "")).encode()


def _list_smuggled(theirs: str, token: str) -> dict[str, bytes]:
    """Return requests in which GB's certificate and GB's token stand where a terminator and a broker might differ."""
    named, bearer = f"Client-Cert: {theirs}", f"Authorization: Bearer {token}"
    hidden = _head("GET", named, bearer) + b"\r\n"
    chunked = "Transfer-Encoding: chunked"
    end = b"\r\n0\r\n\r\n"

    def post(*fields: str, body: bytes = end) -> bytes:
        return _head("POST", bearer, *fields) + b"\r\n" + body

    return {
        "in other letters": _head("GET", bearer, f"CLIENT-CERT: {theirs}", f"client-cert: {theirs}") + b"\r\n",
        "with an underscore": _head("GET", bearer, f"Client_Cert: {theirs}") + b"\r\n",
        "before the colon a space": _head("GET", bearer, f"Client-Cert : {theirs}") + b"\r\n",
        "before the colon a tab": _head("GET", bearer, f"Client-Cert\t: {theirs}") + b"\r\n",
        "folded": _head("GET", bearer, f"A: b\r\n {named}", f"Client-Cert:\r\n {theirs}") + b"\r\n",
        "behind a bare line feed": _head("GET", bearer, f"A: b\n{named}") + b"\r\n",
        "behind a bare carriage return": _head("GET", bearer, f"A: b\r{named}") + b"\r\n",
        "behind a zero byte": _head("GET", bearer, f"A: b\x00\r\n{named}") + b"\r\n",
        "said to be of this hop": _head("GET", bearer, named, "Connection: Client-Cert, keep-alive") + b"\r\n",
        "as a chain": _head("GET", bearer, f"Client-Cert-Chain: {theirs}, {theirs}") + b"\r\n",
        "behind the body": post(chunked, f"Trailer: {named}", body=b"1\r\nx\r\n0\r\n" + named.encode() + b"\r\n\r\n"),
        "behind a shorter length": post("Content-Length: 4", chunked, body=end + hidden),
        "behind a longer length": post(chunked, f"Content-Length: {len(end + hidden)}", body=end + hidden),
        "behind two lengths": post("Content-Length: 0", f"Content-Length: {len(hidden)}", body=hidden),
        "behind a length with a sign": post("Content-Length: +0", body=hidden),
        "behind an odd coding": post("Transfer-Encoding: xchunked", body=end + hidden),
        "behind a coding with a vertical tab": post("Transfer-Encoding: \x0bchunked", body=end + hidden),
        "behind a coding before its colon": post("Transfer-Encoding : chunked", body=end + hidden),
        "behind two codings": post(chunked, "Transfer-Encoding: identity", body=end + hidden),
        "behind an extension with a line feed": post(chunked, body=b"1;a\nb\r\nx\r\n0\r\n\r\n" + hidden),
        "behind a chunk without an end": post(chunked, body=b"0\n\n" + hidden),
        "behind a chunk of more than 64 bits": post(chunked, body=b"10000000000000000\r\n" + end + hidden),
        "behind an upgrade": _head("GET", bearer, "Connection: Upgrade", "Upgrade: h2c") + b"\r\n" + hidden,
        "behind a web socket": _head("GET", bearer, "Connection: Upgrade", "Upgrade: websocket") + b"\r\n" + hidden,
        "behind an expectation": post("Expect: 100-continue", "Content-Length: 0", body=hidden),
        "behind a tunnel": b"CONNECT x:1 HTTP/1.1\r\nHost: x:1\r\n\r\n" + hidden,
        "in an older version": hidden.replace(b"HTTP/1.1", b"HTTP/1.0"),
        "in the next request": _head("GET", bearer) + b"\r\n" + hidden,
        "in the target": hidden.replace(MEMBERS_PATH.encode(), f"http://x{MEMBERS_PATH}".encode(), 1),
    }


def _send_raw(fronted: Fronted, data: bytes) -> bytes:
    """Send bytes over a connection of BE's and return what comes back within a moment."""
    context = make_client_context(fronted.exchange.sheet, fronted.be.member)
    port = int(fronted.exchange.url.rpartition(":")[2])
    received = bytearray()
    with (
        socket.create_connection(("127.0.0.1", port), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1") as connection,
    ):
        connection.sendall(data)
        connection.settimeout(0.5)
        with suppress(OSError):
            while piece := connection.recv(65536):
                received += piece
    return bytes(received)


def test_no_spelling_makes_a_terminator_and_a_broker_read_another_members_certificate(fronted: Fronted) -> None:
    theirs, token = f":{base64.b64encode(_read_certificate(fronted.gb)).decode()}:", fronted.gb.token
    answers = {name: _send_raw(fronted, data) for name, data in _list_smuggled(theirs, str(token)).items()}
    assert {name: answer for name, answer in answers.items() if b" 200 " in answer} == {}
    assert sum(answer.startswith(b"HTTP/1.1 4") for answer in answers.values()) > len(answers) / 2
    assert fronted.gb.get(MEMBERS_PATH).status_code == 200, "the token is good where its owner shows it"


def test_while_no_broker_answers_a_client_is_told_so_as_by_a_broker_and_when_to_come_back(fronted: Fronted) -> None:
    context, url = make_client_context(fronted.exchange.sheet, fronted.be.member), fronted.exchange.url
    fronted.exchange.stop()
    with httpx.Client(base_url=url, verify=context, timeout=20) as client:
        answer = client.get(MEMBERS_PATH)
    assert (answer.status_code, read_slug(answer)) == (503, "unavailable")
    assert (answer.headers["retry-after"], answer.headers["cache-control"]) == ("5", "no-store")
    assert isinstance(read_refusal(answer.status_code, answer.headers, answer.content), UnavailableError)
