"""A backup has the files that are on their way out and those that were fetched, and no other; they come back whole."""

from pathlib import Path

import pytest

from agency_client.attachments.folder import LOCK, LOCK_SECONDS, KeptFile, list_incoming, list_outgoing
from agency_client.errors import ConflictError
from agency_client.local_store.access_log import AccessNote
from agency_client.local_store.content import erase_content
from agency_client.node import Node
from agency_client.profiles import backup
from agency_client.profiles.backup import BackupError, create_backup, restore_backup, verify_backup
from agency_client.profiles.profile import hold_lock
from agency_client.sending.flow import send_alert
from schemas.codec import CodecError, b64u_encode, hash_bytes
from schemas.log.records import Action
from tests.support.attached import Attaching
from tests.support.nodes import PASSPHRASE


def note(node: Node, verb: str) -> AccessNote:
    """Return who makes or restores a backup."""
    return node.note_access(Action.OPERATOR, verb, "weekly backup")


def back_up(attaching: Attaching, agency: str, *, lock_seconds: float = LOCK_SECONDS) -> Path:
    """Write a backup of an agency's node."""
    node = attaching.world[agency]
    path = attaching.folder / f"{agency}.backup"
    create_backup(node.profile, path, PASSPHRASE, note(node, "backup"), lock_seconds=lock_seconds)
    return path


def restore(attaching: Attaching, agency: str, path: Path) -> dict[str, bytes]:
    """Restore a backup beside; return its attachments by the names they have there."""
    node = attaching.world[agency]
    home = attaching.folder / f"home of {agency}"
    restored = restore_backup(path, home, "again", PASSPHRASE, note(node, "restore"))
    return read_files([*list_outgoing(restored.profile), *list_incoming(restored.profile)])


def read_files(files: list[KeptFile]) -> dict[str, bytes]:
    return {file.path.name: file.path.read_bytes() for file in files}


def test_what_was_fetched_comes_back_as_far_as_it_had_come_and_what_was_erased_since_stays_away(
    attaching: Attaching, monkeypatch: pytest.MonkeyPatch
) -> None:
    vn = attaching.world["VN"]
    kept, erased = (attaching.arrive(attaching.write(f"{name}.png", 300_000)) for name in ("kept", "erased"))
    for message in (kept, erased):
        attaching.save(message)
    with vn.store.write() as transaction:
        erase_content(transaction, erased.digest, vn.note_access(Action.ERASURE, "erase", "its time is over"))
    files, describe = list(list_incoming(vn.profile)), backup._describe
    here = read_files(files)

    def describe_slowly(*arguments: object) -> backup.Manifest:
        for file in files:
            with file.path.open("ab") as growing:
                growing.write(b"more")
        return describe(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(backup, "_describe", describe_slowly)
    back = restore(attaching, "VN", back_up(attaching, "VN"))

    assert back == {name: data for name, data in here.items() if not name.startswith(erased.digest)}
    assert any(name.startswith(kept.digest) and len(data) > 300_000 for name, data in back.items())


def test_what_is_not_sent_yet_comes_back_ready_to_go(attaching: Attaching) -> None:
    gb = attaching.world["GB"]
    report = send_alert(gb, attaching.draft(attaching.write("page.png")), deliver=False)
    (file,) = (kept for kept in list_outgoing(gb.profile) if kept.message == report.legs[0].message_id)

    attachments = verify_backup(back_up(attaching, "GB"), PASSPHRASE).attachments

    data = file.path.read_bytes()
    assert (f"out/{file.path.name}", len(data), b64u_encode(hash_bytes(data))) in {
        (attachment.path, attachment.size, attachment.sha256) for attachment in attachments
    }


def test_no_backup_is_made_while_files_are_sealed_and_none_of_a_file_that_was_given_up(
    attaching: Attaching, monkeypatch: pytest.MonkeyPatch
) -> None:
    vn = attaching.world["VN"]
    with hold_lock(vn.profile, LOCK), pytest.raises(ConflictError, match=LOCK):
        back_up(attaching, "VN", lock_seconds=0.0)
    message = attaching.arrive(attaching.write("page.png"))
    attaching.save(message)
    (file,) = (kept for kept in list_incoming(vn.profile) if kept.message == message.digest)
    describe = backup._describe

    def give_up(*arguments: object) -> backup.Manifest:
        file.path.write_bytes(b"")
        return describe(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(backup, "_describe", give_up)
    with pytest.raises(ConflictError, match="given up"):
        back_up(attaching, "VN")
    assert not (attaching.folder / "VN.backup").exists()
    assert [path.name for path in (vn.profile.folder / "run").iterdir()] == []


def test_what_was_done_to_an_attachment_in_it_is_noticed(attaching: Attaching) -> None:
    attaching.save(attaching.arrive(attaching.write("page.png")))
    path = back_up(attaching, "VN")
    data = path.read_bytes()
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(BackupError, match="attachments was cut short or changed"):
        verify_backup(path, PASSPHRASE)


@pytest.mark.parametrize("name", ["../escaped", "in/../escaped", "in/a", "saving/a.b", "/etc/a.b", "in/a.b/c", "in/.b"])
def test_an_attachment_of_a_backup_lies_nowhere_but_among_attachments(name: str) -> None:
    whole = {"path": "in/a.b", "size": 1, "sha256": b64u_encode(bytes(32))}
    assert backup.BackedUpAttachment.from_wire(whole).path == "in/a.b"
    with pytest.raises(CodecError):
        backup.BackedUpAttachment.from_wire(whole | {"path": name})
