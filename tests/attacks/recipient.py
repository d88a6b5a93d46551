"""What the attacks on recipients demand of the recipient's store."""

from typing import Any

from keys.sealing import SealedMessage
from schemas.api import LEASE_PATH, LeaseAnswer, MessageItem
from schemas.envelope import Envelope
from tests.support.lying_world import (
    LyingWorld,
)

GB, VN, BE = "GB", "VN", "BE"


def demand_set_aside(world: LyingWorld, sealed: SealedMessage, code: str, state: str = "unverifiable") -> None:
    """Let VN collect; the message must be set aside for this reason, its content nowhere."""
    found = world.receive(VN, sealed)
    assert (found.state, found.problem and found.problem.code) == (state, code)
    assert found.summary is None
    with world[VN].store.read() as snapshot:
        assert snapshot.fetch_one("SELECT 1 FROM content WHERE digest = ?", sealed.digest) is None


def change_item(world: LyingWorld, sealed: SealedMessage, **changes: Any) -> None:
    """Let the exchange change members of the item that carries a message, in every lease."""

    def tamper(answer: LeaseAnswer) -> LeaseAnswer:
        items = tuple(
            item.model_copy(update=changes)
            if isinstance(item, MessageItem) and item.envelope.payload == sealed.envelope.payload
            else item
            for item in answer.items
        )
        return answer.model_copy(update={"items": items})

    world.exchange.tamper[LEASE_PATH] = tamper


def read_payload(envelope: Envelope) -> Any:
    from schemas.envelope import Payload

    return Payload.from_canonical(envelope.payload_bytes)


def strip_signed(sealed: SealedMessage) -> bytes:
    from agency_client.receiving.sealed import strip_ciphertext

    return strip_ciphertext(sealed.envelope).canonical()


def state_of(world: LyingWorld, digest: str) -> tuple[str, str | None]:
    from agency_client.local_store.inbox import load_by_digest

    with world[VN].store.read() as snapshot:
        found = load_by_digest(snapshot, digest)
    return found.state.value, found.problem.code if found.problem else None
