"""Base58Check: published addresses read and written, and every single wrong letter found."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.identifiers.base58 import (
    Base58ChecksumError,
    Base58Error,
    decode_base58,
    decode_base58check,
    encode_base58check,
)

VECTORS = {
    "16UwLL9Risc3QfPqBUvKofHmBQ7wMtjvM": "00010966776006953d5567439e5e39f86a0d273bee",
    "TPL66VK2gCXNCD7EJg9pgJRfqcRazjhUZY": "41928c9af0651632157ef27a2cf17ca72c575a4d21",
}
"""From the Bitcoin wiki (technical background of version 1 addresses) and Tron's developer documentation."""
ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


@pytest.mark.parametrize("address", VECTORS)
def test_a_published_address_is_read_and_written(address: str) -> None:
    content = bytes.fromhex(VECTORS[address])
    assert decode_base58check(address) == content
    assert encode_base58check(content) == address


@given(st.binary(min_size=1, max_size=40))
def test_what_is_written_is_read(content: bytes) -> None:
    assert decode_base58check(encode_base58check(content)) == content


@given(st.binary(min_size=21, max_size=21), st.integers(0, 24), st.sampled_from(ALPHABET))
def test_one_wrong_letter_is_found(content: bytes, place: int, letter: str) -> None:
    address = encode_base58check(content)
    wrong = address[:place] + letter + address[place + 1 :]
    if wrong != address:
        with pytest.raises(Base58ChecksumError):
            decode_base58check(wrong)


@pytest.mark.parametrize("text", ["0", "O", "I", "l", "é", "16UwLL9Risc3QfPqBUvKofHmBQ7wMtjv0"])
def test_letters_that_look_alike_are_none(text: str) -> None:
    with pytest.raises(Base58Error):
        decode_base58(text)


@pytest.mark.parametrize("text", ["", "1", "1111"])
def test_what_is_too_short_for_a_checksum_has_none(text: str) -> None:
    with pytest.raises(Base58ChecksumError):
        decode_base58check(text)
