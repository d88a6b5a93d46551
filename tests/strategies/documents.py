"""Strategies for every wire model about keys, envelopes, receipts and status: well-formed, and nothing more than that.

Signatures are bytes of the right length that verify under no key. Whoever needs real ones signs with real keys.
"""

from hypothesis import strategies as st

from schemas.codec import b64u_encode
from schemas.envelope import (
    KEM_OUTPUT_BYTES,
    MAX_CIPHERTEXT_BYTES,
    Body,
    DisclosedMessage,
    DisclosedRest,
    Disclosure,
    Envelope,
    Header,
    HeaderRecipient,
    HeaderSender,
    Message,
    MessageAttachment,
    Payload,
    Provenance,
    Reference,
    Routing,
    SealedAttachment,
    SeenCheckpoint,
    WrappedKey,
)
from schemas.jwk import PUBLIC_KEY_BYTES, AkpJwk, Algorithm, OkpJwk
from schemas.key_documents import (
    AgencyClass,
    EncryptionKey,
    EncryptionKeys,
    ExchangeSheet,
    KeySet,
    LogKeys,
    OperationalKey,
    PossessedKey,
    Revocation,
    RootKey,
    Roots,
)
from schemas.markings import Purpose, Tlp, Urgency
from schemas.receipts import Receipt, ReceiptedMessage, ReceiptType, SealedReceipt
from schemas.signed import (
    SIGNATURE_BYTES,
    DocumentType,
    EncryptionUse,
    KeyUse,
    ProtectedHeader,
    Signature,
    SignedDocument,
)
from schemas.status import ChainHead, Status, StreamPosition
from tests.strategies.primitives import (
    ASCII_NAMES,
    absent_or,
    agencies,
    b64u_of,
    codes,
    counters,
    digests,
    exchanges,
    json_values,
    lines,
    origins,
    paragraphs,
    sizes,
    small_base64url,
    some_bytes,
    streams,
    times,
    tuples_of,
    uuids,
)

ONE = st.just(1)

okp_jwks = st.builds(OkpJwk, kty=st.just("OKP"), crv=st.just("Ed25519"), x=digests)


def akp_jwks(*algorithms: Algorithm) -> st.SearchStrategy[AkpJwk]:
    """Return a strategy for public keys of the algorithms named."""
    return st.one_of(
        [
            st.builds(
                AkpJwk, kty=st.just("AKP"), alg=st.just(algorithm.value), pub=b64u_of(PUBLIC_KEY_BYTES[algorithm])
            )
            for algorithm in algorithms
        ]
    )


any_akp_jwks = akp_jwks(Algorithm.ML_DSA_44, Algorithm.ML_DSA_65, Algorithm.ML_DSA_87, Algorithm.HPKE_9_KE)
protected_headers = st.builds(
    ProtectedHeader,
    alg=st.sampled_from(("Ed25519", "ML-DSA-44", "ML-DSA-65", "ML-DSA-87")),
    kid=digests,
    typ=st.sampled_from(DocumentType),
)


@st.composite
def signatures(draw: st.DrawFn) -> Signature:
    """Return a signature whose length is that of its header's algorithm."""
    header = draw(protected_headers)
    raw = draw(some_bytes(SIGNATURE_BYTES[Algorithm(header.alg)]))
    return Signature(protected=b64u_encode(header.canonical()), signature=b64u_encode(raw))


signed_documents = st.builds(
    SignedDocument, payload=small_base64url, signatures=tuples_of(signatures(), min_size=1, max_size=2)
)
references = st.builds(Reference, id=uuids, digest=digests)
checkpoints = st.builds(SeenCheckpoint, origin=origins, size=sizes, root=digests)

root_keys = st.builds(RootKey, ed25519=okp_jwks, ml_dsa=akp_jwks(Algorithm.ML_DSA_87))
roots = st.builds(Roots, threshold=st.integers(1, 3), keys=tuples_of(root_keys, min_size=1))
possessed_keys = st.builds(PossessedKey, jwk=okp_jwks | akp_jwks(Algorithm.ML_DSA_65), possession=b64u_of(64))
operational_keys = st.builds(
    OperationalKey, use=st.sampled_from(KeyUse), keys=tuples_of(possessed_keys, min_size=1, max_size=2)
)
key_sets = st.builds(
    KeySet,
    v=ONE,
    exchange=exchanges,
    agency=agencies,
    agency_class=st.sampled_from(AgencyClass),
    name=lines,
    state=absent_or(st.sampled_from(("GBR", "VNM", "UTO", "D"))),
    seq=counters,
    prev=absent_or(digests),
    issued_at=times,
    expires_at=times,
    roots=roots,
    keys=tuples_of(operational_keys, min_size=1, max_size=2),
    tls_ca=b64u_of(300),
)
encryption_key_entries = st.builds(
    EncryptionKey,
    use=st.sampled_from(EncryptionUse),
    jwk=akp_jwks(Algorithm.HPKE_9_KE),
    not_before=times,
    expires_at=times,
)
encryption_key_documents = st.builds(
    EncryptionKeys,
    v=ONE,
    exchange=exchanges,
    agency=agencies,
    seq=counters,
    prev=absent_or(digests),
    issued_at=times,
    keys=tuples_of(encryption_key_entries, min_size=1),
)
revocations = st.builds(
    Revocation,
    v=ONE,
    exchange=exchanges,
    agency=agencies,
    kids=tuples_of(digests, min_size=1),
    effective_from=times,
    issued_at=times,
    reason=codes,
)
log_keys = st.builds(LogKeys, ed25519=okp_jwks, ml_dsa=akp_jwks(Algorithm.ML_DSA_44))
exchange_sheets = st.builds(
    ExchangeSheet, v=ONE, name=exchanges, origin=origins, log_keys=log_keys, tls_ca=b64u_of(300)
)

header_senders = st.builds(
    HeaderSender, agency=agencies, keyset=counters, kids=tuples_of(digests, min_size=2, max_size=2)
)
header_recipients = st.builds(
    HeaderRecipient, agency=agencies, kid=digests, agreement=digests, stream=streams, n=counters
)
routings = st.builds(Routing, kind=codes, marking=st.sampled_from(Tlp), urgency=st.sampled_from(Urgency))
headers = st.builds(
    Header,
    v=ONE,
    exchange=exchanges,
    id=uuids,
    issued_at=times,
    expires_at=times,
    sender=header_senders,
    recipients=tuples_of(header_recipients, min_size=1),
    routing=routings,
    refers_to=absent_or(references),
    commitment=absent_or(digests),
)
bodies = st.builds(Body, enc=st.just("Cobblestone-256"), sha256=digests, size=st.integers(1, MAX_CIPHERTEXT_BYTES))
sealed_attachments = st.builds(SealedAttachment, id=uuids, sha256=digests, size=sizes)
wrapped_keys = st.builds(
    WrappedKey, kid=digests, alg=st.just("HPKE-9-KE"), ek=b64u_of(KEM_OUTPUT_BYTES), encrypted_key=b64u_of(48)
)
payloads = st.builds(
    Payload,
    header=headers.map(lambda header: b64u_encode(header.canonical())),
    body=bodies,
    attachments=tuples_of(sealed_attachments),
    recipients=tuples_of(wrapped_keys, min_size=1, max_size=2),
)
envelopes = st.builds(
    Envelope,
    payload=payloads.map(lambda payload: b64u_encode(payload.canonical())),
    signatures=tuples_of(signatures(), min_size=2, max_size=2),
    ciphertext=small_base64url,
)
message_attachments = st.builds(
    MessageAttachment, id=uuids, key=digests, name=lines, media_type=lines, size=sizes, sha256=digests
)
disclosed_rests = st.builds(
    DisclosedRest,
    salt=digests,
    checkpoint=checkpoints,
    purpose=st.sampled_from(Purpose),
    necessity=paragraphs,
    attachments=tuples_of(message_attachments, max_size=2),
    replaces=absent_or(references),
)
disclosures = st.builds(
    Disclosure,
    payload=small_base64url,
    signatures=tuples_of(signatures(), min_size=1, max_size=2),
    rest=disclosed_rests,
    acceptance=small_base64url,
)
disclosed_messages = st.builds(
    DisclosedMessage,
    payload=small_base64url,
    signatures=tuples_of(signatures(), min_size=1, max_size=2),
    rest=disclosed_rests,
    acceptance=small_base64url,
    alert=st.dictionaries(ASCII_NAMES, json_values(5), max_size=3),
)
provenances = st.builds(
    Provenance,
    original=disclosures,
    consent=absent_or(disclosed_messages),
    path=tuples_of(agencies, min_size=2, max_size=3),
)
messages = st.builds(
    Message,
    header=headers,
    salt=digests,
    checkpoint=checkpoints,
    purpose=st.sampled_from(Purpose),
    necessity=paragraphs,
    alert=st.dictionaries(ASCII_NAMES, json_values(5), max_size=3),
    attachments=tuples_of(message_attachments, max_size=2),
    replaces=absent_or(references),
    padding=st.integers(0, 50).map(lambda length: "0" * length),
)
onward_copies = st.builds(
    lambda message, provenance: message.model_copy(update={"provenance": provenance}), messages, provenances
)

receipted_messages = st.builds(ReceiptedMessage, id=uuids, digest=digests, reason=absent_or(codes))
receipts = st.builds(
    Receipt,
    v=ONE,
    exchange=exchanges,
    salt=digests,
    type=st.sampled_from(ReceiptType),
    from_agency=agencies,
    to_agency=agencies,
    time=times,
    late=st.booleans(),
    messages=tuples_of(receipted_messages, min_size=1),
)
sealed_receipts = st.builds(
    SealedReceipt,
    v=ONE,
    exchange=exchanges,
    type=st.sampled_from(ReceiptType),
    from_agency=agencies,
    to_agency=agencies,
    digest=digests,
    recipient=wrapped_keys,
    ciphertext=small_base64url,
)

chain_heads = st.builds(ChainHead, agreement=uuids, party_seq=counters, head=digests)
stream_positions = st.builds(StreamPosition, stream=streams, last=sizes, voided=tuples_of(counters))
statuses = st.builds(
    Status,
    v=ONE,
    exchange=exchanges,
    agency=agencies,
    partner=agencies,
    seq=counters,
    prev=absent_or(digests),
    time=times,
    keyset=counters,
    revoked=tuples_of(digests),
    chains=tuples_of(chain_heads),
    streams=tuples_of(stream_positions),
    checkpoint=checkpoints,
)
