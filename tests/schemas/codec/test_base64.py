"""Base64url, and padded base64 where another format wants it: one spelling of each value, and no other is read."""

import base64

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from schemas.codec import Base64Error, b64_std_decode, b64_std_encode, b64u_decode, b64u_encode, measure_b64u


@given(st.binary(max_size=100))
@example(b"\x00\x00\x17")  # its last symbol is an X
def test_base64url_has_one_spelling(data: bytes) -> None:
    text = b64u_encode(data)

    assert b64u_decode(text) == data
    assert text == base64.urlsafe_b64encode(data).decode().rstrip("=")


@given(st.one_of(st.binary(max_size=100).map(b64u_encode), st.text(st.sampled_from("AEQgwz09-_+= é"), max_size=9)))
@settings(max_examples=500)
def test_base64url_is_measured_as_a_strict_decoder_would(text: str) -> None:
    data = None
    try:
        data = base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except ValueError:
        pass

    if data is not None and b64u_encode(data) == text:
        assert (measure_b64u(text), b64u_decode(text)) == (len(data), data)
    else:
        for read in (measure_b64u, b64u_decode):
            with pytest.raises(Base64Error):
                read(text)


@pytest.mark.parametrize(("kept_bits", "length"), [(4, 1), (2, 2)])
def test_only_one_last_symbol_in_sixteen_or_four_leaves_no_stray_bits(kept_bits: int, length: int) -> None:
    symbols = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    accepted = []
    for last in symbols:
        try:
            assert measure_b64u("A" * length + last) == length
        except Base64Error:
            continue
        accepted.append(last)
    assert accepted == [symbols[value] for value in range(64) if value % (1 << kept_bits) == 0]


@given(st.binary(max_size=100))
def test_padded_base64_has_one_spelling(data: bytes) -> None:
    assert b64_std_decode(b64_std_encode(data)) == data
    assert b64_std_encode(data) == base64.standard_b64encode(data).decode()


@given(st.text(st.sampled_from("AQgw_-+/= \n"), max_size=9))
@settings(max_examples=300)
def test_whatever_is_read_as_base64_is_written_the_same(text: str) -> None:
    for decode, encode in ((b64u_decode, b64u_encode), (b64_std_decode, b64_std_encode)):
        try:
            data = decode(text)
        except Base64Error:
            continue
        assert encode(data) == text


@pytest.mark.parametrize(
    "text",
    ["A", "AAAAA", "AB", "AAB", "AA==", "AAA=", "AA=", "=", "AA+/", "AA\n", "AA ", " AA", "A A", "AA*", "ÄÄ", "AA\x00"],
)
def test_base64url_in_another_spelling_is_refused(text: str) -> None:
    with pytest.raises(Base64Error):
        b64u_decode(text)


@pytest.mark.parametrize(
    "text", ["A", "AA", "AAA", "AA=", "AB==", "AAB=", "AA==\n", "AA==AA==", "AA-_", "A===", "====", "ÄÄ==", " AA=="]
)
def test_padded_base64_in_another_spelling_is_refused(text: str) -> None:
    with pytest.raises(Base64Error):
        b64_std_decode(text)
