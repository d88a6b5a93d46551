"""Write the test vectors anew: `python -m tests.vectors.generate`. Only when the protocol changes; they are a promise.

Seeds are derived from names, so keys and signatures come out the same each time (ML-DSA signatures are hedged, and
ciphertexts salted, so those differ from run to run).
"""

import json
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

from keys.anchors import format_anchor_words
from keys.attachments import AttachmentSealer, make_context
from keys.certificates import make_tls_ca
from keys.cosignatures import cosign_checkpoint
from keys.log_keys import LogSigner, sign_checkpoint
from keys.receipts import seal_receipt
from keys.sealing import SealedMessage, encrypt_content, wrap_content_key
from keys.signing import sign_document
from keys.tokens import AssertionClaims, make_assertion
from schemas.agreements.content import describe_content
from schemas.agreements.coverage import VisibleFacts, judge_message
from schemas.agreements.lifecycle import view_agreement
from schemas.agreements.steps import ChainedStep, Step, StepAction, digest_step
from schemas.agreements.terms import Party, Terms
from schemas.alerts import parse_alert
from schemas.codec import b64u_decode, b64u_encode, encode_canonical
from schemas.envelope import SeenCheckpoint
from schemas.jwk import Algorithm, make_jwk
from schemas.key_documents import ExchangeSheet, LogKeys, compute_exchange_anchor
from schemas.log.checkpoint import Checkpoint, format_cosigned_message
from schemas.log.cosignature import attach_cosignature, format_witness_name
from schemas.log.leaf import commit_canonical, leaf_bytes, make_leaf
from schemas.log.note import NoteSignature
from schemas.log.proof import LogProof, format_proof
from schemas.log.records import Record, RecordType, Role
from schemas.log.tree import MerkleTree, hash_leaf
from schemas.model import format_timestamp
from schemas.receipts import Receipt, ReceiptedMessage, ReceiptType
from schemas.signed import USE_ALGORITHMS, DocumentType, KeyUse, SignedDocument
from schemas.status import ChainHead, Status, StreamPosition, digest_status
from tests.strategies.agreements import make_clause, make_terms
from tests.support.members import EXCHANGE, START, Member, derive_seed, make_member
from tests.support.messages import make_id, make_message, seal

FOLDER = Path(__file__).parent
GB, BE = make_member("GB"), make_member("BE")
ORIGIN = f"{EXCHANGE}/1"
NOON = START + timedelta(days=1, hours=12)
SENT_AT = NOON + timedelta(hours=4, minutes=30)
"""Between the resumption and the revocation of the vector agreement."""


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


@cache
def seal_vector_message() -> SealedMessage:
    """Return a message GB → BE that the vector agreement covers."""
    alert = json.loads((FOLDER.parents[1] / "examples/alerts/document-fraud.json").read_text("utf-8"))
    alert = alert.get("alert", alert) | {"handling": {"codes": ["h0", "h2"]}, "data_as_of": format_timestamp(NOON)}
    for member in ("attachments", "supersedes", "in_reply_to", "reply_due", "review_date", "retain_until"):
        alert.pop(member, None)
    alert["details"].pop("images", None)
    parsed = parse_alert(alert)
    terms = make_vector_terms()
    message = make_message(GB, BE, name="vector", alert=alert, agreement=terms.digest(), issued_at=SENT_AT)
    sealed = seal(message, GB, BE)
    routing = message.header.routing
    facts = VisibleFacts("GB", "BE", parsed.kind, routing.marking, len(sealed.envelope.ciphertext_bytes))
    content = describe_content(parsed, purpose=message.purpose, urgency=routing.urgency, issued_at=SENT_AT)
    coverage = judge_message(terms, facts, content)
    if not coverage.is_covered:
        raise ValueError(f"the vector message is not covered: {coverage.findings}")
    return sealed


def make_vector_terms() -> Terms:
    """Return terms between GB and BE with their true anchors."""
    parties = (Party(agency="BE", anchor=BE.anchor), Party(agency="GB", anchor=GB.anchor))
    clause = make_clause("GB", "BE")
    return make_terms("BE", "GB", exchange=EXCHANGE, in_force_from=START, parties=parties, clauses=(clause,))


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


def make_log() -> dict[str, Any]:
    """Return a small log: records, leaves, a signed checkpoint, every inclusion and consistency proof."""
    signer = LogSigner(derive_seed("log", "ed"), derive_seed("log", "ml"))
    sheet = make_sheet(signer)
    records = make_records()
    tree = MerkleTree()
    leaves = []
    for index, record in enumerate(records):
        salt = derive_seed("leaf salt", index)
        leaf = make_leaf("public" if record.is_public else "private", commit_canonical(record.canonical(), salt))
        tree.append(hash_leaf(leaf_bytes(leaf)))
        leaves.append({"record": record.to_wire(), "salt": b64u_encode(salt), "leaf": leaf_bytes(leaf).decode()})
    size = len(records)
    note = sign_checkpoint(Checkpoint(ORIGIN, size, tree.root()), signer)
    inclusion = [[b64u_encode(item) for item in tree.inclusion_proof(index, size)] for index in range(size)]
    consistency = {
        str(old): [b64u_encode(item) for item in tree.consistency_proof(old, size)] for old in range(1, size + 1)
    }
    proof = LogProof(3, tuple(tree.inclusion_proof(3, size)), note)
    return {
        "sheet": sheet.to_wire(),
        "exchange_anchor": compute_exchange_anchor(sheet),
        "leaves": leaves,
        "roots": [b64u_encode(tree.root(part)) for part in range(size + 1)],
        "checkpoint": note.decode("utf-8"),
        "inclusion": inclusion,
        "consistency": consistency,
        "tlog_proof": format_proof(proof).decode("utf-8"),
    }


def make_cosignatures(log: dict[str, Any]) -> dict[str, Any]:
    """Return the checkpoint of a log with GB's cosignature under it, and notes that GB did not cosign."""
    note, name = log["checkpoint"].encode(), format_witness_name(EXCHANGE, "GB")
    checkpoint = Checkpoint(ORIGIN, len(log["leaves"]), b64u_decode(log["roots"][-1]))
    (key,) = GB.signers[KeyUse.WITNESS].keys
    line = cosign_checkpoint(checkpoint, name, key, SENT_AT)
    smaller = Checkpoint(ORIGIN, checkpoint.size - 1, b64u_decode(log["roots"][-2]))
    later = (int(SENT_AT.timestamp()) + 1).to_bytes(8, "big")
    (other,) = BE.signers[KeyUse.WITNESS].keys
    refused = {
        "no cosignature": None,
        "a cosignature of another checkpoint": cosign_checkpoint(smaller, name, key, SENT_AT),
        "another time than was signed": NoteSignature(name, line.key_id, later + line.signature[8:]),
        "another agency's key": cosign_checkpoint(checkpoint, name, other, SENT_AT),
        "in another agency's name": NoteSignature(format_witness_name(EXCHANGE, "BE"), line.key_id, line.signature),
    }
    return {
        "name": name,
        "key": key.jwk.to_wire(),
        "timestamp": int(SENT_AT.timestamp()),
        "message_hex": format_cosigned_message(name, int(SENT_AT.timestamp()), checkpoint).hex(),
        "note": attach_cosignature(note, line).decode(),
        "refused": {
            case: note.decode() if wrong is None else attach_cosignature(note, wrong).decode()
            for case, wrong in refused.items()
        },
    }


def make_sheet(signer: LogSigner) -> ExchangeSheet:
    """Return the exchange's sheet with the log's keys."""
    log_keys = LogKeys.from_wire(
        {
            "ed25519": make_jwk(Algorithm.ED25519, signer.public.ed25519).to_wire(),
            "ml_dsa": make_jwk(Algorithm.ML_DSA_44, signer.public.ml_dsa_44).to_wire(),
        }
    )
    ca = make_tls_ca(derive_seed("exchange", "tls"), serial=1, not_before=START, not_after=START + timedelta(days=400))
    return ExchangeSheet(v=1, name=EXCHANGE, origin=ORIGIN, log_keys=log_keys, tls_ca=b64u_encode(ca))


def make_records() -> list[Record]:
    """Return records of several types, public and private."""
    opened = Record(v=1, type=RecordType.EXCHANGE_OPENED, time=START, concerns=(), detail="The exchange was opened.")
    keys = [
        Record(
            v=1,
            type=RecordType(kind),
            time=START,
            concerns=(member.agency,),
            agency=member.agency,
            digest=verified.digest,
            document=verified.document,
        )
        for member in (GB, BE)
        for kind, verified in (("key-set", member.verified), ("encryption-keys", member.encryption))
    ]
    tokens = [
        Record(v=1, type=RecordType.TOKENS_ISSUED, time=NOON, concerns=("GB",), agency="GB", count=count)
        for count in range(1, 7)
    ]
    return [opened, *keys, *tokens]


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
