"""Leaves: exact bytes, one spelling, and a commitment that holds one record only."""

from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.codec import CodecError, b64u_decode, encode_canonical
from schemas.log.leaf import (
    MAX_LEAF_BYTES,
    Leaf,
    LeafClass,
    LeafMismatchError,
    commit_canonical,
    commit_record,
    hash_commitment,
    leaf_bytes,
    leaf_hash,
    make_leaf,
    parse_leaf,
    verify_record,
)
from schemas.log.tree import LogProofError

RECORD = {"type": "message-accepted", "time": "2026-11-21T21:02:25Z", "sender": "GB", "recipients": ["VN"]}
SALT = bytes(range(32))
COMMITMENT = sha256(b"bilateral-leaf/1\x00" + SALT + encode_canonical(RECORD)).digest()
LEAVES = st.builds(make_leaf, st.sampled_from(["public", "private"]), st.binary(min_size=32, max_size=32))
VALUES = st.recursive(
    st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(st.characters(max_codepoint=0x7F), max_size=6), inner, max_size=3)
    ),
    max_leaves=8,
)


def test_a_leaf_is_these_bytes() -> None:
    leaf = make_leaf("private", bytes(32))
    expected = b'{"class":"private","commitment":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","v":1}'
    assert leaf_bytes(leaf) == expected
    assert leaf_hash(leaf) == sha256(b"\x00" + expected).digest()
    assert len(expected) <= MAX_LEAF_BYTES == 128


def test_a_commitment_is_the_salted_hash_of_the_canonical_record() -> None:
    assert commit_record(RECORD, SALT) == COMMITMENT
    assert commit_canonical(encode_canonical(RECORD), SALT) == COMMITMENT


@pytest.mark.parametrize("leaf_class", ["public", "private"])
def test_record_and_salt_open_their_leaf(leaf_class: LeafClass) -> None:
    verify_record(make_leaf(leaf_class, commit_record(RECORD, SALT)), RECORD, SALT)


@given(leaf=LEAVES)
def test_every_leaf_survives_writing_and_reading(leaf: Leaf) -> None:
    assert parse_leaf(leaf_bytes(leaf)) == leaf


@given(leaf=LEAVES, data=st.data())
def test_a_changed_byte_is_refused_or_read_as_another_leaf(leaf: Leaf, data: st.DataObject) -> None:
    original = leaf_bytes(leaf)
    position = data.draw(st.integers(0, len(original) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda value: value != original[position]))
    changed = original[:position] + bytes([byte]) + original[position + 1 :]
    try:
        found = parse_leaf(changed)
    except CodecError:
        return
    assert found.commitment != leaf.commitment
    assert leaf_bytes(found) == changed
    assert leaf_hash(found) != leaf_hash(leaf)


DIGEST = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"


@pytest.mark.parametrize(
    ("problem", "data"),
    [
        ("nothing at all", ""),
        ("a space", f'{{"class":"public", "commitment":"{DIGEST}","v":1}}'),
        ("another order", f'{{"v":1,"class":"public","commitment":"{DIGEST}"}}'),
        ("the class twice", f'{{"class":"public","class":"private","commitment":"{DIGEST}","v":1}}'),
        ("an unknown class", f'{{"class":"secret","commitment":"{DIGEST}","v":1}}'),
        ("no class", f'{{"commitment":"{DIGEST}","v":1}}'),
        ("a further member", f'{{"class":"public","commitment":"{DIGEST}","time":1,"v":1}}'),
        ("another version", f'{{"class":"public","commitment":"{DIGEST}","v":2}}'),
        ("a version that is true", f'{{"class":"public","commitment":"{DIGEST}","v":true}}'),
        ("a version in quotes", f'{{"class":"public","commitment":"{DIGEST}","v":"1"}}'),
        ("the member's name in Python", f'{{"commitment":"{DIGEST}","leaf_class":"public","v":1}}'),
        ("a commitment of 31 bytes", f'{{"class":"public","commitment":"{DIGEST[:-2]}","v":1}}'),
        ("a commitment with stray bits", f'{{"class":"public","commitment":"{DIGEST[:-1]}B","v":1}}'),
        ("a padded commitment", f'{{"class":"public","commitment":"{DIGEST}=","v":1}}'),
        ("too many bytes", f'{{"class":"public","commitment":"{DIGEST * 3}","v":1}}'),
    ],
)
def test_another_spelling_is_refused(problem: str, data: str) -> None:
    with pytest.raises(CodecError):
        parse_leaf(data.encode())


@given(record=VALUES, other=VALUES, salt=st.binary(min_size=32, max_size=32))
def test_a_leaf_opens_for_its_own_record_only(record: Any, other: Any, salt: bytes) -> None:
    leaf = make_leaf("private", commit_record(record, salt))
    verify_record(leaf, record, salt)
    if encode_canonical(record) != encode_canonical(other):
        with pytest.raises(LeafMismatchError):
            verify_record(leaf, other, salt)


@given(bit=st.integers(0, 255))
def test_a_leaf_opens_with_its_own_salt_only(bit: int) -> None:
    salt = bytearray(SALT)
    salt[bit // 8] ^= 1 << bit % 8
    with pytest.raises(LeafMismatchError):
        verify_record(make_leaf("private", COMMITMENT), RECORD, bytes(salt))


@pytest.mark.parametrize("salt", [b"", SALT[:-1], SALT + b"\x00"])
def test_a_salt_of_another_length_opens_nothing_and_commits_to_nothing(salt: bytes) -> None:
    with pytest.raises(LeafMismatchError):
        verify_record(make_leaf("private", COMMITMENT), RECORD, salt)
    with pytest.raises(ValueError, match="32 bytes"):
        commit_record(RECORD, salt)


def test_the_commitment_in_the_leaf_is_the_one_it_was_made_over() -> None:
    assert b64u_decode(make_leaf("public", COMMITMENT).commitment) == COMMITMENT
    with pytest.raises(ValueError, match="32 bytes"):
        make_leaf("public", COMMITMENT[:-1])


def test_a_record_without_canonical_form_is_refused() -> None:
    with pytest.raises(CodecError):
        commit_record({"amount": 1.5}, SALT)
    with pytest.raises(CodecError):
        verify_record(make_leaf("private", COMMITMENT), {"amount": 1.5}, SALT)


def test_the_error_belongs_to_the_proofs() -> None:
    assert issubclass(LeafMismatchError, LogProofError)


@given(st.sampled_from(["public", "private"]), st.binary(min_size=32, max_size=32))
def test_a_commitment_is_hashed_as_the_leaf_over_it(leaf_class: Any, commitment: bytes) -> None:
    assert hash_commitment(leaf_class, commitment) == leaf_hash(make_leaf(leaf_class, commitment))
