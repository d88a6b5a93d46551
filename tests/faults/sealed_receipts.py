"""Receipts that say nothing of interest, sealed with real keys: each is one leaf, however often it is handed in."""

from datetime import datetime

from keys.receipts import seal_receipt
from schemas.codec import b64u_encode
from schemas.receipts import Receipt, ReceiptedMessage, ReceiptType, SealedReceipt
from schemas.signed import KeyUse
from tests.support.members import EXCHANGE, Member, derive_seed
from tests.support.messages import make_id


def make_receipt(sender: Member, recipient: Member, name: object, time: datetime) -> SealedReceipt:
    """Return a receipt about some message, under a salt of its own name."""
    receipt = Receipt(
        v=1,
        exchange=EXCHANGE,
        salt=b64u_encode(derive_seed("receipt", name)),
        type=ReceiptType.VERIFIED,
        from_agency=sender.agency,
        to_agency=recipient.agency,
        time=time,
        late=False,
        messages=(ReceiptedMessage(id=make_id(name), digest=b64u_encode(bytes(32))),),
    )
    signer = sender.signers[KeyUse.RECEIPT]
    content_key = derive_seed("receipt's key", name)
    return seal_receipt(receipt, signer, recipient.opening_key.jwk, content_key=content_key)
