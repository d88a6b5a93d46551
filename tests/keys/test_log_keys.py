"""The log's two signatures on real keys: published vectors, both required, and nothing else accepted in their place."""

from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from keys.errors import KeyNotSoundError, SignatureError
from keys.log_keys import (
    BadLogSignatureError,
    LogPublicKeys,
    LogSignatureError,
    LogSigner,
    MissingLogSignatureError,
    UnknownLogKeyError,
    WrongOriginError,
    sign_checkpoint,
    verify_checkpoint,
    verify_proof,
)
from schemas.codec import CodecError, b64_std_decode, b64_std_encode
from schemas.log.checkpoint import (
    Checkpoint,
    CheckpointError,
    format_checkpoint,
    format_cosigned_message,
    parse_checkpoint,
)
from schemas.log.leaf import commit_record, leaf_hash, make_leaf
from schemas.log.note import (
    MAX_SIGNATURES,
    NoteError,
    NoteSignature,
    SignedNote,
    compute_key_id,
    format_note,
    parse_note,
)
from schemas.log.proof import LogProof, ProofFormatError, format_proof
from schemas.log.tree import EMPTY_ROOT, InclusionError, MerkleTree, hash_leaf
from schemas.problems import PROBLEMS

ORIGIN = "exchange.example/1"
SIGNER = LogSigner(b"\x01" * 32, b"\x02" * 32)
OTHER = LogSigner(b"\x03" * 32, b"\x04" * 32)
CHECKPOINT = Checkpoint(ORIGIN, 5, b"r" * 32)
NOTE = sign_checkpoint(CHECKPOINT, SIGNER)
PARSED = parse_note(NOTE)
ED_LINE, ML_LINE = PARSED.signatures

# The key in the documentation of golang.org/x/mod/sumdb/note.
GO_SEED = b64_std_decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]
GO_TEXT = b"If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
GO_SIGNATURE = "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
# A checkpoint signed by FiloSottile/torchwood, cmd/litewitness/testdata/mldsa.txt, with the seed it names.
TORCHWOOD_SEED = bytes.fromhex("2886adc2b0eabfce67c0472939127998bf886cf256bfee8ba76a253fce1146e0")
TORCHWOOD_NOTE = Path(__file__).parents[1] / "schemas" / "log" / "vectors" / "torchwood-ml-dsa-44.note"


def make_note(*lines: NoteSignature, text: bytes = PARSED.text) -> bytes:
    return format_note(SignedNote(text, lines))


def cosignature_of(number: int) -> NoteSignature:
    return NoteSignature(f"agency-{number}.example", number.to_bytes(4, "big"), b"what another issue verifies")


def test_the_ed25519_half_is_the_published_one() -> None:
    signer = LogSigner(GO_SEED, bytes(32))
    key_id = compute_key_id("PeterNeumann", 0x01, signer.public.ed25519)
    assert b64_std_encode(key_id + signer.sign_ed25519(GO_TEXT)) == GO_SIGNATURE


def test_a_checkpoint_signed_by_another_implementation_verifies_with_our_ed25519_line_added() -> None:
    signer = LogSigner(b"\x01" * 32, TORCHWOOD_SEED)
    foreign = parse_note(TORCHWOOD_NOTE.read_bytes())
    checkpoint = parse_checkpoint(foreign.text)
    assert (checkpoint.size, checkpoint.root) == (1, hash_leaf(b"testonly"))
    key_id = compute_key_id(checkpoint.origin, 0x01, signer.public.ed25519)
    ours = NoteSignature(checkpoint.origin, key_id, signer.sign_ed25519(foreign.text))
    both = make_note(ours, *foreign.signatures, text=foreign.text)
    assert verify_checkpoint(both, "example.com/mldsa-log", signer.public) == checkpoint


def test_a_note_is_text_then_ed25519_then_ml_dsa_each_over_its_own_message() -> None:
    assert PARSED.text == format_checkpoint(CHECKPOINT)
    assert [line.name for line in PARSED.signatures] == [ORIGIN, ORIGIN]
    assert ED_LINE.key_id == compute_key_id(ORIGIN, 0x01, SIGNER.public.ed25519)
    assert ML_LINE.key_id == compute_key_id(ORIGIN, 0x06, SIGNER.public.ml_dsa_44)
    assert ED_LINE.signature == SIGNER.sign_ed25519(PARSED.text)
    assert (len(ML_LINE.signature), ML_LINE.signature[:8]) == (8 + 2420, bytes(8))
    public_key = MLDSA44PrivateKey.from_seed_bytes(b"\x02" * 32).public_key()
    public_key.verify(ML_LINE.signature[8:], format_cosigned_message(ORIGIN, 0, CHECKPOINT))


@pytest.mark.parametrize("checkpoint", [CHECKPOINT, Checkpoint(ORIGIN, 0, EMPTY_ROOT)])
def test_what_the_log_signed_verifies(checkpoint: Checkpoint) -> None:
    assert verify_checkpoint(sign_checkpoint(checkpoint, SIGNER), ORIGIN, SIGNER.public) == checkpoint


def test_the_order_of_the_lines_does_not_matter() -> None:
    assert verify_checkpoint(make_note(ML_LINE, ED_LINE), ORIGIN, SIGNER.public) == CHECKPOINT


def test_cosignatures_in_other_names_are_left_alone_up_to_the_limit() -> None:
    cosignatures = [cosignature_of(number) for number in range(MAX_SIGNATURES - 2)]
    assert verify_checkpoint(make_note(ED_LINE, ML_LINE, *cosignatures), ORIGIN, SIGNER.public) == CHECKPOINT
    line = make_note(cosignature_of(99)).rpartition(b"\n\n")[2]
    with pytest.raises(NoteError):
        verify_checkpoint(make_note(ED_LINE, ML_LINE, *cosignatures) + line, ORIGIN, SIGNER.public)


def test_a_cosignature_that_borrows_a_key_id_changes_nothing() -> None:
    borrowed = NoteSignature("agency.example", ML_LINE.key_id, b"x")
    assert verify_checkpoint(make_note(borrowed, ED_LINE, ML_LINE), ORIGIN, SIGNER.public) == CHECKPOINT


@pytest.mark.parametrize(
    ("case", "note", "error"),
    [
        ("the Ed25519 line stripped", make_note(ML_LINE), MissingLogSignatureError),
        ("the ML-DSA line stripped", make_note(ED_LINE), MissingLogSignatureError),
        ("only cosignatures", make_note(cosignature_of(1)), MissingLogSignatureError),
        ("another log's two keys", sign_checkpoint(CHECKPOINT, OTHER), MissingLogSignatureError),
        (
            "both signatures in another name",
            make_note(*(NoteSignature("log.example", line.key_id, line.signature) for line in PARSED.signatures)),
            MissingLogSignatureError,
        ),
        (
            "a third line in the log's name",
            make_note(ED_LINE, ML_LINE, NoteSignature(ORIGIN, b"\x00\x01\x02\x03", ED_LINE.signature)),
            UnknownLogKeyError,
        ),
        (
            "the signatures under each other's key ID",
            make_note(
                NoteSignature(ORIGIN, ML_LINE.key_id, ED_LINE.signature),
                NoteSignature(ORIGIN, ED_LINE.key_id, ML_LINE.signature),
            ),
            BadLogSignatureError,
        ),
        (
            "an Ed25519 signature over another checkpoint",
            make_note(NoteSignature(ORIGIN, ED_LINE.key_id, SIGNER.sign_ed25519(b"other\n")), ML_LINE),
            BadLogSignatureError,
        ),
        (
            "an ML-DSA signature over another checkpoint",
            make_note(
                ED_LINE,
                parse_note(sign_checkpoint(Checkpoint(ORIGIN, 6, b"r" * 32), SIGNER)).signatures[1],
            ),
            BadLogSignatureError,
        ),
        (
            "an ML-DSA signature over the note's text, as Ed25519 has it",
            make_note(ED_LINE, NoteSignature(ORIGIN, ML_LINE.key_id, bytes(8) + SIGNER.sign_ml_dsa_44(PARSED.text))),
            BadLogSignatureError,
        ),
        (
            "an ML-DSA signature that bears a time",
            make_note(
                ED_LINE,
                NoteSignature(
                    ORIGIN,
                    ML_LINE.key_id,
                    (7).to_bytes(8, "big") + SIGNER.sign_ml_dsa_44(format_cosigned_message(ORIGIN, 7, CHECKPOINT)),
                ),
            ),
            BadLogSignatureError,
        ),
        (
            "a time put before a signature that bears none",
            make_note(ED_LINE, NoteSignature(ORIGIN, ML_LINE.key_id, b"\x01" * 8 + ML_LINE.signature[8:])),
            BadLogSignatureError,
        ),
        (
            "an ML-DSA signature that ends in its time",
            make_note(ED_LINE, NoteSignature(ORIGIN, ML_LINE.key_id, bytes(8))),
            BadLogSignatureError,
        ),
        (
            "a witness' cosignature by the log's own key",
            make_note(
                ED_LINE,
                NoteSignature(
                    ORIGIN,
                    ML_LINE.key_id,
                    bytes(8) + SIGNER.sign_ml_dsa_44(format_cosigned_message("agency.example", 0, CHECKPOINT)),
                ),
            ),
            BadLogSignatureError,
        ),
        (
            "another epoch of the same log",
            sign_checkpoint(Checkpoint("exchange.example/2", 5, b"r" * 32), SIGNER),
            WrongOriginError,
        ),
        ("the key twice", NOTE + NOTE.rpartition(b"\n\n")[2], NoteError),
        ("an extension line", make_note(ED_LINE, ML_LINE, text=PARSED.text + b"more\n"), CheckpointError),
        ("no checkpoint", make_note(ED_LINE, ML_LINE, text=b"text\n"), CheckpointError),
        ("no note", b"text\n", NoteError),
    ],
)
def test_anything_but_both_signatures_of_this_log_is_refused(case: str, note: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        verify_checkpoint(note, ORIGIN, SIGNER.public)


def test_each_key_is_needed_for_itself() -> None:
    half_old = LogPublicKeys(SIGNER.public.ed25519, OTHER.public.ml_dsa_44)
    half_new = LogPublicKeys(OTHER.public.ed25519, SIGNER.public.ml_dsa_44)
    for keys in (half_old, half_new):
        with pytest.raises(MissingLogSignatureError):
            verify_checkpoint(NOTE, ORIGIN, keys)


def test_no_note_with_one_changed_byte_verifies() -> None:
    for position in range(len(NOTE)):
        changed = NOTE[:position] + bytes([NOTE[position] ^ 1]) + NOTE[position + 1 :]
        with pytest.raises((CodecError, LogSignatureError)):
            verify_checkpoint(changed, ORIGIN, SIGNER.public)


@settings(max_examples=400)
@given(data=st.data())
def test_no_note_with_a_byte_replaced_added_or_dropped_verifies(data: st.DataObject) -> None:
    # Half of the positions fall on the text and the Ed25519 line, the other half anywhere.
    position = data.draw(st.integers(0, 250) | st.integers(0, len(NOTE) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda value: value != NOTE[position]))
    changes: list[bytes] = [
        NOTE[:position] + bytes([byte]) + NOTE[position + 1 :],
        NOTE[:position] + bytes([byte]) + NOTE[position:],
        NOTE[:position] + NOTE[position + 1 :],
        NOTE[:position],
    ]
    for changed in changes:
        with pytest.raises((CodecError, LogSignatureError)):
            verify_checkpoint(changed, ORIGIN, SIGNER.public)


RECORDS = [{"type": "operator-action", "number": number} for number in range(11)]
SALTS = [bytes([number]) * 32 for number in range(11)]
LEAF_HASHES = [
    leaf_hash(make_leaf("private", commit_record(record, salt))) for record, salt in zip(RECORDS, SALTS, strict=True)
]
TREE = MerkleTree(LEAF_HASHES)
HEAD = Checkpoint(ORIGIN, 11, TREE.root())
PROOF = format_proof(LogProof(6, tuple(TREE.inclusion_proof(6)), sign_checkpoint(HEAD, SIGNER)))


def test_a_proof_shows_where_a_leaf_stands_under_the_signed_checkpoint() -> None:
    found = verify_proof(PROOF, LEAF_HASHES[6], ORIGIN, SIGNER.public)
    assert (found.index, found.checkpoint) == (6, HEAD)


@pytest.mark.parametrize(
    ("case", "verify", "error"),
    [
        ("another leaf", lambda: verify_proof(PROOF, LEAF_HASHES[5], ORIGIN, SIGNER.public), InclusionError),
        ("another log", lambda: verify_proof(PROOF, LEAF_HASHES[6], "a.example/1", SIGNER.public), WrongOriginError),
        ("other keys", lambda: verify_proof(PROOF, LEAF_HASHES[6], ORIGIN, OTHER.public), MissingLogSignatureError),
        ("no proof", lambda: verify_proof(NOTE, LEAF_HASHES[6], ORIGIN, SIGNER.public), ProofFormatError),
        ("no note", lambda: verify_proof(PROOF[:-1], LEAF_HASHES[6], ORIGIN, SIGNER.public), NoteError),
        (
            "an empty line before the checkpoint",
            lambda: verify_proof(PROOF.replace(b"\n\n", b"\n\n\n", 1), LEAF_HASHES[6], ORIGIN, SIGNER.public),
            CheckpointError,
        ),
    ],
)
def test_a_proof_shows_nothing_else(case: str, verify: Callable[[], object], error: type[Exception]) -> None:
    with pytest.raises(error):
        verify()


def test_no_proof_with_one_changed_byte_verifies() -> None:
    for position in range(len(PROOF)):
        changed = PROOF[:position] + bytes([PROOF[position] ^ 1]) + PROOF[position + 1 :]
        with pytest.raises((CodecError, LogSignatureError, InclusionError)):
            verify_proof(changed, LEAF_HASHES[6], ORIGIN, SIGNER.public)


@pytest.mark.parametrize(
    ("problem", "ed25519", "ml_dsa_44"),
    [
        ("31 bytes of Ed25519", SIGNER.public.ed25519[:-1], SIGNER.public.ml_dsa_44),
        ("33 bytes of Ed25519", SIGNER.public.ed25519 + b"\x00", SIGNER.public.ml_dsa_44),
        ("a point of small order", b"\x01" + bytes(31), SIGNER.public.ml_dsa_44),
        ("a point of order four", bytes(32), SIGNER.public.ml_dsa_44),
        ("no point at all", b"\x02" + bytes(31), SIGNER.public.ml_dsa_44),
        ("1,311 bytes of ML-DSA", SIGNER.public.ed25519, SIGNER.public.ml_dsa_44[:-1]),
        ("an ML-DSA-65 key", SIGNER.public.ed25519, bytes(1952)),
    ],
)
def test_keys_that_are_not_sound_are_refused(problem: str, ed25519: bytes, ml_dsa_44: bytes) -> None:
    with pytest.raises(KeyNotSoundError):
        LogPublicKeys(ed25519, ml_dsa_44)


@pytest.mark.parametrize(("ed25519", "ml_dsa_44"), [(31, 32), (32, 31), (32, 64)])
def test_seeds_of_another_length_are_refused(ed25519: int, ml_dsa_44: int) -> None:
    with pytest.raises(ValueError, match="bytes"):
        LogSigner(bytes(ed25519), bytes(ml_dsa_44))


def test_the_errors_have_one_parent_and_known_codes() -> None:
    leaves = (WrongOriginError, MissingLogSignatureError, UnknownLogKeyError, BadLogSignatureError)
    assert all(issubclass(error, LogSignatureError) and error.code in PROBLEMS for error in leaves)
    assert issubclass(LogSignatureError, SignatureError)
