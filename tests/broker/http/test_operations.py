"""The OpenAPI document says what is true of every address: bodies, answers, refusals, version, certificate."""

from typing import Any

import pytest
from fastapi import APIRouter, FastAPI
from starlette.requests import Request
from starlette.responses import Response
from starlette.testclient import TestClient

from broker.http.documents import answer_document, read_document
from broker.http.operations import ALWAYS_REFUSED, add_operation, find_hot_endpoints, install_openapi
from schemas.api import AcknowledgeAnswer, AcknowledgeRequest, LeaseAnswer
from schemas.problems import PROBLEMS


async def acknowledge(request: Request) -> Response:
    """Settle items of a lease."""
    question = await read_document(request, AcknowledgeRequest)
    return answer_document(AcknowledgeAnswer(settled=len(question.numbers)), 202)


async def show(start: int) -> Response:
    """Show what there is from a number on."""
    return answer_document(AcknowledgeAnswer(settled=start))


@pytest.fixture
def app() -> FastAPI:
    made = FastAPI(title="test", version="1")
    router = APIRouter()
    add_operation(
        router,
        "POST",
        "/acknowledge",
        acknowledge,
        takes=AcknowledgeRequest,
        gives={202: AcknowledgeAnswer, 200: LeaseAnswer},
        refuses=("lease-unknown", "second-node"),
        is_hot=True,
    )
    add_operation(router, "GET", "/show", show, gives={200: AcknowledgeAnswer})
    made.include_router(router)
    install_openapi(made, without_version={"/show"})
    return made


@pytest.fixture
def document(app: FastAPI) -> dict[str, Any]:
    return app.openapi()


def test_the_body_is_described_by_its_model(document: dict[str, Any]) -> None:
    body = document["paths"]["/acknowledge"]["post"]["requestBody"]
    assert body == {
        "required": True,
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/AcknowledgeRequest"}}},
    }
    assert document["components"]["schemas"]["AcknowledgeRequest"]["required"] == ["lease", "numbers"]


def test_every_answer_is_described_and_no_other(document: dict[str, Any]) -> None:
    responses = document["paths"]["/acknowledge"]["post"]["responses"]
    expected = {PROBLEMS[slug].status for slug in (*ALWAYS_REFUSED, "lease-unknown", "second-node")} | {200, 202}
    assert {int(status) for status in responses} == expected
    assert responses["202"]["content"]["application/json"]["schema"]["$ref"].endswith("/AcknowledgeAnswer")
    assert responses["200"]["content"]["application/json"]["schema"]["$ref"].endswith("/LeaseAnswer")


def test_refusals_of_one_status_are_told_apart_by_type(document: dict[str, Any]) -> None:
    conflict = document["paths"]["/acknowledge"]["post"]["responses"]["409"]
    assert "urn:bilateral:problem:lease-unknown" in conflict["description"]
    assert "urn:bilateral:problem:second-node" in conflict["description"]
    assert list(conflict["content"]) == ["application/problem+json"]


def test_a_wrong_parameter_is_described_as_a_problem_too(document: dict[str, Any]) -> None:
    refused = document["paths"]["/show"]["get"]["responses"]["422"]
    assert list(refused["content"]) == ["application/problem+json"]
    assert "HTTPValidationError" not in document["components"]["schemas"]


def test_every_address_needs_the_certificate_and_the_version_header_unless_let_through_without(
    document: dict[str, Any],
) -> None:
    needs: dict[str, bool] = {}
    for path, operations in document["paths"].items():
        for operation in operations.values():
            needs[path] = {one["name"]: one["required"] for one in operation["parameters"]}["Bilateral-Version"]
            assert all("clientCertificate" in one for one in operation["security"])
    assert needs == {"/acknowledge": True, "/show": False}
    assert document["components"]["securitySchemes"]["clientCertificate"]["type"] == "mutualTLS"


def test_no_reference_leads_nowhere_and_null_does_not_exist(document: dict[str, Any]) -> None:
    def walk(node: Any) -> None:
        if isinstance(node, list):
            for item in node:
                walk(item)
        elif isinstance(node, dict):
            assert node.get("type") != "null"
            reference = node.get("$ref")
            if isinstance(reference, str):
                assert reference.removeprefix("#/components/schemas/") in document["components"]["schemas"]
            for item in node.values():
                walk(item)

    walk(document)


def test_docstrings_are_the_descriptions(document: dict[str, Any]) -> None:
    assert document["paths"]["/acknowledge"]["post"]["description"] == "Settle items of a lease."


def test_hot_endpoints_are_found_under_method_and_path(app: FastAPI) -> None:
    assert find_hot_endpoints(app) == {("POST", "/acknowledge"): acknowledge}


def test_a_hot_endpoint_is_served_by_the_framework_as_well(app: FastAPI) -> None:
    question = AcknowledgeRequest(lease="12345678-1234-1234-1234-123456789abc", numbers=(1,))
    with TestClient(app) as client:
        response = client.post(
            "/acknowledge", content=question.canonical(), headers={"Content-Type": "application/json"}
        )
    assert (response.status_code, response.content) == (202, b'{"settled":1}')
