"""Drafts are there whole and private at the end, or not at all; nothing is overwritten."""

import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from agency_client.errors import ConflictError
from agency_client.interchange.tables.drafts import writing_drafts
from schemas.codec import CodecError


def test_lines_of_a_file(tmp_path: Path) -> None:
    out = tmp_path / "drafts.jsonl"

    with writing_drafts(out) as write:
        write(2, {"kind": "ping", "details": {}})
        write(3, {"subject": "é"})
        assert not out.exists()

    assert out.read_bytes() == b'{"details":{},"kind":"ping"}\n' + '{"subject":"é"}\n'.encode()
    assert stat.S_IMODE(out.stat().st_mode) == 0o600


def test_files_of_a_folder(tmp_path: Path) -> None:
    out = tmp_path / "drafts"

    with writing_drafts(out, "alert") as write:
        write(14, {"subject": "a"})
        assert not out.exists()

    files = list(out.iterdir())
    assert [(file.name, file.read_bytes()) for file in files] == [("alert-0000014.json", b'{"subject":"a"}')]
    assert [stat.S_IMODE(path.stat().st_mode) for path in (out, *files)] == [0o700, 0o600]


def write_one_and_fail(out: Path) -> None:
    """Write a draft, and one that has no form."""
    with writing_drafts(out) as write:
        write(2, {"subject": "a"})
        write(3, {"subject": None})


@pytest.mark.parametrize("name", ["drafts", "drafts.jsonl"])
def test_nothing_is_left_of_what_failed(tmp_path: Path, name: str) -> None:
    with pytest.raises(CodecError):
        write_one_and_fail(tmp_path / name)

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["drafts", "drafts.jsonl"])
@pytest.mark.parametrize(
    "occupy", [Path.mkdir, Path.touch, lambda path: path.symlink_to("nowhere")], ids=["folder", "file", "link"]
)
def test_nothing_is_overwritten(tmp_path: Path, name: str, occupy: Callable[[Path], None]) -> None:
    occupy(tmp_path / name)

    with pytest.raises(ConflictError, match="exists already"), writing_drafts(tmp_path / name):
        pass

    assert [path.name for path in tmp_path.iterdir()] == [name]
