"""Addresses of virtual assets, each by the rule of its chain: by its checksum where it has one, else by its length."""

import re
from collections.abc import Callable

from schemas.coded import CodedValue
from schemas.identifiers.base58 import Base58ChecksumError, Base58Error, decode_base58, decode_base58check
from schemas.identifiers.bech32 import Bech32ChecksumError, Bech32Error, decode_segwit
from schemas.identifiers.checked import Checked, Finding, explain
from schemas.identifiers.keccak import compute_keccak_256

_HEX = re.compile(r"(0[xX])?[0-9a-fA-F]*")
_HEX_ADDRESS = re.compile(r"0[xX][0-9a-fA-F]{40}")
_BASE58_LETTERS = range(25, 37)
_HASH_BYTES, _SOLANA_KEY_BYTES = 20, 32


class Chain(CodedValue):
    """A chain in which an address can stand."""

    BITCOIN = "bitcoin", "Bitcoin"
    LITECOIN = "litecoin", "Litecoin"
    ETHEREUM = "ethereum", "Ethereum"
    BNB_SMART_CHAIN = "bnb-smart-chain", "BNB Smart Chain"
    POLYGON = "polygon", "Polygon"
    TRON = "tron", "Tron"
    SOLANA = "solana", "Solana"
    MONERO = "monero", "Monero"
    OTHER = "other", "Another chain, in the note"


def check_wallet(as_seen: str, chain: Chain) -> Checked:
    """Check an address by the rule of its chain, and say so where it is one of another chain."""
    text = as_seen.strip()
    rule = _RULES.get(chain)
    if not text:
        return explain(as_seen, None, Finding.WRONG_LENGTH)
    if rule is None:
        return explain(as_seen, text, Finding.NO_RULE)
    checked = rule(text)
    other = (_RULES[chain](text) for chain in _WITH_CHECKSUM if _RULES[chain] is not rule)
    if not checked.is_valid and (of_other := next((found for found in other if found.is_valid), None)) is not None:
        return explain(as_seen, of_other.normalised, Finding.OTHER_CHAIN)
    return explain(as_seen, checked.normalised, *checked.findings)


def write_checksummed(hex_address: str) -> str:
    """Return an address of 40 hexadecimal digits with its checksum in the case of its letters (EIP-55)."""
    digits = hex_address[2:].lower()
    marks = compute_keccak_256(digits.encode("ascii")).hex()
    return "0x" + "".join(digit.upper() if mark >= "8" else digit for digit, mark in zip(digits, marks, strict=False))


def _check_hex(text: str) -> Checked:
    if not _HEX.fullmatch(text):
        return explain(text, None, Finding.WRONG_CHARACTERS)
    if not _HEX_ADDRESS.fullmatch(text):
        return explain(text, None, Finding.WRONG_LENGTH)
    right, digits = write_checksummed(text), text[2:]
    if digits in {digits.lower(), digits.upper()} and right != text:
        return explain(text, right, Finding.NO_CHECK_DIGIT)
    return explain(text, right, Finding.VALID if right[2:] == digits else Finding.WRONG_CHECK_DIGIT)


def _check_base58(text: str, versions: bytes) -> Checked:
    if len(text) not in _BASE58_LETTERS:
        return explain(text, None, Finding.WRONG_LENGTH)
    try:
        content = decode_base58check(text)
    except Base58ChecksumError:
        return explain(text, text, Finding.WRONG_CHECK_DIGIT)
    except Base58Error:
        return explain(text, None, Finding.WRONG_CHARACTERS)
    if len(content) != 1 + _HASH_BYTES:
        return explain(text, None, Finding.WRONG_LENGTH)
    return explain(text, text, Finding.VALID if content[0] in versions else Finding.UNKNOWN_PREFIX)


def _check_segwit(text: str, prefix: str) -> Checked:
    try:
        found, _, _ = decode_segwit(text)
    except Bech32ChecksumError:
        return explain(text, text.lower(), Finding.WRONG_CHECK_DIGIT)
    except Bech32Error:
        return explain(text, None, Finding.WRONG_CHARACTERS)
    return explain(text, text.lower(), Finding.VALID if found == prefix else Finding.UNKNOWN_PREFIX)


def _check_bitcoin_like(prefix: str, versions: bytes) -> Callable[[str], Checked]:
    def check(text: str) -> Checked:
        is_segwit = text.lower().startswith(f"{prefix}1")
        return _check_segwit(text, prefix) if is_segwit else _check_base58(text, versions)

    return check


def _check_tron(text: str) -> Checked:
    return _check_base58(text, b"\x41")


def _check_solana(text: str) -> Checked:
    try:
        key = decode_base58(text)
    except Base58Error:
        return explain(text, None, Finding.WRONG_CHARACTERS)
    is_key = len(key) == _SOLANA_KEY_BYTES
    return explain(text, text if is_key else None, Finding.NO_CHECK_DIGIT if is_key else Finding.WRONG_LENGTH)


_RULES: dict[Chain, Callable[[str], Checked]] = {
    Chain.BITCOIN: _check_bitcoin_like("bc", b"\x00\x05"),
    Chain.LITECOIN: _check_bitcoin_like("ltc", b"\x30\x32"),
    Chain.ETHEREUM: _check_hex,
    Chain.BNB_SMART_CHAIN: _check_hex,
    Chain.POLYGON: _check_hex,
    Chain.TRON: _check_tron,
    Chain.SOLANA: _check_solana,
}
_WITH_CHECKSUM = (Chain.BITCOIN, Chain.LITECOIN, Chain.ETHEREUM, Chain.TRON)
