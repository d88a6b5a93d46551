"""The one strict codec: canonical JSON, base64url and domain-separated hashes.

Everything that is hashed, signed or sent between two parties passes through here. The profile is RFC 8785 narrowed:
ASCII member names, integers below 2^53, no floats. In this profile sorted-key orjson output equals RFC 8785's output.
Whatever is not byte for byte its own canonical form is refused, so that one content has exactly one spelling.

This module does not know any document; `schemas.model` puts types on top.
"""

import base64
import binascii
import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable
from typing import Any

import orjson
from pydantic_core import SchemaValidator, core_schema

MAX_DEPTH = 32
MAX_INTEGER = 2**53 - 1
MAX_DOCUMENT_BYTES = 1 << 20
MAX_DOCUMENT_VALUES = 1 << 14
"""Brackets and commas of a signed document: terms that name every state in each clause have less."""
MAX_FOREIGN_BYTES = 1 << 24

_DOMAIN_PREFIX = b"bilateral-"
_DOMAIN_SUFFIX = b"/1\x00"
_NEITHER_QUOTE_NOR_BRACKET = bytes(set(range(256)) - set(b'"[]{}'))
_URL_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
# Where two or three symbols are left over, the last one's four or two lowest bits belong to no byte and must be zero.
_LAST_SYMBOLS = {2: _URL_ALPHABET[::16], 3: _URL_ALPHABET[::4]}
# Decodes what has been measured, at four times the speed of binascii: a message is four fifths base64url.
_BASE64URL = SchemaValidator(core_schema.bytes_schema(), core_schema.CoreConfig(val_json_bytes="base64"))
# For more, hashlib gives the interpreter's lock away, and to get it back takes longer than to hash a message.
_HASHED_AT_ONCE = 2047
_UNPRINTABLE = re.compile(r"[^\x20-\x7e]")
_MAX_DIGITS = len(str(-MAX_INTEGER))
_MAX_FIELD_CHARACTERS = 200


class CodecError(ValueError):
    """A byte string is not the one accepted spelling of anything; `code` says which rule it breaks.

    `field` is the path of the member that breaks it, empty where the rule is about the whole.
    """

    code = "malformed"

    def __init__(self, problem: str, field: str = "") -> None:
        super().__init__(problem)
        self.problem, self.field = problem, field

    def __str__(self) -> str:
        """Return the sentence a person reads, which starts with the field."""
        return f"{self.field}: {self.problem}" if self.field else self.problem


class TooLargeError(CodecError):
    """More bytes than this place allows."""

    code = "too-large"


class NotUtf8Error(CodecError):
    """Bytes that are not UTF-8 (RFC 3629), or text with a lone surrogate."""

    code = "not-utf8"


class NotJsonError(CodecError):
    """Bytes that are not JSON (RFC 8259)."""

    code = "not-json"


class TooDeepError(CodecError):
    """Arrays and objects nested deeper than `MAX_DEPTH`."""

    code = "too-deep"


class NumberError(CodecError):
    """A number that is no integer of magnitude below 2^53 (RFC 8785 §3.2.2.3 is narrowed)."""

    code = "number-not-allowed"


class MemberNameError(CodecError):
    """An object member's name that is not ASCII text."""

    code = "member-name-not-ascii"


class NotCanonicalError(CodecError):
    """Valid JSON in another spelling than its canonical one: white space, order, duplicates, escapes."""

    code = "not-canonical"


class UnsupportedValueError(CodecError):
    """null, or a value JSON has no form for."""

    code = "unsupported-value"


class Base64Error(CodecError):
    """Text that is not the one base64 spelling of its bytes (RFC 4648 §3.5)."""

    code = "not-base64"


def encode_canonical(value: Any) -> bytes:
    """Return the canonical JSON of `value` (RFC 8785, narrowed profile).

    Raises:
        NumberError, MemberNameError, TooDeepError, UnsupportedValueError, NotUtf8Error: the value has no such form.
    """
    _check_profile(value, 0)
    return _dump(value)


def decode_canonical(unverified_data: bytes, *, max_bytes: int = MAX_DOCUMENT_BYTES) -> Any:
    """Return the value whose canonical JSON is exactly `unverified_data`.

    Raises:
        TooLargeError, NotUtf8Error, NotJsonError, TooDeepError, NumberError, MemberNameError: the profile is broken.
        NotCanonicalError: the same value has another, canonical, spelling.
    """
    if len(unverified_data) > max_bytes:
        raise TooLargeError(f"{len(unverified_data)} bytes, at most {max_bytes} are accepted here")
    value = _load(unverified_data)
    _check_profile(value, 0)
    if _dump(value) != unverified_data:
        raise NotCanonicalError(
            "the JSON is not in its canonical form (RFC 8785): order, spaces, escapes or duplicates"
        )
    return value


def decode_json(unverified_data: bytes, *, max_bytes: int = MAX_DOCUMENT_BYTES) -> Any:
    """Return the value of JSON as a person wrote it: any order and white space, but no member twice.

    For files that somebody edits, never for what crosses the wire: the same value may be spelt in many ways.

    Raises:
        TooLargeError, NotUtf8Error, NotJsonError, TooDeepError, NumberError, MemberNameError: the profile is broken.
        UnsupportedValueError: null, or a member that stands twice.
    """
    if len(unverified_data) > max_bytes:
        raise TooLargeError(f"{len(unverified_data)} bytes, at most {max_bytes} are accepted here")
    _load(unverified_data)
    value = json.loads(unverified_data, object_pairs_hook=_demand_unique)
    _check_profile(value, 0)
    return value


def decode_foreign(unverified_data: bytes, *, max_bytes: int = MAX_FOREIGN_BYTES) -> Any:
    """Return the value of JSON in a format of others', which may hold what ours may not.

    A number with a fraction, or longer than any of ours, becomes the text it is written in; null is left out, of
    objects and of their lists.

    Raises:
        TooLargeError, NotUtf8Error, NotJsonError, TooDeepError: it is not read.
        UnsupportedValueError: a member stands twice, so that two readers could see two things.
    """
    if len(unverified_data) > max_bytes:
        raise TooLargeError(f"{len(unverified_data)} bytes, at most {max_bytes} are accepted here")
    _load(unverified_data)
    return json.loads(
        unverified_data, object_pairs_hook=_take_foreign_members, parse_float=str, parse_int=_take_foreign_integer
    )


def demand_few_values(unverified_data: bytes, most: int) -> None:
    """Demand that JSON has at most so many values, before it is decoded: an empty list costs as much as a long string.

    Brackets and commas are counted, strings included: a document that is not much smaller than `most` may be refused.

    Raises:
        TooLargeError: it may have more.
    """
    left = most
    for symbol in b",[{":
        left -= _count_up_to(unverified_data, symbol, left + 1)
        if left < 0:
            raise TooLargeError(f"there are more than {most} brackets and commas, no document here has as many")


def _count_up_to(data: bytes, symbol: int, most: int) -> int:
    # From one to the next: the little there is, is found ten times sooner than by a look at each byte.
    found, at = 0, data.find(symbol)
    while at >= 0 and found < most:
        found, at = found + 1, data.find(symbol, at + 1)
    return found


def b64u_encode(data: bytes) -> str:
    """Return base64url without padding (RFC 4648 §5)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def measure_b64u(unverified_text: str) -> int:
    """Return how many bytes a text stands for that is base64url in its one spelling, without decoding it.

    Raises:
        Base64Error: padding, a foreign character, stray bits, or a length that no byte string has.
    """
    return _measure_b64u(_take_ascii(unverified_text))


def b64u_decode(unverified_text: str) -> bytes:
    """Return the bytes whose base64url without padding is exactly `unverified_text`.

    Raises:
        Base64Error: padding, a foreign character, stray bits, or a length that no byte string has.
    """
    symbols = _take_ascii(unverified_text)
    _measure_b64u(symbols)
    decoded: bytes = _BASE64URL.validate_json(b'"' + symbols + b'"')
    return decoded


def _take_ascii(unverified_text: str) -> bytes:
    try:
        return unverified_text.encode("ascii")
    except UnicodeEncodeError as error:
        raise Base64Error("not base64url text (RFC 4648 §5, no padding)") from error


def _measure_b64u(symbols: bytes) -> int:
    beyond = len(symbols) % 4
    if beyond == 1 or symbols.translate(None, _URL_ALPHABET):
        raise Base64Error("not base64url text (RFC 4648 §5, no padding)")
    if beyond and symbols[-1] not in _LAST_SYMBOLS[beyond]:
        raise Base64Error("not the one base64url spelling of its bytes (RFC 4648 §3.5)")
    return len(symbols) * 3 // 4


def b64_std_encode(data: bytes) -> str:
    """Return standard base64 with padding (RFC 4648 §4), as signed notes use it."""
    return base64.b64encode(data).decode("ascii")


def b64_std_decode(unverified_text: str) -> bytes:
    """Return the bytes whose padded standard base64 is exactly `unverified_text`.

    Raises:
        Base64Error: another spelling, or no base64 at all.
    """
    try:
        data = base64.b64decode(unverified_text.encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error) as error:
        raise Base64Error("not base64 text (RFC 4648 §4)") from error
    if b64_std_encode(data) != unverified_text:
        raise Base64Error("not the one base64 spelling of its bytes (RFC 4648 §3.5)")
    return data


def hash_bytes(*parts: bytes) -> bytes:
    """Return plain SHA-256, 32 bytes: for what others name by it too, a ciphertext or a certificate."""
    state = hashlib.sha256()
    for part in parts:
        for start in range(0, len(part), _HASHED_AT_ONCE):
            state.update(part[start : start + _HASHED_AT_ONCE])
    return state.digest()


def hash_domain(name: str, *parts: bytes) -> bytes:
    """Return SHA-256("bilateral-NAME/1" ‖ 00 ‖ parts), 32 bytes: no hash of one kind can pass for another."""
    return hash_bytes(_DOMAIN_PREFIX + name.encode("ascii") + _DOMAIN_SUFFIX, *parts)


def hash_text(name: str, *parts: bytes) -> str:
    """Return `hash_domain` as base64url, the form digests have inside documents."""
    return b64u_encode(hash_domain(name, *parts))


def name_field(*parts: object) -> str:
    """Return the path of a member as it may stand in a sentence or a log: printable ASCII, at most 200 characters."""
    path = ".".join(_UNPRINTABLE.sub("?", str(part)[:_MAX_FIELD_CHARACTERS]) for part in parts if part != "")
    return path if len(path) <= _MAX_FIELD_CHARACTERS else path[: _MAX_FIELD_CHARACTERS - 3] + "..."


def _load(unverified_data: bytes) -> Any:
    try:
        unverified_data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise NotUtf8Error(f"byte {error.start} is not UTF-8") from error
    if _is_deeper_than_allowed(unverified_data):
        raise TooDeepError(f"nested deeper than {MAX_DEPTH} levels")
    try:
        return orjson.loads(unverified_data)
    except orjson.JSONDecodeError as error:
        raise NotJsonError(f"not JSON (RFC 8259) near character {error.pos}") from error


def _demand_unique(members: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(members)
    if len(value) != len(members):
        counted = Counter(name for name, _ in members)
        twice = next(name for name, times in counted.items() if times > 1)
        raise UnsupportedValueError("this member stands twice", name_field(twice))
    return value


def _take_foreign_integer(digits: str) -> int | str:
    return digits if len(digits) > _MAX_DIGITS else int(digits)


def _take_foreign_members(members: list[tuple[str, Any]]) -> dict[str, Any]:
    return {
        name: [item for item in value if item is not None] if isinstance(value, list) else value
        for name, value in _demand_unique(members).items()
        if value is not None
    }


def _is_deeper_than_allowed(data: bytes) -> bool:
    # Opening brackets are counted first, strings included: almost every document ends here. Only of one with many is
    # the depth computed, so that a bomb of brackets never reaches the recursive parser.
    if data.count(b"[") + data.count(b"{") <= MAX_DEPTH:
        return False
    depth = 0
    for byte in _take_brackets(data):
        depth += 1 if byte in b"[{" else -1
        if depth > MAX_DEPTH:
            return True
    return False


def _take_brackets(data: bytes) -> bytes:
    # Escaped quotes go first (and escaped backslashes before them), so that every quote left begins or ends a string.
    without_escapes = data.replace(b"\\\\", b"").replace(b'\\"', b"")
    return b"".join(without_escapes.translate(None, _NEITHER_QUOTE_NOR_BRACKET).split(b'"')[::2])


def _check_profile(value: Any, depth: int) -> None:
    kind = type(value)
    if kind is str or kind is bool:
        return
    if kind is int:
        if not -MAX_INTEGER <= value <= MAX_INTEGER:
            raise NumberError("an integer of 2^53 or more; write it as a string")
    elif kind is float:
        raise NumberError("a number with a fraction or exponent; write it as a decimal string")
    elif kind is dict:
        _check_members(value, depth)
    elif kind is list or kind is tuple:
        _check_items(enumerate(value), depth)
    else:
        raise UnsupportedValueError(f"a value of type {kind.__name__} has no form here; what is absent is left out")


def _check_members(value: dict[Any, Any], depth: int) -> None:
    for name in value:
        if type(name) is not str or not name.isascii():
            raise MemberNameError("a member's name is not ASCII text")
    _check_items(value.items(), depth)


def _check_items(items: Iterable[tuple[object, Any]], depth: int) -> None:
    if depth >= MAX_DEPTH:
        raise TooDeepError(f"nested deeper than {MAX_DEPTH} levels")
    for part, item in items:
        if type(item) is str:  # most are, and need no look: a call for each was half the cost of writing a document
            continue
        try:
            _check_profile(item, depth + 1)
        except CodecError as error:
            error.field = name_field(part, error.field)
            raise


def _dump(value: Any) -> bytes:
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except (orjson.JSONEncodeError, UnicodeEncodeError) as error:
        raise NotUtf8Error("text with a lone surrogate has no UTF-8 form") from error
