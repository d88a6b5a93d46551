"""Leaves: what the tree's leaves say, and how a record stays secret behind one.

A leaf holds a class and a commitment, the hash of a 32-byte salt and the record. Whoever is given record and salt can
verify it; once both are erased, the leaf says nothing. What records there are is not known here.
"""

from typing import Any, Literal

from pydantic import ConfigDict, Field

from schemas.codec import b64u_decode, b64u_encode, encode_canonical, hash_domain
from schemas.log.tree import LogProofError, hash_leaf
from schemas.model import Digest, WireModel

SALT_BYTES = 32
MAX_LEAF_BYTES = 128

LeafClass = Literal["public", "private"]


class LeafMismatchError(LogProofError):
    """The leaf does not commit to this record and salt."""

    code = "record-not-of-leaf"


class Leaf(WireModel):
    """One leaf. A `public` leaf's record any member may read; a `private` one's only those it concerns."""

    model_config = ConfigDict(serialize_by_alias=True)

    v: Literal[1]
    leaf_class: LeafClass = Field(alias="class")
    commitment: Digest


def make_leaf(leaf_class: LeafClass, commitment: bytes) -> Leaf:
    """Return the leaf over a 32-byte commitment."""
    return Leaf.model_validate({"v": 1, "class": leaf_class, "commitment": b64u_encode(commitment)})


def leaf_bytes(leaf: Leaf) -> bytes:
    """Return the bytes the tree hashes: the leaf's canonical JSON."""
    return leaf.canonical()


def leaf_hash(leaf: Leaf) -> bytes:
    """Return the leaf's hash in the tree, 32 bytes."""
    return hash_leaf(leaf.canonical())


def hash_commitment(leaf_class: LeafClass, commitment: bytes) -> bytes:
    """Return the hash of the leaf over a 32-byte commitment: `leaf_hash(make_leaf(…))`, its two members spelt out."""
    text = f'{{"class":"{leaf_class}","commitment":"{b64u_encode(commitment)}","v":1}}'
    return hash_leaf(text.encode("ascii"))


def parse_leaf(unverified_data: bytes) -> Leaf:
    """Return the leaf whose canonical JSON is exactly `unverified_data`.

    Raises:
        CodecError: another spelling, or no leaf.
    """
    return Leaf.from_canonical(unverified_data, max_bytes=MAX_LEAF_BYTES)


def commit_record(record: Any, salt: bytes) -> bytes:
    """Return the 32-byte commitment to a record (a JSON value): hash("leaf", salt ‖ canonical record).

    Raises:
        CodecError: the record has no canonical JSON.
        ValueError: the salt is not 32 bytes.
    """
    return commit_canonical(encode_canonical(record), salt)


def commit_canonical(record: bytes, salt: bytes) -> bytes:
    """Return the 32-byte commitment to a record that is already canonical JSON.

    Raises:
        ValueError: the salt is not 32 bytes.
    """
    if len(salt) != SALT_BYTES:
        raise ValueError(f"a record's salt has {SALT_BYTES} bytes, not {len(salt)}")
    return hash_domain("leaf", salt, record)


def verify_record(leaf: Leaf, record: Any, salt: bytes) -> None:
    """Verify that `leaf` commits to this record (a JSON value) and salt.

    Raises:
        LeafMismatchError: it does not.
        CodecError: the record has no canonical JSON.
    """
    if len(salt) != SALT_BYTES or commit_record(record, salt) != b64u_decode(leaf.commitment):
        raise LeafMismatchError("the leaf does not commit to this record and salt")
