"""A save that is killed leaves plaintext for no longer than until the next one, or until the node clears up."""

import subprocess
import sys
from pathlib import Path

import pytest

from agency_client.attachments.clearing import clear_attachments
from agency_client.attachments.drafts import clear_drafts, list_left_behind, writing_draft
from agency_client.attachments.folder import write_all
from agency_client.doctor import check_store
from agency_client.node import Node
from tests.support.attached import Attaching

SAVING = """
import sys
from pathlib import Path
from types import SimpleNamespace
from agency_client.attachments.drafts import writing_draft
with writing_draft(SimpleNamespace(folder=Path(sys.argv[1])), Path(sys.argv[2])) as draft:
    draft.path.write_bytes(b"decrypted")
    print("writing", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def vn(attaching: Attaching) -> Node:
    """VN, who saves."""
    return attaching.world["VN"]


def leave_behind(node: Node, folder: Path) -> Path:
    """Begin to save into a folder in a process that is killed; return what lies there."""
    folder.mkdir(exist_ok=True)
    command = [sys.executable, "-c", SAVING, str(node.profile.folder), str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"writing\n"
        assert list_left_behind(node.profile) == [], "it is being written"
        assert clear_drafts(node.profile) == 0
        process.kill()
    (left,) = folder.iterdir()
    assert left.read_bytes() == b"decrypted"
    return left


def test_the_next_save_removes_it_wherever_it_lies(vn: Node, attaching: Attaching) -> None:
    left = leave_behind(vn, attaching.folder / "elsewhere")
    assert [finding.fix for finding in check_store(vn) if str(left) in finding.sentence] == [
        "run: agency retention run"
    ]

    attaching.save(attaching.arrive(attaching.write("page.png")))

    assert not left.exists()
    assert list_left_behind(vn.profile) == []
    assert list((vn.profile.folder / "attachments" / "saving").iterdir()) == []


def test_in_a_folder_that_is_away_it_is_removed_when_that_is_there_again(vn: Node, tmp_path: Path) -> None:
    left = leave_behind(vn, tmp_path / "stick")
    left.parent.rename(tmp_path / "away")
    assert clear_attachments(vn) == 0
    (tmp_path / "away").rename(left.parent)

    assert clear_attachments(vn) == 1
    assert not left.exists()


def test_what_is_written_meanwhile_and_what_is_no_draft_stays(vn: Node, tmp_path: Path) -> None:
    (tmp_path / ".bilateral-mine.part").write_text("no draft of this node")
    with writing_draft(vn.profile, tmp_path) as draft:
        write_all(draft.descriptor, b"half")
        assert clear_attachments(vn) == 0
        assert draft.path.read_bytes() == b"half"

    assert clear_attachments(vn) == 0
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == [".bilateral-mine.part"]
