"""Moments survive storing exactly, in every time zone they come in."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.dialects import sqlite

from broker.storage.columns import UtcInstant

_DIALECT = sqlite.dialect()
_MOMENTS = st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=7)), timezone(timedelta(hours=-5))]))


@given(_MOMENTS)
def test_a_moment_comes_back_as_the_same_moment_in_utc(moment: datetime) -> None:
    column = UtcInstant()
    stored = column.process_bind_param(moment, _DIALECT)
    found = column.process_result_value(stored, _DIALECT)
    assert found == moment
    assert found is not None
    assert found.tzinfo is UTC


@given(_MOMENTS, _MOMENTS)
def test_stored_moments_sort_as_the_moments_do(first: datetime, second: datetime) -> None:
    column = UtcInstant()
    left, right = column.process_bind_param(first, _DIALECT), column.process_bind_param(second, _DIALECT)
    assert left is not None
    assert right is not None
    assert (left < right) == (first < second)


def test_a_moment_without_a_time_zone_is_refused() -> None:
    with pytest.raises(TypeError):
        UtcInstant().process_bind_param(datetime(2026, 11, 21), _DIALECT)  # noqa: DTZ001 - that is the point


def test_no_moment_stays_no_moment() -> None:
    assert UtcInstant().process_bind_param(None, _DIALECT) is None
    assert UtcInstant().process_result_value(None, _DIALECT) is None
