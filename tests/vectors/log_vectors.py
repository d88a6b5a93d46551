"""The vectors of the log: a small one with every proof, its signed checkpoint, and a cosignature of it."""

from datetime import timedelta
from typing import Any

from keys.certificates import make_tls_ca
from keys.cosignatures import cosign_checkpoint
from keys.log_keys import LogSigner, sign_checkpoint
from schemas.codec import b64u_decode, b64u_encode
from schemas.jwk import Algorithm, make_jwk
from schemas.key_documents import ExchangeSheet, LogKeys, compute_exchange_anchor
from schemas.log.checkpoint import Checkpoint, format_cosigned_message
from schemas.log.cosignature import attach_cosignature, format_witness_name
from schemas.log.leaf import commit_canonical, leaf_bytes, make_leaf
from schemas.log.note import NoteSignature
from schemas.log.proof import LogProof, format_proof
from schemas.log.records import Record, RecordType
from schemas.log.tree import MerkleTree, hash_leaf
from schemas.signed import KeyUse
from tests.support.members import EXCHANGE, START, derive_seed
from tests.vectors.correspondence import BE, GB, NOON, ORIGIN, SENT_AT


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
