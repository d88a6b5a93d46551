"""Inclusion proofs that travel (C2SP tlog-proof): a leaf's index, its path, and the signed checkpoint, in one text.

The optional `extra` line is refused: nothing authenticates it. The leaf itself is not in the text, the note is carried
as it is, and nothing is verified here: `keys.log_keys.verify_proof` reads the note and verifies all.
"""

from dataclasses import dataclass

from schemas.codec import MAX_INTEGER, CodecError, b64_std_decode, b64_std_encode
from schemas.log.checkpoint import parse_decimal
from schemas.log.note import MAX_NOTE_BYTES
from schemas.log.tree import HASH_BYTES

MAX_PROOF_HASHES = 53
MAX_PROOF_BYTES = MAX_NOTE_BYTES + 4096

_HEADER = b"c2sp.org/tlog-proof@v1\nindex "


class ProofFormatError(CodecError):
    """Bytes or values that are not the one spelling of a proof (C2SP tlog-proof)."""

    code = "log-proof-malformed"


@dataclass(frozen=True, slots=True)
class LogProof:
    """A leaf's index (from 0), the hashes from its sibling to the root's child, and the checkpoint's signed note."""

    index: int
    hashes: tuple[bytes, ...]
    note: bytes

    def __post_init__(self) -> None:
        if not 0 <= self.index <= MAX_INTEGER:
            raise ProofFormatError("index: a number from 0 to 2^53-1 is expected")
        if len(self.hashes) > MAX_PROOF_HASHES or any(len(value) != HASH_BYTES for value in self.hashes):
            raise ProofFormatError(f"hashes: at most {MAX_PROOF_HASHES}, each of {HASH_BYTES} bytes, are expected")
        if not self.note or len(self.note) > MAX_NOTE_BYTES:
            raise ProofFormatError(f"checkpoint: a note of at most {MAX_NOTE_BYTES} bytes is expected")


def format_proof(proof: LogProof) -> bytes:
    """Return the proof's text: header, index, one line a hash, an empty line, the note as it is."""
    hashes = "".join(f"{b64_std_encode(value)}\n" for value in proof.hashes)
    return _HEADER + f"{proof.index}\n{hashes}\n".encode("ascii") + proof.note


def parse_proof(unverified_data: bytes) -> LogProof:
    """Return the proof whose text is exactly `unverified_data`. Nothing is verified, the note not even read.

    Raises:
        ProofFormatError: another spelling, an `extra` line, or too many bytes or hashes.
    """
    if len(unverified_data) > MAX_PROOF_BYTES:
        raise ProofFormatError(f"a proof of {len(unverified_data)} bytes; at most {MAX_PROOF_BYTES} are accepted")
    head, separator, note = unverified_data.partition(b"\n\n")
    if not separator or not head.startswith(_HEADER):
        raise ProofFormatError("a proof is `c2sp.org/tlog-proof@v1`, an index, hashes, an empty line and a checkpoint")
    try:
        index, *hashes = head[len(_HEADER) :].decode("ascii").split("\n", MAX_PROOF_HASHES + 1)
        return LogProof(parse_decimal(index), tuple(b64_std_decode(value) for value in hashes), note)
    except UnicodeDecodeError as error:
        raise ProofFormatError("index or hashes: not ASCII text") from error
    except ProofFormatError:
        raise
    except CodecError as error:
        raise ProofFormatError(f"index or hashes: {error}") from error
