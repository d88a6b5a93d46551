"""Collect what comes, while it comes: `python -m bench.collecting PLAN`, a process of its own.

One member sends at a fixed pace over many connections; its partner waits for its inbox, leases what is there, and
acknowledges it over a second connection while it asks again. The time of a message is from the moment it was due to be
sent to the moment the answer that holds it had come: a server that is late makes later ones wait, and that is in the
figures (no coordinated omission). With a pace of 0 they send as fast as the answers come; with nothing to send, what
waits already is collected, as fast as can be.

It connects, says `ready`, begins when a line comes on stdin, and ends with one line: seconds and times in microseconds.
"""

import asyncio
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import uvloop

from bench.connection import Answer, Connection, connect, make_tls
from bench.loader import send
from bench.stage import make_request, make_send, read_envelopes
from schemas.api import ACKNOWLEDGE_PATH, LEASE_PATH, MAX_LEASE_ITEMS, AcknowledgeRequest, LeaseRequest
from schemas.codec import decode_canonical, encode_canonical
from tests.support.messages import make_id

_WAIT_SECONDS = 20
_MAX_ANSWER_BYTES = 1 << 26


@dataclass(frozen=True, slots=True)
class CollectingPlan:
    """Who sends and who collects, each at one of `urls`; `skip` messages on, so many come, `rate` a second.

    `is_sent` says whether they are sent meanwhile, at a rate of 0 as fast as can be, or wait in the inbox already.
    """

    urls: tuple[str, str]
    authority: str
    messages: str
    sender_chain: str
    sender_token: str
    recipient_chain: str
    recipient_token: str
    connections: int
    skip: int
    count: int
    is_sent: bool
    rate: int

    def to_line(self) -> bytes:
        """Return it as this process reads it."""
        return encode_canonical(asdict(self))


@dataclass(slots=True)
class Collected:
    """How many items came, in how many microseconds, and how long each was on its way."""

    elapsed: int = 0
    items: int = 0
    waits: list[int] = field(default_factory=list)

    @property
    def per_second(self) -> float:
        """Return how many came a second."""
        return self.items * 1e6 / self.elapsed


@dataclass(slots=True)
class _Recipient:
    """The node that collects: asks over one connection, acknowledges over the other."""

    plan: CollectingPlan
    asking: Connection
    settling: Connection
    arrived: dict[str, float] = field(default_factory=dict)

    async def collect(self, wait_seconds: int) -> None:
        """Lease and acknowledge until everything has come."""
        question = LeaseRequest(wait_seconds=wait_seconds, max_items=MAX_LEASE_ITEMS).canonical()
        ask = make_request(LEASE_PATH, self.plan.recipient_token, question)
        settled = asyncio.create_task(asyncio.sleep(0))
        while len(self.arrived) < self.plan.count:
            answer = _demand_ok(await self.asking.ask(ask))
            now = time.perf_counter()
            found = decode_canonical(answer.body, max_bytes=_MAX_ANSWER_BYTES)
            if not found["items"]:
                raise RuntimeError(f"only {len(self.arrived)} of {self.plan.count} came")
            self.arrived |= {item["accepted"]["record"]["message"]["id"]: now for item in found["items"]}
            await settled
            settled = asyncio.create_task(self._acknowledge(found["lease"], [one["number"] for one in found["items"]]))
        await settled

    async def _acknowledge(self, lease: str, numbers: Sequence[int]) -> None:
        body = AcknowledgeRequest(lease=lease, numbers=tuple(numbers)).canonical()
        _demand_ok(await self.settling.ask(make_request(ACKNOWLEDGE_PATH, self.plan.recipient_token, body)))


async def run(plan: CollectingPlan) -> None:
    """Send, collect, and say how long it took."""
    authority = Path(plan.authority)
    tls = make_tls(authority, Path(plan.recipient_chain))
    recipient = _Recipient(plan, await connect(plan.urls[1], tls), await connect(plan.urls[1], tls))
    tls = make_tls(authority, Path(plan.sender_chain))
    senders = [await connect(plan.urls[0], tls) for _ in range(plan.connections if plan.is_sent else 0)]
    envelopes = read_envelopes(Path(plan.messages), plan.skip + plan.count)[plan.skip :]
    requests = [make_send(plan.sender_token, envelope) for envelope in envelopes] if plan.is_sent else []
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    started = time.perf_counter()
    load, _ = await asyncio.gather(
        send(senders, requests, plan.rate), recipient.collect(_WAIT_SECONDS if plan.is_sent else 0)
    )
    if set(load.statuses) - {"202"}:
        raise RuntimeError(f"not everything was accepted: {load.statuses}")
    collected = Collected(int((time.perf_counter() - started) * 1e6), len(recipient.arrived))
    if plan.rate:
        due = {make_id(("bench", plan.skip + 1 + place)): started + place / plan.rate for place in range(plan.count)}
        collected.waits = [max(int((at - due[name]) * 1e6), 0) for name, at in recipient.arrived.items()]
    sys.stdout.write(encode_canonical(asdict(collected)).decode("ascii") + "\n")
    for connection in (*senders, recipient.asking, recipient.settling):
        connection.close()


def _demand_ok(answer: Answer) -> Answer:
    if answer.status != 200:
        raise RuntimeError(f"answered with {answer.status}: {answer.body[:500]!r}")
    return answer


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run(CollectingPlan(**decode_canonical(Path(sys.argv[1]).read_bytes()))))
