"""Keyed references: equal under one key and purpose, unrelated under any other."""

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keys.references import REFERENCE_BYTES, compute_reference

KEY, OTHER = bytes(32), bytes([1]) * 32


def test_a_reference_is_hmac_sha256_over_purpose_and_text() -> None:
    expected = hmac.digest(KEY, b"\x00\x04name" + b"ERIKSSON", hashlib.sha256)
    assert compute_reference(KEY, "name", "ERIKSSON") == expected


@given(st.text(max_size=8), st.text(max_size=8))
def test_purpose_and_text_never_run_into_each_other(purpose: str, text: str) -> None:
    name = purpose.encode(errors="replace").decode()
    moved = compute_reference(KEY, name + "x", text)
    assert moved != compute_reference(KEY, name, "x" + text)
    assert len(moved) == REFERENCE_BYTES


def test_another_key_gives_another_reference() -> None:
    assert compute_reference(KEY, "name", "ERIKSSON") != compute_reference(OTHER, "name", "ERIKSSON")


@pytest.mark.parametrize("key", [b"", bytes(31), bytes(33)])
def test_a_key_of_another_length_is_refused(key: bytes) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        compute_reference(key, "name", "ERIKSSON")
