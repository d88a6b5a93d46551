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
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from schemas.api import ENCRYPTION_KEYS_PATH, MEMBERS_PATH, VERSION_HEADER
from tests.support.caller import Caller, issue_client_chain
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
    assert (answer.status_code, "nginx" in answer.text) == (400, True)


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
