"""Bech32 and Bech32m: the newer form of Bitcoin's addresses (BIP 173, BIP 350); any four wrong letters are found."""

_ALPHABET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_BECH32, _BECH32M = 1, 0x2BC830A3
_CHECKSUM_LETTERS = 6
_MAX_LETTERS = 90
MAX_WITNESS_VERSION = 16


class Bech32Error(ValueError):
    """Text that is no address of this form."""


class Bech32ChecksumError(Bech32Error):
    """Text of the right letters whose checksum is wrong."""


def decode_segwit(text: str) -> tuple[str, int, bytes]:
    """Return prefix, witness version and program of an address (BIP 350).

    Raises:
        Bech32Error: mixed case, other letters, or a program that no version has.
        Bech32ChecksumError: its checksum is wrong, or that of the other of the two forms.
    """
    prefix, values = _split(text)
    expected = _BECH32 if values[0] == 0 else _BECH32M
    if _compute_checksum(_expand(prefix) + values) != expected:
        raise Bech32ChecksumError("the checksum is wrong")
    version, program = values[0], _join_bits(values[1:-_CHECKSUM_LETTERS])
    is_of_no_version = version > MAX_WITNESS_VERSION or not 2 <= len(program) <= 40
    if is_of_no_version or (version == 0 and len(program) not in {20, 32}):
        raise Bech32Error("no witness version has such a program")
    return prefix, version, program


def encode_segwit(prefix: str, version: int, program: bytes) -> str:
    """Return the address of a program: Bech32 for version 0, Bech32m for the others (BIP 350)."""
    values = [version, *_split_bits(program)]
    constant = _BECH32 if version == 0 else _BECH32M
    remainder = _compute_checksum([*_expand(prefix), *values, *([0] * _CHECKSUM_LETTERS)]) ^ constant
    checksum = [remainder >> 5 * (_CHECKSUM_LETTERS - 1 - place) & 31 for place in range(_CHECKSUM_LETTERS)]
    return f"{prefix}1{''.join(_ALPHABET[value] for value in (*values, *checksum))}"


def _split(text: str) -> tuple[str, list[int]]:
    lower = text.lower()
    if text not in {lower, text.upper()} or not text.isascii() or len(text) > _MAX_LETTERS:
        raise Bech32Error("an address is of one case, in ASCII, and of at most 90 letters")
    prefix, separator, rest = lower.rpartition("1")
    if not prefix or not separator or len(rest) <= _CHECKSUM_LETTERS or not set(rest) <= set(_ALPHABET):
        raise Bech32Error("a prefix, 1, and letters of the alphabet are expected")
    return prefix, [_ALPHABET.index(letter) for letter in rest]


def _expand(prefix: str) -> list[int]:
    return [ord(letter) >> 5 for letter in prefix] + [0] + [ord(letter) & 31 for letter in prefix]


def _compute_checksum(values: list[int]) -> int:
    checksum = 1
    for value in values:
        top = checksum >> 25
        checksum = (checksum & 0x1FFFFFF) << 5 ^ value
        for place, factor in enumerate(_GENERATOR):
            checksum ^= factor if top >> place & 1 else 0
    return checksum


def _join_bits(values: list[int]) -> bytes:
    bits = "".join(f"{value:05b}" for value in values)
    whole = len(bits) // 8 * 8
    if len(bits) - whole > 4 or "1" in bits[whole:]:
        raise Bech32Error("bits are left over")
    return bytes(int(bits[at : at + 8], 2) for at in range(0, whole, 8))


def _split_bits(data: bytes) -> list[int]:
    bits = "".join(f"{byte:08b}" for byte in data)
    bits += "0" * (-len(bits) % 5)
    return [int(bits[at : at + 5], 2) for at in range(0, len(bits), 5)]
