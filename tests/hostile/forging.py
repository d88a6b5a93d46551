"""Records of what never happened, written into the true log: an acceptance, a hand-over, as the case demands."""

from typing import Any

from schemas.api import LoggedRecord, MessageItem
from schemas.codec import b64u_decode
from schemas.envelope import Envelope, Header, Payload, Reference, compute_envelope_digest
from schemas.log.records import RecordedRecipient, RecordType
from tests.hostile.operator import HostileOperator


def read_envelope(envelope: Envelope) -> tuple[Payload, Header, Reference]:
    """Return what an envelope's signatures cover, and how others name it; nothing is verified."""
    payload = Payload.from_canonical(envelope.payload_bytes, max_bytes=1 << 20)
    header = Header.from_canonical(b64u_decode(payload.header))
    return payload, header, Reference(id=header.id, digest=compute_envelope_digest(envelope.payload_bytes))


async def log_acceptance(operator: HostileOperator, envelope: Envelope, **lies: Any) -> LoggedRecord:
    """Write the acceptance of an envelope, whatever it is, into the true log."""
    payload, header, reference = read_envelope(envelope)
    recipients = tuple(RecordedRecipient(agency=to.agency, agreement=to.agreement) for to in header.recipients)
    members: dict[str, Any] = {
        "message": reference,
        "agency": header.sender.agency,
        "recipients": recipients,
        "kind": header.routing.kind,
        "marking": header.routing.marking,
        "urgency": header.routing.urgency,
        "size": payload.body.size,
        "refers_to": header.refers_to,
    }
    concerns = (header.sender.agency, *(to.agency for to in header.recipients))
    return await operator.append(RecordType.MESSAGE_ACCEPTED, concerns, **members | lies)


async def log_hand_over(operator: HostileOperator, envelope: Envelope, me: str, lease: str, **lies: Any) -> Any:
    """Write the hand-over of an envelope to `me` into the true log."""
    _, header, reference = read_envelope(envelope)
    members: dict[str, Any] = {"message": reference, "agency": header.sender.agency, "partner": me, "lease": lease}
    return await operator.append(RecordType.MESSAGE_HANDED_OVER, (header.sender.agency, me), **members | lies)


async def make_item(operator: HostileOperator, envelope: Envelope, me: str, lease: str, number: int) -> MessageItem:
    """Return an envelope as an inbox item with true leaves; the proofs are made when the answer is proved anew."""
    accepted = await log_acceptance(operator, envelope)
    handed_over = await log_hand_over(operator, envelope, me, lease)
    return MessageItem(
        type="message",
        number=number,
        envelope=envelope,
        accepted=accepted,
        accepted_proof=(),
        handed_over=handed_over,
        handed_over_proof=(),
    )
