"""Checkpoints (C2SP tlog-checkpoint): a log's origin, size and root as three lines of text, and what is signed of them.

Extension lines are refused: the ML-DSA-44 signature does not cover them. Who signed is `schemas.log.note`'s and
`keys.log_keys`' business.
"""

import re
from dataclasses import dataclass

from schemas.codec import MAX_INTEGER, CodecError, b64_std_decode, b64_std_encode
from schemas.log.note import NoteError, verify_key_name
from schemas.log.tree import EMPTY_ROOT, HASH_BYTES

_LINES = re.compile(rb"([^\n]+)\n([^\n]+)\n([^\n]+)\n")
_DECIMAL = re.compile(r"0|[1-9][0-9]{0,15}")
_COSIGNED_LABEL = b"subtree/v1\n\x00"


class CheckpointError(CodecError):
    """Bytes or values that are not the one spelling of a checkpoint (C2SP tlog-checkpoint)."""

    code = "checkpoint-malformed"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A tree head: the log it speaks for, how many leaves, and the 32-byte root over them."""

    origin: str
    size: int
    root: bytes

    def __post_init__(self) -> None:
        try:
            verify_key_name(self.origin)
        except NoteError as error:
            raise CheckpointError(f"origin: {error}") from error
        if not 0 <= self.size <= MAX_INTEGER:
            raise CheckpointError("size: a number of leaves from 0 to 2^53-1 is expected")
        if len(self.root) != HASH_BYTES or (self.size == 0 and self.root != EMPTY_ROOT):
            raise CheckpointError(f"root: {HASH_BYTES} bytes are expected, for an empty log the hash of nothing")


def format_checkpoint(checkpoint: Checkpoint) -> bytes:
    """Return the text a log signs: three lines, each ending in a newline."""
    return f"{checkpoint.origin}\n{checkpoint.size}\n{b64_std_encode(checkpoint.root)}\n".encode("ascii")


def parse_checkpoint(unverified_text: bytes) -> Checkpoint:
    """Return the checkpoint whose text is exactly `unverified_text`.

    Raises:
        CheckpointError: another spelling, or extension lines.
    """
    lines = _LINES.fullmatch(unverified_text)
    if not lines:
        raise CheckpointError("a checkpoint is three lines: origin, size, root")
    try:
        origin, size, root = (line.decode("ascii") for line in lines.groups())
        return Checkpoint(origin, parse_decimal(size), b64_std_decode(root))
    except UnicodeDecodeError as error:
        raise CheckpointError("a checkpoint is ASCII text") from error
    except CheckpointError:
        raise
    except CodecError as error:
        raise CheckpointError(str(error)) from error


def parse_decimal(unverified_text: str) -> int:
    """Return the number whose one decimal spelling is `unverified_text`: no sign, no leading zero, below 2^53.

    Raises:
        CodecError: it is not.
    """
    if not _DECIMAL.fullmatch(unverified_text) or int(unverified_text) > MAX_INTEGER:
        raise CodecError("not a decimal number from 0 to 2^53-1 without leading zeros")
    return int(unverified_text)


def format_cosigned_message(cosigner: str, timestamp: int, checkpoint: Checkpoint) -> bytes:
    """Return what an ML-DSA-44 key signs of a checkpoint: the `cosigned_message` of C2SP tlog-cosignature, start 0.

    `cosigner` is the key's name, `timestamp` POSIX seconds, 0 where the signer says nothing about time.

    Raises:
        NoteError: the name is not a key name.
    """
    verify_key_name(cosigner)
    return b"".join(
        (
            _COSIGNED_LABEL,
            _prefix_length(cosigner),
            timestamp.to_bytes(8, "big"),
            _prefix_length(checkpoint.origin),
            (0).to_bytes(8, "big"),
            checkpoint.size.to_bytes(8, "big"),
            checkpoint.root,
        )
    )


def _prefix_length(name: str) -> bytes:
    return bytes([len(name)]) + name.encode("ascii")
