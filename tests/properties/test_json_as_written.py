"""JSON as a person writes it: order and white space are free, everything else is as strict as on the wire."""

import pytest

from schemas.codec import (
    CodecError,
    NotJsonError,
    NumberError,
    TooDeepError,
    TooLargeError,
    UnsupportedValueError,
    decode_canonical,
    decode_json,
)

WRITTEN = b'{\n  "b": [1, true],\n  "a": "\\u00e9"\n}\n'


def test_order_white_space_and_escapes_are_free() -> None:
    assert decode_json(WRITTEN) == {"a": "é", "b": [1, True]}


def test_the_wire_still_refuses_what_a_person_may_write() -> None:
    with pytest.raises(CodecError):
        decode_canonical(WRITTEN)


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b'{"a": 1, "a": 1}', UnsupportedValueError),
        (b'{"x": [{"b": 1, "c": 2, "b": 3}]}', UnsupportedValueError),
        (b'{"a": null}', UnsupportedValueError),
        (b'{"a": 1.5}', NumberError),
        (b'{"a": 9007199254740992}', NumberError),
        (b'{"a": NaN}', NotJsonError),
        (b'{"a": 1,}', NotJsonError),
        (b"[" * 40 + b"]" * 40, TooDeepError),
        (b'"' + b"x" * (1 << 20) + b'"', TooLargeError),
    ],
)
def test_everything_else_is_refused_by_name(data: bytes, error: type[CodecError]) -> None:
    with pytest.raises(error):
        decode_json(data)


def test_a_member_that_stands_twice_is_named() -> None:
    with pytest.raises(UnsupportedValueError, match="phone"):
        decode_json(b'{"name": "a", "phone": 1, "phone": 2}')
