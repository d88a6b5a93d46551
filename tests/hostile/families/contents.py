"""Lies about a message that is handed over: its bytes, its header, its signatures, its sender, its leaves."""

from typing import Any

from keys.algorithms import SigningKey
from keys.generation import generate_id, generate_salt, generate_seed
from keys.signing import SeedSigner, sign_document
from schemas.api import LEASE_PATH, LeaseAnswer, MessageItem
from schemas.codec import b64u_decode, b64u_encode
from schemas.envelope import Envelope, Header, HeaderSender
from schemas.markings import Tlp
from schemas.signed import USE_ALGORITHMS, DocumentType, KeyUse
from tests.hostile.calls import Call
from tests.hostile.forging import log_acceptance, log_hand_over, make_item, read_envelope
from tests.hostile.history import History
from tests.hostile.manipulation import Manipulation
from tests.hostile.operator import HostileOperator


class LieAboutMessages(Manipulation):
    """What changes each message that is handed over. The answer is proved anew: its leaves are in the true log."""

    on = (("POST", LEASE_PATH),)

    async def change(self, operator: HostileOperator, call: Call, answer: LeaseAnswer) -> LeaseAnswer:
        """Change every message of a lease."""
        if not any(isinstance(item, MessageItem) for item in answer.items):
            return answer
        lease = answer.lease or ""
        items = [
            await self.change_item(operator, item, call.agency, lease) if isinstance(item, MessageItem) else item
            for item in answer.items
        ]
        return History(operator).prove(call, answer.model_copy(update={"items": tuple(items)}))

    async def change_item(self, operator: HostileOperator, item: MessageItem, me: str, lease: str) -> MessageItem:
        """Return another item."""
        raise NotImplementedError


class AlteredCiphertext(LieAboutMessages):
    name = "altered-ciphertext"
    sentence = "Flip one bit of every ciphertext that is handed over."

    async def change_item(self, operator: HostileOperator, item: MessageItem, me: str, lease: str) -> MessageItem:
        """Flip a bit in the middle."""
        data = bytearray(b64u_decode(item.envelope.ciphertext))
        data[len(data) // 2] ^= 1
        return item.model_copy(update={"envelope": _change(item.envelope, ciphertext=b64u_encode(bytes(data)))})


class AlteredHeader(LieAboutMessages):
    name = "altered-header"
    sentence = "Mark every message CLEAR, and log the acceptance of what was made of it."

    async def change_item(self, operator: HostileOperator, item: MessageItem, me: str, lease: str) -> MessageItem:
        """Change the header under the signatures as they are."""
        _, header, _ = read_envelope(item.envelope)
        routing = header.routing.model_copy(update={"marking": Tlp.CLEAR})
        other = _replace_header(item.envelope, header.model_copy(update={"routing": routing}))
        return await make_item(operator, other, me, lease, item.number)


class StrippedSignature(LieAboutMessages):
    name = "stripped-signature"
    sentence = "Take the post-quantum half of the signatures off every message."

    async def change_item(self, operator: HostileOperator, item: MessageItem, me: str, lease: str) -> MessageItem:
        """Leave one signature of the two."""
        return item.model_copy(update={"envelope": _change(item.envelope, signatures=item.envelope.signatures[:1])})


class ForgedMessage(LieAboutMessages):
    name = "forged-message"
    sentence = "Hand over a message in the sender's name, signed by keys made up here, with leaves in the true log."

    async def change_item(self, operator: HostileOperator, item: MessageItem, me: str, lease: str) -> MessageItem:
        """Sign the same content under a new id with keys of nobody."""
        _, header, _ = read_envelope(item.envelope)
        signer = SeedSigner(tuple(SigningKey(name, generate_seed()) for name in USE_ALGORITHMS[KeyUse.MESSAGE]))
        sender = HeaderSender(agency=header.sender.agency, keyset=header.sender.keyset, kids=signer.kids)
        forged = _replace_header(item.envelope, header.model_copy(update={"id": generate_id(), "sender": sender}))
        document = sign_document(forged.payload_bytes, DocumentType.ENVELOPE, [signer])
        signed = _change(forged, signatures=document.signatures)
        return await make_item(operator, signed, me, lease, item.number)


class InventedLeaf(LieAboutMessages):
    name = "invented-leaf"
    sentence = "Hand messages over under a leaf of acceptance that was never logged."

    async def change_item(self, operator: HostileOperator, item: MessageItem, me: str, lease: str) -> MessageItem:
        """Show the record under another salt, which hashes to no leaf."""
        invented = item.accepted.model_copy(update={"salt": generate_salt()})
        return item.model_copy(update={"accepted": invented})


class LeafOfAnother(LieAboutMessages):
    name = "leaf-of-another"
    sentence = "Prove the acceptance of every message by the leaf of another message."

    async def change_item(self, operator: HostileOperator, item: MessageItem, me: str, lease: str) -> MessageItem:
        """Show a true leaf with a true proof, about something else."""
        _, _, reference = read_envelope(item.envelope)
        other = reference.model_copy(update={"id": generate_id()})
        return item.model_copy(update={"accepted": await log_acceptance(operator, item.envelope, message=other)})


class HandOverOfAnother(LieAboutMessages):
    name = "hand-over-of-another"
    sentence = "Log the hand-over under another lease than the one it is handed over on."

    async def change_item(self, operator: HostileOperator, item: MessageItem, me: str, lease: str) -> MessageItem:
        """Show the leaf of another hand-over."""
        handed_over = await log_hand_over(operator, item.envelope, me, generate_id())
        return item.model_copy(update={"handed_over": handed_over})


def _change(envelope: Envelope, **members: Any) -> Envelope:
    return envelope.model_copy(update=members)


def _replace_header(envelope: Envelope, header: Header) -> Envelope:
    payload, _, _ = read_envelope(envelope)
    other = payload.model_copy(update={"header": b64u_encode(header.canonical())})
    return _change(envelope, payload=b64u_encode(other.canonical()))
