"""Messages sealed with real keys between members, for tests of sealing, routing and receiving."""

from datetime import datetime, timedelta
from typing import Any

from keys.sealing import SealedMessage, seal_message
from schemas.codec import b64u_encode
from schemas.envelope import (
    Header,
    HeaderRecipient,
    HeaderSender,
    Message,
    Reference,
    Routing,
    SeenCheckpoint,
)
from schemas.jwk import AkpJwk
from schemas.markings import Purpose, Tlp, Urgency
from schemas.signed import KeyUse
from tests.support.members import EXCHANGE, START, Member, derive_seed

AGREEMENT = b64u_encode(bytes([7]) * 32)
ALERT: dict[str, Any] = {"kind": "document-fraud", "subject": "Utopian passport, photo page replaced"}


def make_id(name: object) -> str:
    """Return a UUID that depends on the name only."""
    digits = derive_seed("id", name).hex()
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-8{digits[17:20]}-{digits[20:32]}"


def make_message(
    sender: Member,
    *recipients: Member,
    name: object = "first",
    agreement: str = AGREEMENT,
    kind: str = "document-fraud",
    marking: Tlp = Tlp.AMBER,
    urgency: Urgency = Urgency.ROUTINE,
    n: int = 1,
    issued_at: datetime = START + timedelta(days=1),
    lifetime: timedelta = timedelta(days=10),
    refers_to: Reference | None = None,
    alert: dict[str, Any] | None = None,
    exchange: str = EXCHANGE,
    stream: str | None = None,
) -> Message:
    """Return M, ready to be sealed."""
    header = Header(
        v=1,
        exchange=exchange,
        id=make_id(name),
        issued_at=issued_at,
        expires_at=issued_at + lifetime,
        sender=HeaderSender(agency=sender.agency, keyset=sender.key_set.seq, kids=sender.signers[KeyUse.MESSAGE].kids),
        recipients=tuple(
            HeaderRecipient(
                agency=recipient.agency,
                kid=recipient.opening_key.kid,
                agreement=agreement,
                stream=stream or b64u_encode(derive_seed("stream", sender.agency, recipient.agency)[:16]),
                n=n,
            )
            for recipient in recipients
        ),
        routing=Routing(kind=kind, marking=marking, urgency=urgency),
        refers_to=refers_to,
    )
    return Message(
        header=header,
        salt=b64u_encode(derive_seed("salt", name)),
        checkpoint=SeenCheckpoint(origin=f"{exchange}/1", size=1, root=b64u_encode(bytes(32))),
        purpose=Purpose.DOCUMENT_INTEGRITY,
        necessity="The bearer is expected at the recipient's border tonight.",
        alert=alert or ALERT | {"kind": kind},
        attachments=(),
        padding="",
    )


def seal(message: Message, sender: Member, *recipients: Member) -> SealedMessage:
    """Return the message sealed for these members and signed by the sender."""
    keys: list[AkpJwk] = [recipient.opening_key.jwk for recipient in recipients]
    content_key = derive_seed("content", message.header.id)
    return seal_message(message, keys, sender.signers[KeyUse.MESSAGE], content_key=content_key)
