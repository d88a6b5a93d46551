"""Checkpoints: the published example, one spelling, and the exact bytes an ML-DSA-44 key signs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.codec import MAX_INTEGER, CodecError, b64_std_encode
from schemas.log.checkpoint import (
    Checkpoint,
    CheckpointError,
    format_checkpoint,
    format_cosigned_message,
    parse_checkpoint,
    parse_decimal,
)
from schemas.log.note import NoteError
from schemas.log.tree import EMPTY_ROOT

# The example of C2SP tlog-checkpoint.
PUBLISHED = b"example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"

ORIGINS = st.text(
    st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters="+"), min_size=1, max_size=255
)
CHECKPOINTS = st.builds(
    Checkpoint, ORIGINS, st.integers(1, MAX_INTEGER), st.binary(min_size=32, max_size=32)
) | ORIGINS.map(lambda origin: Checkpoint(origin, 0, EMPTY_ROOT))


def test_the_published_checkpoint_is_read_and_written_byte_for_byte() -> None:
    checkpoint = parse_checkpoint(PUBLISHED)
    assert (checkpoint.origin, checkpoint.size) == ("example.com/behind-the-sofa", 20852163)
    assert checkpoint.root.hex() == "0ac5186a91863e8e1d90c808014aa89bf5da8e3ee1d9f07630f0378f68f1ab62"
    assert format_checkpoint(checkpoint) == PUBLISHED


@given(checkpoint=CHECKPOINTS)
def test_every_checkpoint_survives_writing_and_reading(checkpoint: Checkpoint) -> None:
    assert parse_checkpoint(format_checkpoint(checkpoint)) == checkpoint


@given(checkpoint=CHECKPOINTS, data=st.data())
def test_a_changed_byte_is_refused_or_read_as_another_checkpoint(checkpoint: Checkpoint, data: st.DataObject) -> None:
    original = format_checkpoint(checkpoint)
    position = data.draw(st.integers(0, len(original) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda value: value != original[position]))
    changed = original[:position] + bytes([byte]) + original[position + 1 :]
    try:
        found = parse_checkpoint(changed)
    except CheckpointError:
        return
    assert found != checkpoint
    assert format_checkpoint(found) == changed


ROOT = b64_std_encode(b"r" * 32)


@pytest.mark.parametrize(
    ("problem", "text"),
    [
        ("nothing at all", ""),
        ("two lines", "log.example/1\n5\n"),
        ("an extension line", f"log.example/1\n5\n{ROOT}\nmore\n"),
        ("no final newline", f"log.example/1\n5\n{ROOT}"),
        ("an empty line at the end", f"log.example/1\n5\n{ROOT}\n\n"),
        ("an empty origin", f"\n5\n{ROOT}\n"),
        ("an origin with a space", f"log example\n5\n{ROOT}\n"),
        ("an origin with a plus", f"log+example\n5\n{ROOT}\n"),
        ("an origin that is not ASCII", f"lög.example\n5\n{ROOT}\n"),
        ("an origin of 256 characters", f"{'l' * 256}\n5\n{ROOT}\n"),
        ("a leading zero", f"log.example/1\n05\n{ROOT}\n"),
        ("a sign", f"log.example/1\n+5\n{ROOT}\n"),
        ("a negative size", f"log.example/1\n-5\n{ROOT}\n"),
        ("a size with a space", f"log.example/1\n5 \n{ROOT}\n"),
        ("a size with an underscore", f"log.example/1\n1_0\n{ROOT}\n"),
        ("a size in hexadecimal", f"log.example/1\n0x5\n{ROOT}\n"),
        ("a size in Arabic digits", f"log.example/1\n٥\n{ROOT}\n"),
        ("a size of 2^53", f"log.example/1\n{2**53}\n{ROOT}\n"),
        ("a size of a thousand digits", f"log.example/1\n{'9' * 1000}\n{ROOT}\n"),
        ("a root without padding", f"log.example/1\n5\n{ROOT.rstrip('=')}\n"),
        ("a root with stray bits", f"log.example/1\n5\n{ROOT[:-2]}J=\n"),
        ("a root of 31 bytes", f"log.example/1\n5\n{b64_std_encode(b'r' * 31)}\n"),
        ("a root of 33 bytes", f"log.example/1\n5\n{b64_std_encode(b'r' * 33)}\n"),
        ("a root over nothing that is not the hash of nothing", f"log.example/1\n0\n{ROOT}\n"),
        ("carriage returns", f"log.example/1\r\n5\r\n{ROOT}\r\n"),
    ],
)
def test_another_spelling_is_refused(problem: str, text: str) -> None:
    with pytest.raises(CheckpointError):
        parse_checkpoint(text.encode())


def test_the_case_the_refusals_start_from_is_accepted() -> None:
    assert parse_checkpoint(f"log.example/1\n5\n{ROOT}\n".encode()) == Checkpoint("log.example/1", 5, b"r" * 32)


@pytest.mark.parametrize(
    ("origin", "size", "root"),
    [
        ("a b", 5, b"r" * 32),
        ("log.example/1", -1, b"r" * 32),
        ("log.example/1", 2**53, b"r" * 32),
        ("log.example/1", 5, b"r" * 31),
        ("log.example/1", 0, b"r" * 32),
    ],
)
def test_no_checkpoint_is_made_that_could_not_be_read(origin: str, size: int, root: bytes) -> None:
    with pytest.raises(CheckpointError):
        Checkpoint(origin, size, root)


@pytest.mark.parametrize("text", ["0", "7", "10", str(2**53 - 1)])
def test_a_plain_decimal_is_read(text: str) -> None:
    assert str(parse_decimal(text)) == text


@pytest.mark.parametrize("text", ["", "00", "01", "-0", "1.0", "1e3", " 1", "1\n", "²", str(2**53), "9" * 5000])
def test_any_other_number_is_refused(text: str) -> None:
    with pytest.raises(CodecError):
        parse_decimal(text)


def test_the_cosigned_message_is_that_of_the_public_text_byte_for_byte() -> None:
    message = format_cosigned_message("witness.example/w", 1679315147, parse_checkpoint(PUBLISHED))
    assert message == (
        b"subtree/v1\n\x00\x11witness.example/w"
        + bytes.fromhex("00000000641850cb")
        + b"\x1bexample.com/behind-the-sofa"
        + bytes(8)
        + bytes.fromhex("00000000013e2dc3")
        + bytes.fromhex("0ac5186a91863e8e1d90c808014aa89bf5da8e3ee1d9f07630f0378f68f1ab62")
    )


@given(first=CHECKPOINTS, second=CHECKPOINTS, time=st.integers(0, 2**63 - 1))
def test_two_checkpoints_never_share_a_cosigned_message(first: Checkpoint, second: Checkpoint, time: int) -> None:
    same = format_cosigned_message("w", time, first) == format_cosigned_message("w", time, second)
    assert same == (first == second)


def test_a_cosigner_whose_name_no_note_could_carry_is_refused() -> None:
    with pytest.raises(NoteError):
        format_cosigned_message("a b", 0, parse_checkpoint(PUBLISHED))
