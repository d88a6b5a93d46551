"""From the inbox to the answer by commands alone, against a real broker over TLS; with the broker gone, too.

Two agencies and an oversight body. The first alert is received and answered by processes of their own, the others by
the same command inside this one.
"""

from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from schemas.codec import encode_canonical
from tests.support.desk import Desk, Ended
from tests.support.exchange import RunningExchange, running_exchange
from tests.support.nodes import make_node

TERMS = Path(__file__).parents[2] / "examples" / "agreements" / "gb-vn-migration.toml"
ZONE = ("P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", "L898902C36UTO7408122F1204159ZE184226B<<<<<14")
CASES = map("GB-DOC-{}".format, count(1))
SELF_MONITORING = ("--purpose", "self-monitoring")
WHY = ("--necessity", "The bearer flies on tonight.", "--reason", "case 74/08")

pytestmark = pytest.mark.long


@dataclass
class Trio:
    """GB and VN with an agreement in force between them, an oversight body, and their exchange."""

    exchange: RunningExchange
    gb: Desk
    vn: Desk
    oversight: Desk

    def send_fraud(self, **options: str) -> str:
        """Let GB report a false passport to VN; return the message's id."""
        encounter = '{"at":"2026-11-21T15:05:00Z","flow":"entry","place":"Airport","state":"GBR"}'
        fields = ("details.fraud_types=counterfeit", f"details.encounter={encounter}", f"own_reference={next(CASES)}")
        words = [word for field in fields for word in ("--set", field)]
        words += [word for name, value in options.items() for word in (f"--{name}", value)]
        sent = self.gb.agency(
            "send", "--kind", "document-fraud", "--to", "VN", *WHY, "--subject", "Counterfeit passport of Utopia",
            "--set", 'grading={"scheme":"europol-4x4","source":"A","information":"1"}', *words, "--mrz", *ZONE,
        )  # fmt: skip
        return str(sent.data["messages"][0]["id"])

    def ask(self) -> str:
        """Let GB ask VN about a document; return the message's id."""
        sent = self.gb.agency(
            "send", "--kind", "document-verification", "--to", "VN", *WHY, "--subject", "Is it genuine?", "--mrz", *ZONE
        )
        return str(sent.data["messages"][0]["id"])


@pytest.fixture(scope="module")
def trio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trio]:
    folder = tmp_path_factory.mktemp("trio")
    with running_exchange(folder) as exchange:
        desks = {}
        for agency in ("GB", "VN"):
            desks[agency] = Desk(folder / agency.lower(), agency, officer=f"of-{agency.lower()}", is_in_process=True)
            make_node(exchange, desks[agency].folder, agency).close()
            desks[agency].agency("keys", "publish")
        oversight = Desk(folder / "oversight", "OVERSIGHT", is_in_process=True)
        oversight.join(exchange, agency_class="oversight")
        gb, vn = desks["GB"], desks["VN"]
        gb.pin(vn)
        vn.pin(gb)
        agreement = str(gb.by_two("agreement", "propose", TERMS).data["agreement"])
        vn.by_two("agreement", "accept", agreement)
        gb.by_two("agreement", "confirm", agreement)
        yield Trio(exchange, gb, vn, oversight)


def as_processes(desk: Desk) -> Desk:
    """Return the same desk, whose commands are processes of their own."""
    same = copy(desk)
    same.is_in_process = False
    return same


def list_inbox(desk: Desk, *options: str) -> list[dict[str, Any]]:
    """Return the lines of an inbox."""
    return desk.agency("inbox", *options).lines


def find_state(desk: Desk, message: str) -> Any:
    """Return how a sent message stands, as its sender sees it."""
    return desk.agency("status", message).data["deliveries"][0]["stands"]


def test_an_alert_is_received_read_verified_and_answered_by_processes(trio: Trio) -> None:
    message = trio.send_fraud()
    vn, gb = as_processes(trio.vn), as_processes(trio.gb)
    vn.agency("sync")
    (row,) = [item for item in list_inbox(vn, "--unread", "--from", "GB") if item["id"] == message]
    assert (row["kind"], row["subject"], row["urgency"]) == (
        "document-fraud",
        "Counterfeit passport of Utopia",
        "routine",
    )
    read = vn.agency("read", message[:8], "--reason", "watch list", "--case", "HN-1").data
    assert read["verified"]["sender"] == "GB"
    assert [check["name"] for check in read["verified"]["checks"]][:3] == ["log", "sender", "header"]
    assert read["alert"]["details"]["document"]["mrz"]["lines"] == list(ZONE)
    checks = vn.agency("verify", message[:8]).data["checks"]
    assert checks[-1]["name"] == "content"
    assert vn.agency("ack", message[:8], "--case", "HN-1").data["state"] == "taken"
    gb.agency("sync")
    assert find_state(gb, message) == "answered"
    (answer,) = list_inbox(gb, "--kind", "acknowledgement")
    assert gb.agency("read", answer["id"], "--reason", "x").data["alert"]["details"]["action"] == "noted"
    thread = gb.agency("thread", message).lines
    assert [(entry["direction"], entry["kind"]) for entry in thread] == [
        ("sent", "document-fraud"),
        ("received", "acknowledgement"),
    ]


def test_a_page_shows_banner_origin_and_zone_to_a_person(trio: Trio) -> None:
    message = trio.send_fraud()
    trio.vn.agency("sync")
    page = trio.vn.run("--plain", "read", message, "--reason", "watch list").stdout.splitlines()
    assert page[0].startswith("=== TLP:AMBER — PAP:AMBER")
    assert page[-1] == page[0]
    assert any(line.startswith("verified by\tGB, key set 1, keys ") and "log leaf" in line for line in page)
    assert f"\t{ZONE[0]}" in page
    assert "\tfail: composite, printed 4, computed 0" in page


def test_a_reason_is_asked_for_and_never_made_up(trio: Trio) -> None:
    message = trio.send_fraud()
    trio.vn.agency("sync")
    assert trio.vn.agency("read", message, code=2).error["code"] == "needs-answer"
    assert trio.vn.agency("inbox", "--unread").lines, "it is unread still"


def test_foreign_text_cannot_steer_the_terminal(trio: Trio) -> None:
    evil = "Overdue\u202egnp.exe and \u2066more"
    message = trio.send_fraud(set=f"subject={evil}")
    trio.vn.agency("sync")
    shown = trio.vn.run("--plain", "inbox").stdout + trio.vn.run("--plain", "read", message, "--reason", "x").stdout
    assert "\u202e" not in shown
    assert "\u2066" not in shown
    assert "<U+202E>" in shown


def test_a_question_is_answered_and_the_answer_found_by_its_kind(trio: Trio) -> None:
    question = trio.ask()
    trio.vn.agency("sync")
    reply = trio.vn.agency(
        "reply", question, "--answer", "genuine=no:Never issued", "--answer", "issued=no", "--status", "never-issued"
    )
    trio.gb.agency("sync")
    found = trio.gb.agency("read", reply.data["id"], "--reason", "x").data["alert"]["details"]
    assert found["answers"][0] == {"question": "genuine", "answer": "no", "note": "Never issued"}
    again = trio.vn.agency("reply", question, "--answer", "genuine=yes")
    assert (again.data["id"], again.data["repeated"]) == (reply.data["id"], True)


def test_a_refused_question_says_its_ground_and_a_wrong_ground_the_list(trio: Trio) -> None:
    question = trio.ask()
    trio.vn.agency("sync")
    assert "not-competent" in trio.vn.agency("refuse", question, "--ground", "no", code=2).error["fix"]
    refused = trio.vn.agency("refuse", question, "--ground", "not-competent")
    trio.gb.agency("sync")
    alert = trio.gb.agency("read", refused.data["id"], "--reason", "x").data["alert"]
    assert alert["details"]["refusal"]["ground"] == "not-competent"


def test_a_correction_and_a_withdrawal_follow_their_message(trio: Trio) -> None:
    message = trio.send_fraud()
    trio.vn.agency("sync")
    change = "details.document.number=L898902C3=>L898902C4"
    correction = trio.gb.agency("correct", message, "--change", change).data["id"]
    trio.vn.agency("sync")
    shown = trio.vn.agency("read", message, "--reason", "x").data
    assert [later["id"] for later in shown["followed_by"]] == [correction]
    assert shown["corrected_alert"]["details"]["document"]["number"] == "L898902C4"
    withdrawal = trio.gb.agency("withdraw", message, "--reason", "wrong person", "--because", "wrong").data["id"]
    trio.vn.agency("sync")
    assert trio.vn.agency("read", message, "--reason", "x", code=3).error["code"] == "content-erased"
    trio.vn.agency("ack", withdrawal, "--action", "deleted")


def test_what_its_recipient_erased_is_erased_in_the_senders_status(trio: Trio) -> None:
    message = trio.send_fraud()
    trio.vn.agency("sync")
    trio.vn.agency("erase", message, "--reason", "the case was closed")
    trio.vn.agency("sync")
    trio.gb.agency("sync")
    shown = trio.gb.run("status", message).stdout
    assert "erased" in shown
    assert "erased-early" in shown


def test_a_message_withdrawn_before_it_was_collected_never_arrives(trio: Trio) -> None:
    message = trio.send_fraud()
    trio.gb.agency("withdraw", message, "--reason", "sent too early")
    trio.gb.agency("sync")
    assert find_state(trio.gb, message) == "withdrawn"
    trio.vn.agency("sync")
    trio.vn.agency("read", message, "--reason", "x", code=3)


def test_what_does_not_exist_is_not_found(trio: Trio) -> None:
    nothing = "00000000-0000"
    for verb in (("read", nothing, "--reason", "x"), ("ack", nothing), ("thread", nothing), ("verify", nothing)):
        assert trio.vn.agency(*verb, code=3).error["code"] == "not-found"


def test_with_the_broker_gone_reading_works_and_an_answer_is_queued_and_goes_once(trio: Trio) -> None:
    message = trio.send_fraud()
    trio.vn.agency("sync")
    trio.exchange.kill()
    try:
        trio.vn.agency("inbox")
        trio.vn.agency("read", message, "--reason", "offline")
        queued = trio.vn.agency("ack", message, code=7)
        assert trio.vn.agency("ack", message, code=7).lines[0]["repeated"]
    finally:
        trio.exchange.start()
    _point_to(trio.exchange, trio.gb, trio.vn)
    trio.vn.agency("sync")
    trio.gb.agency("sync")
    found = [item["id"] for item in list_inbox(trio.gb, "--kind", "acknowledgement")]
    assert found.count(queued.lines[0]["id"]) == 1
    assert find_state(trio.gb, message) == "answered"


def test_an_auditor_sees_both_logs_and_proves_them_offline(trio: Trio, tmp_path: Path) -> None:
    message = trio.send_fraud()
    trio.vn.agency("sync")
    trio.vn.agency("read", message, "--reason", "watch list")
    rows = trio.vn.agency("audit", "list", *SELF_MONITORING, "--reason", "complaint 12", "--message", message).lines
    told = {(row["source"], row["what"]) for row in rows}
    assert told >= {
        ("exchange", "message-accepted"),
        ("exchange", "message-handed-over"),
        ("agency", "receive"),
        ("agency", "read"),
    }
    assert {row["reason"] for row in rows if row["what"] == "read"} == {"watch list"}
    leaf = next(row["place"] for row in rows if row["what"] == "message-accepted")
    assert trio.vn.agency("audit", "show", str(leaf), *SELF_MONITORING, "--reason", "complaint 12").lines[-1]["proven"]
    file = tmp_path / "audit.jsonl"
    trio.gb.agency("sync")
    trio.vn.agency("audit", "export", *SELF_MONITORING, "--reason", "inspection", "--out", str(file))
    trio.vn.agency("audit", "export", *SELF_MONITORING, "--reason", "inspection", "--out", str(file), code=8)
    trio.exchange.kill()
    try:
        assert trio.vn.agency("audit", "verify", str(file)).data["holds"]
        file.write_bytes(file.read_bytes().replace(b'"document-fraud"', b'"document-flaud"', 1))
        verdict = trio.vn.agency("audit", "verify", str(file), code=6)
        assert any(f"leaf {_first_fraud(file)}" in text for part in verdict.data["parts"] for text in part["failures"])
    finally:
        trio.exchange.start()
    _point_to(trio.exchange, trio.gb, trio.vn, trio.oversight)


def test_the_oversight_body_sees_all_and_an_agency_only_its_own(trio: Trio) -> None:
    everything = {row["place"] for row in _exchange_rows(trio.oversight)}
    own = {row["place"] for row in _exchange_rows(trio.gb)}
    assert own < everything
    assert 0 in everything


def test_an_auditor_says_why(trio: Trio) -> None:
    assert trio.gb.agency("audit", "list", code=2).error["code"] == "usage"
    assert (
        "leaf" in trio.gb.agency("audit", "show", "999999", *SELF_MONITORING, "--reason", "x", code=3).error["sentence"]
    )
    assert (
        trio.gb.agency("audit", "list", *SELF_MONITORING, "--reason", "x", "--type", "poem", code=2).error["code"]
        == "usage"
    )


def test_each_verb_explains_itself_with_an_example(trio: Trio) -> None:
    for verb in ("inbox", "thread", "read", "verify", "ack", "refuse", "reply", "outcome", "correct", "withdraw"):
        shown = trio.vn.run(verb, "--help").stdout
        assert f"agency {verb}" in shown.split("Example", 1)[1], verb


def _exchange_rows(desk: Desk) -> list[dict[str, Any]]:
    ended: Ended = desk.agency("audit", "list", *SELF_MONITORING, "--reason", "inspection", "--limit", "2000")
    return [row for row in ended.lines if row["source"] == "exchange"]


def _first_fraud(file: Path) -> int:
    from schemas.codec import decode_json

    lines = (decode_json(line) for line in file.read_bytes().splitlines())
    return int(next(line["index"] for line in lines if b"document-flaud" in encode_canonical(line)))


def _point_to(exchange: RunningExchange, *desks: Desk) -> None:
    """Tell profiles the address of a broker that was started again on another port."""
    for desk in desks:
        path = desk.profile_folder / "profile.toml"
        profiles = [path] if path.is_file() else list((desk.folder / "home").glob("*/profile.toml"))
        for found in profiles:
            lines = found.read_text().splitlines()
            kept = [f'broker_url = "{exchange.url}"' if line.startswith("broker_url") else line for line in lines]
            found.write_text("\n".join(kept) + "\n")
