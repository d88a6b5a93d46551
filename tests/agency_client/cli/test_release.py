"""Originator control at the terminal: ask, decide, list, pass on, export. The exchange is reached afterwards."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agency_client.local_store.outbox import retry_now
from agency_client.receiving.flow import receive
from agency_client.sending.delivery import deliver_due
from schemas.alerts.kinds.release_request import Proceeding
from tests.support.lying_world import LyingWorld, lying_world
from tests.support.onward import AL, BE, VN, Row, make_row
from tests.support.terminals import Terminal


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("release")


@pytest.fixture(scope="module")
def row(folder: Path) -> Iterator[Row]:
    """VN, BE and AL in a row; their commands do not reach the exchange."""
    with lying_world(folder, VN, BE, AL) as world:
        yield make_row(world, "terminals", (VN, BE, AL))


@pytest.fixture(scope="module")
def terminal(folder: Path) -> Terminal:
    return Terminal(folder)


def send_queued(world: LyingWorld, sender: str, recipient: str) -> None:
    """Let what a command queued reach the exchange, and the other side collect it."""
    with world[sender].store.write() as transaction:
        retry_now(transaction, at=world.clock.now())
    deliver_due(world[sender])
    receive(world[recipient])


def test_a_message_goes_on_after_the_question_its_refusal_named(row: Row, terminal: Terminal) -> None:
    held = row.send(VN, BE, handling={"codes": ["h0", "h2"]})
    refused = terminal.run("be", "pass-on", held.message_id, "--to", AL, "--reason", "case 74/08", code=5)
    command = refused.error["fix"].partition("agency ")[2].replace('"…"', "case")
    assert refused.error["code"] == "consent-missing"

    asked = terminal.run("be", *command.split(" "), code=7)
    assert (asked.data["of"], asked.data["originator"], asked.data["state"]) == (VN, VN, "queued")
    send_queued(row.world, BE, VN)
    (question,) = [item for item in terminal.run("vn", "release", "list").data["questions"] if "outcome" not in item]
    assert (question["asked_by"], question["holder"], question["recipients"]) == (BE, BE, [AL])
    words = ("--conditions", "Once.", "--until", "2099-12-31")
    granted = terminal.run("vn", "release", "grant", question["id"], *words, code=7)
    assert granted.data["outcome"] == "granted"
    send_queued(row.world, VN, BE)

    passed = terminal.run("be", "pass-on", held.message_id, "--to", AL, "--reason", "case 74/08", code=7)
    assert (passed.data["way"], passed.data["right"]) == ("VN → BE → AL", "consent")
    send_queued(row.world, BE, AL)
    shown = terminal.run("al", "read", passed.data["id"], "--reason", "case 74/08").data
    assert shown["passed_on"]["path"] == [VN, BE, AL]
    assert shown["passed_on"]["conditions"] == "Once."
    (listed,) = [item for item in terminal.run("al", "inbox").lines if item.get("id") == passed.data["id"]]
    assert listed["path"] == [VN, BE]
    words_shown = terminal.run("al", "read", passed.data["id"], "--reason", "x", form="--plain").stdout
    assert "PASSED ON VN → BE → AL, consent of VN of " in words_shown
    assert "condition of VN: Once." in words_shown


def test_a_question_is_passed_on_for_a_partner(row: Row, terminal: Terminal) -> None:
    held = row.send(VN, BE, onward=[AL])
    copy = row.take_in(AL, row.pass_on(BE, held, AL))
    asked = terminal.run("al", "release", "request", copy.message_id, "--to", "RS", "--reason", "case 74/08", code=7)
    assert (asked.data["of"], asked.data["originator"]) == (BE, VN)
    send_queued(row.world, AL, BE)
    refused = terminal.run("be", "release", "grant", asked.data["id"], code=5)
    assert refused.error["code"] == "not-the-originator"
    passed = terminal.run("be", *refused.error["fix"].partition("agency ")[2].split(" "), code=7)
    assert passed.data["of"] == VN
    send_queued(row.world, BE, VN)
    decided = terminal.run("vn", "release", "refuse", passed.data["id"], "--ground", "not-competent", code=7)
    assert (decided.data["to"], decided.data["outcome"]) == (BE, "refused")
    send_queued(row.world, VN, BE)
    listed = terminal.run("be", "release", "list", form="--plain").stdout.splitlines()
    assert [line.split("\t")[7] for line in listed if asked.data["id"] in line or passed.data["id"] in line] == [
        f"waits for {VN}",
        "refused",
    ]


@pytest.mark.parametrize(
    "options",
    [
        ("request",),
        ("request", "5d1c8a52", "--for", "7b5e9d10"),
        ("request", "5d1c8a52", "--reason", "x"),
        ("request", "5d1c8a52", "--to", AL, "--court", "Brussels", "--proceeding", "74/08"),
        ("request", "5d1c8a52", "--court", "Brussels"),
        ("request", "5d1c8a52", "--court", "Brussels\n", "--proceeding", "74/08"),
        ("request", "5d1c8a52", "--to", AL, "--purpose", "nonsense"),
        ("grant", "5d1c8a52", "--until", "tomorrow"),
        ("refuse", "5d1c8a52", "--ground", "nonsense"),
    ],
)
def test_what_is_not_said_fully_is_a_usage_error(terminal: Terminal, options: tuple[str, ...]) -> None:
    assert terminal.run("be", "release", *options, code=2).error["code"] == "usage"


class TestExport:
    """`agency export`, and `agency verify` of what it wrote, by who has no profile."""

    @pytest.fixture(autouse=True)
    def witnessed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("agency_client.onward.exporting.is_leaf_witnessed", lambda *_: True)

    def test_a_file_is_written_and_checked_by_a_stranger(self, row: Row, terminal: Terminal, folder: Path) -> None:
        held, out = row.send(VN, BE), folder / "alert.json"
        options: tuple[Any, ...] = ("--out", out, "--reason", "file 74/08")
        written = terminal.run("be", "export", held.message_id, *options)
        assert (written.data["file"], written.data["use"]) == (str(out), "own-file")
        checked = terminal.run("", "verify", out).data
        assert (checked["holds"], checked["id"], checked["from"]) == (True, held.message_id, VN)
        assert set(checked["anchors"]) == {row[BE].sheet.origin, VN}
        assert terminal.run("be", "export", held.message_id, *options, code=8).error["code"] == "file-exists"

        out.write_bytes(out.read_bytes().replace(b'"made_by":"BE"', b'"made_by":"AL"'))
        assert terminal.run("", "verify", out, code=6).error["code"] == "wrong-recipient"

    def test_a_court_needs_the_originators_leave(self, row: Row, terminal: Terminal, folder: Path) -> None:
        held, out = row.send(VN, BE), folder / "trial.json"
        court = ("--court", "Brussels", "--proceeding", "74/08")
        options: tuple[Any, ...] = (*court, "--use", "court", "-o", out, "--reason", "trial")
        refused = terminal.run("be", "export", held.message_id, *options, code=5)
        assert (refused.error["code"], out.exists()) == ("consent-missing", False)
        row.grant(VN, row.ask(BE, held, court=Proceeding(court="Brussels", proceeding="74/08")))
        terminal.run("be", "export", held.message_id, *options)
        assert terminal.run("", "verify", out).data["court"] == {"court": "Brussels", "proceeding": "74/08"}
