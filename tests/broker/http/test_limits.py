"""What a request's head alone is refused for."""

import pytest

from broker.http.limits import MAX_HEADER_FIELDS, read_head, refuse_head

HOST, VERSION = (b"host", b"broker.test"), (b"bilateral-version", b"1")


def _refuse(*headers: tuple[bytes, bytes], max_body_bytes: int = 100, needs_version: bool = True) -> tuple[str, str]:
    refusal = refuse_head(read_head(headers), max_body_bytes=max_body_bytes, needs_version=needs_version)
    return ("", "") if refusal is None else (refusal.slug, refusal.field or "")


def test_an_ordinary_request_passes() -> None:
    assert _refuse(HOST, VERSION, (b"content-length", b"100")) == ("", "")


@pytest.mark.parametrize(
    ("headers", "refused"),
    [
        ([VERSION], ("malformed", "Host")),
        ([HOST, HOST, VERSION], ("malformed", "Host")),
        ([HOST, (b"host", b"other"), VERSION], ("malformed", "Host")),
        ([HOST, VERSION, (b"content-length", b"101")], ("too-large", "")),
        ([HOST, VERSION, (b"content-length", b"9" * 5000)], ("too-large", "")),
        ([HOST, VERSION, (b"content-encoding", b"gzip")], ("unsupported-media-type", "Content-Encoding")),
        ([HOST], ("client-too-old", "Bilateral-Version")),
        ([HOST, (b"bilateral-version", b"0")], ("client-too-old", "Bilateral-Version")),
        ([HOST, (b"bilateral-version", b"01")], ("client-too-old", "Bilateral-Version")),
        ([HOST, (b"bilateral-version", b"\xff" * 99)], ("client-too-old", "Bilateral-Version")),
        ([HOST, VERSION, *[(b"x", b"")] * MAX_HEADER_FIELDS], ("too-large", "")),
        ([HOST, VERSION, (b"cookie", b"x" * 40_000)], ("too-large", "")),
    ],
)
def test_a_request_is_refused_by_its_head(headers: list[tuple[bytes, bytes]], refused: tuple[str, str]) -> None:
    assert _refuse(*headers) == refused


def test_an_address_for_browsers_needs_no_version() -> None:
    assert _refuse(HOST, needs_version=False) == ("", "")


def test_a_body_is_expected_only_where_the_head_announces_one() -> None:
    assert not read_head([HOST]).has_body
    assert not read_head([HOST, (b"content-length", b"0")]).has_body
    assert read_head([HOST, (b"content-length", b"1")]).has_body
    assert read_head([HOST, (b"transfer-encoding", b"chunked")]).has_body
