"""Notices at the terminal: said by five verbs, shown beside the message, listed by who acted. The exchange is away."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from agency_client.local_store.outbox import retry_now
from agency_client.receiving.flow import receive
from agency_client.receiving.own_receipts import send_due_receipts, sign_owed_receipts
from agency_client.sending.delivery import deliver_due
from agency_client.sending.flow import send_alert
from tests.support.drafts import make_draft
from tests.support.lying_world import LyingWorld, lying_world
from tests.support.terminals import Terminal

GB, VN = "GB", "VN"
WHY = ("--reason", "case 74/08")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("notices")


@pytest.fixture(scope="module")
def world(folder: Path) -> Iterator[LyingWorld]:
    with lying_world(folder, GB, VN) as made:
        made.agree(GB, VN, "notices")
        yield made


@pytest.fixture(scope="module")
def terminal(folder: Path) -> Terminal:
    return Terminal(folder)


@pytest.fixture
def sent(world: LyingWorld) -> str:
    """A report of GB that VN has opened; its id."""
    item = send_alert(world[GB], make_draft(VN)).items[0]
    receive(world[VN])
    return item.message_id


def carry(world: LyingWorld) -> None:
    """Let what a command queued at GB reach VN, and what VN signs come back."""
    with world[GB].store.write() as transaction:
        retry_now(transaction, at=world.clock.now())
    deliver_due(world[GB])
    receive(world[VN])
    sign_owed_receipts(world[VN])
    send_due_receipts(world[VN])
    receive(world[GB])


def list_acting(terminal: Terminal, message: str) -> dict[str, Any]:
    """Return what GB sees of VN, by the kind of notice."""
    notices = terminal.run("gb", "aftercare", message).data["notices"]
    return {notice["kind"]: notice["agencies"][0] for notice in notices}


def test_each_verb_says_its_notice_and_who_acted_is_listed(world: LyingWorld, terminal: Terminal, sent: str) -> None:
    number = terminal.run("vn", "read", sent, *WHY).data["alert"]["details"]["document"]["number"]
    change = f"details.document.number={number}=>L898902C4"
    breach = ("--nature", "confidentiality", "--found-at", "2026-11-21T16:10:00Z", "--consequences", "Known.")
    for verb in (
        ("correct", sent, "--change", change),
        ("misused-identity", sent, "--person", "details.document.holder"),
        ("breach", sent, *breach, "--measures", "Keys changed.", "--contact", "+441632960961"),
        ("restrict", sent, "--ground", "accuracy-contested", "--allow", "legal-claim"),
    ):
        assert terminal.run("gb", *verb, code=7).data["state"] == "queued"
    before = list_acting(terminal, sent)
    assert {kind: acting.get("effect") for kind, acting in before.items()} == dict.fromkeys(
        ("correction", "misused-identity", "breach-notice", "restriction")
    )
    carry(world)
    after = list_acting(terminal, sent)
    assert {kind: acting["effect"] for kind, acting in after.items()} == {
        "correction": "replaced",
        "misused-identity": "marked",
        "breach-notice": "marked",
        "restriction": "restricted",
    }
    refused = terminal.run("vn", "read", sent, *WHY, code=5).error
    assert refused["code"] == "restricted"
    assert "--for legal-claim" in refused["fix"]
    shown = terminal.run("vn", "read", sent, *WHY, "--for", "legal-claim").data
    assert shown["alert"]["details"]["document"]["number"] == number
    assert shown["corrected_alert"]["details"]["document"]["number"] == "L898902C4"
    assert shown["standing"]["victims"] == ["details.document.holder"]
    page = terminal.run("vn", "read", sent, *WHY, "--for", "legal-claim", form="--plain").stdout.splitlines()
    assert "corrected to\tL898902C4" in page
    assert any(line.startswith("VICTIM OF MISUSED IDENTITY: details.document.holder") for line in page)
    assert any(line.startswith("RESTRICTED: ") for line in page)


def test_the_inbox_marks_it_and_a_breach_is_an_alarm_until_it_is_answered(
    world: LyingWorld, terminal: Terminal, sent: str
) -> None:
    breach = ("--nature", "availability", "--found-at", "2026-11-21T16:10:00Z", "--consequences", "Lost.")
    terminal.run("vn", "breach", sent, *breach, "--measures", "Restored.", "--contact", "+441632960961", code=7)
    with world[VN].store.write() as transaction:
        retry_now(transaction, at=world.clock.now())
    deliver_due(world[VN])
    receive(world[GB])
    assert (
        "notices of a breach are not answered: agency aftercare" in terminal.run("gb", "inbox", form="--plain").stderr
    )
    (due,) = terminal.run("gb", "aftercare", sent).data["due"]
    assert (due["kind"], due["from"], due["effect"]) == ("breach-notice", VN, "marked")
    findings = terminal.run("gb", "doctor", code=1).data["findings"]
    told = [finding for finding in findings if finding["check"] == "aftercare"]
    assert any("tells of a breach" in finding["sentence"] for finding in told)
    terminal.run("gb", "ack", due["id"], "--words", "Our office calls yours.", code=7)
    assert terminal.run("gb", "aftercare", sent).data["due"] == []


def test_what_is_lifted_was_restricted_before(world: LyingWorld, terminal: Terminal, sent: str) -> None:
    assert terminal.run("gb", "restrict", sent, "--lift", code=2).error["code"] == "usage"
    world.clock.ahead = -timedelta(minutes=5)
    terminal_restricts_earlier(world, sent)
    world.clock.ahead = timedelta()
    terminal.run("gb", "restrict", sent, "--lift", "--words", "It is right.", code=7)
    carry(world)
    shown = terminal.run("vn", "read", sent, *WHY).data
    assert shown["standing"]["restricted"] is False
    assert [later["kind"] for later in shown["followed_by"]] == ["restriction", "restriction"]


def terminal_restricts_earlier(world: LyingWorld, message: str) -> None:
    """Let GB's library restrict a message: a command has the time of the host, which does not wait."""
    from agency_client.sending.answering import Author
    from agency_client.sending.noticing import restrict

    restrict(world[GB], message, Author("t", "u", "p"), ground="accuracy-contested")


def test_a_withdrawal_says_why_and_what_never_left_is_cancelled(
    world: LyingWorld, terminal: Terminal, sent: str
) -> None:
    assert terminal.run("gb", "withdraw", sent, code=2).error["code"] == "usage"
    assert terminal.run("gb", "withdraw", sent, *WHY, "--because", "wrong", code=7).data["kind"] == "withdrawal"
    carry(world)
    assert terminal.run("vn", "read", sent, *WHY, code=3).error["code"] == "content-erased"
    queued = send_alert(world[GB], make_draft(VN), deliver=False).items[0].message_id
    assert terminal.run("gb", "withdraw", queued, *WHY).data["state"] == "cancelled"
