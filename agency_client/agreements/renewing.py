"""Sign the very words of a step anew with the key of now: a step that narrows is never said in other words.

Whoever saw it by another way than the log, or holds it back, must not be able to show two different steps for one
place. Which refusals ask for it is `agency_client.agreements.submitting`'s to know.
"""

from datetime import datetime

from agency_client.local_store.agreements import replace_step_document
from agency_client.local_store.dispatch import Dispatch, replace_dispatch_body
from agency_client.local_store.engine import Transaction
from agency_client.node import Node
from keys.signing import sign_document
from schemas.signed import DocumentType, KeyUse, SignedDocument, read_signatures


def sign_same_words(node: Node, transaction: Transaction, item: Dispatch, at: datetime) -> bool:
    """Let the agreement key of now sign a step that waits; return False where that is the key that signed it.

    Raises:
        KeySetUnusableError: no agreement key may be used.
    """
    document = SignedDocument.from_canonical(item.body)
    signer = node.read_signer(transaction, KeyUse.AGREEMENT)
    slots = read_signatures(document.payload, document.signatures, DocumentType.AGREEMENT_STEP)
    if tuple(slot.header.kid for slot in slots) == signer.kids:
        return False
    fresh = sign_document(document.payload_bytes, DocumentType.AGREEMENT_STEP, [signer]).canonical()
    replace_step_document(transaction, item.digest, fresh)
    replace_dispatch_body(transaction, item.digest, fresh, at=at)
    return True
