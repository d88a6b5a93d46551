"""The gate on a real server over real TLS: limits, one form of refusal, and nothing said that should not be."""

import asyncio
import io
import logging
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from broker.http.admission import AdmissionLimits
from broker.http.documents import answer_document, read_document
from broker.http.gate import Gate, GateOptions
from broker.http.operations import add_operation, find_hot_endpoints, install_openapi
from broker.http.problems import install_problems
from broker.http.protocol import ConnectionLimits
from broker.http.refusal import refuse
from broker.observability.logs import configure_logs
from broker.observability.metrics import Metrics
from broker.server import ServerOptions
from broker.storage.errors import StoreBusyError
from schemas.api import AcknowledgeAnswer, AcknowledgeRequest
from tests.broker.http.serving import VERSION, Member, Serving, make_client, raw_connection, read_all, serving

LIMIT = 100_000
QUESTION = AcknowledgeRequest(lease="12345678-1234-1234-1234-123456789abc", numbers=(1, 2, 3))
JSON = {"Content-Type": "application/json"}


async def count(request: Request) -> Response:
    """Count the numbers of a question."""
    question = await read_document(request, AcknowledgeRequest)
    return answer_document(AcknowledgeAnswer(settled=len(question.numbers)))


async def fail(request: Request) -> Response:
    """Fail in the way the query says."""
    match request.url.query:
        case "refused":
            raise refuse("not-covered", "kind: the agreement does not cover it", field="kind")
        case "busy":
            raise StoreBusyError
        case "half":
            return StreamingResponse(_break_off())
        case _:
            raise KeyError("ERIKSSON ANNA MARIA")


async def _break_off() -> AsyncIterator[bytes]:
    yield b"half an answer"
    raise KeyError("ERIKSSON ANNA MARIA")


async def answer_much(_request: Request) -> Response:
    """Answer more than a client that does not read can be sent."""
    return Response(b"x" * 50_000_000)


async def wait(_request: Request) -> Response:
    """Take a moment."""
    await asyncio.sleep(1)
    return PlainTextResponse("done")


async def measure_stream(request: Request) -> Response:
    """Say how many pieces a body came in, and how many bytes there were; or refuse it unread."""
    if request.url.query == "refuse":
        raise refuse("not-covered", "kind: the agreement does not cover it", field="kind")
    pieces = [piece async for piece in request.stream() if piece]
    return PlainTextResponse(f"{len(pieces) > 1} {sum(map(len, pieces))}")


def make_app(metrics: Metrics) -> Gate:
    app = FastAPI(title="test", openapi_url="/openapi.json")
    install_problems(app)
    install_openapi(app)
    add_operation(app.router, "POST", "/count", count, takes=AcknowledgeRequest, gives={200: AcknowledgeAnswer})
    add_operation(
        app.router, "POST", "/hot", count, takes=AcknowledgeRequest, gives={200: AcknowledgeAnswer}, is_hot=True
    )
    for path in ("/fail", "/hot-fail"):
        add_operation(app.router, "GET", path, fail, gives={200: AcknowledgeAnswer}, is_hot=path == "/hot-fail")
    add_operation(app.router, "GET", "/much", answer_much, gives={200: AcknowledgeAnswer}, is_hot=True)
    add_operation(app.router, "GET", "/wait", wait, gives={200: AcknowledgeAnswer})

    add_operation(app.router, "PATCH", "/stream/{name}", measure_stream, takes="a/b", gives={200: AcknowledgeAnswer})

    @app.get("/range")
    async def read_range(start: int) -> Response:
        return PlainTextResponse(str(start))

    options = GateOptions(
        hot=find_hot_endpoints(app),
        max_body_bytes=LIMIT,
        max_body_bytes_at={"/large": 2 * LIMIT},
        without_version=frozenset({"/openapi.json"}),
        admission=AdmissionLimits(max_requests=3),
        streamed={("PATCH", "/stream/"): 20 * LIMIT},
    )
    return Gate(app, metrics, options)


@pytest.fixture(scope="module")
def member(tmp_path_factory: pytest.TempPathFactory) -> Member:
    return Member(1, tmp_path_factory.mktemp("member"))


METRICS = Metrics()


@pytest.fixture(scope="module")
def running(member: Member) -> Iterator[Serving]:
    limits = ConnectionLimits(write_seconds=0.5)
    with serving(make_app(METRICS), [member.ca], ServerOptions(limits)) as server:
        yield server


@pytest.fixture
def client(member: Member, running: Serving) -> Iterator[httpx.Client]:
    with make_client(member, running) as opened:
        yield opened


def problem_of(response: httpx.Response) -> dict[str, object]:
    assert response.headers["content-type"] == "application/problem+json"
    found: dict[str, object] = response.json()
    assert found["status"] == response.status_code
    return {**found, "type": str(found["type"]).removeprefix("urn:bilateral:problem:")}


@pytest.mark.parametrize("path", ["/count", "/hot"])
def test_a_canonical_document_is_read_and_answered(client: httpx.Client, path: str) -> None:
    response = client.post(path, content=QUESTION.canonical(), headers=JSON)
    assert (response.status_code, response.content) == (200, b'{"settled":3}')
    assert response.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", ["/count", "/hot"])
@pytest.mark.parametrize(
    ("content", "headers", "slug", "field"),
    [
        (QUESTION.canonical() + b" ", JSON, "malformed", None),
        (b'{"a":1,"a":1}', JSON, "malformed", None),
        (b'{"lease":"x","numbers":[1]}', JSON, "wrong-shape", "lease"),
        (QUESTION.canonical(), {"Content-Type": "text/plain"}, "unsupported-media-type", "Content-Type"),
        (QUESTION.canonical(), {**JSON, "Content-Encoding": "gzip"}, "unsupported-media-type", "Content-Encoding"),
    ],
)
def test_any_other_body_is_refused_with_the_field(
    client: httpx.Client, path: str, content: bytes, headers: dict[str, str], slug: str, field: str | None
) -> None:
    problem = problem_of(client.post(path, content=content, headers=headers))
    assert (problem["type"], problem.get("field")) == (slug, field)


@pytest.mark.parametrize("path", ["/fail", "/hot-fail"])
def test_a_refusal_reaches_the_client_whole(client: httpx.Client, path: str) -> None:
    problem = problem_of(client.get(f"{path}?refused"))
    assert problem == {
        "type": "not-covered",
        "title": "The agreement does not cover this message",
        "status": 422,
        "detail": "kind: the agreement does not cover it",
        "field": "kind",
    }


@pytest.mark.parametrize("path", ["/fail", "/hot-fail"])
def test_a_busy_store_answers_503_with_retry_after(client: httpx.Client, path: str) -> None:
    response = client.get(f"{path}?busy")
    assert (problem_of(response)["type"], response.headers["retry-after"]) == ("busy", "1")


@pytest.mark.parametrize("path", ["/fail", "/hot-fail"])
def test_an_unforeseen_error_tells_only_a_reference_which_is_in_the_log(client: httpx.Client, path: str) -> None:
    lines = io.StringIO()
    configure_logs(stream=lines)
    try:
        response = client.get(f"{path}?unforeseen")
    finally:
        logging.getLogger().handlers.clear()
        logging.captureWarnings(False)
    problem = problem_of(response)
    assert problem["type"] == "internal"
    assert "ERIKSSON" not in response.text + lines.getvalue()
    assert "KeyError" not in response.text
    assert lines.getvalue().count(str(problem["reference"])) == 1
    assert "KeyError" in lines.getvalue()


@pytest.mark.parametrize("path", ["/fail", "/hot-fail"])
def test_an_answer_that_breaks_off_is_cut_and_its_content_not_logged(client: httpx.Client, path: str) -> None:
    lines = io.StringIO()
    configure_logs(stream=lines)
    try:
        with pytest.raises(httpx.RemoteProtocolError):
            client.get(f"{path}?half")
    finally:
        logging.getLogger().handlers.clear()
        logging.captureWarnings(False)
    assert "ERIKSSON" not in lines.getvalue()
    assert "KeyError" in lines.getvalue()


@pytest.mark.parametrize(
    ("method", "path", "slug"),
    [("GET", "/nowhere", "not-found"), ("GET", "/count", "method-not-allowed"), ("DELETE", "/", "not-found")],
)
def test_the_frameworks_own_refusals_have_the_same_form(
    client: httpx.Client, method: str, path: str, slug: str
) -> None:
    response = client.request(method, path)
    assert problem_of(response)["type"] == slug
    if slug == "method-not-allowed":
        assert response.headers["allow"] == "POST"


def test_a_wrong_parameter_is_named_and_not_repeated(client: httpx.Client) -> None:
    response = client.get("/range", params={"start": "ERIKSSON"})
    problem = problem_of(response)
    assert (problem["type"], problem["field"]) == ("wrong-shape", "query.start")
    assert "ERIKSSON" not in response.text


def test_a_client_of_another_version_is_told_to_update(member: Member, running: Serving) -> None:
    with make_client(member, running, headers={"Bilateral-Version": "0"}) as client:
        response = client.get("/wait")
        assert problem_of(response)["type"] == "client-too-old"
        assert (response.status_code, response.headers["bilateral-version"]) == (426, "1")
        assert client.get("/openapi.json").status_code == 200


@pytest.mark.parametrize("hosts", [b"", b"Host: a\r\nHost: b\r\n", b"Host: a\r\nhost: a\r\n"])
def test_none_or_two_hosts_are_refused(running: Serving, member: Member, hosts: bytes) -> None:
    with raw_connection(member, running) as connection:
        connection.sendall(b"GET /wait HTTP/1.1\r\nConnection: close\r\nBilateral-Version: 1\r\n" + hosts + b"\r\n")
        received = read_all(connection)
    assert received.startswith(b"HTTP/1.1 400 ")
    assert b"exactly one Host field" in received


@pytest.mark.parametrize("address", ["/wait%00", "/%00", "/wait?agency=%00", "/wait?%00=1"])
def test_an_address_with_a_nul_is_refused(client: httpx.Client, address: str) -> None:
    assert problem_of(client.get(address))["detail"] == "The address holds a NUL character."


@pytest.mark.parametrize("is_announced", [True, False])
def test_a_body_over_the_limit_is_refused_and_the_client_hears_it(client: httpx.Client, is_announced: bool) -> None:
    chunks = [b"x" * 50_000] * 40
    content = b"".join(chunks) if is_announced else iter(chunks)
    response = client.post("/count", content=content, headers=JSON)
    assert problem_of(response)["type"] == "too-large"
    assert response.headers["connection"] == "close"


def test_a_body_at_the_limit_is_read(client: httpx.Client) -> None:
    response = client.post("/count", content=b"x" * LIMIT, headers=JSON)
    assert problem_of(response)["type"] == "malformed"


def test_one_address_may_take_more_than_the_others(client: httpx.Client) -> None:
    assert problem_of(client.post("/large", content=b"x" * 2 * LIMIT))["type"] == "not-found"
    assert problem_of(client.post("/large", content=b"x" * (2 * LIMIT + 1)))["type"] == "too-large"


def test_a_streamed_body_reaches_its_endpoint_in_pieces_up_to_its_own_limit(client: httpx.Client) -> None:
    assert client.patch("/stream/one", content=b"x" * 20 * LIMIT).text == f"True {20 * LIMIT}"
    assert client.patch("/stream/one", content=b"").text == "False 0"
    assert problem_of(client.patch("/stream/one", content=b"x" * (20 * LIMIT + 1)))["type"] == "too-large"
    assert problem_of(client.post("/stream/one", content=b"x" * (LIMIT + 1)))["type"] == "too-large"


def test_a_streamed_body_has_a_length_from_the_start(client: httpx.Client) -> None:
    response = client.patch("/stream/one", content=iter([b"x" * 10]))
    assert problem_of(response)["field"] == "Content-Length"


def test_a_streamed_body_that_is_refused_unread_leaves_the_connection_whole(client: httpx.Client) -> None:
    for _ in range(3):
        response = client.patch("/stream/one?refuse", content=b"x" * 20 * LIMIT)
        assert problem_of(response)["type"] == "not-covered"
    assert client.patch("/stream/one", content=b"x").text == "False 1"


def test_a_client_that_sends_for_ever_is_left_after_a_moment(running: Serving, member: Member) -> None:
    with raw_connection(member, running) as connection:
        connection.sendall(b"POST /count HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999\r\n\r\n")
        started = time.monotonic()
        received = read_all(connection)
        seconds = time.monotonic() - started
    assert b"HTTP/1.1 413 " in received
    assert 1 < seconds < 60


def test_a_client_that_does_not_read_a_large_answer_is_cut(running: Serving, member: Member) -> None:
    with raw_connection(member, running) as connection:
        connection.sendall(b"GET /much HTTP/1.1\r\nHost: x\r\nBilateral-Version: 1\r\n\r\n")
        time.sleep(1.5)
        assert len(read_all(connection)) < 50_000_000


def test_a_large_answer_arrives_whole(client: httpx.Client) -> None:
    assert client.get("/much").content == b"x" * 50_000_000


def test_too_many_requests_at_once_are_told_to_come_back(running: Serving, member: Member) -> None:
    async def ask() -> list[httpx.Response]:
        async with httpx.AsyncClient(base_url=running.url, verify=member.make_context(), headers=VERSION) as client:
            return list(await asyncio.gather(*(client.get("/wait") for _ in range(5))))

    statuses = sorted(response.status_code for response in asyncio.run(ask()))
    assert statuses == [200, 200, 200, 503, 503]


def test_a_client_that_leaves_in_the_middle_harms_nobody(
    running: Serving, member: Member, client: httpx.Client
) -> None:
    with raw_connection(member, running) as connection:
        connection.sendall(b"POST /count HTTP/1.1\r\nHost: x\r\nBilateral-Version: 1\r\nContent-Length: 9\r\n\r\nhalf")
    assert client.post("/count", content=QUESTION.canonical(), headers=JSON).status_code == 200


def test_requests_are_counted_by_route_and_refusals_by_problem(client: httpx.Client) -> None:
    def sample(name: str, **labels: str) -> float:
        return METRICS.registry.get_sample_value(name, labels) or 0

    def read() -> list[float]:
        return [
            sample("bilateral_request_seconds_count", route="/hot", status="200"),
            sample("bilateral_request_seconds_count", route="/count", status="200"),
            sample("bilateral_request_seconds_count", route="unmatched", status="404"),
            sample("bilateral_refusals_total", problem="not-found"),
        ]

    before = read()
    client.post("/hot", content=QUESTION.canonical(), headers=JSON)
    client.post("/count", content=QUESTION.canonical(), headers=JSON)
    client.get("/nowhere/in/particular")
    assert [new - old for new, old in zip(read(), before, strict=True)] == [1, 1, 1, 1]


def test_two_hundred_megabytes_leave_no_trace_in_memory(running: Serving, member: Member) -> None:
    def resident_kilobytes() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * 4

    def chunks() -> Iterator[bytes]:
        piece = b"x" * 65536
        for _ in range(200 * 16):
            highest.append(resident_kilobytes())
            yield piece

    highest: list[int] = [resident_kilobytes()]
    with make_client(member, running) as client:
        response = client.post("/count", content=chunks(), headers={**JSON, "Content-Length": str(200 << 20)})
    assert problem_of(response)["type"] == "too-large"
    assert max(highest) - highest[0] < 30_000
