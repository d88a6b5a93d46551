"""Proofs that travel: the shape of C2SP tlog-proof, one spelling, limits."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.codec import MAX_INTEGER, b64_std_encode
from schemas.log.note import MAX_NOTE_BYTES, format_note
from schemas.log.proof import MAX_PROOF_BYTES, MAX_PROOF_HASHES, LogProof, ProofFormatError, format_proof, parse_proof
from schemas.log.tree import MerkleTree, hash_leaf
from tests.schemas.log.test_note import NOTES

NOTE = f"log.example/1\n9\n{b64_std_encode(b'r' * 32)}\n\n— log.example/1 AQIDBHNpZ25hdHVyZQ==\n".encode()
HASH = sha256(b"a sibling").digest()
LINE = b64_std_encode(HASH)
PROOFS = st.builds(
    LogProof,
    st.integers(0, MAX_INTEGER),
    st.lists(st.binary(min_size=32, max_size=32), max_size=6).map(tuple),
    NOTES.map(format_note),
)


def test_a_proof_is_written_as_in_the_public_text() -> None:
    proof = LogProof(73894, (HASH, bytes(32)), NOTE)
    assert format_proof(proof) == (
        f"c2sp.org/tlog-proof@v1\nindex 73894\n{LINE}\n{b64_std_encode(bytes(32))}\n\n".encode() + NOTE
    )


def test_a_proof_in_a_log_of_one_leaf_has_no_hashes() -> None:
    data = b"c2sp.org/tlog-proof@v1\nindex 0\n\n" + NOTE
    assert parse_proof(data) == LogProof(0, (), NOTE)
    assert format_proof(LogProof(0, (), NOTE)) == data


@given(proof=PROOFS)
def test_every_proof_survives_writing_and_reading(proof: LogProof) -> None:
    assert parse_proof(format_proof(proof)) == proof


@given(proof=PROOFS, data=st.data())
def test_a_changed_byte_is_refused_or_read_as_another_proof(proof: LogProof, data: st.DataObject) -> None:
    original = format_proof(proof)
    position = data.draw(st.integers(0, len(original) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda value: value != original[position]))
    added = data.draw(st.sampled_from([b"\n", b" ", b"=", b"0", b"\r"]))
    verify_other_or_refused(proof, original[:position] + bytes([byte]) + original[position + 1 :])
    verify_other_or_refused(proof, original[:position] + added + original[position:])
    verify_other_or_refused(proof, original[:position] + original[position + 1 :])


def verify_other_or_refused(proof: LogProof, changed: bytes) -> None:
    try:
        found = parse_proof(changed)
    except ProofFormatError:
        return
    assert found != proof
    assert format_proof(found) == changed


def spell(head: str, note: bytes = NOTE) -> bytes:
    return head.encode() + b"\n\n" + note


@pytest.mark.parametrize(
    ("problem", "data"),
    [
        ("nothing at all", b""),
        ("another header", spell("c2sp.org/tlog-proof@v2\nindex 5")),
        ("no index", spell("c2sp.org/tlog-proof@v1")),
        ("an empty index", spell("c2sp.org/tlog-proof@v1\nindex ")),
        ("an extra line", spell("c2sp.org/tlog-proof@v1\nextra AAAA\nindex 5")),
        ("a leading zero", spell("c2sp.org/tlog-proof@v1\nindex 05")),
        ("a sign", spell("c2sp.org/tlog-proof@v1\nindex -5")),
        ("an index of 2^53", spell(f"c2sp.org/tlog-proof@v1\nindex {2**53}")),
        ("two spaces", spell("c2sp.org/tlog-proof@v1\nindex  5")),
        ("an index that is not ASCII", spell("c2sp.org/tlog-proof@v1\nindex ٥")),
        ("a hash without padding", spell(f"c2sp.org/tlog-proof@v1\nindex 5\n{LINE.rstrip('=')}")),
        ("a hash of 31 bytes", spell(f"c2sp.org/tlog-proof@v1\nindex 5\n{b64_std_encode(bytes(31))}")),
        ("a hash of 64 bytes", spell(f"c2sp.org/tlog-proof@v1\nindex 5\n{b64_std_encode(bytes(64))}")),
        ("too many hashes", spell("c2sp.org/tlog-proof@v1\nindex 5" + f"\n{LINE}" * (MAX_PROOF_HASHES + 1))),
        ("far too many hashes", spell("c2sp.org/tlog-proof@v1\nindex 5" + f"\n{LINE}" * 2000)),
        ("no checkpoint", spell("c2sp.org/tlog-proof@v1\nindex 5", b"")),
        ("too long a checkpoint", spell("c2sp.org/tlog-proof@v1\nindex 5", b"x" * (MAX_NOTE_BYTES + 1))),
        ("no empty line", b"c2sp.org/tlog-proof@v1\nindex 5\n" + NOTE.replace(b"\n\n", b"\n")),
        ("carriage returns", spell("c2sp.org/tlog-proof@v1\nindex 5").replace(b"\n", b"\r\n")),
        ("too many bytes", spell("c2sp.org/tlog-proof@v1\nindex 5", b"x" * MAX_PROOF_BYTES)),
    ],
)
def test_another_spelling_is_refused(problem: str, data: bytes) -> None:
    with pytest.raises(ProofFormatError):
        parse_proof(data)


def test_the_case_the_refusals_start_from_is_accepted() -> None:
    assert parse_proof(spell(f"c2sp.org/tlog-proof@v1\nindex 5\n{LINE}")) == LogProof(5, (HASH,), NOTE)


def test_the_limits_are_those_of_the_protocol() -> None:
    assert (MAX_PROOF_HASHES, MAX_PROOF_BYTES) == (53, 135_168)
    with pytest.raises(ProofFormatError, match="a proof of 135169 bytes"):
        parse_proof(spell("c2sp.org/tlog-proof@v1\nindex 5", b"x").ljust(MAX_PROOF_BYTES + 1, b"x"))
    with pytest.raises(ProofFormatError, match="a note of at most"):
        parse_proof(spell("c2sp.org/tlog-proof@v1\nindex 5", b"x").ljust(MAX_PROOF_BYTES, b"x"))


def test_the_longest_proof_fits() -> None:
    longest = LogProof(MAX_INTEGER, (HASH,) * MAX_PROOF_HASHES, b"x" * MAX_NOTE_BYTES)
    assert parse_proof(format_proof(longest)) == longest


@pytest.mark.parametrize(
    ("index", "hashes", "note"),
    [
        (-1, (), NOTE),
        (2**53, (), NOTE),
        (0, (b"short",), NOTE),
        (0, (HASH,) * (MAX_PROOF_HASHES + 1), NOTE),
        (0, (), b""),
        (0, (), b"x" * (MAX_NOTE_BYTES + 1)),
    ],
)
def test_no_proof_is_made_that_could_not_be_read(index: int, hashes: tuple[bytes, ...], note: bytes) -> None:
    with pytest.raises(ProofFormatError):
        LogProof(index, hashes, note)


def test_a_proof_of_a_real_tree_keeps_its_path() -> None:
    tree = MerkleTree(hash_leaf(bytes([number])) for number in range(9))
    path = tuple(tree.inclusion_proof(8))
    assert parse_proof(format_proof(LogProof(8, path, NOTE))).hashes == path
