"""Receipts: signed by who received, sealed for who sent."""

from dataclasses import dataclass

from keys.algorithms import OpeningKey
from keys.errors import OpeningError
from keys.sealing import decrypt_content, encrypt_content, unwrap_content_key, wrap_content_key
from keys.signing import Signer, sign_document
from schemas.codec import b64u_decode, b64u_encode
from schemas.jwk import AkpJwk, thumbprint
from schemas.receipts import MAX_RECEIPT_BYTES, Receipt, SealedReceipt, compute_receipt_digest
from schemas.signed import DocumentType, SignedDocument

_RECEIPT_CONTEXT = b"bilateral-receipt/1\x00"


@dataclass(frozen=True, slots=True)
class OpenedReceipt:
    """A receipt and its signed document. Its signatures are not verified yet: the caller knows the keys in force."""

    receipt: Receipt
    document: SignedDocument


def seal_receipt(receipt: Receipt, signer: Signer, encryption_key: AkpJwk, *, content_key: bytes) -> SealedReceipt:
    """Sign a receipt and seal it for the agency it goes to; `content_key` is 32 fresh random bytes."""
    payload = receipt.canonical()
    document = sign_document(payload, DocumentType.RECEIPT, [signer])
    digest = compute_receipt_digest(payload)
    binding = b64u_decode(digest)
    ciphertext = encrypt_content(document.canonical(), content_key, _RECEIPT_CONTEXT + binding)
    return SealedReceipt(
        v=1,
        exchange=receipt.exchange,
        type=receipt.type,
        from_agency=receipt.from_agency,
        to_agency=receipt.to_agency,
        digest=digest,
        recipient=wrap_content_key(content_key, encryption_key, thumbprint(encryption_key), binding),
        ciphertext=b64u_encode(ciphertext),
    )


def open_receipt(sealed: SealedReceipt, key: OpeningKey) -> OpenedReceipt:
    """Open a sealed receipt and check that what is outside equals what is inside.

    Raises:
        OpeningError: it does not open, or inside and outside differ.
        CodecError: what is inside is of another form.
    """
    binding = b64u_decode(sealed.digest)
    content_key = unwrap_content_key(sealed.recipient, key, binding)
    data = decrypt_content(b64u_decode(sealed.ciphertext), content_key, _RECEIPT_CONTEXT + binding)
    document = SignedDocument.from_canonical(data, max_bytes=MAX_RECEIPT_BYTES)
    payload = document.payload_bytes
    if compute_receipt_digest(payload) != sealed.digest:
        raise OpeningError("digest: the receipt inside is another one")
    receipt = Receipt.from_canonical(payload, max_bytes=MAX_RECEIPT_BYTES)
    inside = (receipt.exchange, receipt.type, receipt.from_agency, receipt.to_agency)
    if inside != (sealed.exchange, sealed.type, sealed.from_agency, sealed.to_agency):
        raise OpeningError("the receipt's outside does not say what its inside says")
    return OpenedReceipt(receipt, document)
