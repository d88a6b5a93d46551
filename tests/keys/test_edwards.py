"""Sound Ed25519 keys and the eight spellings of trouble."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from keys.edwards import P, is_sound_public_key

SMALL_ORDER = [
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
]


@given(st.binary(min_size=32, max_size=32))
def test_every_key_openssl_makes_is_sound(seed: bytes) -> None:
    public = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
    assert is_sound_public_key(public)


@pytest.mark.parametrize("encoding", SMALL_ORDER)
def test_a_point_of_small_order_is_not_sound(encoding: str) -> None:
    assert not is_sound_public_key(bytes.fromhex(encoding))


def test_a_point_of_mixed_order_is_not_sound() -> None:
    # The sum of a key and the point of order two: a signature could be made to fit other messages under it.
    public = Ed25519PrivateKey.from_private_bytes(bytes(32)).public_key().public_bytes_raw()
    number = int.from_bytes(public, "little")
    sign, y = number >> 255, number & ((1 << 255) - 1)
    twin = (P - y) | ((1 - sign) << 255)
    assert not is_sound_public_key(twin.to_bytes(32, "little"))


@pytest.mark.parametrize("y", [P, P + 1, (1 << 255) - 1])
def test_a_number_above_the_field_is_not_canonical(y: int) -> None:
    assert not is_sound_public_key(y.to_bytes(32, "little"))


@pytest.mark.parametrize("length", [0, 31, 33])
def test_another_length_is_no_key(length: int) -> None:
    assert not is_sound_public_key(bytes(length))


def test_a_number_that_is_no_point_is_no_key() -> None:
    assert not is_sound_public_key((2).to_bytes(32, "little"))
