"""Wire models are strict, closed and have one spelling; what is wrong is named."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Annotated, Any, Literal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import Field, ValidationError, model_validator

from schemas.codec import MAX_INTEGER, CodecError, TooLargeError, UnsupportedValueError, encode_canonical
from schemas.markings import Tlp
from schemas.model import (
    EARLIEST_TIME,
    LATEST_TIME,
    AgencyId,
    Base64Url,
    Code,
    Counter,
    Digest,
    DocumentError,
    ExchangeName,
    Line,
    NodeId,
    Paragraph,
    Size,
    StreamId,
    Timestamp,
    Uuid,
    WireModel,
    format_timestamp,
    parse_timestamp,
)
from tests.strategies.primitives import times


class Part(WireModel):
    name: Line
    note: Line | None = None


class Specimen(WireModel):
    """One member of each primitive type; all may be absent, so that a test names only what it is about."""

    v: Literal[1] | None = None
    agency: AgencyId | None = None
    base64url: Base64Url | None = None
    code: Code | None = None
    counter: Counter | None = None
    digest: Digest | None = None
    exchange: ExchangeName | None = None
    flag: bool | None = None
    line: Line | None = None
    marking: Tlp | None = None
    node: NodeId | None = None
    paragraph: Paragraph | None = None
    part: Part | None = None
    parts: Annotated[tuple[Part, ...], Field(min_length=1, max_length=3)] | None = None
    size: Size | None = None
    stream: StreamId | None = None
    time: Timestamp | None = None
    uuid: Uuid | None = None

    @model_validator(mode="after")
    def _check_consistency(self) -> "Specimen":
        if self.flag and self.line == "forbidden":
            raise ValueError("a flag does not stand beside this line")
        return self


DIGEST = "A" * 43
UUID = "3f0f6d0a-7c57-4c2c-9d3a-0d2f9a4b1c77"
GOOD: dict[str, tuple[Any, ...]] = {
    "v": (1,),
    "agency": ("UTO", "GB-HO", "A1", "A" + "-" * 31),
    "base64url": ("", "AA", "_-8"),
    "code": ("a", "0", "a-1", "a" * 64),
    "counter": (1, MAX_INTEGER),
    "digest": (DIGEST,),
    "exchange": ("a0", "alerts.example", "a" * 64),
    "flag": (True, False),
    "line": ("a", "é", "ERIKSSON ANNA", "Đặng", "\u202e", "x" * 300),
    "marking": ("clear", "amber-strict"),
    "node": ("n", "node-1", "0" * 32),
    "paragraph": ("a\n\tb", "x" * 8000),
    "part": ({"name": "a"}, {"name": "a", "note": "b"}),
    "parts": ([{"name": "a"}], [{"name": "a"}] * 3),
    "size": (0, MAX_INTEGER),
    "stream": ("A" * 22,),
    "time": ("1900-01-01T00:00:00Z", "2024-02-29T23:59:59Z", "2999-12-31T23:59:59Z"),
    "uuid": (UUID,),
}
BAD: dict[str, tuple[Any, ...]] = {
    "v": (2, 0, "1", True, [1]),
    "agency": ("", "A", "gb", "GB\n", "\nGB", "GB HO", "ÄÖ", "1A", "A" * 33, 7, ["GB"]),
    "base64url": ("A", "AB", "AA==", "AA\n", "AA+/", 1),
    "code": ("", "-a", "A", "a_b", "a\n", "é", "a" * 65, 1),
    "counter": (0, -1, "1", True, [1]),
    "digest": ("", "A" * 42, "A" * 44, "A" * 42 + "B", "A" * 43 + "=", "A" * 43 + "\n", "é" * 43, 1, ["A"]),
    "exchange": ("", "a", "A0", "-a", "a-", "a.", ".a", "a\n", "a0\n", "a b", "a" * 65),
    "flag": (0, 1, "true", "false", [], {}),
    "line": ("", "a\n", "\n", "a\tb", "a\x00", "a\x7f", "a\x85b", "a\u2028b", "a\u2029b", "x" * 301, 1, ["a"]),
    "marking": ("CLEAR", "TLP:CLEAR", "clear\n", "", 0, ["clear"], {"clear": "clear"}),
    "node": ("", "-n", "N", "n\n", "n" * 33),
    "paragraph": ("", "a\r\n", "a\x0b", "a\x1b[31m", "a\x00", "a\u2028b", "x" * 8001, 1),
    "part": ("a", 1, [], ["a"]),
    "parts": ([], [{"name": "a"}] * 4, {"name": "a"}, "a", {"0": {"name": "a"}}),
    "size": (-1, "0", False),
    "stream": ("A" * 21, "A" * 23, "A" * 21 + "B"),
    "time": (
        "",
        "2026-11-21",
        "2026-11-21T21:02Z",
        "2026-11-21T21:02:25",
        "2026-11-21T21:02:25z",
        "2026-11-21t21:02:25Z",
        "2026-11-21 21:02:25Z",
        "2026-11-21T21:02:25+00:00",
        "2026-11-21T21:02:25-00:00",
        "2026-11-21T22:02:25+01:00",
        "2026-11-21T21:02:25.0Z",
        "2026-11-21T21:02:25,0Z",
        "2026-11-21T21:02:25Z\n",
        " 2026-11-21T21:02:25Z",
        "20261121T210225Z",
        "2026-W47-6T21:02:25Z",
        "2026-325T21:02:25Z",
        "+2026-11-21T21:02:25Z",
        "12026-11-21T21:02:25Z",
        "２０２６-11-21T21:02:25Z",
        "2026-02-29T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-00-01T00:00:00Z",
        "2026-01-00T00:00:00Z",
        "2026-01-01T24:00:00Z",
        "2026-01-01T00:60:00Z",
        "2026-12-31T23:59:60Z",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00Z",
        "1899-12-31T23:59:59Z",
        "3000-01-01T00:00:00Z",
        "9999-12-31T23:59:59Z",
        1_795_295_000,
        ["2026-11-21T21:02:25Z"],
    ),
    "uuid": ("", UUID.upper(), UUID.replace("-", ""), "{" + UUID + "}", UUID + "\n", "urn:uuid:" + UUID, UUID[:-1]),
}


def spell_cases(table: dict[str, tuple[Any, ...]]) -> list[tuple[str, Any]]:
    return [(name, value) for name, values in table.items() for value in values]


def read_refusal(value: dict[str, Any]) -> DocumentError:
    """Return the refusal of a value, which must be the same for its bytes."""
    with pytest.raises(DocumentError) as refusal:
        Specimen.from_wire(value)
    with pytest.raises(DocumentError) as again:
        Specimen.from_canonical(encode_canonical(value))
    assert str(again.value) == str(refusal.value)
    return refusal.value


def test_the_tables_speak_of_every_member() -> None:
    assert set(GOOD) == set(BAD) == set(Specimen.model_fields)


@pytest.mark.parametrize(("name", "value"), spell_cases(GOOD))
def test_a_good_member_goes_in_and_comes_out_as_it_was(name: str, value: Any) -> None:
    data = encode_canonical({name: value})
    model = Specimen.from_canonical(data)

    assert model == Specimen.from_wire({name: value})
    assert model.to_wire() == {name: value}
    assert model.canonical() == data


@pytest.mark.parametrize(("name", "value"), spell_cases(BAD))
def test_a_bad_member_is_refused_by_name(name: str, value: Any) -> None:
    refusal = read_refusal({name: value})

    assert refusal.field.split(".")[0] == name
    assert str(refusal).startswith(f"Specimen: {name}")
    assert refusal.document == "Specimen"


@pytest.mark.parametrize("name", sorted(GOOD))
def test_null_is_no_spelling_of_an_absent_member(name: str) -> None:
    with pytest.raises(UnsupportedValueError, match=f"^{name}: "):
        Specimen.from_wire({name: None})
    with pytest.raises(UnsupportedValueError, match=f"^{name}: "):
        Specimen.from_canonical(b'{"%s":null}' % name.encode())


def test_a_member_that_is_missing_is_named_with_its_path() -> None:
    assert read_refusal({"parts": [{"name": "a"}, {}]}).field == "parts.1.name"


def test_another_spelling_is_named_behind_members_that_are_right() -> None:
    assert read_refusal({"parts": [{"note": "b", "name": "a"}], "v": True}).field == "v"


def test_an_unknown_member_is_named_wherever_it_stands() -> None:
    assert read_refusal({"other": 1}).field == "other"
    assert read_refusal({"part": {"name": "a", "names": "b"}}).field == "part.names"


def test_a_rule_between_members_is_told_in_its_own_words() -> None:
    refusal = read_refusal({"flag": True, "line": "forbidden"})

    assert refusal.field == ""
    assert str(refusal) == "Specimen: the document: a flag does not stand beside this line"


@pytest.mark.parametrize("value", [[], "a", 1, True])
def test_what_is_no_object_is_no_document(value: Any) -> None:
    assert str(read_refusal(value)).startswith("Specimen: the document: ")


def test_a_hostile_member_name_neither_fills_a_log_nor_paints_a_terminal() -> None:
    refusal = read_refusal({"\x1b[31mX\r\n" + "x" * 10_000: 1})

    assert refusal.field.startswith("?[31mX??xxx")
    assert len(refusal.field) <= 200
    assert str(refusal).isprintable()


def test_a_long_array_of_wrong_items_costs_no_more_errors_than_a_short_one() -> None:
    data = b'{"parts":[' + b",".join([b"{}"] * 100_000) + b"]}"

    with pytest.raises(ValidationError) as refusal:
        Specimen.model_validate_json(data)

    assert refusal.value.error_count() <= 2


def test_a_long_array_of_good_items_ends_at_its_limit() -> None:
    data = b'{"parts":[' + b",".join([b'{"name":"a"}'] * 50_000) + b"]}"

    with pytest.raises(DocumentError, match=r"^Specimen: parts: .* at most 3 "):
        Specimen.from_canonical(data)


def test_bytes_of_a_document_may_be_limited() -> None:
    with pytest.raises(TooLargeError):
        Specimen.from_canonical(b'{"flag":true}', max_bytes=12)
    assert Specimen.from_canonical(b'{"flag":true}', max_bytes=13).flag


@given(st.binary(max_size=40))
@example(b'{"flag":true,"flag":true}')
@example(b'{ "flag":true}')
def test_any_bytes_are_a_model_or_a_refusal(data: bytes) -> None:
    try:
        model = Specimen.from_canonical(data)
    except CodecError:
        return
    assert model.canonical() == data


def test_models_do_not_change() -> None:
    model = Specimen(line="a")

    with pytest.raises(ValidationError):
        model.line = "b"  # type: ignore[misc]  # the very thing that must fail


@pytest.mark.parametrize("members", [{"counter": "1"}, {"flag": 1}, {"parts": [Part(name="a")]}, {"line": b"a"}])
def test_a_model_that_is_made_here_is_as_strict_as_one_that_is_read(members: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Specimen(**members)


@given(times)
def test_a_moment_has_one_spelling(moment: datetime) -> None:
    text = format_timestamp(moment)

    assert parse_timestamp(text) == moment
    assert len(text) == 20


@given(times, st.integers(-23, 23))
def test_a_moment_in_another_zone_is_the_same_moment(moment: datetime, hours: int) -> None:
    elsewhere = moment.astimezone(timezone(timedelta(hours=hours)))

    assert format_timestamp(elsewhere) == format_timestamp(moment)
    read = Specimen(time=elsewhere).time
    assert read == moment
    assert read is not None
    assert read.tzinfo is UTC


@pytest.mark.parametrize(
    "moment",
    [
        datetime(2026, 11, 21, 21, 2, 25),  # noqa: DTZ001 - what must be refused
        datetime(2026, 11, 21, 21, 2, 25, 1, tzinfo=UTC),
        EARLIEST_TIME - timedelta(seconds=1),
        LATEST_TIME + timedelta(seconds=1),
        datetime.max.replace(microsecond=0, tzinfo=timezone(-timedelta(hours=1))),
        datetime.min.replace(tzinfo=timezone(timedelta(hours=1))),
    ],
    ids=["no zone", "a fraction", "too early", "too late", "the end of the calendar", "its beginning"],
)
def test_a_moment_that_the_wire_cannot_spell_is_refused(moment: datetime) -> None:
    with pytest.raises(ValueError, match="whole seconds"):
        format_timestamp(moment)
    with pytest.raises(ValidationError):
        Specimen(time=moment)


def test_any_term_can_be_added_to_any_time() -> None:
    century = timedelta(days=36_500)

    assert EARLIEST_TIME - century < EARLIEST_TIME < LATEST_TIME < LATEST_TIME + century
