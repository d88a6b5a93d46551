"""Drafts in files and folders: in order, one at a time, and what cannot be read named and passed over."""

from pathlib import Path

import pytest

from agency_client.errors import NotFoundError, UsageError
from agency_client.sending.composing import MAX_FILE_BYTES
from agency_client.sending.draft_files import measure_drafts, read_drafts


def test_lines_are_numbered_as_they_stand_and_empty_ones_passed_over(tmp_path: Path) -> None:
    file = tmp_path / "drafts.jsonl"
    file.write_bytes(b'{"kind":"ping"}\n\n  \n{"kind":"outcome"}')
    lines = list(read_drafts(file))
    assert [(line.number, line.name, line.members) for line in lines] == [
        (1, "line 1", {"kind": "ping"}),
        (4, "line 4", {"kind": "outcome"}),
    ]
    assert measure_drafts(file) == file.stat().st_size


@pytest.mark.parametrize(
    "bad", [b"{", b"[]", b'{"a":null}', b"\xff", b'{"a":1,"a":2}', b"x" * (2 * MAX_FILE_BYTES + 9)]
)
def test_a_bad_line_is_named_and_the_next_one_read(tmp_path: Path, bad: bytes) -> None:
    file = tmp_path / "drafts.jsonl"
    file.write_bytes(bad + b'\n{"kind":"ping"}\n')
    first, second = read_drafts(file)
    assert isinstance(first.problem, UsageError)
    assert "line 1" in first.problem.sentence
    assert (second.number, second.members) == (2, {"kind": "ping"})


def test_a_folder_is_read_in_the_order_of_its_names(tmp_path: Path) -> None:
    for name, text in (("b.json", '{"kind":"b"}'), ("a.json", '{"kind":"a"}'), ("notes.txt", "x"), (".c.json", "x")):
        (tmp_path / name).write_text(text)
    lines = list(read_drafts(tmp_path))
    assert [(line.name, line.members) for line in lines] == [("a.json", {"kind": "a"}), ("b.json", {"kind": "b"})]
    assert measure_drafts(tmp_path) == sum(line.size for line in lines)


def test_nothing_there_is_said_before_anything_is_done(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        measure_drafts(tmp_path / "nothing")
    with pytest.raises(UsageError):
        measure_drafts(tmp_path)


def test_more_drafts_than_one_go_may_have_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "drafts.jsonl"
    file.write_bytes(b"{}\n{}\n")
    assert len(list(read_drafts(file, max_drafts=2))) == 2
    file.write_bytes(b"{}\n{}\n{}\n")
    with pytest.raises(UsageError, match="more than 2 drafts"):
        list(read_drafts(file, max_drafts=2))
