"""The table of terms in docs/protocol.md has every term of a clause, says what the attacks show, names true tests."""

import re
from pathlib import Path

import pytest

from schemas.agreements import coverage
from schemas.agreements.terms import Clause
from tests.attacks.terms_table import BROKEN_TERMS, BrokenTerm
from tests.docs.test_threat_model import list_tests

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "protocol.md").read_text("utf-8")
TABLE = PAGE.partition("| Term | Sender's client, before sealing |")[2].partition("\n\n")[0]
ROWS = [[cell.strip() for cell in line.strip("|").split("|")] for line in TABLE.splitlines()[2:]]
RECIPIENT = {"unverifiable": ("sets aside",), "refused": ("refuses",), "opened": ("shows", "keeps to it")}
SIDES = 3


def find_row(broken: BrokenTerm) -> list[str]:
    """Return the row of a term; a part of one, in brackets, has a row of its own."""
    name, _, part = broken.term.partition(" ")
    tail = f" {part}" if part else ""
    return next(row for row in ROWS if row[0] in (f"`{name}`{tail}", f"`{name}`, `{name}_agencies`"))


def test_every_term_of_a_clause_has_its_row_and_nothing_else_has() -> None:
    named = {name for row in ROWS for name in re.findall(r"`([a-z_]+)`", row[0])}
    assert named == set(Clause.model_fields) - {"sender", "recipient"} | {"transfer_ground"}


@pytest.mark.parametrize("broken", BROKEN_TERMS, ids=lambda broken: broken.term)
def test_a_row_says_what_the_attack_shows(broken: BrokenTerm) -> None:
    row = find_row(broken)
    assert row[1].startswith("refuses")
    assert row[2] == ("refuses" if broken.broker else "cannot see")
    assert row[3].startswith(RECIPIENT[broken.state])
    assert row[4] == f"`{broken.code}`"


def test_every_code_of_coverage_stands_in_the_table() -> None:
    codes = set(re.findall(r'Finding\(\s*"([a-z-]+)"', Path(coverage.__file__).read_text("utf-8")))
    assert len(codes) > 10
    assert codes - {"direction-not-covered"} <= {row[4].strip("`") for row in ROWS}


def test_every_row_names_a_test_that_exists() -> None:
    named = [re.fullmatch(r"`(tests/[^`]+?)::([^`]+)`", row[5]) for row in ROWS if row[5] != "the same"]
    assert None not in named
    assert [found[0] for found in named if found and found[2] not in list_tests(found[1])] == []
    assert {len(row) for row in ROWS} == {SIDES + 3}
