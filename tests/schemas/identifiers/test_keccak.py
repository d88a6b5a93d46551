"""Keccak-256: the vectors of the Keccak reference, across the length of a block."""

import pytest

from schemas.identifiers.keccak import compute_keccak_256

VECTORS = {
    b"": "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470",
    b"abc": "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45",
    b"The quick brown fox jumps over the lazy dog": "4d741b6f1eb29cb2a9b9911c82f56fa8d73b04959d3d9d222895df6c0b28aa15",
}


@pytest.mark.parametrize("data", VECTORS)
def test_a_published_vector_comes_out(data: bytes) -> None:
    assert compute_keccak_256(data).hex() == VECTORS[data]


def test_data_around_the_length_of_a_block_all_differ() -> None:
    digests = {compute_keccak_256(bytes(length)) for length in range(130, 275)}
    assert len(digests) == 145
    assert {len(digest) for digest in digests} == {32}
