"""`agency export --as` and `agency import` at the terminal: out for one's own tools and in again, every value said."""

from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from tests.support.lying_world import lying_world
from tests.support.onward import GB, VN, Row, make_row
from tests.support.terminals import Terminal

WHY = ("--reason", "case 74/08")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("interchange")


@pytest.fixture(scope="module")
def row(folder: Path) -> Iterator[Row]:
    """VN and GB; their commands do not reach the exchange."""
    with lying_world(folder, VN, GB) as world:
        yield make_row(world, "terminals", (VN, GB))


@pytest.fixture(scope="module")
def terminal(row: Row, folder: Path) -> Terminal:
    return Terminal(folder)


@pytest.mark.parametrize("format_", ["stix", "misp"])
def test_ones_own_message_goes_out_and_comes_back_and_a_partners_does_not(
    row: Row, terminal: Terminal, tmp_path: Path, format_: str
) -> None:
    held, file, draft = row.send(VN, GB), tmp_path / "alert.json", tmp_path / "draft.json"

    written = terminal.run("vn", "export", held.message_id, "--as", format_, "--out", str(file), *WHY)
    back = terminal.run("vn", "import", str(file), "--as", format_, "--out", str(draft), *WHY)
    refused = terminal.run("gb", "import", str(file), "--as", format_, "--out", str(tmp_path / "no"), *WHY, code=5)

    assert (written.data["format"], written.data["not_carried"]) == (format_, [])
    assert back.data["refused"] == []
    assert orjson.loads(draft.read_bytes())["subject"] == "A ping of the tests"
    assert refused.error["code"] == "foreign-origin"
    assert not (tmp_path / "no").exists()


def test_what_has_no_place_is_listed_and_nothing_is_overwritten(terminal: Terminal, tmp_path: Path) -> None:
    file, draft = tmp_path / "event.json", tmp_path / "draft.json"
    attributes = [{"uuid": "1", "type": "phone-number", "value": "+44 7700 900123"}, {"uuid": "2", "type": "yara"}]
    file.write_bytes(orjson.dumps({"Event": {"info": "A case", "Attribute": attributes}}))

    taken = terminal.run("gb", "import", str(file), "--as", "misp", "--out", str(draft), *WHY)
    again = terminal.run("gb", "import", str(file), "--as", "misp", "--out", str(draft), *WHY, code=8)

    assert taken.data["taken"] == ["Attribute 1 phone"]
    assert taken.data["refused"] == [{"where": "Attribute 2", "why": "no alert has a place for yara"}]
    assert orjson.loads(draft.read_bytes()) == {
        "kind": "facilitator",
        "subject": "A case",
        "details": {"phones": [{"number": {"as_seen": "+44 7700 900123"}}]},
    }
    assert again.error["code"] == "file-exists"


def test_a_file_for_tools_is_for_no_court(row: Row, terminal: Terminal, tmp_path: Path) -> None:
    held = row.send(VN, GB)
    words = ("--as", "stix", "--use", "court", "--court", "Brussels", "--proceeding", "74/08")

    refused = terminal.run("gb", "export", held.message_id, *words, "-o", str(tmp_path / "x"), *WHY, code=2)

    assert "for your own work" in str(refused.error)
