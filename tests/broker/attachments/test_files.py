"""The files of attachments: private, durable, in a folder of their sender's, and nothing else is taken for one."""

import os
from contextlib import closing
from pathlib import Path

import pytest

from broker.attachments import files as attachment_files
from broker.attachments.contents import ContentsFullError
from broker.attachments.files import AttachmentFiles
from broker.attachments.rules import ByteRange, UploadKey
from schemas.codec import b64u_encode, hash_bytes
from tests.support.messages import make_id

KEY = UploadKey("VN-IMM", make_id("message"), make_id("attachment"))


def write(files: AttachmentFiles, data: bytes, offset: int = 0) -> None:
    with closing(files.open_piece(KEY)) as piece:
        piece.write(data, offset)


def test_a_file_is_private_and_named_by_ids_alone(tmp_path: Path) -> None:
    files = AttachmentFiles(tmp_path / "attachments")
    assert files.measure(KEY) is None
    assert list(files.list_keys()) == []
    write(files, b"first")
    write(files, b" second", 5)
    path = tmp_path / "attachments" / KEY.sender / f"{KEY.message}.{KEY.id}"
    assert path.read_bytes() == b"first second"
    modes = [found.stat().st_mode & 0o777 for found in (path, path.parent, path.parent.parent)]
    assert modes == [0o600, 0o700, 0o700]
    assert (files.measure(KEY), list(files.list_keys())) == (12, [KEY])
    assert files.compute_sha256(KEY) == b64u_encode(hash_bytes(b"first second"))
    assert files.measure_free() > 0


def test_files_are_listed_in_order_a_page_at_a_time(tmp_path: Path) -> None:
    files = AttachmentFiles(tmp_path / "attachments")
    assert files.list_page(None, 2) == []
    keys = sorted(
        UploadKey(sender, make_id(("message", number)), make_id("attachment"))
        for sender in ("VN-IMM", "GB-HO") for number in range(3)
    )  # fmt: skip
    for key in reversed(keys):
        with closing(files.open_piece(key)) as piece:
            piece.write(b"data", 0)

    assert files.list_page(None, 4) == keys[:4]
    assert [files.list_page(keys[number], 2) for number in range(6)] == [keys[n + 1 : n + 3] for n in range(6)]
    assert sorted(files.list_keys()) == keys


def test_names_that_a_killed_broker_did_not_sync_are_durable_before_anything_is_said_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "attachments"
    write(AttachmentFiles(folder), b"first")
    synced: list[Path] = []
    monkeypatch.setattr(attachment_files, "sync_folder", synced.append)
    assert AttachmentFiles(folder).measure(KEY) == 5
    assert set(synced) == {folder / KEY.sender, folder, tmp_path}
    synced.clear()
    AttachmentFiles(folder).open_piece(KEY).close()
    assert set(synced) == {folder / KEY.sender, folder, tmp_path}


def test_a_part_is_read_and_a_removed_file_is_gone(tmp_path: Path) -> None:
    files = AttachmentFiles(tmp_path / "attachments")
    write(files, b"0123456789")
    assert files.read(KEY, ByteRange(3, 4)) == b"3456"
    files.remove(KEY)
    files.remove(KEY)
    with pytest.raises(FileNotFoundError):
        files.read(KEY, ByteRange(0, 1))


def test_a_link_in_the_place_of_a_file_is_not_followed(tmp_path: Path) -> None:
    files = AttachmentFiles(tmp_path / "attachments")
    write(files, b"x")
    path = tmp_path / "attachments" / KEY.sender / f"{KEY.message}.{KEY.id}"
    path.unlink()
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic links"):
        files.open_piece(KEY)
    with pytest.raises(OSError, match="symbolic links"):
        files.read(KEY, ByteRange(0, 1))


def test_a_write_that_finds_room_for_a_part_goes_on_until_there_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files, written, room = AttachmentFiles(tmp_path / "attachments"), os.pwrite, [4]

    def write_little(descriptor: int, data: bytes, offset: int) -> int:
        if not room[0]:
            raise OSError(28, "No space left on device")
        room[0] -= 1
        return written(descriptor, bytes(data[:2]), offset)

    with monkeypatch.context() as patch:
        patch.setattr("broker.attachments.files.os.pwrite", write_little)
        with pytest.raises(ContentsFullError):
            write(files, b"0123456789")
    assert files.measure(KEY) == 8
