"""What a file seems to be, by its first bytes. Pure; a hint for whoever looks at a list, never a reason to open it."""

HEAD_BYTES = 512
UNKNOWN = "application/octet-stream"

_MAGIC = (
    (0, b"%PDF-", "application/pdf"),
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"GIF87a", "image/gif"),
    (0, b"GIF89a", "image/gif"),
    (0, b"II*\x00", "image/tiff"),
    (0, b"MM\x00*", "image/tiff"),
    (0, b"\x00\x00\x00\x0cjP  \r\n\x87\n", "image/jp2"),
    (8, b"WEBP", "image/webp"),
    (4, b"ftyp", "video/mp4"),
    (0, b"\x1aE\xdf\xa3", "video/x-matroska"),
    (8, b"WAVE", "audio/wav"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"OggS", "application/ogg"),
    (0, b"PK\x03\x04", "application/zip"),
    (0, b"\x1f\x8b", "application/gzip"),
    (0, b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (0, b"{\\rtf", "application/rtf"),
)


def sniff_media_type(head: bytes) -> str:
    """Return the media type that a file's first `HEAD_BYTES` suggest."""
    for place, magic, media_type in _MAGIC:
        if head[place : place + len(magic)] == magic:
            return media_type
    return "text/plain" if head and _is_text(head) else UNKNOWN


def _is_text(head: bytes) -> bool:
    try:
        text = head.decode()
    except UnicodeDecodeError as error:
        if error.end < len(head) or error.start < len(head) - 3:  # a character may be cut at the end
            return False
        text = head[: error.start].decode()
    return not any(ord(character) < 32 and character not in "\t\r\n\f" for character in text)
