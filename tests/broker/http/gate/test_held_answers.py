"""Answers that a member does not read take its part of the memory, and no more; a lone one is always sent."""

import asyncio

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Scope

from broker.http.admission import Admission, AdmissionLimits
from broker.http.connection import ClientConnection, put_connection
from broker.http.gate import Gate, GateOptions
from broker.observability.metrics import Metrics

HEAD = [(b"host", b"x"), (b"bilateral-version", b"1")]


class Reader:
    """A client that reads what it is sent only once it is let."""

    def __init__(self, gate: Gate, agency: str) -> None:
        self.is_answered, self.may_read = asyncio.Event(), asyncio.Event()
        self.statuses: list[int] = []
        scope: Scope = {"type": "http", "method": "GET", "path": "/much", "http_version": "1.1", "headers": HEAD}
        put_connection(scope, ClientConnection(agency.encode(), agency))
        self.task = asyncio.ensure_future(gate(scope, self._receive, self._send))

    async def _receive(self) -> Message:
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.statuses.append(message["status"])
            self.is_answered.set()
        await self.may_read.wait()


def test_answers_that_a_member_does_not_read_take_its_part_of_the_memory_and_no_more() -> None:
    async def read() -> list[list[int]]:
        async def answer(_request: Request) -> Response:
            return Response(b"x" * 600_000)

        limits = AdmissionLimits(max_held_bytes=1, max_held_bytes_of_member=1_500_000)
        gate = Gate(FastAPI(), Metrics(), GateOptions(hot={("GET", "/much"): answer}, admission=limits))
        readers = [Reader(gate, "GB-HO") for _ in range(4)] + [Reader(gate, "VN-IMM")]
        await asyncio.gather(*(reader.is_answered.wait() for reader in readers))
        for reader in readers:
            reader.may_read.set()
        await asyncio.gather(*(reader.task for reader in readers))
        last = Reader(gate, "GB-HO")
        last.may_read.set()
        await last.task
        return [reader.statuses for reader in (*readers, last)]

    assert asyncio.run(read()) == [[200], [200], [429], [429], [200], [200]]


def test_the_only_answer_is_sent_however_large_it_is() -> None:
    visit = Admission(AdmissionLimits(max_held_bytes_of_member=1)).enter({}, ClientConnection(b"gb"))
    assert visit.hold_answer(10) is None
    assert visit.hold_answer(1) is not None
