"""Cosignatures (C2SP tlog-cosignature): what a witness adds to a log's note, and how its line is laid out.

A witness of this exchange is an agency; its line stands under the name `{exchange}/witness/{agency}`, whatever the
log's epoch. The bytes here are shapes only: `keys.cosignatures` signs and verifies them.
"""

from schemas.codec import CodecError
from schemas.log.checkpoint import parse_checkpoint
from schemas.log.note import NoteSignature, SignedNote, format_note, parse_note

ML_DSA_44_SIGNATURE = 0x06
"""The signature type of an ML-DSA-44 line: a timestamp, then a signature over the `cosigned_message`."""

NO_TIMESTAMP = 0
"""What a log writes there: it says nothing about time."""

_TIMESTAMP_BYTES = 8


def format_witness_name(exchange: str, agency: str) -> str:
    """Return the name under which an agency cosigns the log of an exchange."""
    return f"{exchange}/witness/{agency}"


def join_timestamp(timestamp: int, signature: bytes) -> bytes:
    """Return what stands in the line: POSIX seconds in 8 bytes, then the signature."""
    return timestamp.to_bytes(_TIMESTAMP_BYTES, "big") + signature


def split_timestamp(unverified_signature: bytes) -> tuple[int, bytes]:
    """Return the POSIX seconds and the signature that a line holds.

    Raises:
        CodecError: it is too short for both.
    """
    if len(unverified_signature) <= _TIMESTAMP_BYTES:
        raise CodecError("a cosignature is a timestamp of 8 bytes and a signature")
    timestamp, signature = unverified_signature[:_TIMESTAMP_BYTES], unverified_signature[_TIMESTAMP_BYTES:]
    return int.from_bytes(timestamp, "big"), signature


def attach_cosignature(unverified_note: bytes, line: NoteSignature) -> bytes:
    """Return the log's note with one cosignature under it, and none of anybody else's. Nothing is verified.

    Raises:
        CodecError: not a note of a checkpoint.
    """
    note = parse_note(unverified_note)
    origin = parse_checkpoint(note.text).origin
    own = tuple(one for one in note.signatures if one.name == origin)
    return format_note(SignedNote(note.text, (*own, line)))
