"""The application as a whole: what it says of itself is what it does, and what it owes at its end it writes down."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

import schemas.api
from schemas.api import (
    AUDIT_PATH,
    CHECKPOINT_PATH,
    HOME_PATH,
    OPENAPI_PATH,
    TOKEN_PATH,
    VERSION_HEADER,
    AuditAnswer,
    AuditQuery,
    ExchangeAnswer,
)
from schemas.codec import decode_canonical
from schemas.log.records import Record, RecordType
from schemas.problems import PROBLEMS, TYPE_PREFIX
from tests.support.caller import Caller, make_client_context, read_answer, read_problem, read_slug
from tests.support.exchange import RunningExchange, running_exchange

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningExchange]:
    with running_exchange(tmp_path_factory.mktemp("app"), "GB-HO", oversight="OVERSEER") as running:
        yield running


@pytest.fixture
def gb(exchange: RunningExchange) -> Caller:
    return exchange.caller("GB-HO")


@pytest.fixture(scope="module")
def document(exchange: RunningExchange) -> dict[str, Any]:
    response = exchange.caller("GB-HO").http.get(OPENAPI_PATH, headers={VERSION_HEADER: ""})
    assert response.status_code == 200
    found: dict[str, Any] = decode_canonical(response.content)
    return found


def list_paths() -> set[str]:
    return {value for name, value in vars(schemas.api).items() if name.endswith("_PATH")}


def list_references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for item in value.values():
            yield from list_references(item)
    elif isinstance(value, list):
        for item in value:
            yield from list_references(item)


def test_every_address_of_the_protocol_is_described_and_no_other(document: dict[str, Any]) -> None:
    described = {path.partition("/{")[0] for path in document["paths"]}

    assert described == list_paths() - {OPENAPI_PATH}


def test_what_is_described_answers_and_what_is_not_does_not(gb: Caller, document: dict[str, Any]) -> None:
    """Without a token: an address that exists says so (401, or a refusal of the body), one that does not says 404."""
    for template, operations in document["paths"].items():
        path = template.replace("{message_id}", "3f0f6d0a-7c57-4c2c-9d3a-0d2f9a4b1c77")
        for method in METHODS:
            status = gb.http.request(method, path).status_code
            if method.lower() in operations:
                assert status not in (404, 405), (method, path)
                assert str(status) in operations[method.lower()]["responses"], (method, path, status)
            else:
                assert status == 405, (method, path)
    assert read_slug(gb.http.get("/no/such/address")) == "not-found"


def test_every_reference_in_the_description_leads_somewhere(document: dict[str, Any]) -> None:
    schemas_there = document["components"]["schemas"]

    for reference in list_references(document):
        prefix, _, name = reference.rpartition("/")
        assert prefix == "#/components/schemas"
        assert name in schemas_there
    assert "ProblemDocument" in schemas_there
    assert "HTTPValidationError" not in schemas_there


def test_every_operation_says_what_it_refuses_and_how_one_gets_in(document: dict[str, Any]) -> None:
    schemes = document["components"]["securitySchemes"]
    for path, operations in document["paths"].items():
        for operation in operations.values():
            needed = {name for one in operation["security"] for name in one}
            assert needed == ({"clientCertificate"} if path in (HOME_PATH, TOKEN_PATH) else set(schemes))
            problems = [text for one in operation["responses"].values() for text in one["description"].split("`")]
            slugs = {text.removeprefix(TYPE_PREFIX) for text in problems if text.startswith(TYPE_PREFIX)}
            assert slugs <= PROBLEMS.keys()
            assert {"malformed", "too-large", "client-too-old", "unavailable", "internal"} <= slugs
            if path not in (HOME_PATH, TOKEN_PATH):
                assert {"certificate-unknown", "token-refused"} <= slugs
    token = document["paths"][TOKEN_PATH]["post"]
    assert set(token["requestBody"]["content"]) == {"application/x-www-form-urlencoded"}


def test_the_exchange_greets_whoever_got_through_the_handshake(exchange: RunningExchange, gb: Caller) -> None:
    greeting = read_answer(gb.http.get(HOME_PATH, headers={VERSION_HEADER: ""}), ExchangeAnswer)

    assert greeting == ExchangeAnswer(
        product="bilateral", exchange=exchange.sheet.name, origin=exchange.sheet.origin, protocol=1
    )


def test_a_client_of_another_version_is_told_to_update(exchange: RunningExchange, gb: Caller) -> None:
    context = make_client_context(exchange.sheet, gb.member)
    with httpx.Client(base_url=exchange.url, verify=context) as without:
        for headers in ({}, {VERSION_HEADER: "0"}, {VERSION_HEADER: "2"}):
            answer = without.get(CHECKPOINT_PATH, headers=headers)
            assert read_slug(answer) == "client-too-old"
            assert answer.headers[VERSION_HEADER] == "1"


def test_a_document_in_another_media_type_is_refused(gb: Caller) -> None:
    answer = gb.http.post(AUDIT_PATH, content=b"{}", headers=gb.authorize() | {"Content-Type": "text/plain"})

    assert read_slug(answer) in ("unsupported-media-type", "role-not-allowed")


def test_a_problem_names_the_wrong_member(exchange: RunningExchange) -> None:
    overseer = exchange.caller("OVERSEER")

    problem = read_problem(overseer.post(AUDIT_PATH, b'{"limit":0,"reason":"look"}'))

    assert (problem.status, problem.field) == (422, "limit")


def list_token_counts(exchange: RunningExchange) -> list[Record]:
    query = AuditQuery(reason="tokens", types=(RecordType.TOKENS_ISSUED,), limit=100)
    answer = read_answer(exchange.caller("OVERSEER").post(AUDIT_PATH, query), AuditAnswer)
    return [found.record for found in answer.records]


def test_tokens_are_counted_by_agency_and_not_one_by_one(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The count is written at the latest when the broker stops in order, and survives when it does not."""
    with running_exchange(tmp_path_factory.mktemp("counts"), "GB-HO", oversight="OVERSEER") as exchange:
        for _ in range(4):
            assert exchange.caller("GB-HO").ask_token().status_code == 200
        assert list_token_counts(exchange) == [] or datetime.now(UTC).minute < 2  # unless the hour has just turned
        exchange.kill()
        exchange.start()
        assert exchange.caller("GB-HO").ask_token().status_code == 200
        assert exchange.stop() == 0
        exchange.start()

        counted: dict[str | None, int] = {}
        for record in list_token_counts(exchange):
            counted[record.agency] = counted.get(record.agency, 0) + (record.count or 0)
        assert counted == {"GB-HO": 6, "OVERSEER": 1}
        assert all(record.concerns == (record.agency,) for record in list_token_counts(exchange))


def test_a_stopped_broker_leaves_no_socket_and_no_address(tmp_path_factory: pytest.TempPathFactory) -> None:
    with running_exchange(tmp_path_factory.mktemp("stopped"), "GB-HO") as exchange:
        assert exchange.folder.address.exists()
        assert exchange.folder.control_socket.stat().st_mode & 0o777 == 0o600
        assert exchange.stop() == 0

        assert not exchange.folder.address.exists()
        assert not exchange.folder.control_socket.exists()
        assert '"level":"error"' not in exchange.errors


def test_operators_see_health_readiness_and_metrics_on_loopback(exchange: RunningExchange) -> None:
    exchange.caller("GB-HO").http.get(CHECKPOINT_PATH)
    with httpx.Client(base_url=exchange.admin_url) as operator:
        assert operator.get("/health").json() == {"status": "alive"}
        assert operator.get("/ready").json() == {"problems": {}, "status": "ready"}
        metrics = operator.get("/metrics").text

    assert "bilateral_log_leaves " in metrics
    assert 'bilateral_refusals_total{problem="token-refused"}' in metrics
    assert "GB-HO" not in metrics
