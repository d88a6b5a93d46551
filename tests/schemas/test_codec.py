"""The codec takes one spelling of each value and refuses every other by name."""

import hashlib
import json
import time
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from schemas.codec import (
    MAX_DEPTH,
    MAX_DOCUMENT_BYTES,
    MAX_INTEGER,
    Base64Error,
    CodecError,
    MemberNameError,
    NotCanonicalError,
    NotUtf8Error,
    NumberError,
    TooDeepError,
    TooLargeError,
    UnsupportedValueError,
    b64u_encode,
    decode_canonical,
    decode_foreign,
    decode_json,
    demand_few_values,
    encode_canonical,
    hash_bytes,
    hash_domain,
    hash_text,
    name_field,
)
from tests.schemas.codec_cases import BOMBS, CODES, SENTENCES
from tests.schemas.json_corpus import ACCEPTED, REFUSED
from tests.strategies.primitives import JsonValue, json_values

BOMB_SECONDS = 2.0


def write_like_the_rfc(value: JsonValue) -> bytes:
    """Return RFC 8785 by the standard library, which is a second opinion for this profile."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def nest(depth: int) -> Any:
    value: Any = []
    for _ in range(depth - 1):
        value = [value]
    return value


def test_the_corpus_has_no_byte_string_twice() -> None:
    found = [data for data, _ in ACCEPTED.values()] + [data for data, _ in REFUSED.values()]

    assert len(found) == len(set(found)) > 120


@pytest.mark.parametrize(("data", "value"), ACCEPTED.values(), ids=ACCEPTED)
def test_it_reads_and_writes(data: bytes, value: Any) -> None:
    assert decode_canonical(data) == value
    assert encode_canonical(value) == data


@pytest.mark.parametrize(("data", "error"), REFUSED.values(), ids=[name.replace("\\", "/") for name in REFUSED])
def test_it_refuses(data: bytes, error: type[CodecError]) -> None:
    with pytest.raises(CodecError) as refusal:
        decode_canonical(data)

    assert type(refusal.value) is error


def test_every_refusal_has_its_own_code() -> None:
    errors = {error for _, error in REFUSED.values()} | {TooLargeError, Base64Error, CodecError}

    assert {error.code for error in errors} == CODES
    assert len(CODES) == len(errors)


def test_the_limits_are_those_of_the_protocol() -> None:
    assert (MAX_DEPTH, MAX_INTEGER, MAX_DOCUMENT_BYTES) == (32, 9_007_199_254_740_991, 1_048_576)


@given(json_values())
def test_any_value_comes_back_from_its_bytes(value: JsonValue) -> None:
    data = encode_canonical(value)

    assert decode_canonical(data) == value
    assert data == write_like_the_rfc(value)


@given(json_values(), st.data())
def test_no_other_bytes_mean_the_same(value: JsonValue, data: st.DataObject) -> None:
    canonical = encode_canonical(value)
    other = data.draw(
        st.sampled_from(
            (
                json.dumps(value, separators=(",", ":"), sort_keys=True).encode(),
                json.dumps(value, ensure_ascii=False).encode(),
                json.dumps(value, indent=1, ensure_ascii=False, sort_keys=True).encode(),
                canonical + b"\n",
                b"\t" + canonical,
            )
        )
    )
    assume(other != canonical)

    with pytest.raises(NotCanonicalError):
        decode_canonical(other)


@given(json_values(), st.data())
def test_changed_bytes_are_refused_or_are_the_one_spelling_of_another_value(
    value: JsonValue, data: st.DataObject
) -> None:
    canonical = bytearray(encode_canonical(value))
    position = data.draw(st.integers(0, len(canonical) - 1))
    canonical[position] = data.draw(st.integers(0, 255).filter(lambda byte: byte != canonical[position]))
    changed = bytes(canonical)

    try:
        read = decode_canonical(changed)
    except CodecError:
        return
    assert write_like_the_rfc(read) == changed
    assert read != value or type(read) is not type(value)


@given(st.binary(max_size=60))
@example(b"\\" * 70)
@example(b'"' * 70)
@example(b"[" * 33 + b'"')
def test_any_bytes_are_read_or_refused_by_name(data: bytes) -> None:
    try:
        value = decode_canonical(data)
    except CodecError:
        return
    assert encode_canonical(value) == data


@given(st.integers(20, 40), st.text(st.sampled_from('[]{}"\\a'), max_size=80), st.booleans())
def test_only_what_is_really_too_deep_is_called_so(depth: int, text: str, in_object: bool) -> None:
    value: Any = text
    for _ in range(depth):
        value = {text: value} if in_object else [text, value, text]
    data = write_like_the_rfc(value)

    if depth > MAX_DEPTH:
        with pytest.raises(TooDeepError):
            decode_canonical(data)
    else:
        assert decode_canonical(data) == value


@pytest.mark.parametrize("before", ["\\", '"', '\\"', "a"])
def test_brackets_inside_a_string_are_no_depth_whatever_stands_before_it(before: str) -> None:
    value: JsonValue = [before, "[" * (MAX_DEPTH + 8)]

    assert decode_canonical(write_like_the_rfc(value)) == value


def test_a_list_and_a_tuple_are_one_array() -> None:
    assert encode_canonical((1, ("a",))) == encode_canonical([1, ["a"]]) == b'[1,["a"]]'


@pytest.mark.parametrize(
    ("value", "error", "field"),
    [
        (None, UnsupportedValueError, ""),
        (b"bytes", UnsupportedValueError, ""),
        ({"a": {1, 2}}, UnsupportedValueError, "a"),
        ([object()], UnsupportedValueError, "0"),
        (1.0, NumberError, ""),
        (float("nan"), NumberError, ""),
        ({"a": [0, {"b": MAX_INTEGER + 1}]}, NumberError, "a.1.b"),
        ([-MAX_INTEGER - 1], NumberError, "0"),
        (["text", 0.5], NumberError, "1"),
        ({"a": "text", "b": [0.5]}, NumberError, "b.0"),
        ({1: 2}, MemberNameError, ""),
        ({"a": {"é": 1}}, MemberNameError, "a"),
        ({"a": "\ud800"}, NotUtf8Error, ""),
    ],
)
def test_a_value_without_a_form_is_refused_with_its_place(value: Any, error: type[CodecError], field: str) -> None:
    with pytest.raises(CodecError) as refusal:
        encode_canonical(value)

    assert type(refusal.value) is error
    assert refusal.value.field == field
    assert str(refusal.value).startswith(f"{field}: ") or not field


def test_what_is_read_is_refused_with_its_place() -> None:
    with pytest.raises(UnsupportedValueError, match=r"^signatures\.1\.kid: "):
        decode_canonical(b'{"signatures":[{"kid":"a"},{"kid":null}]}')


def test_the_place_of_a_refusal_fits_a_sentence_and_a_log() -> None:
    hostile = {"\x1b[31m\n" + "x" * 100_000: {"y" * 150: None}}

    with pytest.raises(UnsupportedValueError) as refusal:
        encode_canonical(hostile)

    assert refusal.value.field.startswith("?[31m?xxx")
    assert refusal.value.field.endswith("...")
    assert len(refusal.value.field) == 200
    assert str(refusal.value).isprintable()


@given(st.lists(st.text() | st.integers()))
def test_a_field_name_is_short_printable_ascii_whatever_it_is_made_of(parts: list[str | int]) -> None:
    name = name_field(*parts)

    assert len(name) <= 200
    assert name.isascii()
    assert name.isprintable()


def test_a_path_of_exactly_the_length_allowed_stands_whole() -> None:
    assert name_field("x" * 98, "y" * 101) == "x" * 98 + "." + "y" * 101
    assert name_field("x" * 98, "y" * 102) == "x" * 98 + "." + "y" * 98 + "..."


@pytest.mark.parametrize("depth", [1, MAX_DEPTH])
def test_as_deep_as_allowed_goes_both_ways(depth: int) -> None:
    assert decode_canonical(encode_canonical(nest(depth))) == nest(depth)
    assert decode_json(encode_canonical(nest(depth))) == nest(depth)


def test_one_level_too_deep_goes_neither_way() -> None:
    with pytest.raises(TooDeepError, match=f"^{'0.' * (MAX_DEPTH - 1)}0: nested deeper than {MAX_DEPTH} levels$"):
        encode_canonical(nest(MAX_DEPTH + 1))
    for read in (decode_canonical, decode_json):
        with pytest.raises(TooDeepError, match=f"^nested deeper than {MAX_DEPTH} levels$"):
            read(orjson.dumps(nest(MAX_DEPTH + 1)))


@pytest.mark.parametrize(
    ("opening", "closing"),
    [
        (b"[", b"]"),
        (b'{"a":', b"}"),
        (b'["a",', b"]"),
        (b'["\\\\",', b"]"),
        (b'["\\"",', b"]"),
        (b"[[],", b"]"),
        (b'[{"a":', b"}]"),
        (b"[1,2,", b"]"),
    ],
    ids=["arrays", "objects", "strings", "backslashes", "quotes", "siblings", "both", "numbers"],
)
def test_the_depth_is_known_before_a_recursive_parser_sees_it(opening: bytes, closing: bytes) -> None:
    levels = 5000  # the parser gives up at about a thousand, and calls that no JSON

    with pytest.raises(TooDeepError):
        decode_canonical(opening * levels + b"0" + closing * levels)


def test_a_value_that_holds_itself_is_refused() -> None:
    value: list[Any] = []
    value.append(value)

    with pytest.raises(TooDeepError):
        encode_canonical(value)


@pytest.mark.parametrize("data", [b"[[],[]]", b'{"a":{},"b":[]}', b'["a,b,c,"]', b"[0,0,0,0]"])
def test_values_are_counted_before_anything_is_decoded(data: bytes) -> None:
    demand_few_values(data, 4)
    with pytest.raises(TooLargeError, match="more than 3 brackets and commas"):
        demand_few_values(data, 3)


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS)
def test_a_bomb_is_refused_at_once(bomb: bytes) -> None:
    start = time.process_time()
    with pytest.raises(CodecError):
        decode_canonical(bomb, max_bytes=2_000_000)

    assert time.process_time() - start < BOMB_SECONDS


def test_a_document_may_have_exactly_the_bytes_allowed() -> None:
    assert decode_canonical(b'"abc"', max_bytes=5) == "abc"
    with pytest.raises(TooLargeError, match="6 bytes, at most 5"):
        decode_canonical(b'"abcd"', max_bytes=5)


def test_the_limit_stands_before_everything_else() -> None:
    with pytest.raises(TooLargeError):
        decode_canonical(b"\xff" * (MAX_DOCUMENT_BYTES + 1))


@pytest.mark.parametrize(("read", "refused", "sentence"), SENTENCES)
def test_a_refusal_is_a_sentence_that_says_what_to_look_for(
    read: Callable[[Any], object], refused: object, sentence: str
) -> None:
    with pytest.raises(CodecError) as refusal:
        read(refused)

    assert str(refusal.value) == sentence
    assert sentence.endswith(refusal.value.args[0])


def test_a_file_that_a_person_edits_may_have_exactly_the_bytes_allowed() -> None:
    assert decode_json(b'"abc"', max_bytes=5) == "abc"
    with pytest.raises(TooLargeError, match="6 bytes, at most 5"):
        decode_json(b'"abcd"', max_bytes=5)


def test_what_others_write_is_read_though_it_has_fractions_nulls_and_long_numbers() -> None:
    written = b'{"\xc3\xa9":1.50,"gone":null,"list":[null,1,{"gone":null}],"long":' + b"9" * 300 + b"}"

    assert decode_foreign(written) == {"é": "1.50", "list": [1, {}], "long": "9" * 300}
    assert decode_foreign(str(-MAX_INTEGER).encode()) == -MAX_INTEGER


def test_what_others_write_may_have_exactly_the_bytes_allowed() -> None:
    assert decode_foreign(b'"abc"', max_bytes=5) == "abc"
    with pytest.raises(TooLargeError, match="6 bytes, at most 5"):
        decode_foreign(b'"abcd"', max_bytes=5)


def test_a_member_that_stands_twice_among_very_many_is_found_at_once() -> None:
    members = b",".join(b'"%d":1' % number for number in range(100_000))

    with pytest.raises(UnsupportedValueError, match="99999: this member stands twice"):
        decode_json(b"{" + members + b',"99999":1}', max_bytes=2 << 20)


@pytest.mark.parametrize("length", [0, 1, 2046, 2047, 2048, 4094, 5000])
def test_a_hash_is_the_same_however_long_its_parts_are(length: int) -> None:
    data = bytes(position % 251 for position in range(length))

    assert hash_bytes(data) == hash_bytes(data[:5], data[5:]) == hashlib.sha256(data).digest()
    assert hash_domain("header", data) == hashlib.sha256(b"bilateral-header/1\x00" + data).digest()


def test_a_hash_is_of_its_domain_and_its_bytes() -> None:
    expected = hashlib.sha256(b"bilateral-envelope/1\x00payload").digest()

    assert hash_domain("envelope", b"payload") == hash_domain("envelope", b"pay", b"load") == expected
    assert hash_text("envelope", b"payload") == b64u_encode(expected)
    assert hash_domain("header", b"payload") != expected
