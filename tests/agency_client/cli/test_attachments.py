"""`agency attachments` in this process: listed, saved without the exchange, and whatever they are called, harmless."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from agency_client.attachments.listing import fetch_attachments
from agency_client.local_store.inbox import InboxMessage
from schemas.codec import decode_json
from tests.support.attached import Attaching, agree_to_files
from tests.support.command_line import CommandLine
from tests.support.lying_attachments import LyingAttachments
from tests.support.lying_world import LyingWorld

REASON = ("--reason", "case 74/08")


@dataclass(frozen=True)
class Desk:
    """VN's command line, and a message with a file that was fetched."""

    line: CommandLine
    message: InboxMessage
    sent: Path


@pytest.fixture(scope="module")
def desk(two_agencies: LyingWorld, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("files")
    two_agencies.exchange.attached = LyingAttachments()
    attaching: Attaching = agree_to_files(two_agencies, "command line", folder)
    sent = attaching.write("page\u202e\x1b[2J.png", 5_000)
    message = attaching.arrive(sent)
    fetch_attachments(two_agencies["VN"], message.message_id, (), reason="case 74/08")
    root = two_agencies["VN"].profile.folder.parent.parent
    line = CommandLine(root, "vn")
    line.environment["BILATERAL_PASSPHRASE_FILE"] = str(root / "passphrase")
    yield Desk(line, message, sent)
    two_agencies.exchange.attached = LyingAttachments()


def test_it_is_listed_in_every_form(desk: Desk) -> None:
    said = desk.line.demand_harmless("attachments", "list", desk.message.message_id, *REASON)
    assert "image/png" in said
    assert "4.9 KiB" in said
    code, out, _ = desk.line.run("attachments", "list", desk.message.message_id, *REASON, form="--json")
    found: dict[str, Any] = decode_json(out.encode())
    assert (code, found["attachments"][0]["where"], found["attachments"][0]["size"]) == (0, "here", 5_000)
    shown = desk.line.demand_harmless("read", desk.message.message_id, *REASON)
    assert "Attachments" in shown


def test_what_was_fetched_is_saved_without_the_exchange(desk: Desk, tmp_path: Path) -> None:
    words = ("attachments", "save", desk.message.message_id, "--all", "--to", str(tmp_path), *REASON)
    desk.line.demand_harmless(*words, forms=("--plain", "--json"))  # a bar in colour moves the cursor, and is our own
    saved = sorted(tmp_path.iterdir())
    assert len(saved) == 2, "each form saved it under a name of its own"
    assert {path.read_bytes() for path in saved} == {desk.sent.read_bytes()}


def test_all_or_some_must_be_said(desk: Desk, tmp_path: Path) -> None:
    for words in ((), ("3f0f6d0a", "--all")):
        code, _, err = desk.line.run(
            "attachments", "save", desk.message.message_id, *words, "--to", str(tmp_path), *REASON
        )
        assert code == 2
        assert "say which" in err
    code, _, err = desk.line.run("attachments", "save", desk.message.message_id, "ffffffff-0", *REASON)
    assert (code, "no attachment ffffffff-0" in err) == (3, True)
