"""Base58Check: the older form of virtual assets' addresses, with four bytes of a double SHA-256 as checksum."""

from hashlib import sha256

_ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_VALUES = {letter: value for value, letter in enumerate(_ALPHABET)}
_CHECKSUM_BYTES = 4


class Base58Error(ValueError):
    """Text with letters that the alphabet does not have: no 0, O, I, l."""


class Base58ChecksumError(Base58Error):
    """Text of the alphabet whose checksum is wrong."""


def decode_base58(text: str) -> bytes:
    """Return the bytes a text stands for; each leading `1` is a zero byte.

    Raises:
        Base58Error: it has letters outside the alphabet.
    """
    number = 0
    for letter in text:
        if letter not in _VALUES:
            raise Base58Error("a letter that Base58 does not have")
        number = number * len(_ALPHABET) + _VALUES[letter]
    zeros = len(text) - len(text.lstrip(_ALPHABET[0]))
    return bytes(zeros) + number.to_bytes((number.bit_length() + 7) // 8, "big")


def decode_base58check(text: str) -> bytes:
    """Return version and content of an address, without the checksum.

    Raises:
        Base58Error: it has letters outside the alphabet.
        Base58ChecksumError: its checksum is wrong, or it is too short to have one.
    """
    data = decode_base58(text)
    content, checksum = data[:-_CHECKSUM_BYTES], data[-_CHECKSUM_BYTES:]
    if len(data) <= _CHECKSUM_BYTES or sha256(sha256(content).digest()).digest()[:_CHECKSUM_BYTES] != checksum:
        raise Base58ChecksumError("the checksum is wrong")
    return content


def encode_base58check(content: bytes) -> str:
    """Return the address of version and content."""
    data = content + sha256(sha256(content).digest()).digest()[:_CHECKSUM_BYTES]
    number, letters = int.from_bytes(data, "big"), ""
    while number:
        number, value = divmod(number, len(_ALPHABET))
        letters = _ALPHABET[value] + letters
    zeros = len(data) - len(data.lstrip(b"\x00"))
    return _ALPHABET[0] * zeros + letters
