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


STOLEN = Path(__file__).parents[3] / "examples" / "mappings"


def test_a_table_is_told_line_by_line_and_its_drafts_can_be_sent(terminal: Terminal, tmp_path: Path) -> None:
    drafts, mend = tmp_path / "drafts", tmp_path / "mend.csv"
    table = (str(STOLEN / "stolen-blanks.csv"), "--as", "csv", "--map", str(STOLEN / "stolen-blanks.toml"), *WHY)

    taken = terminal.run("gb", "import", *table, "--out", str(drafts), "--refused", str(mend))
    shown = terminal.run("gb", "import", *table, "--out", str(tmp_path / "again"), form="--plain")
    sent = terminal.run("gb", "send", str(drafts / "line-0000002.json"), "--to", "VN", "--dry-run")

    *lines, count = taken.lines
    assert [(line["line"], line["refused"], line["problems"][0]["column"]) for line in lines] == [(4, True, "Last")]
    assert (count["taken"], count["refused"], count["unread_columns"]) == (2, 1, [])
    assert mend.read_text("utf-8-sig").count("\n") == 2
    assert shown.stdout.startswith("line 4\trefused: Last → details.blanks.0.last: not after first in the same series")
    assert "2 drafts" in shown.stderr
    assert (sent.data["allowed"], sent.data["quality"]) == (True, [])


def test_a_strict_table_is_taken_whole_or_not_at_all(terminal: Terminal, tmp_path: Path) -> None:
    table = (str(STOLEN / "stolen-blanks.csv"), "--as", "csv", "--map", str(STOLEN / "stolen-blanks.toml"), *WHY)

    refused = terminal.run("gb", "import", *table, "--out", str(tmp_path / "drafts"), "--strict", code=1)

    assert refused.error["code"] == "lines-refused"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "words",
    [
        ("--as", "csv"),
        ("--as", "csv", "--map", "m.toml", "--kind", "facilitator"),
        ("--as", "misp", "--strict"),
        ("--as", "stix", "--map", "m.toml"),
        ("--as", "stix", "--refused", "r.csv"),
        ("--as", "xml"),
    ],
)
def test_what_belongs_to_a_table_alone_is_said(terminal: Terminal, tmp_path: Path, words: tuple[str, ...]) -> None:
    terminal.run("gb", "import", "file", *words, "--out", str(tmp_path / "drafts"), *WHY, code=2)


def test_a_message_goes_out_as_a_table(row: Row, terminal: Terminal, tmp_path: Path) -> None:
    held, file = row.send(VN, GB), tmp_path / "alert.csv"

    written = terminal.run("gb", "export", held.message_id, "--as", "csv", "--out", str(file), *WHY)

    assert written.data["format"] == "csv"
    assert '"subject","subject","A ping of the tests",""' in file.read_text("utf-8-sig").splitlines()
