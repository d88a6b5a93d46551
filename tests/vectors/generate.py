"""Write the test vectors anew: `python -m tests.vectors.generate`. Only when the protocol changes; they are a promise.

Seeds are derived from names, so keys and signatures come out the same each time (ML-DSA signatures are hedged, and
ciphertexts salted, so those differ from run to run).
"""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

from keys.anchors import format_anchor_words
from keys.attachments import AttachmentSealer, make_context
from keys.receipts import seal_receipt
from keys.sealing import encrypt_content, wrap_content_key
from keys.signing import sign_document
from keys.tokens import AssertionClaims, make_assertion
from schemas.agreements.lifecycle import view_agreement
from schemas.agreements.steps import ChainedStep, Step, StepAction, digest_step
from schemas.agreements.terms import Terms
from schemas.codec import b64u_decode, b64u_encode, encode_canonical
from schemas.envelope import SeenCheckpoint
from schemas.jwk import Algorithm
from schemas.log.records import Role
from schemas.model import format_timestamp
from schemas.receipts import Receipt, ReceiptedMessage, ReceiptType
from schemas.signed import USE_ALGORITHMS, DocumentType, KeyUse, SignedDocument
from schemas.status import ChainHead, Status, StreamPosition, digest_status
from tests.support.members import EXCHANGE, Member, derive_seed
from tests.support.messages import make_id
from tests.vectors.correspondence import BE, GB, NOON, ORIGIN, SENT_AT, make_vector_terms, seal_vector_message
from tests.vectors.log_vectors import make_cosignatures, make_log

FOLDER = Path(__file__).parent


def main() -> None:
    """Write every file."""
    log = make_log()
    vectors = {
        "canonical": make_canonical(),
        "ciphers": make_ciphers(),
        "attachments": make_attachments(),
        "keys": make_keys(),
        "key-documents": make_key_documents(),
        "envelopes": make_envelopes(),
        "agreements": make_agreements(),
        "receipts": make_receipts(),
        "status": make_status(),
        "log": log,
        "cosignatures": make_cosignatures(log),
        "tokens": make_tokens(),
    }
    for name, value in vectors.items():
        path = FOLDER / f"{name}.json"
        path.write_text(json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")


def make_canonical() -> dict[str, Any]:
    """Return values with their canonical bytes, and byte strings that must be refused."""
    accepted: list[Any] = [
        {},
        [],
        "",
        0,
        -1,
        2**53 - 1,
        -(2**53) + 1,
        True,
        {"b": 1, "a": [False, {"z": "", "y": "é€😀"}]},
        '\u0000\u0008\t\n\u000c\r\u001f\u007f\u2028"\\/',
        {"A": 1, "a": 2, "_": 3, "10": 4, "9": 5},
    ]
    refused = [
        b'{"a":1,"a":1}',
        b'{"b":1,"a":2}',
        b'{"a": 1}',
        b"1.0",
        b"1e2",
        b"-0",
        b"01",
        b"9007199254740992",
        b"null",
        b'{"a":null}',
        b'"\\u0041"',
        b'"\\/"',
        b'"\\ud800"',
        b'"\xff"',
        b'"\xed\xa0\x80"',
        b'{"\xc3\xa9":1}',
        b"NaN",
        b"\xef\xbb\xbf{}",
        b"{}\n",
        b"[" * 33 + b"]" * 33,
        b"",
    ]
    return {
        "accepted": [{"value": value, "canonical_hex": encode_canonical(value).hex()} for value in accepted],
        "refused_hex": [data.hex() for data in refused],
        "base64url_refused": ["AB=", "AB==", "A", "AB", "a+b/", "AAAA\n", " AAAA"],
    }


def make_ciphers() -> dict[str, Any]:
    """Return Cobblestone-256 ciphertexts at the borders of a chunk, and a wrapped key."""
    key, context, binding = (
        derive_seed("content key"),
        b"bilateral-body/1\x00" + derive_seed("ctx"),
        derive_seed("bind"),
    )
    plaintexts = [bytes(length) for length in (0, 1, 16383, 16384, 16385)]
    wrapped = wrap_content_key(key, BE.opening_key.jwk, BE.opening_key.kid, binding)
    return {
        "cobblestone_256": [
            {
                "key": b64u_encode(key),
                "context": b64u_encode(context),
                "zero_bytes": len(plaintext),
                "ciphertext": b64u_encode(encrypt_content(plaintext, key, context)),
            }
            for plaintext in plaintexts
        ],
        "wrapped_key": {
            "recipient_seed": b64u_encode(derive_seed("BE", "encryption")),
            "recipient_jwk": BE.opening_key.jwk.to_wire(),
            "binding": b64u_encode(binding),
            "content_key": b64u_encode(key),
            "wrapped": wrapped.to_wire(),
        },
    }


def make_attachments() -> dict[str, Any]:
    """Return attachments of one message, sealed, with what P and M say of each; and what must not open."""
    message_id = make_id("vector message")
    sealed = [make_attachment(message_id, data) for data in (b"A file.\n", bytes(16_385))]
    first, second = sealed
    moved = {**first, "message": make_id("another message")}
    cut = b64u_decode(second["ciphertext"])[: -(16 + 1)]
    shortened = {"ciphertext": b64u_encode(cut), "in_p": {**second["in_p"], "size": len(cut)}}
    return {"attachments": sealed, "refused": [moved, {**second, **shortened}]}


def make_attachment(message_id: str, data: bytes) -> dict[str, Any]:
    """Return one file sealed for a message."""
    attachment_id, key = make_id(("vector attachment", len(data))), derive_seed("vector attachment", len(data))
    sealer = AttachmentSealer(message_id, attachment_id, content_key=key)
    ciphertext = sealer.update(data) + sealer.finalize()
    return {
        "message": message_id,
        "context": b64u_encode(make_context(message_id, attachment_id)),
        "file": b64u_encode(data),
        "ciphertext": b64u_encode(ciphertext),
        "in_p": {"id": attachment_id, "sha256": sealer.sealed.sha256, "size": sealer.sealed.size},
        "in_m": {
            "id": attachment_id,
            "key": b64u_encode(key),
            "name": "file.txt",
            "media_type": "text/plain",
            "size": sealer.plain.size,
            "sha256": sealer.plain.sha256,
        },
    }


def make_keys() -> dict[str, Any]:
    """Return seeds with their public keys and names, an anchor as words, and keys that must be refused."""
    keys = [
        {"algorithm": key.algorithm, "seed": b64u_encode(seed), "jwk": key.jwk.to_wire(), "kid": key.kid}
        for use in (KeyUse.MESSAGE, KeyUse.WITNESS)
        for position, key in enumerate(GB.signers[use].keys)
        for seed in (derive_seed("GB", use, 0, position),)
    ]
    opening = {
        "algorithm": Algorithm.HPKE_9_KE,
        "seed": b64u_encode(derive_seed("BE", "encryption")),
        "jwk": BE.opening_key.jwk.to_wire(),
        "kid": BE.opening_key.kid,
    }
    return {
        "keys": [*keys, opening],
        "seeds": {member: list_seeds(member) for member in ("GB", "BE")},
        "log_seeds": {
            "ed25519": b64u_encode(derive_seed("log", "ed")),
            "ml_dsa": b64u_encode(derive_seed("log", "ml")),
        },
        "anchor": {"agency": "GB", "anchor": GB.anchor, "words": format_anchor_words(GB.anchor)},
        "refused_ed25519_hex": [
            "0100000000000000000000000000000000000000000000000000000000000000",
            "0100000000000000000000000000000000000000000000000000000000000080",
            "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "da99e28ba529cdde35a25fba9059e78ecaee239f99755b9b1aa4f65df00803e2",
            "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
            "0200000000000000000000000000000000000000000000000000000000000000",
        ],
    }


def list_seeds(agency: str) -> dict[str, Any]:
    """Return every seed of an agency by use, in signing order; roots are Ed25519 then ML-DSA-87."""
    uses = {
        use.value: [b64u_encode(derive_seed(agency, use, 0, position)) for position in range(len(USE_ALGORITHMS[use]))]
        for use in KeyUse
    }
    roots = [[b64u_encode(derive_seed(agency, "root", n, half)) for half in ("ed", "ml")] for n in range(3)]
    return uses | {"roots": roots, "encryption": b64u_encode(derive_seed(agency, "encryption"))}


def make_key_documents() -> dict[str, Any]:
    """Return the key set and encryption keys of two agencies."""
    return {
        member.agency: {
            "anchor": member.anchor,
            "key_set": {"document": member.verified.document.to_wire(), "digest": member.verified.digest},
            "encryption_keys": {"document": member.encryption.document.to_wire(), "digest": member.encryption.digest},
        }
        for member in (GB, BE)
    }


def make_envelopes() -> dict[str, Any]:
    """Return an envelope with everything inside it, and spoilt ones that must be refused."""
    sealed = seal_vector_message()
    wire = sealed.envelope.to_wire()
    swapped = wire | {"signatures": wire["signatures"][::-1]}
    stripped = wire | {"signatures": wire["signatures"][:1]}
    return {
        "envelope": wire,
        "judged_at": format_timestamp(SENT_AT),
        "agreement": make_vector_terms().digest(),
        "sender": "GB",
        "recipient": "BE",
        "recipient_seed": b64u_encode(derive_seed("BE", "encryption")),
        "digest": sealed.digest,
        "message": sealed.message_bytes.decode("utf-8"),
        "commitment": sealed.header.commitment,
        "refused": {"signatures in the other order": swapped, "one signature stripped": stripped},
    }


def make_agreements() -> dict[str, Any]:
    """Return terms, both parties' signed chains, and the state after each step."""
    terms = make_vector_terms()
    script: list[tuple[Member, StepAction, dict[str, Any]]] = [
        (BE, StepAction.PROPOSE, {"terms": terms}),
        (GB, StepAction.ACCEPT, {"confirm_by": NOON + timedelta(days=7)}),
        (BE, StepAction.CONFIRM, {}),
        (GB, StepAction.SUSPEND, {"reason": "Review of one case."}),
        (GB, StepAction.RESUME, {}),
        (BE, StepAction.REVOKE, {"effective_from": NOON + timedelta(days=60)}),
    ]
    chains: dict[str, list[ChainedStep]] = {"BE": [], "GB": []}
    steps = []
    for number, (member, action, members) in enumerate(script):
        document, chained = sign_step(member, terms, action, chains[member.agency], number, members)
        chains[member.agency].append(chained)
        now = NOON + timedelta(days=terms.in_force_from > NOON, hours=number)
        steps.append(
            {
                "document": document.to_wire(),
                "agency": member.agency,
                "digest": chained.digest,
                "judged_at": format_timestamp(max(now, terms.in_force_from)),
                "state_after": view_agreement(terms.digest(), chains, max(now, terms.in_force_from)).state,
            }
        )
    later = NOON + timedelta(days=60)
    return {
        "terms": terms.to_wire(),
        "digest": terms.digest(),
        "steps": steps,
        "later": {
            "judged_at": format_timestamp(later),
            "state": view_agreement(terms.digest(), chains, later).state,
        },
    }


def sign_step(
    member: Member, terms: Terms, action: StepAction, chain: list[ChainedStep], number: int, members: dict[str, Any]
) -> tuple[SignedDocument, ChainedStep]:
    """Return the next step of a member's chain, signed."""
    step = Step(
        v=1,
        exchange=EXCHANGE,
        agreement=terms.id,
        digest=terms.digest(),
        agency=member.agency,
        party_seq=len(chain) + 1,
        party_prev=chain[-1].digest if chain else None,
        action=action,
        time=NOON + timedelta(hours=number),
        **members,
    )
    document = sign_document(step.canonical(), DocumentType.AGREEMENT_STEP, [member.signers[KeyUse.AGREEMENT]])
    return document, ChainedStep(step, digest_step(document.payload_bytes))


def make_receipts() -> dict[str, Any]:
    """Return a sealed receipt by BE for GB."""
    receipt = Receipt(
        v=1,
        exchange=EXCHANGE,
        salt=b64u_encode(derive_seed("receipt salt")),
        type=ReceiptType.VERIFIED,
        from_agency="BE",
        to_agency="GB",
        time=SENT_AT + timedelta(minutes=5),
        late=False,
        messages=(ReceiptedMessage(id=seal_vector_message().header.id, digest=seal_vector_message().digest),),
    )
    key = derive_seed("receipt key")
    sealed = seal_receipt(receipt, BE.signers[KeyUse.RECEIPT], GB.opening_key.jwk, content_key=key)
    return {
        "sealed": sealed.to_wire(),
        "recipient_seed": b64u_encode(derive_seed("GB", "encryption")),
        "receipt": receipt.to_wire(),
    }


def make_status() -> dict[str, Any]:
    """Return a status GB signed for BE: its chain ends with the resumption, the log is that of `log.json`."""
    log, steps = make_log(), make_agreements()["steps"]
    head = next(step["digest"] for step in reversed(steps) if step["agency"] == "GB")
    stream = seal_vector_message().header.recipients[0].stream
    status = Status(
        v=1,
        exchange=EXCHANGE,
        agency="GB",
        partner="BE",
        seq=1,
        time=SENT_AT + timedelta(minutes=10),
        keyset=1,
        revoked=(),
        chains=(ChainHead(agreement=make_vector_terms().id, party_seq=3, head=head),),
        streams=(StreamPosition(stream=stream, last=3, voided=(2,)),),
        checkpoint=SeenCheckpoint(origin=ORIGIN, size=len(log["leaves"]), root=log["roots"][-1]),
    )
    document = sign_document(status.canonical(), DocumentType.STATUS, [GB.signers[KeyUse.RECEIPT]])
    return {"document": document.to_wire(), "digest": digest_status(document.payload_bytes)}


def make_tokens() -> dict[str, Any]:
    """Return a client assertion of GB."""
    seconds = int(NOON.timestamp())
    claims = AssertionClaims(
        aud=EXCHANGE, exp=seconds + 60, iat=seconds, iss="GB", jti=make_id("jti"), node="n1", scope=Role.NODE, sub="GB"
    )
    return {
        "assertion": make_assertion(GB.request_seed, claims),
        "request_seed": b64u_encode(GB.request_seed),
        "claims": claims.to_wire(),
    }


if __name__ == "__main__":
    main()
