"""Which receipts go on to whoever sent the message, and how long a published key stays good for them."""

from datetime import timedelta
from typing import Any

import pytest

from broker.http.refusal import Refusal
from broker.receipts.rules import RECENT_KEY_DAYS, ReceiptFacts, is_recent_key, judge_receipt
from keys.receipts import seal_receipt
from schemas.codec import b64u_decode, b64u_encode
from schemas.key_documents import AgencyClass
from schemas.receipts import Receipt, ReceiptedMessage, ReceiptType, SealedReceipt
from schemas.signed import KeyUse
from tests.support.members import EXCHANGE, Member, derive_seed, make_member
from tests.support.messages import make_id

GB, VN = make_member("GB-HO"), make_member("VN-IMM")
OVERSIGHT = make_member("XA", agency_class=AgencyClass.OVERSIGHT)
KEY = GB.encryption.encryption_keys.keys[0]
DAY_AFTER_LAST = KEY.expires_at + timedelta(days=RECENT_KEY_DAYS)


def make_receipt(*, to: Member = GB) -> SealedReceipt:
    """Return a receipt of VN for a message."""
    receipt = Receipt(
        v=1,
        exchange=EXCHANGE,
        salt=b64u_encode(derive_seed("salt")),
        type=ReceiptType.VERIFIED,
        from_agency=VN.agency,
        to_agency=to.agency,
        time=KEY.not_before,
        late=False,
        messages=(ReceiptedMessage(id=make_id("first"), digest=b64u_encode(bytes(32))),),
    )
    return seal_receipt(receipt, VN.signers[KeyUse.RECEIPT], to.opening_key.jwk, content_key=derive_seed("content key"))


SEALED = make_receipt()


def judge(**changes: Any) -> Refusal | None:
    """Judge a receipt that VN hands in for GB, some of the facts changed."""
    usual: dict[str, Any] = {
        "caller": VN.agency,
        "exchange": EXCHANGE,
        "now": KEY.not_before,
        "receipt": SEALED,
        "to": GB.timeline,
        "has_message": True,
    }
    return judge_receipt(ReceiptFacts(**usual | changes))


def shorten(member: str) -> SealedReceipt:
    """Return the receipt with one part of its wrapped key a byte too short."""
    shorter = b64u_encode(b64u_decode(getattr(SEALED.recipient, member))[:-1])
    wrapped = SEALED.recipient.model_copy(update={member: shorter})
    return SEALED.model_copy(update={"recipient": wrapped})


def test_a_receipt_goes_back_along_the_way_that_a_message_came() -> None:
    assert judge() is None
    assert judge(now=DAY_AFTER_LAST - timedelta(seconds=1)) is None


NO_AGENCY = "is no agency of this exchange that receipts can go to"
WRONG_LENGTH = Refusal("receipt-refused", "the wrapped key has the wrong length", "recipient")


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        (
            {"caller": "BE"},
            Refusal("not-the-sender", "the receipt is of VN-IMM, not of the caller", "from_agency"),
        ),
        (
            {"exchange": "staging.example"},
            Refusal("wrong-exchange", f"the receipt is for {EXCHANGE}, this is staging.example", "exchange"),
        ),
        ({"to": None}, Refusal("recipient-refused", f"GB-HO {NO_AGENCY}", "to_agency")),
        (
            {"receipt": make_receipt(to=OVERSIGHT), "to": OVERSIGHT.timeline},
            Refusal("recipient-refused", f"XA {NO_AGENCY}", "to_agency"),
        ),
        (
            {"has_message": False},
            Refusal("receipt-refused", "no message from GB-HO to VN-IMM was ever accepted here", "to_agency"),
        ),
        (
            {"now": DAY_AFTER_LAST},
            Refusal(
                "encryption-key-not-current",
                "the encryption key named is no current or recent key of GB-HO",
                "recipient.kid",
            ),
        ),
        ({"receipt": shorten("ek")}, WRONG_LENGTH),
        ({"receipt": shorten("encrypted_key")}, WRONG_LENGTH),
    ],
    ids=["another's", "of another exchange", "to nobody", "to oversight", "for nothing", "old key", "ek", "key"],
)
def test_any_other_receipt_is_refused_in_words(changes: dict[str, Any], refusal: Refusal) -> None:
    assert judge(**changes) == refusal


@pytest.mark.parametrize(
    ("since_last_day", "is_good"),
    [
        (-timedelta(days=44), True),
        (timedelta(0), True),
        (timedelta(days=RECENT_KEY_DAYS, seconds=-1), True),
        (timedelta(days=RECENT_KEY_DAYS), False),
    ],
)
def test_a_key_is_recent_for_thirty_days_after_its_last(since_last_day: timedelta, is_good: bool) -> None:
    assert is_recent_key(GB.timeline, KEY.kid, KEY.expires_at + since_last_day) is is_good


def test_a_key_that_was_never_published_is_not_recent() -> None:
    assert not is_recent_key(GB.timeline, VN.opening_key.kid, KEY.not_before)


def test_a_receipt_may_wait_for_thirty_days() -> None:
    assert RECENT_KEY_DAYS == 30
