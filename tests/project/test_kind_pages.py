"""The pages of docs/kinds are what the models say: every field, every code, every example."""

from pathlib import Path
from typing import Any

import pytest

from deploy import kind_pages
from deploy.kind_pages import render_pages
from schemas.alerts import kind_names
from schemas.alerts.registry import schema_of

ROOT = Path(__file__).resolve().parents[2]
PAGES = ROOT / "docs" / "kinds"


def list_names(schema: dict[str, Any], definition: dict[str, Any]) -> set[str]:
    """Return the names of the fields and the codes that a definition leads to."""
    found = set(definition.get("properties", {})) | set(definition.get("enum", ()))
    for name in _list_references(definition):
        found |= list_names(schema, schema["$defs"][name])
    return found


def _list_references(node: Any) -> set[str]:
    if isinstance(node, dict):
        own = {str(node["$ref"]).rpartition("/")[2]} if "$ref" in node else set()
        return own.union(*map(_list_references, node.values()))
    return set().union(*map(_list_references, node)) if isinstance(node, list) else set()


def test_the_pages_are_current() -> None:
    """After a change of a model or an example: python deploy/kind_pages.py."""
    assert {path.name: path.read_text("utf-8") for path in PAGES.glob("*.md")} == render_pages()


def test_a_check_names_the_page_that_differs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(kind_pages, "FOLDER", tmp_path / "kinds")
    monkeypatch.setattr(kind_pages, "render_pages", lambda: {"ping.md": "new", "facilitator.md": "as it is"})
    assert kind_pages.main([]) == 0
    (tmp_path / "kinds" / "ping.md").write_text("old", "utf-8")
    (tmp_path / "kinds" / "gone.md").write_text("of a kind that is gone", "utf-8")
    assert kind_pages.main(["--check"]) == 1
    said = capsys.readouterr().err
    assert "docs/kinds/ping.md" in said
    assert "docs/kinds/gone.md" in said
    assert "docs/kinds/facilitator.md" not in said
    assert kind_pages.main([]) == kind_pages.main(["--check"]) == 0


@pytest.mark.parametrize("kind", kind_names())
def test_a_page_names_every_field_and_code_and_shows_the_example(kind: str) -> None:
    page, schema = (PAGES / f"{kind}.md").read_text("utf-8"), schema_of(kind)
    details = schema["$defs"][str(schema["properties"]["details"]["$ref"]).rpartition("/")[2]]
    assert {name for name in list_names(schema, details) if f"| `{name}` |" not in page} == set()
    assert (ROOT / "examples" / "alerts" / f"{kind}.json").read_text("utf-8") in page
    assert f"({kind}.md)" in (PAGES / "README.md").read_text("utf-8")
