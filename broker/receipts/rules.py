"""Whether a sealed receipt is passed on. Pure: the receipt and what is known of both agencies come in.

The broker can verify nothing inside: it only sees to it that a receipt goes back along a way that a message came.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from broker.http.refusal import Refusal
from keys.timeline import MemberTimeline
from schemas.codec import b64u_decode
from schemas.envelope import KEM_OUTPUT_BYTES
from schemas.key_documents import AgencyClass
from schemas.receipts import SealedReceipt

WRAPPED_KEY_BYTES = 48
RECENT_KEY_DAYS = 30
"""A receipt may have waited for a broker that was down: keys stay good for it so long after their last day."""


@dataclass(frozen=True, slots=True)
class ReceiptFacts:
    """One receipt, who hands it in, where it goes, and whether any message came the other way before."""

    caller: str
    exchange: str
    now: datetime
    receipt: SealedReceipt
    to: MemberTimeline | None
    has_message: bool


def judge_receipt(facts: ReceiptFacts) -> Refusal | None:
    """Return why a receipt is refused, or nothing."""
    sealed, to = facts.receipt, facts.to
    if sealed.from_agency != facts.caller:
        return Refusal("not-the-sender", f"the receipt is of {sealed.from_agency}, not of the caller", "from_agency")
    if sealed.exchange != facts.exchange:
        return Refusal("wrong-exchange", f"the receipt is for {sealed.exchange}, this is {facts.exchange}", "exchange")
    if to is None or to.agency_class is not AgencyClass.AGENCY:
        sentence = f"{sealed.to_agency} is no agency of this exchange that receipts can go to"
        return Refusal("recipient-refused", sentence, "to_agency")
    if not facts.has_message:
        sentence = f"no message from {sealed.to_agency} to {facts.caller} was ever accepted here"
        return Refusal("receipt-refused", sentence, "to_agency")
    if not is_recent_key(to, sealed.recipient.kid, facts.now):
        sentence = f"the encryption key named is no current or recent key of {sealed.to_agency}"
        return Refusal("encryption-key-not-current", sentence, "recipient.kid")
    lengths = (len(b64u_decode(sealed.recipient.ek)), len(b64u_decode(sealed.recipient.encrypted_key)))
    if lengths != (KEM_OUTPUT_BYTES, WRAPPED_KEY_BYTES):
        return Refusal("receipt-refused", "the wrapped key has the wrong length", "recipient")
    return None


def is_recent_key(timeline: MemberTimeline, kid: str, now: datetime) -> bool:
    """Return whether a member published this key, and its last day is not long past."""
    published = (document.find_key(kid) for _, document in timeline.encryption_keys)
    return any(key is not None and now < key.expires_at + timedelta(days=RECENT_KEY_DAYS) for key in published)
