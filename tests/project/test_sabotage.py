"""Every control that `make sabotage` takes out is still there to be taken out, and the threat model shows them all."""

import ast
from pathlib import Path

import pytest

from tests.hostile.catalogue import MANIPULATIONS
from tests.sabotage.removals import Removal, load_removals

ROOT = Path(__file__).parents[2]
REMOVALS = load_removals()


ATTACKED = (
    "test_aftercare.py",
    "test_attachments.py",
    "test_batches.py",
    "test_clock.py",
    "test_following.py",
    "test_hostile_broker*.py",
    "test_officers.py",
    "test_onward.py",
    "test_reports.py",
    "test_retention.py",
    "test_revocations.py",
    "test_safeguarding*.py",
    "test_search.py",
    "test_tables.py",
    "test_terms.py",
)
"""The modules whose every attack must have a control that is taken out."""


def list_attacks() -> set[str]:
    """Return every attack of these modules."""
    return {
        f"tests/attacks/{module.name}::{node.name}"
        for pattern in ATTACKED
        for module in (ROOT / "tests" / "attacks").glob(pattern)
        for node in ast.parse(module.read_text("utf-8")).body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


@pytest.mark.parametrize("removal", REMOVALS, ids=lambda removal: removal.control)
def test_the_text_that_is_taken_out_stands_there_once(removal: Removal) -> None:
    for edit in removal.edits:
        assert (ROOT / edit.file).read_text("utf-8").count(edit.old) == 1, edit


def test_every_attack_of_the_hostile_broker_has_a_control_that_is_taken_out() -> None:
    assert list_attacks() == {test for removal in REMOVALS for test in removal.tests}


def test_every_lie_of_the_hostile_broker_is_told_in_an_attack() -> None:
    attacks = "".join(path.read_text("utf-8") for path in (ROOT / "tests" / "attacks").glob("test_hostile_broker*.py"))
    assert [name for name in MANIPULATIONS if name not in attacks] == []


def test_the_threat_model_shows_every_removal() -> None:
    page = (ROOT / "docs" / "threat-model.md").read_text("utf-8")
    assert [removal.control for removal in REMOVALS if removal.row not in page.splitlines()] == []
