"""What is private stays private, is written whole, and is refused when others could read it."""

from pathlib import Path

import pytest

from agency_client.errors import NotFoundError
from agency_client.profiles.private_files import (
    NotPrivateError,
    delete_private_file,
    make_private_folder,
    read_private_file,
    verify_private,
    verify_private_tree,
    write_private_file,
)


def read_mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_a_file_is_written_for_its_owner_alone_and_leaves_no_draft(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    write_private_file(path, b"first")
    assert (read_private_file(path), read_mode(path)) == (b"first", 0o600)
    with pytest.raises(FileExistsError):
        write_private_file(path, b"second")
    write_private_file(path, b"third", replace=True)
    assert read_private_file(path) == b"third"
    assert [found.name for found in tmp_path.iterdir()] == ["secret"]


def test_a_folder_is_made_for_its_owner_alone_and_an_open_one_is_refused(tmp_path: Path) -> None:
    make_private_folder(tmp_path / "a" / "b")
    assert read_mode(tmp_path / "a" / "b") == 0o700
    make_private_folder(tmp_path / "a" / "b")
    (tmp_path / "a" / "b").chmod(0o750)
    with pytest.raises(NotPrivateError, match="mode 0750") as refused:
        make_private_folder(tmp_path / "a" / "b")
    assert refused.value.fix.startswith("chmod 700 ")


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o660, 0o604, 0o601])
def test_a_file_open_to_others_is_refused_with_the_fix(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "secret"
    write_private_file(path, b"x")
    path.chmod(mode)
    with pytest.raises(NotPrivateError) as refused:
        read_private_file(path)
    assert refused.value.fix == f"chmod 600 '{path}'"


def test_a_link_is_refused_whatever_it_points_to(tmp_path: Path) -> None:
    write_private_file(tmp_path / "secret", b"x")
    (tmp_path / "link").symlink_to(tmp_path / "secret")
    with pytest.raises(NotPrivateError, match="is a link"):
        verify_private(tmp_path / "link")


def test_a_file_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_private_file(tmp_path / "secret", b"x")
    owner = tmp_path.stat().st_uid
    monkeypatch.setattr("os.geteuid", lambda: owner + 1)
    with pytest.raises(NotPrivateError, match="another user"):
        verify_private(tmp_path / "secret")


def test_what_is_not_there_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        verify_private(tmp_path / "nothing")
    with pytest.raises(NotFoundError):
        verify_private_tree(tmp_path / "nothing")


def test_one_open_file_deep_inside_makes_the_tree_open(tmp_path: Path) -> None:
    make_private_folder(tmp_path / "p" / "keys")
    (tmp_path / "p").chmod(0o700)
    write_private_file(tmp_path / "p" / "keys" / "one", b"x")
    verify_private_tree(tmp_path / "p")
    (tmp_path / "p" / "keys" / "one").chmod(0o644)
    with pytest.raises(NotPrivateError, match="keys/one"):
        verify_private_tree(tmp_path / "p")


def test_a_deleted_file_is_overwritten_first(tmp_path: Path) -> None:
    path, other_name = tmp_path / "secret", tmp_path / "hardlink"
    write_private_file(path, b"key material")
    other_name.hardlink_to(path)
    delete_private_file(path)
    assert not path.exists()
    assert other_name.read_bytes() == bytes(12)
