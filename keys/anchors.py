"""Trust anchors as people hand them over: 24 words (BIP 39) of which the last carries a check, or hexadecimal.

An anchor is 32 bytes, a digest of an agency's roots or of the exchange's sheet. It is read aloud or copied from paper,
so a slip must be caught: eight bits of the last word are a checksum of the rest. The seeds of a root, which are 32
bytes too, are printed and typed in the same way.
"""

import hashlib
from collections.abc import Callable, Sequence

from mnemonic import Mnemonic

from keys.errors import AnchorError
from schemas.codec import b64u_decode, b64u_encode

ANCHOR_BYTES = 32
_WORDS = Mnemonic("english")
_WORD_BITS = 11


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


def find_wrong_word(words: Sequence[str], fits: Callable[[str], bool]) -> int | None:
    """Return which of 24 words of the list (from 1) is wrong, if another in its place makes them one that `fits`.

    The check in the last word tells that something is wrong, not where; whoever knows what the words must lead to (a
    public key, a digest) finds it by trying each word in each place.
    """
    places = [_WORDS.wordlist.index(word) for word in words]
    value = sum(place << (_WORD_BITS * (len(places) - 1 - at)) for at, place in enumerate(places))
    for at, place in enumerate(places):
        shift = _WORD_BITS * (len(places) - 1 - at)
        others = value - (place << shift)
        found = (others + (other << shift) for other in range(len(_WORDS.wordlist)) if other != place)
        if any(_has_true_check(bits) and fits(b64u_encode((bits >> 8).to_bytes(ANCHOR_BYTES))) for bits in found):
            return at + 1
    return None


def _has_true_check(bits: int) -> bool:
    """Return whether the last 8 of 264 bits are the checksum of the others (BIP 39)."""
    return hashlib.sha256((bits >> 8).to_bytes(ANCHOR_BYTES)).digest()[0] == bits & 0xFF
