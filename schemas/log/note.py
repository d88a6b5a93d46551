"""Signed notes (C2SP signed-note): a text and the signature lines under it, in one accepted spelling.

Narrower than the public text in two places: key names are printable ASCII, and no name and key ID stand under a note
twice. Signatures are opaque bytes here; `keys.log_keys` makes and verifies them.
"""

import re
from dataclasses import dataclass
from hashlib import sha256

from schemas.codec import CodecError, b64_std_decode, b64_std_encode

MAX_NOTE_BYTES = 128 * 1024
MAX_SIGNATURES = 32
MAX_NAME_BYTES = 255
KEY_ID_BYTES = 4

_SIGNATURE_LINE = re.compile(r"— ([^ ]+) ([^ ]+)")
_KEY_NAME = re.compile(r"[!-*,-~]{1,255}")
_FORBIDDEN_CONTROL = re.compile(rb"[\x00-\x09\x0b-\x1f]")


class NoteError(CodecError):
    """Bytes that are not the one spelling of a signed note (C2SP signed-note)."""

    code = "note-malformed"


@dataclass(frozen=True, slots=True)
class NoteSignature:
    """One signature line: who is said to sign, by which key (4 bytes of its hash), and the signature's bytes."""

    name: str
    key_id: bytes
    signature: bytes

    def __post_init__(self) -> None:
        verify_key_name(self.name)
        if len(self.key_id) != KEY_ID_BYTES or not self.signature:
            raise NoteError(f"signature by {self.name}: a key ID of {KEY_ID_BYTES} bytes and a signature are expected")


@dataclass(frozen=True, slots=True)
class SignedNote:
    """A note: the signed text, its final newline included, and at least one signature."""

    text: bytes
    signatures: tuple[NoteSignature, ...]

    def __post_init__(self) -> None:
        _verify_text(self.text)
        if not 1 <= len(self.signatures) <= MAX_SIGNATURES:
            raise NoteError(f"a note has 1 to {MAX_SIGNATURES} signatures, not {len(self.signatures)}")
        if len({(line.name, line.key_id) for line in self.signatures}) != len(self.signatures):
            raise NoteError("one key signs the note twice")


def verify_key_name(unverified_name: str) -> None:
    """Verify that a key's name is 1 to 255 printable ASCII characters without space and plus.

    Raises:
        NoteError: it is not.
    """
    if not _KEY_NAME.fullmatch(unverified_name):
        raise NoteError(f"a key name is 1 to {MAX_NAME_BYTES} printable ASCII characters without space and plus")


def compute_key_id(name: str, signature_type: int, public_key: bytes) -> bytes:
    """Return the 4 bytes that name a key in its signature line: SHA-256(name ‖ 0A ‖ type ‖ key)[:4]."""
    return sha256(name.encode("ascii") + b"\n" + bytes([signature_type]) + public_key).digest()[:KEY_ID_BYTES]


def format_note(note: SignedNote) -> bytes:
    """Return the note's bytes: text, an empty line, one line a signature."""
    return note.text + b"\n" + b"".join(_format_signature(line) for line in note.signatures)


def parse_note(unverified_data: bytes) -> SignedNote:
    """Return the note whose bytes are exactly `unverified_data`. Its signatures are not verified.

    Raises:
        NoteError: another spelling, too many bytes or signatures, or one key twice.
    """
    if len(unverified_data) > MAX_NOTE_BYTES:
        raise NoteError(f"a note of {len(unverified_data)} bytes; at most {MAX_NOTE_BYTES} are accepted")
    head, separator, block = unverified_data.rpartition(b"\n\n")
    if not separator or not block.endswith(b"\n"):
        raise NoteError("a note is a text, an empty line, and signature lines that each end in a newline")
    lines = _decode_block(block).split("\n")[:-1]
    return SignedNote(head + b"\n", tuple(_parse_signature(line) for line in lines))


def _verify_text(text: bytes) -> None:
    if not text.endswith(b"\n"):
        raise NoteError("a note's text ends in a newline")
    if _FORBIDDEN_CONTROL.search(text):
        raise NoteError("a note's text has no control character but the newline")
    try:
        text.decode("utf-8")
    except UnicodeDecodeError as error:
        raise NoteError(f"byte {error.start} of the note's text is not UTF-8") from error


def _decode_block(block: bytes) -> str:
    try:
        return block.decode("utf-8")
    except UnicodeDecodeError as error:
        raise NoteError("a signature line is not UTF-8") from error


def _format_signature(line: NoteSignature) -> bytes:
    return f"— {line.name} {b64_std_encode(line.key_id + line.signature)}\n".encode()


def _parse_signature(unverified_line: str) -> NoteSignature:
    parts = _SIGNATURE_LINE.fullmatch(unverified_line)
    if not parts:
        raise NoteError("a signature line is an em dash, a key name and base64, one space between them")
    try:
        blob = b64_std_decode(parts[2])
    except CodecError as error:
        raise NoteError(f"signature by {parts[1]}: {error}") from error
    return NoteSignature(parts[1], blob[:KEY_ID_BYTES], blob[KEY_ID_BYTES:])
