"""Files of a draft are looked at once, and the alert speaks of them by the ids they are given."""

import os
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from agency_client.attachments import attaching
from agency_client.attachments.attaching import AttachedFile, attach_files, choose_files, parse_attached
from agency_client.errors import ClientError
from schemas.envelope import MAX_ATTACHMENTS
from schemas.markings import Tlp
from tests.support.attached import make_bytes
from tests.support.messages import make_id


def choose(*attached: AttachedFile) -> Any:
    numbers = count()
    return choose_files(attached, make_id=lambda: make_id(("file", next(numbers))))


def write(path: Path, data: bytes = b"some text") -> Path:
    path.write_bytes(data)
    return path


def test_a_file_is_named_and_measured_and_its_name_made_safe(tmp_path: Path) -> None:
    path = write(tmp_path / "-page\u202e.png", make_bytes("page", 5000))
    (found,) = choose(AttachedFile(path, marking=Tlp.RED))
    assert (found.id, found.size, found.media_type) == (make_id(("file", 0)), 5000, "image/png")
    assert (found.name, found.caption, found.marking) == ("page.png", "page.png", Tlp.RED)


def test_the_alert_speaks_of_files_by_their_ids(tmp_path: Path) -> None:
    files = choose(AttachedFile(write(tmp_path / "uv.png"), "UV light"), AttachedFile(write(tmp_path / "page.png")))
    alert: dict[str, Any] = {
        "subject": "file:other.png",
        "attachments": [{"id": "file:page.png", "caption": "Data page", "marking": "red"}],
        "details": {"images": [{"attachment": "file:uv.png"}, {"attachment": "file:page.png"}]},
        "persons": [{"photos": ["file:uv.png"]}],
    }
    found = attach_files(alert, files)
    uv, page = files[0].id, files[1].id
    assert found["attachments"] == [
        {"id": page, "caption": "Data page", "marking": "red"},
        {"id": uv, "caption": "UV light"},
    ]
    assert [image["attachment"] for image in found["details"]["images"]] == [uv, page]
    assert found["persons"][0]["photos"] == [uv]
    assert found["subject"] == "file:other.png", "no file is named so"
    assert alert["attachments"][0]["id"] == "file:page.png", "what was given stays as it was"


def test_an_alert_without_files_stays_as_it_is() -> None:
    assert attach_files({"subject": "x"}, ()) == {"subject": "x"}


def test_what_is_no_file_to_send_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / "pipe")
    monkeypatch.setattr(attaching, "MAX_ATTACHMENT_BYTES", 8)
    cases = {
        "file-missing": tmp_path / "nowhere.png",
        "usage": tmp_path,
        "too-large": write(tmp_path / "large.txt"),
    }
    for code, path in cases.items():
        with pytest.raises(ClientError) as refused:
            choose(AttachedFile(path))
        assert refused.value.code == code
        assert str(path) in refused.value.sentence
    for path in (tmp_path / "pipe", write(tmp_path / "empty", b"")):
        with pytest.raises(ClientError, match="no file with anything in it"):
            choose(AttachedFile(path))


def test_two_files_of_one_name_and_too_many_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    same = [AttachedFile(write(folder / "page.png")) for folder in (tmp_path, tmp_path / "other")]
    with pytest.raises(ClientError, match=r"two files are named page.png"):
        choose(*same)
    with pytest.raises(ClientError, match="at most"):
        choose(*same * MAX_ATTACHMENTS)


def test_a_path_may_come_with_a_caption_and_may_have_an_equals_sign_itself(tmp_path: Path) -> None:
    odd = write(tmp_path / "a=b.png")
    assert parse_attached(f"{odd}") == AttachedFile(odd)
    assert parse_attached("page.png=Data page = UV") == AttachedFile(Path("page.png"), "Data page = UV")
    assert parse_attached("page.png=") == AttachedFile(Path("page.png"))
