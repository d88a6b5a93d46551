"""Tables of cases for the codec: bombs, and the sentence of each refusal."""

from collections.abc import Callable
from typing import Any

from schemas.codec import (
    MAX_DOCUMENT_BYTES,
    b64_std_decode,
    b64u_decode,
    decode_canonical,
    decode_foreign,
    decode_json,
    encode_canonical,
)

CODES = {
    "malformed",
    "too-large",
    "not-utf8",
    "not-json",
    "too-deep",
    "number-not-allowed",
    "member-name-not-ascii",
    "not-canonical",
    "unsupported-value",
    "not-base64",
}

BOMBS = {
    "arrays": b"[" * 100_000,
    "objects": b'{"a":' * 100_000,
    "closed": b"[" * 500_000 + b"]" * 500_000,
    "escaped quotes": b'["' + b'\\"[' * 300_000,
    "quotes": b"[" + b'"' * 1_000_000,
    "backslashes": b"[" + b"\\" * 1_000_000,
    "flat": b"[" + b"[]," * 300_000 + b"1",
    "digits": b"1" * 1_000_000,
    "open string": b'{"a":"' + b"\xf0\x9f\x98\x80" * 250_000,
}
SENTENCES: list[tuple[Callable[[Any], object], object, str]] = [
    (decode_canonical, b'"\xff"', "byte 1 is not UTF-8"),
    (decode_canonical, b"[1,]", "not JSON (RFC 8259) near character 2"),
    (
        decode_canonical,
        b" 1",
        "the JSON is not in its canonical form (RFC 8785): order, spaces, escapes or duplicates",
    ),
    (decode_json, b'"' + b"x" * MAX_DOCUMENT_BYTES, "1048577 bytes, at most 1048576 are accepted here"),
    (decode_json, b'{"a":[{"b":1,"c":2,"b":3}]}', "b: this member stands twice"),
    (decode_foreign, b'{"a":[{"b":1,"c":2,"b":3}]}', "b: this member stands twice"),
    (decode_foreign, b"[NaN]", "not JSON (RFC 8259) near character 1"),
    (encode_canonical, {"a": [2**53]}, "a.0: an integer of 2^53 or more; write it as a string"),
    (encode_canonical, 0.5, "a number with a fraction or exponent; write it as a decimal string"),
    (encode_canonical, {"é": 1}, "a member's name is not ASCII text"),
    (encode_canonical, [None], "0: a value of type NoneType has no form here; what is absent is left out"),
    (encode_canonical, "\ud800", "text with a lone surrogate has no UTF-8 form"),
    (b64u_decode, "Ä", "not base64url text (RFC 4648 §5, no padding)"),
    (b64u_decode, "AA==", "not base64url text (RFC 4648 §5, no padding)"),
    (b64u_decode, "AB", "not the one base64url spelling of its bytes (RFC 4648 §3.5)"),
    (b64_std_decode, "Ä", "not base64 text (RFC 4648 §4)"),
    (b64_std_decode, "AA*==", "not base64 text (RFC 4648 §4)"),
    (b64_std_decode, "AB==", "not the one base64 spelling of its bytes (RFC 4648 §3.5)"),
]
