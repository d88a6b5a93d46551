"""What a file seems to be is read from its first bytes, never from its name; anything else is unknown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agency_client.attachments.media_types import HEAD_BYTES, UNKNOWN, sniff_media_type


@pytest.mark.parametrize(
    ("head", "media_type"),
    [
        (b"%PDF-1.7\n", "application/pdf"),
        (b"\x89PNG\r\n\x1a\nrest", "image/png"),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", "image/jpeg"),
        (b"GIF89a...", "image/gif"),
        (b"II*\x00....", "image/tiff"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp"),
        (b"\x00\x00\x00\x20ftypisom", "video/mp4"),
        (b"PK\x03\x04\x14", "application/zip"),
        ("hộ chiếu\n".encode(), "text/plain"),
        (b"MZ\x90\x00", UNKNOWN),
        (b"text with \x00 in it", UNKNOWN),
        (b"\xff\xfe\xfd", UNKNOWN),
        (b"", UNKNOWN),
    ],
)
def test_these_are_known(head: bytes, media_type: str) -> None:
    assert sniff_media_type(head) == media_type


def test_a_character_cut_at_the_end_of_the_head_is_text_still() -> None:
    text = ("x" * (HEAD_BYTES - 1) + "ế" * 9).encode()[:HEAD_BYTES]
    assert sniff_media_type(text) == "text/plain"


@given(st.binary(max_size=HEAD_BYTES))
def test_any_bytes_seem_to_be_something(head: bytes) -> None:
    kind, _, name = sniff_media_type(head).partition("/")
    assert kind
    assert name
