"""The server as a whole: listeners, a trust store that changes under load, and an end that loses nothing."""

import asyncio
import contextlib
import itertools
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from broker.http.gate import Gate
from broker.observability.metrics import Metrics
from broker.server import ServerOptions, StartError, bind_socket, read_port
from tests.broker.http.serving import Member, Serving, make_client, serving


async def answer(_request: Request) -> Response:
    return PlainTextResponse("here")


IS_UNDER_WAY = threading.Event()
"""Set by the handlers that take their time, once a request has reached them."""
PATIENCE_SECONDS = 60.0


async def answer_slowly(_request: Request) -> Response:
    IS_UNDER_WAY.set()
    await asyncio.sleep(1)
    return PlainTextResponse("late")


APP = Starlette(routes=[Route("/", answer), Route("/slow", answer_slowly)])


@pytest.fixture(scope="module")
def members(tmp_path_factory: pytest.TempPathFactory) -> list[Member]:
    folder = tmp_path_factory.mktemp("members")
    return [Member(number, folder) for number in (1, 2, 3)]


@pytest.fixture
def running(members: list[Member]) -> Iterator[Serving]:
    with serving(APP, [members[0].ca]) as server:
        yield server


def start_asking(ask: Callable[[], None]) -> threading.Thread:
    """Ask in a thread of its own, and return it when the server has the request."""
    IS_UNDER_WAY.clear()
    asking = threading.Thread(target=ask)
    asking.start()
    assert IS_UNDER_WAY.wait(PATIENCE_SECONDS)
    return asking


def _is_let_in(member: Member, running: Serving) -> bool:
    try:
        with make_client(member, running) as client:
            return client.get("/").status_code == 200
    except httpx.TransportError:
        return False


def test_before_any_member_is_enrolled_nobody_can_connect(members: list[Member]) -> None:
    with serving(APP, []) as running:
        assert not _is_let_in(members[0], running)


def test_a_new_member_is_let_in_once_the_context_is_replaced(running: Serving, members: list[Member]) -> None:
    assert [_is_let_in(member, running) for member in members[:2]] == [True, False]
    running.authorities.append(members[1].ca)
    running.run(running.server.replace_context)
    assert [_is_let_in(member, running) for member in members[:2]] == [True, True]


def test_a_removed_members_open_connection_is_closed_and_its_session_cannot_be_resumed(
    running: Serving, members: list[Member]
) -> None:
    member = members[0]
    with make_client(member, running) as client:
        assert client.get("/").status_code == 200
        running.authorities[:] = [members[1].ca]
        running.run(running.server.replace_context)
        with pytest.raises(httpx.TransportError):
            client.get("/")
    assert not _is_let_in(member, running)


def test_a_request_under_way_is_finished_when_the_context_changes(running: Serving, members: list[Member]) -> None:
    answers: list[str] = []

    def ask() -> None:
        with make_client(members[0], running) as client:
            answers.append(client.get("/slow").text)

    asking = start_asking(ask)
    running.run(running.server.replace_context)
    asking.join()
    assert answers == ["late"]


def test_a_request_that_outlasts_the_change_is_cut_after_its_time(members: list[Member]) -> None:
    with serving(APP, [members[0].ca], ServerOptions(leave_seconds=0.2)) as running:
        cut: list[str] = []

        def ask() -> None:
            with make_client(members[0], running) as client, pytest.raises(httpx.TransportError) as caught:
                client.get("/slow")
            cut.append(str(caught.value))

        asking = start_asking(ask)
        running.run(running.server.replace_context)
        asking.join()
        assert len(cut) == 1


def test_a_handshake_that_began_before_the_change_does_not_end_in_a_connection(
    running: Serving, members: list[Member]
) -> None:
    with socket.create_connection(("127.0.0.1", running.port), timeout=10) as plain:
        time.sleep(0.3)
        running.authorities[:] = [members[1].ca]
        running.run(running.server.replace_context)
        with contextlib.suppress(OSError):
            wrapped = members[0].context.wrap_socket(plain, server_hostname="127.0.0.1")
            with wrapped as connection:
                connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                assert connection.recv(4096) == b""


def test_nobody_is_turned_away_while_the_context_changes_again_and_again(
    running: Serving, members: list[Member]
) -> None:
    answered, failed = [], []
    is_over = threading.Event()

    def ask() -> None:
        while not is_over.is_set():
            try:
                with make_client(members[0], running) as client:
                    answered.append(client.get("/").status_code)
            except httpx.ConnectError as error:
                failed.append(error)
            except httpx.TransportError:
                # The connection was made under the old context and closed before its request: a client tries again.
                continue

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    until = time.monotonic() + PATIENCE_SECONDS
    for changes in itertools.count(1):
        running.run(running.server.replace_context)
        if (changes >= 10 and len(answered) > 10) or time.monotonic() > until:
            break
        time.sleep(0.1)
    is_over.set()
    for thread in threads:
        thread.join()
    assert failed == []
    assert len(answered) > 10


def test_a_session_resumes_on_a_new_connection_but_not_over_a_change_of_context(
    running: Serving, members: list[Member]
) -> None:
    context = members[0].context

    def connect(session: ssl.SSLSession | None) -> tuple[bool | None, ssl.SSLSession | None]:
        with socket.create_connection(("127.0.0.1", running.port), timeout=10) as plain:
            wrapped = context.wrap_socket(plain, server_hostname="127.0.0.1", session=session)
            with wrapped as connection:
                connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                while connection.recv(4096):
                    pass
                return connection.session_reused, connection.session

    _, session = connect(None)
    assert connect(session)[0]
    running.run(running.server.replace_context)
    assert not connect(session)[0]


def test_the_operators_listener_tells_health_readiness_and_metrics(running: Serving, members: list[Member]) -> None:
    assert _is_let_in(members[0], running)
    with httpx.Client(base_url=running.admin_url) as operator:
        assert operator.get("/health").json() == {"status": "alive"}
        assert operator.get("/ready").json() == {"problems": {}, "status": "ready"}
        running.checks["store"] = lambda: "the disk is full"
        ready = operator.get("/ready")
        assert (ready.status_code, ready.json()["problems"]) == (503, {"store": "the disk is full"})
        assert "bilateral_batch_seconds" in operator.get("/metrics").text


def test_an_end_that_was_asked_for_lets_requests_finish_and_takes_no_more(members: list[Member]) -> None:
    with serving(APP, [members[0].ca]) as running:
        answers: list[str] = []

        def ask() -> None:
            with make_client(members[0], running) as client:
                answers.append(client.get("/slow").text)

        asking = start_asking(ask)
        running.stop()
        asking.join()
        assert answers == ["late"]
        assert not _is_let_in(members[0], running)
        assert running.server.problem == "the broker is stopping"


def test_a_handshake_that_ends_after_the_end_was_asked_for_is_no_connection(members: list[Member]) -> None:
    """Whoever would go on asking over it would keep the broker from ending for the whole time it may drain."""
    with serving(APP, [members[0].ca]) as running:
        taken, given = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = members[0].context.wrap_bio(taken, given, server_hostname="127.0.0.1")
        with socket.create_connection(("127.0.0.1", running.port), timeout=PATIENCE_SECONDS) as plain:
            while not _has_shaken_hands(tls):
                plain.sendall(given.read())
                taken.write(plain.recv(1 << 16))
            stopping = threading.Thread(target=running.stop)
            stopping.start()
            _wait_until_closed(running.port)
            tls.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            plain.sendall(given.read())
            with contextlib.suppress(ConnectionResetError):
                while data := plain.recv(1 << 16):
                    taken.write(data)
        stopping.join()
        answer = b""
        with contextlib.suppress(ssl.SSLError):  # an end without a word is one too
            answer = tls.read()
        assert answer == b""


def _has_shaken_hands(tls: ssl.SSLObject) -> bool:
    """Go on with a handshake; once it is done, the last of it lies in the outgoing buffer and has not been sent."""
    try:
        tls.do_handshake()
    except ssl.SSLWantReadError:
        return False
    return True


def _wait_until_closed(port: int) -> None:
    try:
        while True:
            socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS).close()
            time.sleep(0.01)
    except ConnectionRefusedError:
        return


def test_requests_that_never_end_are_given_up_after_the_drain_time(members: list[Member]) -> None:
    async def never(_request: Request) -> Response:
        IS_UNDER_WAY.set()
        await asyncio.sleep(3600)
        return Response()

    app = Starlette(routes=[Route("/", never)])
    with serving(Gate(app, Metrics()), [members[0].ca], ServerOptions(drain_seconds=1)) as running:
        answers: list[httpx.Response] = []

        def ask() -> None:
            with make_client(members[0], running) as client:
                answers.append(client.get("/"))

        asking = start_asking(ask)
        started = time.monotonic()
        running.stop()
        assert time.monotonic() - started < PATIENCE_SECONDS
        asking.join()
    assert (answers[0].status_code, answers[0].headers["retry-after"]) == (503, "5")
    assert answers[0].json()["detail"] == "The exchange is stopping."


def test_an_application_that_cannot_start_ends_the_server() -> None:
    @contextlib.asynccontextmanager
    async def refuse(app: Starlette) -> AsyncIterator[None]:
        if app.routes == []:
            raise OSError("no disk")
        yield

    running = Serving(Starlette(lifespan=refuse), [])

    async def serve() -> None:
        await running.server.serve(running._listening, running._admin)

    with pytest.raises(StartError):
        asyncio.run(serve())


def test_a_port_in_use_is_an_error_and_port_0_is_chosen_by_the_kernel() -> None:
    with bind_socket("127.0.0.1", 0) as bound:
        assert read_port(bound) > 0
        bound.listen()
        with pytest.raises(OSError, match="in use"):
            bind_socket("127.0.0.1", read_port(bound))


_PROGRAM = """
import contextlib, sys
from broker.observability.logs import configure_logs
from pathlib import Path
from starlette.applications import Starlette
from tests.broker.http.serving import Serving
from tests.broker.test_server import APP

@contextlib.asynccontextmanager
async def lifespan(app):
    print("opened", flush=True)
    yield
    print("closed", flush=True)

async def reload():
    print("reloaded", flush=True)
    await running.server.replace_context()

app = Starlette(routes=APP.routes, lifespan=lifespan)
configure_logs()
running = Serving(app, [Path(sys.argv[1]).read_bytes()])
running.server.on_started = lambda: print(running.port, flush=True)
running.server.on_drain = lambda: print("draining", flush=True)
running.server.on_reload = reload
running.server.run(running._listening, running._admin)
print("ended", flush=True)
"""


def test_signals_reload_and_end_the_process_in_order(members: list[Member], tmp_path: Path) -> None:
    authority = tmp_path / "ca.der"
    authority.write_bytes(members[0].ca)
    with subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, str(authority)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path.cwd())},
    ) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline().strip() for _ in range(2)]
        port = int(lines[1])
        with httpx.Client(verify=members[0].make_context(), base_url=f"https://127.0.0.1:{port}") as client:
            assert client.get("/").status_code == 200
            process.send_signal(signal.SIGHUP)
            assert process.stdout.readline().strip() == "reloaded"
        with httpx.Client(verify=members[0].make_context(), base_url=f"https://127.0.0.1:{port}") as client:
            assert client.get("/").status_code == 200
            process.send_signal(signal.SIGTERM)
            rest = process.stdout.read().split()
    assert (lines[0], rest, process.returncode) == ("opened", ["draining", "closed", "ended"], 0)
