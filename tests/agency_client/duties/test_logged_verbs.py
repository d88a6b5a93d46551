"""Every command that touches personal data leaves its entries, and no command is missing from the list (article 25)."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import typer

from agency_client.cli.app import build_app
from agency_client.cli.app import run as run_command
from agency_client.duties.logged_verbs import LOGGED_VERBS, NO_PERSONAL_DATA
from agency_client.local_store.access_log import find_chain_end, iterate_lines
from agency_client.node import Node
from agency_client.sending.flow import send_alert
from schemas.agreements.terms import OnwardRule
from schemas.codec import decode_json, encode_canonical
from schemas.envelope import Reference
from schemas.markings import Purpose
from schemas.model import format_timestamp
from tests.schemas.alerts.filled import load
from tests.support.drafts import make_draft
from tests.support.lying_world import LyingWorld, make_alert, refer_to
from tests.support.nodes import make_wide_clause
from tests.support.reports import make_report

LAWFULNESS = ("--purpose", "verification-of-lawfulness")
COVERED_ELSEWHERE = {
    "restore": ("tests/agency_client/profiles/test_backup.py", '"restore"'),
    "retention repeat": ("tests/agency_client/retention/test_ledger.py", "repeat_erasures"),
    "safeguarding about": ("tests/agency_client/cli/test_safeguarding.py", "safeguarding-about"),
    "safeguarding inbox": ("tests/agency_client/cli/test_safeguarding.py", "list-safeguarding"),
}
"""Commands whose entry stands in another store than this one, or that need a role; and the test that looks there."""


def list_commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[str]:
    """Give the full name of every command there is."""
    for name, below in command.commands.items():
        if hasattr(below, "commands"):
            yield from list_commands(below, (*path, name))
        else:
            yield " ".join((*path, name))


def test_every_command_says_whether_it_touches_persons() -> None:
    commands = list(list_commands(typer.main.get_command(build_app())))
    assert sorted(commands) == sorted([*LOGGED_VERBS, *NO_PERSONAL_DATA])


@pytest.fixture(scope="module")
def unlocked(two_agencies: LyingWorld) -> Iterator[dict[str, str]]:
    """Unlock GB's profile once for all commands of this module."""
    home = two_agencies["GB"].profile.folder.parent
    secret = home.parent / "passphrase"
    own = {"BILATERAL_HOME": str(home), "BILATERAL_PROFILE": "gb", "BILATERAL_OFFICER": "officer-of-gb"}
    own |= {"XDG_RUNTIME_DIR": str(home.parent), "BILATERAL_PASSPHRASE_FILE": str(secret)}
    assert run_command(["unlock", "--passphrase-file", str(secret)], own) == 0
    yield own
    assert run_command(["lock"], own) == 0


class Desk:
    """GB's officer: one message received of VN, a question of VN, one message sent to VN, a request for its release."""

    def __init__(self, world: LyingWorld, folder: Path, own: dict[str, str]) -> None:
        self.world, self.folder, self.own = world, folder, own
        clauses = [make_wide_clause(*way, onward=OnwardRule.WITH_CONSENT) for way in (("GB", "VN"), ("VN", "GB"))]
        self.terms = world.agree("GB", "VN", "every verb", clauses=tuple(clauses))
        (folder / "alert.json").write_bytes(encode_canonical(dict(make_draft("VN").alert)))
        self.event = folder / "event.json"
        self.event.write_bytes(b'{"Event":{"Attribute":[{"type":"phone-number","value":"+44 7700 900123"}]}}')
        self.received = self.bring_fraud()
        document = {"type": "passport", "issuing_state": "UTO", "number": "L898902C3"}
        self.question = self.bring(make_alert("document-verification", {"document": document, "questions": ["issued"]}))
        self.sent = self.send_fraud().id
        self.requests = [self.ask_release(self.send_fraud()) for _ in range(2)]
        self.report = self.bring(make_report(format_timestamp(world.clock.now())))
        self.challenge = self.ask_review(self.send_report())

    def bring_fraud(self) -> str:
        """Let GB receive a false passport of VN; return the message's id."""
        return self.bring(dict(make_draft("GB").alert) | {"thread": "0190a6f2-3c4d-7e5f-8a6b-7c8d9e0f1a2b"})

    def send_fraud(self) -> Reference:
        """Let GB send VN a false passport."""
        (leg,) = send_alert(self.world["GB"], make_draft("VN", agreement=self.terms.id)).legs
        return Reference(id=leg.message_id, digest=leg.digest)

    def bring(self, alert: dict[str, Any], **header: Any) -> str:
        """Let GB receive an alert of VN; return the message's id."""
        purpose = Purpose.DOCUMENT_INTEGRITY
        sealed = self.world.craft("VN", "GB", self.terms, alert=alert, purpose=purpose, **header)
        self.world.deliver(sealed, "GB")
        self.world.collect("GB")
        return refer_to(sealed).id

    def ask_release(self, original: Reference) -> str:
        """Let VN ask for the release of what GB sent it."""
        details = load("release-request")["details"] | {
            "original": {"agency": "GB", "message": original.to_wire()},
            "held_by": "VN",
            "recipients": ["BE"],
        }
        alert = make_alert("release-request", details, in_reply_to=original.to_wire())
        return self.bring(alert, refers_to=original)

    def send_report(self) -> Reference:
        """Let GB report a passport revoked."""
        alert = make_report(format_timestamp(self.world.clock.now()))
        del alert["thread"]
        (leg,) = send_alert(self.world["GB"], replace(make_draft("VN", agreement=self.terms.id), alert=alert)).legs
        return Reference(id=leg.message_id, digest=leg.digest)

    def ask_review(self, report: Reference) -> str:
        """Let VN challenge what GB reported."""
        details = load("revocation-challenge")["details"]
        return self.bring(make_alert("revocation-challenge", details, in_reply_to=report.to_wire()), refers_to=report)

    def list_arguments(self, command: str) -> tuple[str, ...]:
        """Return the words after a command's name."""
        why = ("--reason", "case 74/08")
        now = format_timestamp(self.world.clock.now() - timedelta(minutes=1))
        breach = ("--nature", "confidentiality", "--found-at", now, "--consequences", "c", "--measures", "m",
                  "--contact", "duty desk")  # fmt: skip
        arguments: dict[str, tuple[str, ...]] = {
            "ack": (self.received,),
            "attachments fetch": (self.received, *why),
            "attachments list": (self.received, *why),
            "attachments save": (self.received, "--all", "--to", str(self.folder), *why),
            "audit export": (*why, *LAWFULNESS, "--out", str(self.folder / "audit.jsonl")),
            "audit list": (*why, *LAWFULNESS, "--own"),
            "audit show": ("0", *why, *LAWFULNESS),
            "audit transfers": (*why, *LAWFULNESS),
            "backup": (str(self.folder / "gb.backup"), *why),
            "breach": (self.sent, *breach, *why),
            "challenge answer": (self.challenge, "--status", "open", "--at", "Administrative court, Zenith", *why),
            "challenge list": (),
            "challenge lodge": (self.report, "--ground", "not-final", *why),
            "correct": (self.sent, "--change", f"subject={make_draft('VN').alert['subject']}=>Other", *why),
            "erase": (self.bring_fraud() if command == "erase" else "", *why),
            "export": (self.received, "--out", str(self.folder / "message.json"), *why),
            "import": (str(self.event), "--as", "misp", "--out", str(self.folder / "draft.json"), *why),
            "inbox": (),
            "misused-identity": (self.sent, "--person", "details.document.holder", *why),
            "outbox": (),
            "outcome": (self.received, "--result", "no-match", "--usefulness", "1", *why),
            "pass-on": (self.received, "--to", "BE", *why),
            "read": (self.received, *why),
            "refuse": (self.bring_fraud() if command == "refuse" else "", "--ground", "not-competent", *why),
            "release grant": (self.requests[0], *why),
            "release refuse": (self.requests[1], "--ground", "ongoing-investigation", *why),
            "release request": (self.received, "--to", "BE", "--because", "The series is the same there.", *why),
            "reply": (self.question, "--no-record", *why),
            "restrict": (self.sent, "--ground", "accuracy-contested", "--allow", "legal-claim", *why),
            "retention run": (),
            "search": ("eriksson, anna maria", *why),
            "send": (str(self.folder / "alert.json"), "--to", "VN", "--agreement", self.terms.id, *why,
                     "--necessity", "The bearer flies on tonight."),
            "sent": (),
            "status": (self.sent, "--offline"),
            "subject report": ("--document", "UTO:L898902C3", *why),
            "thread": (self.received,),
            "verify": (self.received,),
            "withdraw": (self.send_fraud().id if command == "withdraw" else "", *why),
        }  # fmt: skip
        return arguments[command]

    def end_a_term(self) -> None:
        """Let the term of one more message be over."""
        digest = self.send_fraud().digest
        with self.world["GB"].store.write() as transaction:
            statement = "UPDATE content SET retain_until = kept_at - 1 WHERE digest = ?"
            assert transaction.execute(statement, digest) == 1


@pytest.fixture(scope="module")
def desk(two_agencies: LyingWorld, tmp_path_factory: pytest.TempPathFactory, unlocked: dict[str, str]) -> Desk:
    """Give GB's officer with something to do everything to; what a command would destroy is made for it."""
    return Desk(two_agencies, tmp_path_factory.mktemp("desk"), unlocked)


def list_new_entries(node: Node, run: Callable[[], object]) -> list[dict[str, Any]]:
    """Return the entries that a command left, oldest first."""
    with node.store.read() as snapshot:
        end = find_chain_end(snapshot)
    run()
    with node.store.read() as snapshot:
        lines = list(iterate_lines(snapshot, after=end.count if end else 0))
    return [decode_json(line) for line in lines]


@pytest.mark.parametrize("command", sorted(LOGGED_VERBS.keys() - COVERED_ELSEWHERE.keys()))
def test_a_command_leaves_its_entries_with_who_and_why(
    desk: Desk, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if command == "retention run":
        desk.end_a_term()
    words = [*command.split(), *desk.list_arguments(command)]
    entries = list_new_entries(desk.world["GB"], lambda: run_command(words, desk.own))
    said = capsys.readouterr().err
    found = {(entry["verb"], entry["action"]) for entry in entries}
    demanded = {(logged.verb, logged.action.value) for logged in LOGGED_VERBS[command]}
    assert demanded <= found, said
    assert all(entry["officer"] and entry["reason"].strip() for entry in entries)


def test_what_was_received_and_what_was_sent_was_on_record_before_any_command(desk: Desk) -> None:
    with desk.world["GB"].store.read() as snapshot:
        entries = [decode_json(line) for line in iterate_lines(snapshot)]
    by_message = {(entry.get("message"), entry["verb"], entry["action"]) for entry in entries}
    assert (desk.received, "receive", "collection") in by_message
    assert (desk.sent, "send", "disclosure") in by_message


@pytest.mark.parametrize(("file", "word"), sorted(COVERED_ELSEWHERE.values()))
def test_what_is_covered_elsewhere_is_covered_there(file: str, word: str) -> None:
    assert word in (Path(__file__).parents[3] / file).read_text(encoding="utf-8")
