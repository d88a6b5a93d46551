"""The two keys of an exchange's log, and what they sign: checkpoints, by Ed25519 and by ML-DSA-44, both required.

A verifier holds the log's origin and its two public keys from paper. Cosignatures of witnesses stand under the same
note in their own names and are left alone here (`keys.cosignatures`); so are consistency with older checkpoints and the
age of this one.
"""

from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA44PublicKey

from keys.edwards import is_sound_public_key
from keys.errors import KeyNotSoundError, SignatureError
from schemas.codec import CodecError
from schemas.log.checkpoint import Checkpoint, format_checkpoint, format_cosigned_message, parse_checkpoint
from schemas.log.cosignature import ML_DSA_44_SIGNATURE, NO_TIMESTAMP, join_timestamp, split_timestamp
from schemas.log.note import NoteSignature, SignedNote, compute_key_id, format_note, parse_note
from schemas.log.proof import parse_proof
from schemas.log.tree import verify_inclusion

ML_DSA_44_KEY_BYTES = 1312

_ED25519_NOTE = 0x01


class LogSignatureError(SignatureError):
    """A checkpoint that this log's two keys did not sign."""


class WrongOriginError(LogSignatureError):
    """A checkpoint of another log, or of another epoch of this one."""

    code = "wrong-exchange"

    def __init__(self, claimed: str, expected: str) -> None:
        super().__init__(f"a checkpoint of {claimed}, expected is {expected}")
        self.claimed = claimed


class MissingLogSignatureError(LogSignatureError):
    """One of the log's two signatures is not there."""


class UnknownLogKeyError(LogSignatureError):
    """A signature in the log's name by a key that is not one of its two."""


class BadLogSignatureError(LogSignatureError):
    """A signature by one of the log's keys that does not verify."""


@dataclass(frozen=True, slots=True)
class LogPublicKeys:
    """A log's public keys: Ed25519 (32 bytes, RFC 8032) and ML-DSA-44 (1,312 bytes, FIPS 204).

    Raises:
        KeyNotSoundError: another length, or an Ed25519 point that is not canonical or not of prime order.
    """

    ed25519: bytes
    ml_dsa_44: bytes

    def __post_init__(self) -> None:
        if not is_sound_public_key(self.ed25519):
            raise KeyNotSoundError("the log's Ed25519 key is no point of prime order in its one spelling of 32 bytes")
        if len(self.ml_dsa_44) != ML_DSA_44_KEY_BYTES:
            raise KeyNotSoundError(f"the log's ML-DSA-44 key has {ML_DSA_44_KEY_BYTES} bytes")


@dataclass(frozen=True, slots=True)
class VerifiedInclusion:
    """A leaf that is in the log: its index, and the verified checkpoint that covers it."""

    index: int
    checkpoint: Checkpoint


class LogSigner:
    """The log's two private keys, each from its 32-byte seed."""

    def __init__(self, seed_ed25519: bytes, seed_ml_dsa_44: bytes) -> None:
        self._ed25519 = Ed25519PrivateKey.from_private_bytes(seed_ed25519)
        self._ml_dsa_44 = MLDSA44PrivateKey.from_seed_bytes(seed_ml_dsa_44)
        self.public = LogPublicKeys(
            self._ed25519.public_key().public_bytes_raw(), self._ml_dsa_44.public_key().public_bytes_raw()
        )

    def sign_ed25519(self, message: bytes) -> bytes:
        """Return an Ed25519 signature, 64 bytes."""
        return self._ed25519.sign(message)

    def sign_ml_dsa_44(self, message: bytes) -> bytes:
        """Return a pure ML-DSA-44 signature with an empty context, 2,420 bytes."""
        return self._ml_dsa_44.sign(message)


def sign_checkpoint(checkpoint: Checkpoint, signer: LogSigner) -> bytes:
    """Return the signed note of a checkpoint: its text, then the Ed25519 and the ML-DSA-44 line, in the origin's name.

    Only for a checkpoint whose leaves are committed to disk: what is signed can never be taken back.
    """
    origin, text = checkpoint.origin, format_checkpoint(checkpoint)
    ed25519_id, ml_dsa_id = _compute_key_ids(origin, signer.public)
    timestamped = join_timestamp(NO_TIMESTAMP, signer.sign_ml_dsa_44(_message(checkpoint)))
    lines = (
        NoteSignature(origin, ed25519_id, signer.sign_ed25519(text)),
        NoteSignature(origin, ml_dsa_id, timestamped),
    )
    return format_note(SignedNote(text, lines))


def verify_checkpoint(unverified_note: bytes, expected_origin: str, public_keys: LogPublicKeys) -> Checkpoint:
    """Return the checkpoint that the log at `expected_origin` signed with both of its keys.

    Lines in other names are left alone (C2SP signed-note); in the log's own name exactly these two lines are accepted.

    Raises:
        CodecError: not a note, or its text is not a checkpoint.
        WrongOriginError: another log's, or another epoch's.
        MissingLogSignatureError, UnknownLogKeyError, BadLogSignatureError: not both keys of this log signed it.
    """
    note = parse_note(unverified_note)
    checkpoint = parse_checkpoint(note.text)
    if checkpoint.origin != expected_origin:
        raise WrongOriginError(checkpoint.origin, expected_origin)
    ed25519_signature, ml_dsa_signature = _select_log_signatures(note, expected_origin, public_keys)
    _verify_ed25519(public_keys, note.text, ed25519_signature)
    _verify_ml_dsa_44(public_keys, checkpoint, ml_dsa_signature)
    return checkpoint


def verify_proof(
    unverified_proof: bytes, leaf_hash: bytes, expected_origin: str, public_keys: LogPublicKeys
) -> VerifiedInclusion:
    """Return where in the log a leaf stands, from a proof (C2SP tlog-proof), the leaf's own hash and the log's keys.

    Raises:
        CodecError: not a proof.
        LogSignatureError: the checkpoint in it is not this log's.
        InclusionError: the leaf is not shown to be under that checkpoint.
    """
    proof = parse_proof(unverified_proof)
    checkpoint = verify_checkpoint(proof.note, expected_origin, public_keys)
    verify_inclusion(leaf_hash, proof.index, checkpoint.size, proof.hashes, checkpoint.root)
    return VerifiedInclusion(proof.index, checkpoint)


def _message(checkpoint: Checkpoint) -> bytes:
    return format_cosigned_message(checkpoint.origin, NO_TIMESTAMP, checkpoint)


def _compute_key_ids(origin: str, public_keys: LogPublicKeys) -> tuple[bytes, bytes]:
    return (
        compute_key_id(origin, _ED25519_NOTE, public_keys.ed25519),
        compute_key_id(origin, ML_DSA_44_SIGNATURE, public_keys.ml_dsa_44),
    )


def _select_log_signatures(note: SignedNote, origin: str, public_keys: LogPublicKeys) -> tuple[bytes, bytes]:
    found = {line.key_id: line.signature for line in note.signatures if line.name == origin}
    ed25519_id, ml_dsa_id = _compute_key_ids(origin, public_keys)
    for key_id, algorithm in ((ed25519_id, "Ed25519"), (ml_dsa_id, "ML-DSA-44")):
        if key_id not in found:
            raise MissingLogSignatureError(f"no {algorithm} signature by the pinned key of {origin}")
    if len(found) != 2:
        raise UnknownLogKeyError(f"a further signature in the name of {origin}, by a key that is not pinned")
    return found[ed25519_id], found[ml_dsa_id]


def _verify_ed25519(public_keys: LogPublicKeys, text: bytes, signature: bytes) -> None:
    try:
        Ed25519PublicKey.from_public_bytes(public_keys.ed25519).verify(signature, text)
    except InvalidSignature as error:
        raise BadLogSignatureError("the log's Ed25519 signature does not verify") from error


def _verify_ml_dsa_44(public_keys: LogPublicKeys, checkpoint: Checkpoint, timestamped: bytes) -> None:
    try:
        timestamp, signature = split_timestamp(timestamped)
    except CodecError as error:
        raise BadLogSignatureError(f"the log's ML-DSA-44 signature: {error}") from error
    # A log says nothing about time: its Ed25519 half could not say the same, and the halves must agree.
    if timestamp != NO_TIMESTAMP:
        raise BadLogSignatureError("the log's ML-DSA-44 signature bears a time; a log signs none")
    try:
        MLDSA44PublicKey.from_public_bytes(public_keys.ml_dsa_44).verify(signature, _message(checkpoint))
    except InvalidSignature as error:
        raise BadLogSignatureError("the log's ML-DSA-44 signature does not verify") from error
