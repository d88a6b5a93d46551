"""The layout of a cosignature: whose name, which time, and no line but the log's own beside it."""

import pytest

from schemas.codec import CodecError
from schemas.log.checkpoint import Checkpoint, format_checkpoint
from schemas.log.cosignature import attach_cosignature, format_witness_name, join_timestamp, split_timestamp
from schemas.log.note import NoteSignature, SignedNote, format_note, parse_note, verify_key_name
from schemas.log.tree import hash_leaf

ORIGIN = "exchange.example/1"
TEXT = format_checkpoint(Checkpoint(ORIGIN, 1, hash_leaf(b"")))
OWN = NoteSignature(ORIGIN, b"own1", b"signature")
LINE = NoteSignature("exchange.example/witness/GB", b"wit1", b"signature")


def test_a_witness_has_a_name_that_no_log_can_have() -> None:
    longest = format_witness_name("a" * 64, "A" * 32)
    verify_key_name(longest)
    assert len(longest) == 64 + len("/witness/") + 32
    assert format_witness_name("exchange.example", "GB") == LINE.name


@pytest.mark.parametrize("timestamp", [0, 1, 2**63, 2**64 - 1])
def test_a_timestamp_takes_eight_bytes_before_the_signature(timestamp: int) -> None:
    joined = join_timestamp(timestamp, b"s")
    assert len(joined) == 9
    assert split_timestamp(joined) == (timestamp, b"s")


@pytest.mark.parametrize("unverified", [b"", b"\x00" * 7, b"\x00" * 8])
def test_a_timestamp_without_a_signature_is_refused(unverified: bytes) -> None:
    with pytest.raises(CodecError):
        split_timestamp(unverified)


def test_attaching_keeps_the_logs_lines_and_drops_those_of_others() -> None:
    other = NoteSignature("exchange.example/witness/BE", b"wit2", b"signature")
    note = format_note(SignedNote(TEXT, (OWN, other)))
    assert parse_note(attach_cosignature(note, LINE)) == SignedNote(TEXT, (OWN, LINE))


@pytest.mark.parametrize("unverified", [b"", b"text\n", format_note(SignedNote(b"no checkpoint\n", (OWN,)))])
def test_only_a_checkpoints_note_can_be_cosigned(unverified: bytes) -> None:
    with pytest.raises(CodecError):
        attach_cosignature(unverified, LINE)
