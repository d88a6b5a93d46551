"""How long a recipient that waits is left waiting: `python -m bench.waking PLAN`, a process of its own.

One member sends, one message after the other at a fixed pace; the other holds a request open that asks for its inbox.
The time is from the sender's 202 to the recipient's answer, on one clock. In between the broker judges the message
again, writes its hand-over into the log and commits that, for nothing leaves before it is recorded.
"""

import asyncio
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import uvloop

from bench.connection import Connection, connect, make_tls
from bench.stage import make_request, make_send, read_envelopes
from schemas.api import LEASE_PATH, MAX_WAIT_SECONDS, LeaseRequest
from schemas.codec import decode_canonical, encode_canonical

_PACE_SECONDS = 0.015
_OK = (200, 202)


@dataclass(frozen=True, slots=True)
class WakingPlan:
    """Who sends, who waits, and how many messages; certificates and tokens of both."""

    url: str
    authority: str
    messages: str
    sender_chain: str
    sender_token: str
    recipient_chain: str
    recipient_token: str
    count: int

    def to_line(self) -> bytes:
        """Return it as this process reads it."""
        return encode_canonical(asdict(self))


async def run(plan: WakingPlan) -> None:
    """Wake the recipient so many times and print how long each took, in microseconds."""
    authority = Path(plan.authority)
    sender = await connect(plan.url, make_tls(authority, Path(plan.sender_chain)))
    recipient = await connect(plan.url, make_tls(authority, Path(plan.recipient_chain)))
    wait = LeaseRequest(wait_seconds=MAX_WAIT_SECONDS, max_items=1).canonical()
    ask = make_request(LEASE_PATH, plan.recipient_token, wait)
    envelopes = read_envelopes(Path(plan.messages), plan.count)
    sends = [make_send(plan.sender_token, envelope) for envelope in envelopes]
    waits = [await _wake_once(sender, recipient, ask, send) for send in sends]
    sys.stdout.write(encode_canonical(waits).decode("ascii") + "\n")
    for connection in (sender, recipient):
        connection.close()


async def _wake_once(sender: Connection, recipient: Connection, ask: bytes, send: bytes) -> int:
    waiting = asyncio.create_task(_answer_at(recipient, ask))
    await asyncio.sleep(_PACE_SECONDS)  # until the broker has found the inbox empty and lets the request wait
    accepted_at = await _answer_at(sender, send)
    return max(int((await waiting - accepted_at) * 1e6), 0)


async def _answer_at(connection: Connection, request: bytes) -> float:
    answer = await connection.ask(request)
    if answer.status not in _OK:
        raise RuntimeError(f"answered with {answer.status}: {answer.body[:500]!r}")
    return time.perf_counter()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run(WakingPlan(**decode_canonical(Path(sys.argv[1]).read_bytes()))))
