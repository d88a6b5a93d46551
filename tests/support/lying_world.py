"""Nodes around a lying exchange, and messages crafted past every check of their sender's own client."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from agency_client.local_store.inbox import InboxMessage, load_by_digest
from agency_client.node import Node
from agency_client.receiving.flow import ReceiveReport, receive
from agency_client.witness.walker import walk_log
from keys.generation import generate_bytes, generate_id, generate_salt
from keys.sealing import SealedMessage, seal_message
from schemas.agreements.terms import Terms
from schemas.codec import b64u_encode
from schemas.envelope import (
    Header,
    HeaderRecipient,
    HeaderSender,
    Message,
    Reference,
    Routing,
)
from schemas.jwk import AkpJwk
from schemas.markings import Purpose, Tlp, Urgency
from schemas.model import format_timestamp
from schemas.signed import EncryptionUse, KeyUse
from tests.support.lying_answers import PlacedMessage
from tests.support.lying_exchange import LyingExchange, join, pin_each_other
from tests.support.nodes import MovableClock, agree


@dataclass
class World:
    """Nodes around one exchange, all under one clock, and messages crafted with their keys."""

    clock: MovableClock
    nodes: dict[str, Node]
    numbers: dict[tuple[str, str], int] = field(default_factory=dict)

    def __getitem__(self, agency: str) -> Node:
        """Return an agency's node."""
        return self.nodes[agency]

    def agree(self, first: str, second: str, name: object, **changes: Any) -> Terms:
        """Bring an agreement of its own into force for one test."""
        return agree(self[first], self[second], name, **changes)

    def craft(self, sender: str, recipient: str, terms: Terms | str, **changes: Any) -> SealedMessage:
        """Return a message sealed and signed with the sender's real keys, whatever its content.

        `changes` are members of the header by name, or `alert`, `purpose`, `signer`, `key`, `n`, `stream`, `kid`,
        `checkpoint`, `provenance`.
        """
        agreement = terms if isinstance(terms, str) else terms.digest()
        node, to = self[sender], self[recipient]
        signer = changes.pop("signer", None) or node.signer(KeyUse.MESSAGE)
        key = changes.pop("key", None) or find_encryption_key(to)
        alert = changes.pop("alert", None) or make_ping()
        kind = changes.pop("kind", alert["kind"])
        entry = HeaderRecipient(
            agency=changes.pop("to", recipient),
            kid=changes.pop("kid", None) or key[0],
            agreement=agreement,
            stream=changes.pop("stream", b64u_encode(f"{sender:8}{recipient:8}".encode()[:16])),
            n=changes.pop("n", None) or self._count(sender, recipient),
        )
        purpose = changes.pop("purpose", Purpose.SYSTEM_TEST)
        provenance = changes.pop("provenance", None)
        seen = changes.pop("checkpoint", None) or node.observer.read_seen()
        now = self.clock.now()
        members: dict[str, Any] = {
            "v": 1,
            "exchange": node.exchange,
            "id": generate_id(),
            "issued_at": now,
            "expires_at": now + timedelta(days=10),
            "sender": HeaderSender(agency=sender, keyset=1, kids=signer.kids),
            "recipients": (entry,),
            "routing": Routing(
                kind=kind, marking=changes.pop("marking", Tlp.GREEN), urgency=changes.pop("urgency", Urgency.ROUTINE)
            ),
        }
        message = Message(
            header=Header(**members | changes),
            salt=generate_salt(),
            checkpoint=seen,
            purpose=purpose,
            necessity="Test.",
            alert=alert,
            attachments=(),
            provenance=provenance,
            padding="",
        )
        return seal_message(message, [key[1]], signer, content_key=generate_bytes(32))

    def receive(self, agency: str, sealed: SealedMessage) -> InboxMessage:
        """Let a node look into its inbox, and return what became of a message there."""
        self.collect(agency)
        return self.look_up(agency, sealed)

    def collect(self, agency: str) -> ReceiveReport:
        """Let a node look into its inbox."""
        return receive(self[agency])

    def look_up(self, agency: str, sealed: SealedMessage) -> InboxMessage:
        """Return a message as a node's store holds it."""
        with self[agency].store.read() as snapshot:
            return load_by_digest(snapshot, sealed.digest)

    def _count(self, sender: str, recipient: str) -> int:
        self.numbers[sender, recipient] = self.numbers.get((sender, recipient), 0) + 1
        return self.numbers[sender, recipient]


@dataclass(kw_only=True)
class LyingWorld(World):
    """A lying exchange and the nodes that talk to it."""

    exchange: LyingExchange

    def deliver(self, sealed: SealedMessage, recipient: str, /, **lies: Any) -> PlacedMessage:
        """Let the exchange accept a message and put it into an inbox."""
        return self.exchange.deliver(sealed.envelope, recipient, **lies)


@contextmanager
def lying_world(folder: Path, *agencies: str) -> Iterator[LyingWorld]:
    """Give a lying exchange with one node for each agency, all pinned with each other."""
    clock = MovableClock()
    exchange = LyingExchange(clock)
    nodes = {agency: join(exchange, folder, agency, clock) for agency in agencies}
    try:
        pin_each_other(*nodes.values())
        yield LyingWorld(exchange=exchange, clock=clock, nodes=nodes)
    finally:
        for node in nodes.values():
            node.close()


def find_encryption_key(node: Node, use: EncryptionUse = EncryptionUse.ENCRYPTION) -> tuple[str, AkpJwk]:
    """Return the kid and the key of a use that messages to a node are sealed for now."""
    walk_log(node)
    newest = node.directory.load_timeline(node.agency).newest_encryption_keys
    assert newest is not None
    key = newest.choose_key(use, node.clock.now())
    assert key is not None
    return key.kid, key.jwk


def refer_to(sealed: SealedMessage) -> Reference:
    """Return how others refer to a message."""
    return Reference(id=sealed.header.id, digest=sealed.digest)


def make_alert(kind: str, details: dict[str, Any], **members: Any) -> dict[str, Any]:
    """Return the wire of an alert with the least a kind needs around its details."""
    return {
        "kind": kind,
        "thread": "0190a6f2-3c4d-7e5f-8a6b-7c8d9e0f1a2b",
        "unit": "Duty desk",
        "officer": "officer-17",
        "subject": f"A {kind} of the tests",
        "pap": "green",
        "handling": {"codes": ["h0"]},
        "data_as_of": "2026-11-21T18:40:00Z",
        "language": "en",
        "details": details,
        **members,
    }


def make_ping(**members: Any) -> dict[str, Any]:
    """Return a test message without personal data."""
    return make_alert("ping", {"text": "hello"}, **members)


def make_aftercare(kind: str, original: SealedMessage, world: LyingWorld, **details: Any) -> dict[str, Any]:
    """Return a notice about a message, or an acknowledgement of it."""
    now = format_timestamp(world.clock.now())
    usual: dict[str, dict[str, Any]] = {
        "withdrawal": {"reason": "wrong", "required_action": "delete", "acknowledge_by": now},
        "correction": {
            "changes": [{"field": "details.text", "was": "hello", "now": "goodbye"}],
            "reason": "typing-error",
            "required_action": "amend",
            "acknowledge_by": now,
        },
        "misused-identity": {"subjects": ["persons.0"], "required_action": "mark", "acknowledge_by": now},
        "restriction": {"ground": "accuracy-contested", "required_action": "restrict", "acknowledge_by": now},
        "breach-notice": {
            "nature": ["confidentiality"],
            "found_at": now,
            "consequences": "Its words may be known.",
            "measures": "The keys were changed.",
            "contact": "+441632960961",
            "required_action": "mark",
            "acknowledge_by": now,
        },
        "acknowledgement": {"action": "noted", "done_at": now},
    }
    return make_alert(kind, usual[kind] | details, in_reply_to=refer_to(original).to_wire())
