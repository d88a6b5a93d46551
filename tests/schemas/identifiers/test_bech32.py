"""Bech32 and Bech32m: the vectors of BIP 173 and BIP 350, and every single wrong letter found."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.identifiers.bech32 import Bech32ChecksumError, Bech32Error, decode_segwit, encode_segwit

VALID = {
    "BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4": ("bc", 0, "751e76e8199196d454941c45d1b3a323f1433bd6"),
    "tb1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3q0sl5k7": (
        "tb",
        0,
        "1863143c14c5166804bd19203356da136c985678cd4d27a1b8c6329604903262",
    ),
    "bc1pw508d6qejxtdg4y5r3zarvary0c5xw7kw508d6qejxtdg4y5r3zarvary0c5xw7kt5nd6y": (
        "bc",
        1,
        "751e76e8199196d454941c45d1b3a323f1433bd6751e76e8199196d454941c45d1b3a323f1433bd6",
    ),
    "BC1SW50QGDZ25J": ("bc", 16, "751e"),
    "bc1zw508d6qejxtdg4y5r3zarvaryvaxxpcs": ("bc", 2, "751e76e8199196d454941c45d1b3a323"),
    "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0": (
        "bc",
        1,
        "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798",
    ),
}
INVALID = [
    "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqh2y7hd",
    "BC1S0XLXVLHEMJA6C4DQV22UAPCTQUPFHLXM9H8Z3K2E72Q4K9HCZ7VQ54WELL",
    "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kemeawh",
    "bc1p38j9r5y49hruaue7wxjce0updqjuyyx0kh56v8s25huc6995vvpql3jow4",
    "BC130XLXVLHEMJA6C4DQV22UAPCTQUPFHLXM9H8Z3K2E72Q4K9HCZ7VQ7ZWS8R",
    "bc1pw5dgrnzv",
    "BC1QR508D6QEJXTDG4Y5R3ZARVARYV98GJ9P",
    "bc1gmk9yu",
    "Bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
]
ALPHABET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"


@pytest.mark.parametrize("address", VALID)
def test_a_published_address_is_read_and_written(address: str) -> None:
    prefix, version, program = VALID[address]
    assert decode_segwit(address) == (prefix, version, bytes.fromhex(program))
    assert encode_segwit(prefix, version, bytes.fromhex(program)) == address.lower()


@pytest.mark.parametrize("address", INVALID)
def test_what_the_standard_calls_invalid_is_refused(address: str) -> None:
    with pytest.raises(Bech32Error):
        decode_segwit(address)


@given(st.integers(0, 1), st.binary(min_size=32, max_size=32), st.integers(5, 40), st.sampled_from(ALPHABET))
def test_one_wrong_letter_is_found(version: int, program: bytes, place: int, letter: str) -> None:
    address = encode_segwit("bc", version, program)
    wrong = address[:place] + letter + address[place + 1 :]
    if wrong != address:
        with pytest.raises(Bech32ChecksumError):
            decode_segwit(wrong)


@given(st.integers(1, 16), st.binary(min_size=2, max_size=40))
def test_what_is_written_is_read(version: int, program: bytes) -> None:
    assert decode_segwit(encode_segwit("bc", version, program)) == ("bc", version, program)


@given(st.text(max_size=100))
def test_whatever_is_read_only_the_named_error_comes_out(text: str) -> None:
    try:
        decode_segwit(text)
    except Bech32Error:
        return
