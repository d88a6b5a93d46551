"""Holds a broker's answers to its own OpenAPI document: status, media type, header fields, and the body's shape."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import httpx

from schemas.api import OPENAPI_PATH, VERSION_HEADER
from schemas.codec import decode_canonical
from schemas.problems import MEDIA_TYPE, ProblemDocument
from tests.schemas.json_schema import is_valid
from tests.support.caller import Caller

MESSAGE_ID = "3f0f6d0a-7c57-4c2c-9d3a-0d2f9a4b1c77"
MAX_ANSWER_BYTES = 64 << 20


@dataclass(frozen=True)
class Operation:
    """One method of one address, as the document describes it."""

    method: str
    template: str
    described: dict[str, Any]

    @property
    def path(self) -> str:
        """Return the address with something in every place."""
        return self.template.replace("{message_id}", MESSAGE_ID)

    @property
    def body_schema(self) -> dict[str, Any] | None:
        """Return the schema of the JSON it takes, if it takes any."""
        content = self.described.get("requestBody", {}).get("content", {})
        schema: dict[str, Any] | None = content.get("application/json", {}).get("schema")
        return schema

    def __str__(self) -> str:
        return f"{self.method} {self.template}"


@dataclass(frozen=True)
class Description:
    """The document of one broker."""

    document: dict[str, Any]

    @cached_property
    def operations(self) -> tuple[Operation, ...]:
        """Return every operation."""
        return tuple(self._list_operations())

    @property
    def definitions(self) -> dict[str, Any]:
        """Return the schemas that others refer to."""
        found: dict[str, Any] = self.document["components"]["schemas"]
        return found

    def demand_conforming(self, operation: Operation, response: httpx.Response) -> None:
        """Fail unless an answer is one that the document describes, in the one spelling of its kind."""
        described = operation.described["responses"].get(str(response.status_code))
        assert described is not None, (str(operation), response.status_code, response.text)
        media_type = response.headers.get("content-type")
        assert media_type in described["content"], (str(operation), media_type, response.text)
        body = decode_canonical(response.content, max_bytes=MAX_ANSWER_BYTES)
        schema = described["content"][media_type]["schema"]
        assert is_valid({"$defs": self.definitions, **schema}, body), (str(operation), response.text[:2000])
        assert response.headers[VERSION_HEADER] == "1"
        required = {name.lower() for name, field in described.get("headers", {}).items() if field.get("required")}
        assert required <= set(response.headers), (str(operation), dict(response.headers))
        if response.is_error:
            assert media_type == MEDIA_TYPE
            assert ProblemDocument.from_canonical(response.content).status == response.status_code

    def _list_operations(self) -> Iterator[Operation]:
        for template, operations in sorted(self.document["paths"].items()):
            for method, described in sorted(operations.items()):
                yield Operation(method.upper(), template, described)


def read_description(caller: Caller) -> Description:
    """Ask a broker for its document."""
    response = caller.http.get(OPENAPI_PATH)
    assert response.status_code == 200
    return Description(decode_canonical(response.content))
