"""How the play follows a message: where it went, what is known of it, and where its words must not stand."""

import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from examples.demo.cast import Member
from examples.demo.running import Outcome

_SENT_ROW = re.compile(r"^([0-9a-f]{8})\s+([A-Z][A-Z0-9-]+)\s", re.MULTILINE)


def find_sent(outcome: Outcome) -> dict[str, str]:
    """Return what `agency send` answered: the beginning of each message's id, by its recipient."""
    return {recipient: message for message, recipient in _SENT_ROW.findall(outcome.plain)}


def collect(member: Member) -> None:
    """Let a node fetch what waits for it, in view."""
    member.play("sync", limit=6)


def run_beside(members: Sequence[Member], *words: str) -> None:
    """Let several members run the same command at the same time, unseen."""
    with ThreadPoolExecutor(max_workers=2) as pool:
        for done in [pool.submit(member.do, *words) for member in members]:
            done.result()


def let_witness(*members: Member) -> None:
    """Let members cosign, unseen, all that the log has now: what widens waits until pinned partners have seen it."""
    run_beside(members, "sync")


def list_missing_facts(member: Member, message: str, recipient: str, wanted: Sequence[str]) -> list[str]:
    """Return which of these facts a sender does not know of a message with one recipient."""
    found = member.ask_one("status", message, "--offline")
    known = {
        fact["fact"]
        for delivery in found["deliveries"]
        if delivery["recipient"] == recipient
        for fact in delivery["facts"]
    }
    return [fact for fact in wanted if fact not in known]


def find_in_files(folder: Path, *words: str) -> list[str]:
    """Return the names of the files below a folder that hold one of these words."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [path.name for path in files if any(word.encode() in path.read_bytes() for word in words)]
