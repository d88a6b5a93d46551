"""Files to hand to others: written whole, never over something else."""

from pathlib import Path

import pytest

from agency_client.errors import ConflictError
from agency_client.profiles.public_files import write_new_file


def test_a_new_file_is_written_and_the_same_again_is_fine(tmp_path: Path) -> None:
    write_new_file(tmp_path / "a", b"x")
    write_new_file(tmp_path / "a", b"x")
    assert (tmp_path / "a").read_bytes() == b"x"


def test_nothing_is_written_over_and_no_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"old")
    with pytest.raises(ConflictError):
        write_new_file(tmp_path / "a", b"new")
    (tmp_path / "link").symlink_to(tmp_path / "target")
    with pytest.raises(ConflictError):
        write_new_file(tmp_path / "link", b"new")
    assert (tmp_path / "a").read_bytes() == b"old"
    assert not (tmp_path / "target").exists()
