"""From the sender's file to the recipient's: every byte verified before there is a name, whatever is cut off."""

import os
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from agency_client.attachments import fetching
from agency_client.attachments.fetching import AttachmentForgedError, AttachmentGoneError
from agency_client.attachments.folder import RESERVED_BYTES, DiskFullError, list_incoming
from agency_client.attachments.listing import fetch_attachments
from agency_client.attachments.saving import Saving, save_attachments
from agency_client.errors import ClientError, NotFoundError, UsageError
from agency_client.local_store.access_log import AccessFilter, list_entries
from agency_client.reading.messages import NotShownError
from agency_client.receiving.flow import receive
from agency_client.refusals import UnansweredError, read_refusal
from agency_client.sending.noticing import restrict, withdraw
from schemas.codec import b64u_encode, hash_bytes
from schemas.log.records import Action
from schemas.problems import TYPE_PREFIX, ProblemDocument
from tests.support.attached import Attaching
from tests.support.lying_attachments import Place
from tests.support.onward import AUTHOR


def list_names(folder: Path) -> list[str]:
    """Return everything that lies in a folder, drafts too."""
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def test_a_file_arrives_as_it_was_sent(attaching: Attaching) -> None:
    sent = attaching.write("page.png", 300_000)
    (saved,) = attaching.save(attaching.arrive(sent))
    assert saved.path == attaching.folder / "saved" / "page.png"
    assert saved.path.read_bytes() == sent.read_bytes()
    assert saved.path.stat().st_mode & 0o777 == 0o600
    assert (saved.size, saved.sha256) == (300_000, b64u_encode(hash_bytes(sent.read_bytes())))
    assert list_names(attaching.folder / "saved") == ["page.png"]


def test_several_files_are_chosen_by_their_ids_and_nothing_is_replaced(attaching: Attaching) -> None:
    message = attaching.arrive(attaching.write("one.png"), attaching.write("two.png"))
    first, second = attaching.save(message)
    (again,) = attaching.save(message, second.id[:8])
    assert [first.path.name, second.path.name, again.path.name] == ["one.png", "two.png", "two-2.png"]
    assert again.path.read_bytes() == second.path.read_bytes()
    with pytest.raises(NotFoundError, match="no attachment ffffffff-0"):
        attaching.save(message, "ffffffff-0")


def test_who_saved_what_and_why_is_on_record_before_anything_is_fetched(attaching: Attaching) -> None:
    message = attaching.arrive(attaching.write("page.png"))
    attaching.attached.cut_after(0, UnansweredError("gone"))
    with pytest.raises(UnansweredError):
        attaching.save(message)
    with attaching.world["VN"].store.read() as snapshot:
        entries = list_entries(snapshot, AccessFilter(message=message.message_id, action=Action.CONSULTATION))
    assert [(entry.verb, entry.reason) for entry in entries][-1] == ("save-attachments", "case 74/08")


def test_a_message_opens_without_its_attachments(attaching: Attaching) -> None:
    message = attaching.arrive(attaching.write("page.png"))
    assert message.opened_at is not None
    assert not [path for path in attaching.attached.asked if path.count("/") == 4]


@pytest.mark.parametrize("pieces", [0, 1, 2])
def test_what_was_cut_off_goes_on_where_it_stood(
    attaching: Attaching, monkeypatch: pytest.MonkeyPatch, pieces: int
) -> None:
    monkeypatch.setattr(fetching, "MAX_PIECE_BYTES", 40_000)
    sent = attaching.write("page.png", 100_000)
    message = attaching.arrive(sent)
    attaching.attached.asked.clear()
    attaching.attached.cut_after(pieces, UnansweredError("gone"))
    with pytest.raises(UnansweredError):
        attaching.save(message)
    assert list_names(attaching.folder / "saved") == []
    (saved,) = attaching.save(message)
    assert saved.path.read_bytes() == sent.read_bytes()
    assert len(attaching.attached.asked) == 4, "three pieces, and the one that was cut off"


def test_what_was_fetched_is_saved_without_the_exchange(attaching: Attaching) -> None:
    sent = attaching.write("page.png")
    message = attaching.arrive(sent)
    attaching.save(message)
    attaching.attached.uploads.clear()
    (saved,) = attaching.save(message)
    assert saved.path.read_bytes() == sent.read_bytes()


def flip(_place: Place, start: int, data: bytes) -> bytes:
    return data if start else data[:500] + bytes([data[500] ^ 1]) + data[501:]


def test_bytes_that_were_not_signed_for_are_deleted_and_never_saved(attaching: Attaching) -> None:
    sent = attaching.write("page.png")
    message = attaching.arrive(sent)
    attaching.attached.twist = flip
    with pytest.raises(AttachmentForgedError, match="other bytes than GB signed for"):
        attaching.save(message)
    assert list_names(attaching.folder / "saved") == []
    assert message.digest not in {kept.message for kept in list_incoming(attaching.world["VN"].profile)}
    attaching.attached.twist = lambda _place, _start, data: data
    assert attaching.save(message)[0].path.read_bytes() == sent.read_bytes()


def test_what_was_changed_on_this_nodes_own_disk_is_found_as_well(attaching: Attaching) -> None:
    message = attaching.arrive(attaching.write("page.png"))
    attaching.save(message)
    (kept,) = [kept for kept in list_incoming(attaching.world["VN"].profile) if kept.message == message.digest]
    data = kept.path.read_bytes()
    kept.path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(AttachmentForgedError):
        attaching.save(message)
    kept.path.touch(0o600)
    kept.path.write_bytes(data + b"and more")
    assert attaching.save(message)[0].path.name == "page-2.png", "what is too long begins anew"


def test_what_the_exchange_does_not_have_any_more_is_said(attaching: Attaching) -> None:
    message = attaching.arrive(attaching.write("page.png"))
    attaching.attached.uploads.clear()
    with pytest.raises(AttachmentGoneError, match="does not have this attachment") as gone:
        attaching.save(message)
    assert gone.value.code == "attachment-gone"


def test_what_the_exchange_has_lost_is_said_in_other_words(attaching: Attaching) -> None:
    problem = ProblemDocument(type=f"{TYPE_PREFIX}attachment-lost", title="Lost", status=410, detail="lost")

    def lose(_place: object, _start: int, _data: bytes) -> bytes:
        raise read_refusal(410, {}, problem.canonical())

    message = attaching.arrive(attaching.write("page.png"))
    attaching.attached.twist = lose
    with pytest.raises(AttachmentGoneError, match="has lost its bytes") as gone:
        attaching.save(message)
    assert (gone.value.code, "operator" in gone.value.fix) == ("attachment-lost", True)
    attaching.attached.twist = lambda _place, _start, data: data
    assert attaching.save(message)[0].path.name == "page.png"


def test_of_a_message_that_was_taken_back_nothing_is_saved(attaching: Attaching) -> None:
    message = attaching.arrive(attaching.write("page.png"))
    attaching.save(message)
    withdraw(attaching.world["GB"], message.message_id, AUTHOR, because="sent-by-mistake")
    receive(attaching.world["VN"])
    with pytest.raises(ClientError) as refused:
        attaching.save(message)
    assert refused.value.code in ("withdrawn", "not-found", "content-erased", "erased")
    with pytest.raises(ClientError):
        fetch_attachments(attaching.world["VN"], message.message_id, (), reason="case 74/08")
    assert list_names(attaching.folder / "saved") == ["page.png"]


@pytest.mark.parametrize("notice", ["withdrawal", "restriction"])
def test_of_a_message_that_is_taken_back_while_it_is_fetched_nothing_is_saved(
    attaching: Attaching, notice: str
) -> None:
    message = attaching.arrive(attaching.write("page.png"))

    def say_meanwhile(_place: Place, _start: int, data: bytes) -> bytes:
        if notice == "withdrawal":
            withdraw(attaching.world["GB"], message.message_id, AUTHOR, because="sent-by-mistake")
        else:
            restrict(attaching.world["GB"], message.message_id, AUTHOR, ground="accuracy-contested")
        receive(attaching.world["VN"])
        return data

    attaching.attached.twist = say_meanwhile
    with pytest.raises(NotShownError, match="has come meanwhile"):
        attaching.save(message)
    assert list_names(attaching.folder / "saved") == []


def test_no_file_takes_the_room_that_the_store_needs(attaching: Attaching, monkeypatch: pytest.MonkeyPatch) -> None:
    message = attaching.arrive(attaching.write("page.png", 100_000))
    free, asked = [RESERVED_BYTES + 100_000], len(attaching.attached.asked)
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: SimpleNamespace(free=free[0]))
    with pytest.raises(DiskFullError, match="too little would be left"):
        attaching.save(message)
    assert len(attaching.attached.asked) == asked, "nothing of it is fetched"
    free[0] += 1_000
    attaching.save(message)
    free[0] = RESERVED_BYTES
    with pytest.raises(DiskFullError, match="100000 bytes are to be written"):
        attaching.save(message)
    assert list_names(attaching.folder / "saved") == ["page.png"]
    with pytest.raises(DiskFullError):
        attaching.send(attaching.folder / "page.png")


def test_of_a_restricted_message_nothing_is_saved_but_for_what_it_is_kept_for(attaching: Attaching) -> None:
    message = attaching.arrive(attaching.write("page.png"))
    restrict(attaching.world["GB"], message.message_id, AUTHOR, ground="accuracy-contested")
    receive(attaching.world["VN"])
    with pytest.raises(NotShownError, match="restricted"):
        attaching.save(message)


def test_a_folder_that_is_none_and_a_message_of_ones_own_are_refused(attaching: Attaching) -> None:
    report = attaching.send(attaching.write("page.png"))
    own = report.legs[0].message_id
    wanted = Saving(own, attaching.folder, "case 74/08")
    with pytest.raises(UsageError, match="this agency's own"):
        save_attachments(attaching.world["GB"], wanted)
    with pytest.raises(UsageError, match="no folder"):
        save_attachments(attaching.world["GB"], Saving(own, attaching.folder / "nowhere", "case 74/08"))


def test_a_full_disk_leaves_no_half_a_file(attaching: Attaching, monkeypatch: pytest.MonkeyPatch) -> None:
    message = attaching.arrive(attaching.write("page.png"))
    attaching.save(message)
    written = os.write

    def fill(descriptor: int, data: Any) -> int:
        if len(data) > 4096:
            raise OSError(28, "No space left on device")
        return written(descriptor, data)

    with monkeypatch.context() as patch:
        patch.setattr("agency_client.attachments.folder.os.write", fill)
        with pytest.raises(DiskFullError):
            attaching.save(message)
    assert list_names(attaching.folder / "saved") == ["page.png"]
