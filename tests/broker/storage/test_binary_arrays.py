"""Arrays in binary mean to a real server what they were made of."""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection

from broker.storage.binary_arrays import encode_array
from broker.storage.libpq import LibpqStatement
from tests.broker.ports import make_store
from tests.support.engines import POSTGRESQL, using_engine

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
KINDS: dict[str, st.SearchStrategy[Any]] = {
    "BIGINT": st.integers(-(2**63), 2**63 - 1),
    "BOOLEAN": st.booleans(),
    "BYTEA": st.binary(),
    "INTEGER": st.integers(-(2**31), 2**31 - 1),
    "SMALLINT": st.integers(-(2**15), 2**15 - 1),
    "TEXT": TEXT,
    "VARCHAR": TEXT,
}
ARRAYS = ", ".join(f"${place}::{kind}[]" for place, kind in enumerate(KINDS, 1))
UNNEST = LibpqStatement(f"SELECT * FROM unnest({ARRAYS})")  # noqa: S608 - our own names


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Connection]:
    with using_engine(POSTGRESQL):
        database = make_store(tmp_path)
    with database.reading.connect() as opened:
        yield opened


@given(st.lists(st.tuples(*(st.none() | kind for kind in KINDS.values())), min_size=1, max_size=20))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_rows_come_back_as_they_went(connection: Connection, rows: list[tuple[Any, ...]]) -> None:
    arrays = [encode_array(kind, column) for kind, column in zip(KINDS, zip(*rows, strict=True), strict=True)]
    assert UNNEST.fetch(connection, arrays) == rows


def test_a_number_that_does_not_fit_is_no_other_number() -> None:
    with pytest.raises(struct.error):
        encode_array("SMALLINT", [2**15])


def test_a_type_that_no_table_has_is_refused() -> None:
    with pytest.raises(KeyError, match="JSONB"):
        encode_array("JSONB", ["{}"])


@pytest.mark.parametrize("value", [5, "text", [1, 2]])
def test_only_bytes_are_bytes(value: object) -> None:
    with pytest.raises(TypeError):
        encode_array("BYTEA", [value])


def test_a_text_with_a_nul_is_refused_and_not_cut_off(connection: Connection) -> None:
    with pytest.raises(psycopg.errors.CharacterNotInRepertoire):
        UNNEST.fetch(connection, [encode_array(kind, ["cut\0off" if kind == "TEXT" else None]) for kind in KINDS])
