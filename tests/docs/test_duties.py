"""The table of duties names only what exists: fields of the schemas, rules that can be imported, tests."""

import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agency_client.local_store.access_chain import AccessEntry
from schemas.agreements.terms import Clause, Terms
from schemas.alerts.base import Alert
from schemas.alerts.doubts import DoubtCode
from schemas.alerts.registry import kind_names, kind_of

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "duties.md").read_text(encoding="utf-8")
IN_WORDS = {"the access log", "the access log's `purpose`", "the agreement's `transfer_ground`"}


def list_rows() -> list[list[str]]:
    """Return the cells of the first table's rows."""
    table = PAGE.split("## ", maxsplit=1)[0]
    lines = [line for line in table.splitlines() if line.startswith("| ") and "---" not in line]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[1:]]


ROWS = list_rows()


def list_fields(cell: str) -> Iterator[str]:
    """Give the fields of a cell, without those said in words."""
    yield from (item.strip("`") for item in cell.split(", ") if item not in IN_WORDS)


def has_field(name: str) -> bool:
    """Say whether a field exists: of the alert, of a clause, of a kind's details; or whether a kind does."""
    owner, _, member = name.partition(".")
    models: dict[str, Any] = {"alert": Alert, "clause": Clause}
    if not member:
        return name in kind_names()
    if owner in models:
        return member in models[owner].model_fields
    details: Any = kind_of(owner).alert.model_fields["details"].annotation
    return member in details.model_fields


def test_the_table_has_a_row_for_each_article_of_the_duties() -> None:
    articles = " ".join(row[0] for row in ROWS)
    assert [article for article in ("6", "7(2)", "9(3)", "10", "11", "25", "38") if article not in articles] == []
    assert all(len(row) == 5 for row in ROWS)


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_every_field_rule_and_test_of_a_row_exists(row: list[str]) -> None:
    assert [name for name in list_fields(row[2]) if not has_field(name)] == []
    assert find_rule(row[3].strip("`")) is not None
    file, _, test = row[4].strip("`").partition("::")
    text = (ROOT / file).read_text(encoding="utf-8")
    assert not test or f"def {test}(" in text


def find_rule(path: str) -> object:
    """Return the module, or the member of one, that a path names."""
    try:
        return importlib.import_module(path)
    except ModuleNotFoundError:
        module, _, member = path.rpartition(".")
        return getattr(importlib.import_module(module), member, None)


def test_what_is_said_in_words_exists_too() -> None:
    assert "purpose" in AccessEntry.model_fields
    assert "transfer_ground" in Terms.model_fields


def test_every_doubt_is_explained_and_no_other() -> None:
    section = PAGE.split("## The quality check")[1].split("## ")[0]
    cells = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    named = {code for cell in cells for code in re.findall(r"`([a-z-]+)`", cell)}
    assert named == {code.value for code in DoubtCode}
