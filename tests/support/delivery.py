"""Messages, leases and receipts of a running exchange: sealed with the members' real keys, sent over real TLS."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx

from keys.sealing import SealedMessage
from schemas.api import (
    ACKNOWLEDGE_PATH,
    LEASE_PATH,
    MESSAGES_PATH,
    AcknowledgeAnswer,
    AcknowledgeRequest,
    Evidence,
    LeaseAnswer,
    LeaseRequest,
    MessageItem,
    MessageStatesAnswer,
)
from schemas.codec import b64u_encode
from schemas.envelope import Reference
from tests.support.caller import Caller, read_answer
from tests.support.members import Member, derive_seed
from tests.support.messages import make_message, seal


def tell_time() -> datetime:
    """Return the present moment in whole seconds."""
    return datetime.now(UTC).replace(microsecond=0)


@dataclass
class Correspondence:
    """One direction between two members under one agreement's digest, with a stream of its own."""

    sender: Member
    recipient: Member
    agreement: str
    sent: dict[object, SealedMessage] = field(default_factory=dict)
    number: int = 0

    def seal(self, name: object, **changes: Any) -> SealedMessage:
        """Return the next message, sealed; it is remembered by its name."""
        self.number += 1
        whole: dict[str, Any] = {
            "name": (self.agreement, name),
            "agreement": self.agreement,
            "n": self.number,
            "issued_at": tell_time(),
            "stream": b64u_encode(derive_seed("stream", self.agreement, self.sender.agency)[:16]),
        }
        message = make_message(self.sender, self.recipient, **whole | changes)
        self.sent[name] = seal(message, self.sender, self.recipient)
        return self.sent[name]

    def refer_to(self, name: object) -> Reference:
        """Return how others refer to a message of this name."""
        sealed = self.sent[name]
        return Reference(id=sealed.header.id, digest=sealed.digest)


def send(caller: Caller, sealed: SealedMessage) -> Evidence:
    """Send a message that must be accepted."""
    return caller.submit(MESSAGES_PATH, sealed.envelope)


def try_to_send(caller: Caller, sealed: SealedMessage) -> httpx.Response:
    """Send a message and return whatever is answered."""
    return caller.post(MESSAGES_PATH, sealed.envelope)


def lease(caller: Caller, *, wait: int = 0, max_items: int = 64) -> LeaseAnswer:
    """Lease what waits for the caller."""
    return read_answer(caller.post(LEASE_PATH, LeaseRequest(wait_seconds=wait, max_items=max_items)), LeaseAnswer)


def acknowledge(caller: Caller, answer: LeaseAnswer) -> int:
    """Acknowledge everything of a lease and return how much that settled."""
    assert answer.lease is not None
    request = AcknowledgeRequest(lease=answer.lease, numbers=tuple(item.number for item in answer.items))
    return read_answer(caller.post(ACKNOWLEDGE_PATH, request), AcknowledgeAnswer).settled


def ask_states(caller: Caller, sealed: SealedMessage) -> list[str]:
    """Return how far a message has come for each of its recipients."""
    answer = read_answer(caller.get(f"{MESSAGES_PATH}/{sealed.header.id}"), MessageStatesAnswer)
    return [state.state for state in answer.states]


def envelopes_of(answer: LeaseAnswer) -> list[Any]:
    """Return the envelopes of a lease, in its order."""
    return [item.envelope for item in answer.items if isinstance(item, MessageItem)]
