"""No bytes make the broker fail: the JSON corpus, hostile fields, bodies that its document describes and spoilt ones.

A real broker process over real TLS. Every answer must be one that the document describes; none may be its own failure.
`make fuzz` does the same at length with schemathesis.
"""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlencode

import httpx
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from broker.audit.refusals import MAX_RECORDED_PER_MINUTE
from keys.signing import sign_document
from schemas.api import (
    ACCESS_LOG_HEADS_PATH,
    AUDIT_PATH,
    ENCRYPTION_KEYS_PATH,
    EVENTS_PATH,
    KEY_SETS_PATH,
    LEASE_PATH,
    REVOCATIONS_PATH,
    STATUSES_PATH,
    STEPS_PATH,
    TOKEN_PATH,
)
from schemas.codec import CodecError, decode_canonical, encode_canonical
from schemas.log.records import Role
from schemas.signed import DocumentType, KeyUse
from tests.schemas.json_corpus import ACCEPTED, HUGE, REFUSED
from tests.strategies.agreements import steps
from tests.strategies.documents import encryption_key_documents, key_sets, revocations, statuses
from tests.strategies.from_schema import anything, described_values, spoilt_values
from tests.strategies.hostile_text import HOSTILE, MARK
from tests.support.caller import FORM, JSON, Caller, read_slug
from tests.support.described import Description, Operation, read_description
from tests.support.exchange import RunningExchange, running_exchange

GB, VN, OVERSEER = "GB-HO", "VN-IMM", "OVERSEER"
MODEST = settings(
    max_examples=15,
    deadline=None,
    phases=(Phase.explicit, Phase.generate),  # to shrink what is asked over a network takes minutes
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningExchange]:
    with running_exchange(tmp_path_factory.mktemp("input"), GB, VN, oversight=OVERSEER) as running:
        running.agree(GB, VN)
        yield running
        assert '"level":"error"' not in running.errors


@pytest.fixture(scope="module")
def gb(exchange: RunningExchange) -> Caller:
    return exchange.caller(GB)


@pytest.fixture(scope="module")
def callers(exchange: RunningExchange, gb: Caller) -> dict[Role, Caller]:
    """One caller in each role that an agency or an oversight body has."""
    return {
        Role.NODE: gb,
        Role.AUDITOR: exchange.caller(GB, Role.AUDITOR),
        Role.OVERSIGHT: exchange.caller(OVERSEER),
    }


@pytest.fixture(scope="module")
def description(gb: Caller) -> Description:
    return read_description(gb)


@pytest.fixture(scope="module")
def takers(description: Description) -> list[Operation]:
    """The operations that take JSON."""
    return [operation for operation in description.operations if operation.body_schema is not None]


def choose_caller(callers: dict[Role, Caller], operation: Operation) -> Caller:
    return callers[Role.AUDITOR if operation.template == AUDIT_PATH else Role.NODE]


def count_leaves(exchange: RunningExchange) -> int:
    with httpx.Client(base_url=exchange.admin_url) as operator:
        (line,) = [
            line for line in operator.get("/metrics").text.splitlines() if line.startswith("bilateral_log_leaves ")
        ]
    return int(float(line.split()[1]))


def test_every_refused_spelling_is_refused_at_every_address_and_fills_no_log(
    exchange: RunningExchange, callers: dict[Role, Caller], description: Description, takers: list[Operation]
) -> None:
    before = count_leaves(exchange)
    for operation in takers:
        caller = choose_caller(callers, operation)
        for name, data in [*((name, data) for name, (data, _) in REFUSED.items()), *HUGE.items()]:
            response = caller.post(operation.path, data)
            assert response.status_code in (400, 413), (str(operation), name, response.text)
            description.demand_conforming(operation, response)
    assert count_leaves(exchange) - before <= 2 * 2 * MAX_RECORDED_PER_MINUTE  # two agencies, perhaps two minutes


def test_canonical_json_of_another_shape_names_what_is_wrong(
    callers: dict[Role, Caller], description: Description, takers: list[Operation]
) -> None:
    for operation in takers:
        for name, (data, _) in ACCEPTED.items():
            response = choose_caller(callers, operation).post(operation.path, data)
            assert response.status_code == 422, (str(operation), name, response.text)
            description.demand_conforming(operation, response)


@given(data=st.data())
@MODEST
def test_whatever_the_document_describes_is_answered_as_it_describes(
    callers: dict[Role, Caller], description: Description, takers: list[Operation], data: st.DataObject
) -> None:
    questions = []
    for operation in takers:
        assert operation.body_schema is not None
        values = described_values(description.definitions, operation.body_schema)
        body = spell(data.draw(values | spoilt_values(values) | anything()))
        questions.append((operation, callers[data.draw(st.sampled_from(list(callers)))], body))
    for operation, caller, body in questions:
        if operation.template != LEASE_PATH or b'"wait_seconds":' not in body:  # it would wait
            demand_answered(description, operation, caller.post(operation.path, body))


INSIDE: dict[str, tuple[DocumentType, KeyUse, st.SearchStrategy[Any]]] = {
    KEY_SETS_PATH: (DocumentType.KEY_SET, KeyUse.ROTATION, key_sets),
    ENCRYPTION_KEYS_PATH: (DocumentType.ENCRYPTION_KEYS, KeyUse.ROTATION, encryption_key_documents),
    REVOCATIONS_PATH: (DocumentType.REVOCATION, KeyUse.ROTATION, revocations),
    STEPS_PATH: (DocumentType.AGREEMENT_STEP, KeyUse.AGREEMENT, steps()),
    STATUSES_PATH: (DocumentType.STATUS, KeyUse.RECEIPT, statuses),
    ACCESS_LOG_HEADS_PATH: (DocumentType.ACCESS_LOG_HEAD, KeyUse.RECEIPT, statuses),
}
"""What stands inside the signed documents of each address, and whose key signs it."""


def overlay(wire: dict[str, Any]) -> dict[str, Any]:
    """Let a document be the caller's own as far as it says: what is looked at next then counts."""
    own = {"exchange": "exchange.example", "agency": GB, "partner": VN, "keyset": 1, "time": "2026-11-22T00:00:00Z"}
    return wire | {name: own[name] for name in own.keys() & wire.keys()}


@given(data=st.data())
@MODEST
def test_a_true_signature_over_anything_makes_nothing_fail(
    exchange: RunningExchange, gb: Caller, description: Description, data: st.DataObject
) -> None:
    member = exchange.members[GB]
    questions = []
    for operation in (one for one in description.operations if one.method == "POST" and one.template in INSIDE):
        document_type, use, documents = INSIDE[operation.template]
        wires = documents.map(lambda document: overlay(document.to_wire()))
        payload = spell(data.draw(wires | spoilt_values(wires)))
        signers = member.roots[:2] if document_type is DocumentType.KEY_SET else [member.signers[use]]
        questions.append((operation, sign_document(payload, document_type, signers)))
    for operation, document in questions:
        demand_answered(description, operation, gb.post(operation.path, document))


@given(data=st.data())
@MODEST
def test_no_parameter_makes_anything_fail(
    callers: dict[Role, Caller], description: Description, data: st.DataObject
) -> None:
    hostile = (
        st.text(max_size=60) | st.integers().map(str) | st.sampled_from(["", "0", "-0", "1e3", "NaN", "١", "9" * 5000])
    )
    questions = []
    for operation in (one for one in description.operations if one.method == "GET"):
        names = [one["name"] for one in operation.described["parameters"] if one["in"] == "query"]
        query = [(name, data.draw(hostile)) for name in names for _ in range(data.draw(st.integers(0, 2)))]
        message_id = data.draw(st.text(st.characters(codec="utf-8", exclude_characters="/"), min_size=1, max_size=80))
        path = operation.template.replace("{message_id}", quote(message_id, safe=""))
        questions.append((operation, callers[data.draw(st.sampled_from(list(callers)))], f"{path}?{urlencode(query)}"))
    for operation, caller, address in questions:
        request = caller.http.build_request("GET", address, headers=caller.authorize())
        demand_request_answered(caller, description, operation, request)


FORMS = {
    "nothing": b"",
    "no such grant": b"grant_type=password",
    "a parameter twice": b"grant_type=client_credentials&grant_type=client_credentials",
    "a parameter more": b"grant_type=client_credentials&scope=node",
    "no assertion": b"grant_type=client_credentials&client_assertion_type=x",
    "broken escapes": b"grant_type=%&client_assertion=%zz%&%ff=%00",
    "bytes": bytes(range(256)),
    "many parameters": b"&".join(b"a%d=b" % number for number in range(1000)),
    "ampersands": b"&" * 5000,
    "JSON": b'{"grant_type":"client_credentials"}',
}
ASSERTIONS = [
    "",
    ".",
    "..",
    "a.b.c",
    "e30.e30.",
    "e30.e30.e30",
    "ew.ew.ew",
    "=.=.=",
    "é.é.é",
    "a" * 6000,
    ".".join("a" * 3000),
]


@pytest.mark.parametrize("name", FORMS)
def test_no_form_makes_the_token_endpoint_fail(gb: Caller, description: Description, name: str) -> None:
    (operation,) = [one for one in description.operations if one.template == TOKEN_PATH]
    response = gb.http.post(TOKEN_PATH, content=FORMS[name], headers=FORM)
    description.demand_conforming(operation, response)
    assert 400 <= response.status_code < 500


def test_no_assertion_makes_the_token_endpoint_fail(gb: Caller, description: Description) -> None:
    (operation,) = [one for one in description.operations if one.template == TOKEN_PATH]
    for assertion in ASSERTIONS:
        response = gb.ask_token(assertion or " ")
        description.demand_conforming(operation, response)
        assert 400 <= response.status_code < 500


FIELDS: dict[str, tuple[str, str | bytes]] = {
    "no token": ("Authorization", "Bearer"),
    "a token of other bytes": ("Authorization", b"Bearer \xff\xfe\xfd"),
    "a token of three parts": ("Authorization", "Bearer a.b.c"),
    "a token as long as allowed": ("Authorization", "Bearer " + "a.b.c" * 3000),
    "another scheme": ("Authorization", "Basic YTpi"),
    "a media type of other bytes": ("Content-Type", b"application/json; charset=\xff"),
    "another media type": ("Content-Type", "application/xml"),
    "a compressed body": ("Content-Encoding", "gzip, br"),
    "a version of other bytes": ("Bilateral-Version", b"\xff"),
    "a version of many digits": ("Bilateral-Version", "1" * 5000),
    "cookies": ("Cookie", "=;=;=" * 500),
    "a range": ("Range", "bytes=0-18446744073709551615"),
    "a forged address": ("X-Forwarded-For", "127.0.0.1, ::1"),
    "an expectation": ("Expect", "the worst"),
}


@pytest.mark.parametrize("name", FIELDS)
def test_no_header_field_makes_anything_fail(gb: Caller, description: Description, name: str) -> None:
    field, value = FIELDS[name]
    raw = value if isinstance(value, bytes) else value.encode()
    for operation in description.operations:
        headers = httpx.Headers({**gb.authorize(), **JSON})
        headers[field] = raw.decode("latin-1")
        request = gb.http.build_request(operation.method, operation.path, content=b"[]", headers=headers)
        demand_request_answered(gb, description, operation, request)


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "HEAD", "MKCOL", "SEARCH"])
def test_an_address_says_all_the_methods_it_takes(gb: Caller, description: Description, method: str) -> None:
    for template, operations in description.document["paths"].items():
        if method.lower() in operations:
            continue
        response = gb.http.request(method, Operation(method, template, {}).path, headers=gb.authorize())
        assert response.status_code == 405
        assert {one.strip().lower() for one in response.headers["allow"].split(",")} == set(operations)
        assert method == "HEAD" or read_slug(response) == "method-not-allowed"


def spell(value: Any) -> bytes:
    """Return the canonical JSON of a value, or some other JSON where it has none."""
    try:
        return encode_canonical(value)
    except CodecError:
        return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def demand_request_answered(
    caller: Caller, description: Description, operation: Operation, request: httpx.Request
) -> None:
    response = caller.http.send(request, stream=True)
    try:
        if operation.template == EVENTS_PATH and response.is_success:  # it goes on until somebody hangs up
            assert response.headers["content-type"].startswith("text/event-stream")
            return
        response.read()
    finally:
        response.close()
    demand_answered(description, operation, response)


def demand_answered(description: Description, operation: Operation, response: httpx.Response) -> None:
    assert response.status_code < 500, (str(operation), response.text)
    description.demand_conforming(operation, response)


def test_no_foreign_word_reaches_the_operators_log_or_metrics(exchange: RunningExchange, gb: Caller) -> None:
    auditor = exchange.caller(GB, Role.AUDITOR)
    for text in HOSTILE.values():
        quoted = quote(text, safe="")
        gb.http.get(f"/{quoted}", headers=gb.authorize())
        gb.http.get(f"/messages/{quoted}?{urlencode({'start': text})}", headers={"Authorization": f"Bearer {quoted}"})
        gb.post(STEPS_PATH, encode_canonical({"payload": text, text.encode().hex(): [text]}))
        auditor.post(AUDIT_PATH, encode_canonical({"reason": text, "limit": 1}))
    with httpx.Client(base_url=exchange.admin_url) as operator:
        metrics = operator.get("/metrics").text
    assert MARK not in exchange.errors + metrics
    assert all("event" in decode_canonical(line.encode()) for line in exchange.errors.splitlines())
