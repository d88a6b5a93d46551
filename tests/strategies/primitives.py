"""Strategies for the primitive types of `schemas.model` and for plain values of the codec's profile."""

import hashlib
from datetime import UTC, datetime
from typing import TypeVar

from hypothesis import strategies as st

from schemas.codec import MAX_INTEGER, b64u_encode
from schemas.model import EARLIEST_TIME, LATEST_TIME

T = TypeVar("T")
JsonValue = bool | int | str | list["JsonValue"] | dict[str, "JsonValue"]

NO_CONTROLS = st.characters(exclude_categories=("Cc", "Cs"), exclude_characters="\u2028\u2029")
ASCII_NAMES = st.text(st.characters(max_codepoint=127), max_size=12)
AGENCIES = ("BE", "GB-HO", "UTO", "VN")


def absent_or(strategy: st.SearchStrategy[T]) -> st.SearchStrategy[T | None]:
    """Return a strategy for an optional member."""
    return st.none() | strategy


def tuples_of(
    strategy: st.SearchStrategy[T], *, min_size: int = 0, max_size: int = 3
) -> st.SearchStrategy[tuple[T, ...]]:
    """Return a strategy for an array."""
    return st.lists(strategy, min_size=min_size, max_size=max_size).map(tuple)


def some_bytes(length: int) -> st.SearchStrategy[bytes]:
    """Return a strategy for bytes that all differ, made from few drawn ones."""
    return st.binary(min_size=2, max_size=4).map(lambda seed: hashlib.shake_256(seed).digest(length))


def b64u_of(length: int) -> st.SearchStrategy[str]:
    """Return a strategy for base64url of so many bytes."""
    return some_bytes(length).map(b64u_encode)


def json_values(max_leaves: int = 20) -> st.SearchStrategy[JsonValue]:
    """Return a strategy for values that have a canonical form: no null, no fraction, ASCII names."""
    leaves = st.booleans() | st.integers(-MAX_INTEGER, MAX_INTEGER) | st.text()
    return st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ASCII_NAMES, inner, max_size=4),
        max_leaves=max_leaves,
    )


digests = b64u_of(32)
streams = b64u_of(16)
small_base64url = st.binary(max_size=24).map(b64u_encode)
agencies = st.sampled_from(AGENCIES)
agency_ids = st.from_regex(r"[A-Z][A-Z0-9-]{1,31}", fullmatch=True)
exchanges = st.sampled_from(("alerts.example", "a0", "staging-7.exchange.example"))
origins = st.builds("{}/{}".format, exchanges, st.integers(1, 999_999))
node_ids = st.from_regex(r"[a-z0-9][a-z0-9-]{0,31}", fullmatch=True)
codes = st.from_regex(r"[a-z0-9][a-z0-9-]{0,63}", fullmatch=True)
uuids = st.uuids().map(str)
counters = st.integers(1, MAX_INTEGER)
sizes = st.integers(0, MAX_INTEGER)
lines = st.text(NO_CONTROLS, min_size=1, max_size=40)
paragraphs = st.text(NO_CONTROLS | st.sampled_from("\t\n"), min_size=1, max_size=60)
times: st.SearchStrategy[datetime] = st.datetimes(
    EARLIEST_TIME.replace(tzinfo=None), LATEST_TIME.replace(tzinfo=None), timezones=st.just(UTC)
).map(lambda moment: moment.replace(microsecond=0))
