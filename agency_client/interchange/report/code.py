"""The two-dimensional code of a report: which message it is of, for a telephone without any network to read."""

from functools import lru_cache

import segno

_QUIET_ZONE = 4


def spell_reference(message_id: str, digest: str) -> str:
    """Return what the code says: `bilateral:message/ID?sha256=DIGEST`, the digest of the message as it is logged."""
    return f"bilateral:message/{message_id}?sha256={digest}"


@lru_cache(maxsize=16)  # Choosing the mask of a code is most of the work of a report.
def draw_code(text: str) -> str:
    """Return a QR code (ISO/IEC 18004, error correction M) as an SVG element without size, links or names."""
    code = segno.make_qr(text, error="m")
    return code.svg_inline(border=_QUIET_ZONE, omitsize=True, svgclass="code", lineclass=None, light="#fff")
