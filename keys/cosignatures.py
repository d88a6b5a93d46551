"""What a witness signs of a log: a checkpoint and the moment it saw it, by the agency's ML-DSA-44 `witness` key.

A cosignature says that its agency holds a log of which this checkpoint is the newest state, consistent with all it
signed before (C2SP tlog-cosignature). Whether that is so, the agency finds out before it signs; whether the key is in
force, `keys.timeline` says; the log's own two lines are the business of `keys.log_keys`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from keys.algorithms import verify_signature
from keys.errors import SignatureError
from schemas.codec import CodecError
from schemas.jwk import AkpJwk, Algorithm, OkpJwk
from schemas.key_documents import KeySet
from schemas.log.checkpoint import Checkpoint, format_cosigned_message, parse_checkpoint
from schemas.log.cosignature import ML_DSA_44_SIGNATURE, join_timestamp, split_timestamp
from schemas.log.note import NoteSignature, SignedNote, compute_key_id, parse_note
from schemas.model import LATEST_TIME
from schemas.signed import KeyUse


class CosignatureError(SignatureError):
    """A note that this witness did not cosign."""


class MissingCosignatureError(CosignatureError):
    """No line stands in the witness' name."""


class DuplicateCosignatureError(CosignatureError):
    """More than one line stands in the witness' name."""


class UnknownCosignatureKeyError(CosignatureError):
    """The line in the witness' name is by another key than the witness has."""


class BadCosignatureError(CosignatureError):
    """The line in the witness' name does not verify, or bears no time."""


class CosigningKey(Protocol):
    """One ML-DSA-44 private key; `keys.algorithms.SigningKey` is one, and a hardware module can be."""

    @property
    def jwk(self) -> OkpJwk | AkpJwk:
        """Return the public key."""

    def sign(self, data: bytes) -> bytes:
        """Return a pure ML-DSA-44 signature with an empty context."""


@dataclass(frozen=True, slots=True)
class Cosigned:
    """A checkpoint that a witness signed, and when: POSIX seconds, above zero."""

    checkpoint: Checkpoint
    timestamp: int

    @property
    def time(self) -> datetime:
        """Return when the witness signed, in UTC."""
        return datetime.fromtimestamp(self.timestamp, UTC)


def cosign_checkpoint(checkpoint: Checkpoint, name: str, signer: CosigningKey, at: datetime) -> NoteSignature:
    """Return the line by which the witness `name` says that it saw `checkpoint` at the moment `at`.

    Only for a checkpoint that was found consistent with everything this witness signed before, and is kept durably.

    Raises:
        CosignatureError: the key is not ML-DSA-44, or the moment is not after 1970.
        NoteError: `name` is no key name.
    """
    timestamp = int(at.timestamp())
    if signer.jwk.algorithm is not Algorithm.ML_DSA_44 or timestamp <= 0:
        raise CosignatureError("a cosignature is made by an ML-DSA-44 key, at a time after 1970")
    signature = signer.sign(format_cosigned_message(name, timestamp, checkpoint))
    key_id = compute_key_id(name, ML_DSA_44_SIGNATURE, signer.jwk.public_bytes)
    return NoteSignature(name, key_id, join_timestamp(timestamp, signature))


def verify_cosignature(unverified_note: bytes, name: str, public_key: AkpJwk) -> Cosigned:
    """Return the checkpoint under `unverified_note` and when the witness `name` signed it with `public_key`.

    Every other line is left alone, the log's own too: verify those with `keys.log_keys.verify_checkpoint`.

    Raises:
        CodecError: not a note, or its text is not a checkpoint.
        MissingCosignatureError, DuplicateCosignatureError, UnknownCosignatureKeyError, BadCosignatureError: this
            witness did not sign it with this key, once, at some time.
    """
    note = parse_note(unverified_note)
    checkpoint = parse_checkpoint(note.text)
    line = _select_line(note, name)
    if line.key_id != _compute_key_id(name, public_key):
        raise UnknownCosignatureKeyError(f"the cosignature of {name} is by another key than the one in force")
    return Cosigned(checkpoint, _verify_line(line, name, public_key, checkpoint))


def find_cosigner(unverified_note: bytes, name: str, public_keys: Iterable[AkpJwk]) -> AkpJwk:
    """Return which of a witness' keys its line names; the signature is not verified.

    Raises:
        CodecError: not a note.
        MissingCosignatureError, DuplicateCosignatureError, UnknownCosignatureKeyError: none of them is named, once.
    """
    line = _select_line(parse_note(unverified_note), name)
    for public_key in public_keys:
        if line.key_id == _compute_key_id(name, public_key):
            return public_key
    raise UnknownCosignatureKeyError(f"the cosignature of {name} is by none of its witness keys in force")


def list_witness_keys(key_set: KeySet) -> tuple[AkpJwk, ...]:
    """Return the public witness keys of a key set."""
    return tuple(
        key.jwk
        for operational in key_set.keys
        if operational.use is KeyUse.WITNESS
        for key in operational.keys
        if isinstance(key.jwk, AkpJwk)
    )


def _select_line(note: SignedNote, name: str) -> NoteSignature:
    lines = [line for line in note.signatures if line.name == name]
    if not lines:
        raise MissingCosignatureError(f"no cosignature of {name} stands under the note")
    if len(lines) > 1:
        raise DuplicateCosignatureError(f"{len(lines)} cosignatures of {name} stand under the note")
    return lines[0]


def _compute_key_id(name: str, public_key: AkpJwk) -> bytes:
    return compute_key_id(name, ML_DSA_44_SIGNATURE, public_key.public_bytes)


def _verify_line(line: NoteSignature, name: str, public_key: AkpJwk, checkpoint: Checkpoint) -> int:
    try:
        timestamp, signature = split_timestamp(line.signature)
    except CodecError as error:
        raise BadCosignatureError(f"the cosignature of {name}: {error}") from error
    if not 0 < timestamp <= LATEST_TIME.timestamp():
        raise BadCosignatureError(f"the cosignature of {name} bears no time")
    try:
        verify_signature(public_key, signature, format_cosigned_message(name, timestamp, checkpoint))
    except SignatureError as error:
        raise BadCosignatureError(f"the cosignature of {name} does not verify") from error
    return timestamp
