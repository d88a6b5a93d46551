"""`agency generate`: synthetic alerts in a file or a folder, the same at every run, without a profile."""

from pathlib import Path

import pytest

from schemas.alerts import parse_alert
from schemas.codec import decode_canonical
from tests.support.terminals import Terminal


@pytest.fixture(scope="module")
def terminal(tmp_path_factory: pytest.TempPathFactory) -> Terminal:
    return Terminal(tmp_path_factory.mktemp("generate"))


@pytest.mark.parametrize("kind", ["document-fraud", "document-status", "facilitator"])
def test_alerts_are_lines_of_a_file_and_the_same_again(terminal: Terminal, tmp_path: Path, kind: str) -> None:
    one, other = tmp_path / "one.jsonl", tmp_path / "other.jsonl"
    words = ("generate", "--count", "3", "--seed", "7", "--kind", kind)

    made = terminal.run("", *words, "--out", one)
    terminal.run("", *words, "--out", other)

    alerts = [parse_alert(decode_canonical(line)) for line in one.read_bytes().splitlines()]
    assert [alert.kind for alert in alerts] == [kind] * 3
    assert one.read_bytes() == other.read_bytes()
    assert made.data == {
        "v": 1,
        "file": str(one),
        "count": 3,
        "kind": kind,
        "seed": 7,
        "until": "2023-12-31",
    }


def test_alerts_are_files_of_a_folder_in_the_year_asked_for(terminal: Terminal, tmp_path: Path) -> None:
    terminal.run("", "generate", "--count", "2", "--until", "2026-11-21", "--out", tmp_path / "drafts")

    files = sorted((tmp_path / "drafts").iterdir())
    assert [file.name for file in files] == ["alert-0000001.json", "alert-0000002.json"]
    assert {parse_alert(decode_canonical(file.read_bytes())).data_as_of.year for file in files} <= {2025, 2026}


@pytest.mark.parametrize(
    "words",
    [
        ("--kind", "ping"),
        ("--until", "2026-02-30"),
        ("--until", "0001-01-01"),
        ("--count", "0"),
        ("--seed", "-1"),
    ],
)
def test_what_cannot_be_made_is_refused(terminal: Terminal, tmp_path: Path, words: tuple[str, str]) -> None:
    terminal.run("", "generate", *words, "--out", tmp_path / "drafts", code=2)

    assert list(tmp_path.iterdir()) == []


def test_nothing_is_overwritten(terminal: Terminal, tmp_path: Path) -> None:
    refused = terminal.run("", "generate", "--count", "1", "--out", tmp_path, code=8)

    assert refused.error["code"] == "file-exists"
