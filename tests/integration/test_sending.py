"""From a document in somebody's hands to a partner's signature, by commands, over a real broker that dies at times.

Belgium, the United Kingdom and Viet Nam with the agreements of `examples/agreements`. What officers type runs as
processes of its own where it matters that it is one; elsewhere the same command runs inside this process.
"""

import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

import pytest

from agency_client.client import AgencyClient
from agency_client.local_store.inbox import InboxFilter
from agency_client.reading.messages import ReadMessage
from agency_client.sending.answering import acknowledge
from agency_client.sending.composing import make_template
from agency_client.sending.draft import Draft
from schemas.codec import decode_json, encode_canonical
from schemas.markings import Purpose, Tlp
from tests.support.desk import Desk, Ended
from tests.support.exchange import RunningExchange, running_exchange
from tests.support.nodes import make_node

AGREEMENTS = Path(__file__).parents[2] / "examples" / "agreements"
ZONE = ("P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", "L898902C36UTO7408122F1204159ZE184226B<<<<<14")
WHY = ("--necessity", "The bearer flies on tonight.", "--reason", "case 74/08")
ENCOUNTER = '{"at":"2026-11-21T15:05:00Z","flow":"entry","place":"Airport","state":"BEL"}'
CASES = map("BE-DOC-{}".format, count(1))
GRADING = '{"scheme":"europol-4x4","source":"A","information":"1"}'
FRAUD = (
    "send", "--kind", "document-fraud", *WHY, "--subject", "Counterfeit passport of Utopia",
    "--set", "details.fraud_types=counterfeit", "--set", f"details.encounter={ENCOUNTER}",
    "--set", f"grading={GRADING}",
)  # fmt: skip
PATIENCE_SECONDS = 60.0


@dataclass
class Region:
    """Three desks whose agencies have pinned each other, and the exchange they use."""

    exchange: RunningExchange
    be: Desk
    gb: Desk
    vn: Desk

    @property
    def desks(self) -> tuple[Desk, ...]:
        """Return all desks."""
        return self.be, self.gb, self.vn

    def restart(self, **environment: str) -> None:
        """Start the broker again and tell the profiles its new address."""
        self.exchange.start(**environment)
        for desk in self.desks:
            for path in (desk.folder / "home").glob("*/profile.toml"):
                lines = path.read_text().splitlines()
                address = f'broker_url = "{self.exchange.url}"'
                path.write_text("".join(f"{address if 'broker_url' in line else line}\n" for line in lines))

    def settle(self, *order: Desk) -> None:
        """Let desks catch up one after the other: BE hands in, VN takes and signs for it, BE reads that."""
        for desk in order or (self.be, self.vn, self.be):
            desk.agency("sync")


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Region]:
    folder = tmp_path_factory.mktemp("region")
    with running_exchange(folder) as exchange:
        desks = {}
        for agency in ("BE", "GB", "VN"):
            desks[agency] = Desk(folder / agency.lower(), agency, officer=f"of-{agency.lower()}", is_in_process=True)
            make_node(exchange, desks[agency].folder, agency).close()
            desks[agency].agency("keys", "publish")
            unlock(desks[agency])
        be, gb, vn = desks["BE"], desks["GB"], desks["VN"]
        for one, other in ((be, vn), (vn, be), (gb, vn), (vn, gb)):
            one.pin(other)
        for proposer, file in (
            (be, "be-vn-migration.toml"),
            (gb, "gb-vn-migration.toml"),
            (gb, "gb-vn-trafficking.toml"),
        ):
            agreement = str(proposer.by_two("agreement", "propose", AGREEMENTS / file).data["agreement"])
            (gb if proposer is be else be).agency("sync")
            vn.by_two("agreement", "accept", agreement)
            proposer.by_two("agreement", "confirm", agreement)
        yield Region(exchange, be, gb, vn)
        for desk in desks.values():
            desk.agency("lock")


def unlock(desk: Desk) -> None:
    """Leave the profile unlocked, as an officer does in the morning: no later command stretches the passphrase."""
    desk.agency("unlock")
    desk.environment["BILATERAL_PASSPHRASE_FILE"] = ""


def as_processes(desk: Desk) -> Desk:
    """Return the same desk, whose commands are processes of their own."""
    same = copy(desk)
    same.is_in_process = False
    return same


def report_fraud(desk: Desk, *options: str, to: str = "VN", code: int = 0) -> Ended:
    """Report a false passport, scanned from its zone."""
    reference = f"own_reference={next(CASES)}"
    return desk.agency(*FRAUD, "--to", to, "--set", reference, *options, "--mrz", *ZONE, code=code)


def get_ids(ended: Ended) -> list[str]:
    """Return the ids of the messages that were sealed."""
    return [str(message["id"]) for message in ended.data["messages"]]


def find_facts(desk: Desk, message: str) -> dict[str, str]:
    """Return what is known of a message's one delivery, each fact with who says so."""
    (delivery,) = desk.agency("status", message, "--offline").data["deliveries"]
    return {fact["fact"]: fact["by"] for fact in delivery["facts"]}


def count_received(desk: Desk, message: str) -> int:
    """Return how often a message stands in an inbox."""
    return sum(row.get("id") == message for row in desk.agency("inbox").lines)


def find_agreement(desk: Desk, partner: str) -> str:
    """Return the id of the one agreement in force with a partner."""
    found = desk.agency("agreements").data["agreements"]
    (agreement,) = [line["agreement"] for line in found if line["partner"] == partner and line["state"] == "in-force"]
    return str(agreement)


def test_a_scanned_passport_reaches_its_partner_and_comes_back_signed_for_by_processes(region: Region) -> None:
    be, vn = as_processes(region.be), as_processes(region.vn)
    (message,) = get_ids(report_fraud(be))
    assert be.agency("outbox").data["messages"][0]["state"] == "taken"
    stages = {stage["stage"]: stage for stage in vn.agency("sync").data["stages"]}
    assert stages["inbox"]["counts"]["opened"] >= 1
    assert be.agency("sync").code == 0
    assert find_facts(be, message) == {"taken-by-broker": "broker", "handed-over": "recipient", "verified": "recipient"}
    shown = be.run("status", message[:8])
    assert "VN, signed" in shown.stdout
    assert "the broker says now: VN: handed-over" in shown.stderr
    assert count_received(vn, message) == 1


def test_one_alert_to_both_partners_is_two_envelopes_in_one_thread(region: Region) -> None:
    alert = make_template("facilitator") | {"handling": {"codes": ["h1"]}}
    alert["persons"] = [person | {"nationalities": ["VNM"]} for person in alert["persons"]]
    (region.vn.folder / "facilitator.json").write_bytes(encode_canonical(alert))
    sent = region.vn.agency("send", "facilitator.json", "--to", "agreements", *WHY)
    assert {message["recipient"] for message in sent.data["messages"]} == {"BE", "GB"}
    assert len(set(get_ids(sent))) == 2
    region.settle(region.be, region.gb)
    for desk in (region.be, region.gb):
        (row,) = [
            row for row in desk.agency("inbox", "--kind", "facilitator").lines if row["thread"] == sent.data["thread"]
        ]
        assert row["from"] == "VN"


def test_a_dry_run_shows_every_agreement_and_sends_nothing(region: Region) -> None:
    before = region.gb.agency("sent", "--limit", "1000").data["messages"]
    plan = report_fraud(region.gb, "--dry-run").data
    (recipient,) = plan["recipients"]
    verdicts = {
        option["title"]: (option["allowed"], [item["code"] for item in option["findings"]])
        for option in recipient["agreements"]
    }
    assert plan["allowed"]
    assert len(verdicts) == 2
    assert [codes for allowed, codes in verdicts.values() if not allowed] == [
        ["kind-not-covered", "purpose-not-covered", "caveat-missing"]
    ]
    title = "Migration matters: false documents, verification, facilitators"
    assert recipient["because"] == f"clause 1 of “{title}”, version 1: no other agreement covers it"
    assert region.gb.agency("sent", "--limit", "1000").data["messages"] == before


def test_what_is_not_covered_is_refused_with_the_reason_and_pushed_past_the_client_by_the_broker(
    region: Region,
) -> None:
    refused = report_fraud(region.be, "--marking", "red", code=5)
    assert refused.error["code"] == "not-covered"
    assert "red is above amber" in refused.error["sentence"]
    with open_client(region.be) as client:
        report = client.push_past_client(replace(make_fraud_draft(), marking=Tlp.RED))
    (item,) = report.items
    assert item.problem is not None
    assert (item.state.value, item.problem.code) == ("refused", "not-covered")
    shown = region.be.agency("status", item.message_id, "--offline").data
    assert shown["unchecked"]
    assert find_facts(region.be, item.message_id) == {"refused-by-broker": "broker"}


def open_client(desk: Desk) -> AgencyClient:
    """Open a desk's profile as a program of the agency's own does."""
    environment = {"BILATERAL_HOME": str(desk.folder / "home"), "BILATERAL_OFFICER": desk.officer}
    return AgencyClient.open(passphrase_file=desk.folder / "passphrase", environment=environment)


def make_fraud_draft() -> Draft:
    """Return a draft that the agreement of BE and VN covers."""
    purpose = Purpose.DOCUMENT_INTEGRITY
    return Draft(make_template("document-fraud"), purpose, "It is on its way.", "case 74/08", recipients=("VN",))


def test_the_library_does_what_the_command_does(region: Region) -> None:
    with open_client(region.be) as client:
        assert client.refresh()
        assert client.plan(make_fraud_draft()).is_allowed
        report = client.send(make_fraud_draft())
        message = report.legs[0].message_id
        assert message in [line.message.message_id for line in client.outbox()]
        assert client.status(message[:8]).acceptance is not None
        assert client.ask_broker(client.status(message)).states[0].state == "waiting"
        assert client.sync().exit_code == 0
        assert client.sent(thread=report.thread)[0].message.message_id == message
        pong = client.ping("VN", text="from a program")
        assert pong.items[0].state.value == "taken"


def test_a_program_reads_and_answers_by_the_library(region: Region) -> None:
    (message,) = get_ids(report_fraud(region.be))
    region.settle(region.vn)
    with open_client(region.vn) as client:
        assert message in [row.message.message_id for row in client.inbox(InboxFilter(unread=True)).rows]
        found = client.read(message, reason="case HN-7")
        assert isinstance(found, ReadMessage)
        assert found.alert.kind == "document-fraud"
        assert message not in [row.message.message_id for row in client.inbox(InboxFilter(unread=True)).rows]
        answered = client.answer(message, acknowledge, reason="case HN-7")
        assert {entry.is_own for entry in client.thread(message)} == {True, False}
        assert answered.items[0].state.value == "taken"


@pytest.mark.parametrize(
    ("options", "code", "slug"),
    [
        (("--set", "details.fraud_types=counterfit"), 2, "alert-invalid"),
        (("--purpose", "curiosity"), 2, "usage"),
        (("--urgency", "urgent"), 2, "alert-invalid"),
        (("--agreement", "ffffffff"), 5, "not-covered"),
        (("no-such-file.json",), 3, "file-missing"),
    ],
)
def test_what_is_wrong_is_said_by_code_and_nothing_is_sent(
    region: Region, options: tuple[str, ...], code: int, slug: str
) -> None:
    assert report_fraud(region.be, *options, code=code).error["code"] == slug


def test_a_template_can_be_edited_and_sent(region: Region) -> None:
    template = region.be.run("send", "--template", "document-fraud")
    assert template.code == 0
    (region.be.folder / "alert.json").write_text(template.stdout)
    assert decode_json(template.stdout.encode())["kind"] == "document-fraud"
    assert get_ids(region.be.agency("send", "alert.json", "--to", "VN", *WHY))


def test_a_ping_says_in_words_where_it_went(region: Region) -> None:
    ended = region.be.run("--plain", "ping", "VN", "--text", "hello")
    assert ended.code == 0
    assert [line.split("\t")[1] for line in ended.stdout.splitlines()] == ["to", "VN"]
    assert region.be.run("ping", "XX").code == 5


def test_a_dry_run_says_in_words_why_not(region: Region) -> None:
    words = [*FRAUD, "--to", "VN,XX", "--dry-run", "--marking", "red", "--mrz", *ZONE]
    ended = region.be.run("--plain", *words)
    assert ended.code == 5
    assert "red is above amber" in ended.stdout
    assert "XX is not pinned" in ended.stdout
    assert "nothing was sent" in ended.stderr


def test_a_message_is_held_while_suspended_and_delivered_once_resumed(region: Region) -> None:
    (message,) = get_ids(report_fraud(region.be))
    agreement = find_agreement(region.be, "VN")
    region.vn.agency("agreement", "suspend", agreement, "--reason", "under review")
    region.settle()
    assert count_received(region.vn, message) == 0
    assert find_facts(region.be, message)["held"] == "broker"
    said = region.be.run("--plain", "status", message, "--offline").stderr
    assert re.search(rf"{message[:8]} is held for VN; call VN: .*, \+44", said)
    assert "suspended by VN" in report_fraud(region.be, code=5).error["sentence"]
    with open_client(region.be) as client:
        (pushed,) = client.push_past_client(make_fraud_draft()).items
    assert pushed.problem is not None
    assert pushed.problem.code == "agreement-not-in-force"
    region.gb.agency("sync")
    region.vn.by_two("agreement", "resume", agreement)
    region.settle()
    assert count_received(region.vn, message) == 1
    assert {"held", "released", "handed-over", "verified"} <= set(find_facts(region.be, message))


def test_with_the_broker_down_a_message_waits_visibly_to_be_delivered_later_once_or_taken_back(region: Region) -> None:
    region.exchange.kill()
    try:
        queued = report_fraud(as_processes(region.be), code=7)
        (message,), (mistake,) = get_ids(queued), get_ids(report_fraud(region.be, code=7))
        states = {
            item["id"]: (item["state"], item["problem"]["code"]) for item in region.be.agency("outbox").data["messages"]
        }
        assert states[message] == states[mistake] == ("queued", "offline")
        assert region.be.agency("sync", code=7).data["stages"][-1]["failure"]["code"] == "offline"
        region.be.agency("outbox", "--cancel", mistake[:8], "--reason", "wrong desk")
    finally:
        region.restart()
    region.settle()
    assert [count_received(region.vn, sealed) for sealed in (message, mistake)] == [1, 0]
    assert find_facts(region.be, message)["verified"] == "recipient"
    assert find_facts(region.be, mistake) == {"cancelled": "self"}
    assert region.be.agency("outbox", "--cancel", mistake[:8], code=8).error["code"].startswith("outbox-")


@pytest.mark.long
@pytest.mark.parametrize("place", ["accept.stored", "commit.after-commit", "accept.before-answer"])
def test_a_broker_killed_anywhere_in_an_acceptance_loses_nothing_and_doubles_nothing(
    region: Region, place: str
) -> None:
    region.be.agency("sync")
    region.exchange.stop()
    # The token and the pull of steps commit as well, before the message does.
    nth = "" if place.startswith("accept.") else ":2"
    region.restart(BILATERAL_FAILPOINT=f"{place}{nth}")
    try:
        ended = report_fraud(region.be, code=7)
        region.exchange.wait()
    finally:
        if region.exchange.process is not None:
            region.exchange.kill()
        region.restart()
    (message,) = get_ids(ended)
    region.settle()
    assert count_received(region.vn, message) == 1
    assert find_facts(region.be, message)["verified"] == "recipient"
    assert (
        len([item for item in region.be.agency("sent", "--limit", "1000").data["messages"] if item["id"] == message])
        == 1
    )


@pytest.mark.long
def test_following_processes_bring_messages_over_and_end_in_order_on_a_signal(region: Region) -> None:
    followers = [start_following(desk) for desk in (region.be, region.vn)]
    try:
        assert region.be.agency("sync", code=8).error["code"] == "sync-running"
        (message,) = get_ids(report_fraud(region.be))
        wait_for_fact(region.be, message, "verified")
    finally:
        for follower in followers:
            follower.send_signal(signal.SIGTERM)
    for follower in followers:
        stdout, stderr = follower.communicate(timeout=PATIENCE_SECONDS)
        assert follower.returncode == 0, stderr
        assert "ended in order" in stderr.decode()
        for line in stdout.splitlines():
            assert decode_json(line)["v"] == 1


def start_following(desk: Desk) -> "subprocess.Popen[bytes]":
    """Start `agency sync --follow` and wait until it follows."""
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "agency_client", "--json", "sync", "--follow", "--wait", "5"],
        cwd=desk.folder,
        env=desk._make_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stderr is not None
    assert b"following" in process.stderr.readline()
    return process


def wait_for_fact(desk: Desk, message: str, fact: str) -> None:
    """Wait until something is known of a message."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while fact not in find_facts(desk, message):
        assert time.monotonic() < deadline, f"{fact} did not become known"
        time.sleep(0.2)
