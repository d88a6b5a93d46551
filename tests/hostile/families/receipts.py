"""Lies about receipts: made up in a recipient's name, repeated, kept back."""

from typing import Any

from keys.generation import generate_bytes, generate_salt
from keys.receipts import seal_receipt
from schemas.api import LEASE_PATH, LeaseAnswer, ReceiptItem
from schemas.log.records import RecordType
from schemas.receipts import Receipt, ReceiptedMessage, ReceiptType, SealedReceipt
from schemas.signed import EncryptionUse, KeyUse
from tests.hostile.calls import Call
from tests.hostile.families.inboxes import MADE_UP, open_lease
from tests.hostile.families.keys import make_signer_of_nobody
from tests.hostile.history import History
from tests.hostile.manipulation import Manipulation
from tests.hostile.operator import HostileOperator


class LieAboutReceipts(Manipulation):
    """What changes the receipts that a sender collects."""

    on = (("POST", LEASE_PATH),)


class ForgedReceipt(LieAboutReceipts):
    name = "forged-receipt"
    sentence = "Receipt a sender's newest message as acted upon, in its recipient's name, signed by keys made up here."

    async def change(self, operator: HostileOperator, call: Call, answer: LeaseAnswer) -> LeaseAnswer:
        """Add the receipt, sealed for the sender, under a leaf in the true log."""
        rows = operator.select(
            "SELECT id, digest, recipient FROM message WHERE sender = :me ORDER BY number DESC LIMIT 1", me=call.agency
        )
        if not rows:
            return answer
        sealed = _forge(operator, call.agency, rows[0])
        return await _add(operator, call, answer, [sealed])


class ReplayedReceipts(LieAboutReceipts):
    name = "replayed-receipts"
    sentence = "Hand over again, on every lease, all receipts that were handed over before, under new leaves."

    def __init__(self, against: str = "") -> None:
        super().__init__(against)
        self._seen: dict[str, list[SealedReceipt]] = {}

    async def change(self, operator: HostileOperator, call: Call, answer: LeaseAnswer) -> LeaseAnswer:
        """Add what this member had before."""
        before = list(self._seen.setdefault(call.agency, []))
        self._seen[call.agency] += [item.receipt for item in answer.items if isinstance(item, ReceiptItem)]
        return await _add(operator, call, answer, before) if before else answer


class WithheldReceipts(LieAboutReceipts):
    name = "withheld-receipts"
    sentence = "Hand over no receipt."

    async def change(self, operator: HostileOperator, call: Call, answer: LeaseAnswer) -> LeaseAnswer:
        """Leave them out; a lease of nothing is none."""
        kept = tuple(item for item in answer.items if not isinstance(item, ReceiptItem))
        members: dict[str, Any] = {} if kept else {"lease": None, "leased_until": None}
        return answer.model_copy(update={"items": kept} | members)


def _forge(operator: HostileOperator, sender: str, row: Any) -> SealedReceipt:
    now = operator.clock.now().replace(microsecond=0)
    receipt = Receipt(
        v=1,
        exchange=operator.broker.exchange.name,
        salt=generate_salt(),
        type=ReceiptType.ACTED,
        from_agency=row.recipient,
        to_agency=sender,
        time=now,
        late=False,
        messages=(ReceiptedMessage(id=row.id, digest=row.digest),),
    )
    newest = operator.broker.directory.current.find(sender).newest_encryption_keys
    key = newest.choose_key(EncryptionUse.ENCRYPTION, now) if newest else None
    assert key is not None
    signer = make_signer_of_nobody(KeyUse.RECEIPT)
    return seal_receipt(receipt, signer, key.jwk, content_key=generate_bytes(32))


async def _add(operator: HostileOperator, call: Call, answer: LeaseAnswer, sealed: list[SealedReceipt]) -> LeaseAnswer:
    items = [await _log(operator, receipt, MADE_UP + at) for at, receipt in enumerate(sealed)]
    return History(operator).prove(call, open_lease(operator, answer, *items))


async def _log(operator: HostileOperator, sealed: SealedReceipt, number: int) -> ReceiptItem:
    leaf = await operator.append(
        RecordType.RECEIPT,
        (sealed.from_agency, sealed.to_agency),
        agency=sealed.from_agency,
        partner=sealed.to_agency,
        digest=sealed.digest,
        receipt_type=sealed.type,
    )
    return ReceiptItem(type="receipt", number=number, receipt=sealed, accepted=leaf, accepted_proof=())
