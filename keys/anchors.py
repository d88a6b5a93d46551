"""Trust anchors as people hand them over: 24 words (BIP 39) of which the last carries a check, or hexadecimal.

An anchor is 32 bytes, a digest of an agency's roots or of the exchange's sheet. It is read aloud or copied from paper,
so a slip must be caught: eight bits of the last word are a checksum of the rest.
"""

from mnemonic import Mnemonic

from keys.errors import AnchorError
from schemas.codec import b64u_decode, b64u_encode

ANCHOR_BYTES = 32
_WORDS = Mnemonic("english")


def format_anchor_words(anchor: str) -> str:
    """Return a base64url anchor as 24 words."""
    return str(_WORDS.to_mnemonic(b64u_decode(anchor)))


def format_anchor_hex(anchor: str) -> str:
    """Return a base64url anchor as hexadecimal in groups of four."""
    text = b64u_decode(anchor).hex()
    return " ".join(text[at : at + 4] for at in range(0, len(text), 4))


def parse_anchor(unverified_text: str) -> str:
    """Return the base64url anchor of what was typed in: words, hexadecimal, or base64url.

    Raises:
        AnchorError: a word that is not in the list, a failed check word, or another length.
    """
    words = unverified_text.lower().split()
    if len(words) == 24:
        return _parse_words(words)
    compact = "".join(words)
    if len(compact) == 2 * ANCHOR_BYTES:
        try:
            return b64u_encode(bytes.fromhex(compact))
        except ValueError as error:
            raise AnchorError("the anchor is neither 24 words nor 64 hexadecimal digits") from error
    try:
        if len(b64u_decode(unverified_text.strip())) == ANCHOR_BYTES:
            return unverified_text.strip()
    except ValueError as error:
        raise AnchorError("the anchor is neither 24 words nor 64 hexadecimal digits") from error
    raise AnchorError("the anchor is neither 24 words nor 64 hexadecimal digits")


def _parse_words(words: list[str]) -> str:
    unknown = [word for word in words if word not in _WORDS.wordlist]
    if unknown:
        raise AnchorError(f"word {words.index(unknown[0]) + 1} is not in the list: check its spelling")
    try:
        return b64u_encode(bytes(_WORDS.to_entropy(words)))
    except ValueError as error:
        raise AnchorError("the check word does not fit: one word is wrong or two were swapped") from error
