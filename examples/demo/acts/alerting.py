"""Alerts that the agreements cover: a fake passport, a smuggler's identifiers, a document verified."""

from pathlib import Path
from typing import Any

from examples.demo.acts.showing import load_specimens
from examples.demo.cases import in_hours, make_fake_passport, make_smuggler
from examples.demo.cast import Cast, Member
from schemas.codec import encode_canonical

_READ_LINES = ("TLP:", "from", "verified by", "subject", "necessity", "number", "composite", "fraud")


def report_fake_passport(cast: Cast) -> None:
    """Let Brussels report a false passport to Hanoi, which reads it with a reason; Brussels gets the receipts."""
    stage, be, vn = cast.stage, cast.be, cast.vn
    with stage.act(
        "A fake passport is found in Brussels",
        "The laboratory scans the data page: the last check digit is wrong. The alert is sealed in Brussels, for Hanoi "
        "alone, and signed. The broker stores bytes that it cannot read.",
    ):
        file = be.write_file("fake-passport.json", encode_canonical(make_fake_passport()).decode())
        lines = _forge_zone()
        be.play(
            *("send", file, "--to", "VN", "--purpose", "document-integrity", "--mrz", *lines),
            *("--necessity", "The passport names Hanoi as the place where its bearer set out."),
            *("--reason", "document laboratory, case 74/08"),
        )
        passport = cast.sent["passport"] = find_newest_sent(be)
        stage.expect("the exchange took it: its leaf is in the log", came=read_facts(be, passport, "VN"), wanted=["taken-by-broker"])
        stage.expect("the broker's files hold neither name nor number of it", came=find_in_files(cast.folder / "exchange", ("ERIKSSON", "L898902C3")), wanted=[])
        collect(vn)
        vn.play("inbox", "--unread")
        vn.play("read", passport[:8], "--reason", "investigation HN-2026-118", keep=_READ_LINES)
        stage.say("Hanoi's node signed a receipt at each step. At its next contact they travel to Brussels, sealed.")
        vn.do("sync")
        collect(be)
        be.play("status", passport[:8])
        facts = read_facts(be, passport, "VN")
        stage.expect("received, verified, opened: signed by Hanoi", came=[name for name in ("handed-over", "verified", "opened") if name not in facts], wanted=[])


def share_smuggler(cast: Cast) -> None:
    """Let Hanoi send a smuggler's identifiers to both its partners, each in an envelope of its own."""
    stage, vn = cast.stage, cast.vn
    with stage.act(
        "A smuggler's telephone numbers go to two partners",
        "Hanoi sends once; London and Brussels each get an envelope of their own, under their own agreement. Neither "
        "learns from it who else was told.",
    ):
        file = vn.write_file("smuggler.json", encode_canonical(make_smuggler()).decode())
        vn.play(
            *("send", file, "--to", "GB,BE", "--urgency", "urgent"),
            *("--necessity", "A lorry is expected within two days on the way to both countries."),
            *("--reason", "operation of the smuggling unit, case HN-311"),
        )
        sent = vn.ask_one("sent")["messages"][:2]
        stage.expect("two envelopes", came=sorted(item["deliveries"][0]["recipient"] for item in sent), wanted=["BE", "GB"])
        stage.expect("one thread", came=len({item["thread"] for item in sent}), wanted=1)
        by_recipient = {item["deliveries"][0]["recipient"]: str(item["id"]) for item in sent}
        for member in (cast.gb, cast.be):
            collect(member)
            message = by_recipient[member.agency]
            member.play("read", message[:8], "--reason", "watch list of the ferry ports", keep=("TLP:", "subject", "phone", "+44", "route"))
            member.do("sync")
        vn.do("sync")
        for partner, message in by_recipient.items():
            stage.expect(f"{partner} opened its own", came="opened" in read_facts(vn, message, partner))


def verify_document(cast: Cast) -> None:
    """Let London ask Hanoi about a document, and Hanoi answer."""
    stage, gb, vn = cast.stage, cast.gb, cast.vn
    with stage.act(
        "Is this passport genuine?",
        "A traveller stands at a counter in London. The question goes to Hanoi with a time by which it is needed.",
    ):
        (specimen,) = [item for item in load_specimens() if item.zone.document_number == "L898902C3" and item.zone.format == "td3"]
        gb.play(
            *("send", "--kind", "document-verification", "--to", "VN", "--urgency", "urgent"),
            *("--subject", "Was this passport issued?", "--mrz", *specimen.zone.lines),
            *("--set", f"reply_due={in_hours(8)}", "--set", "urgency_reason=The holder stands at the counter."),
            *("--necessity", "The holder stands at the counter.", "--reason", "second line, case 11873"),
        )
        question = cast.sent["question"] = find_newest_sent(gb)
        collect(vn)
        vn.play("inbox", "--unanswered", "--kind", "document-verification")
        vn.play(
            *("reply", question[:8], "--answer", "genuine=not-known:A register cannot say", "--answer", "issued=yes"),
            *("--state", "expired", "--confidence", "high", "--reason", "answer to London"),
        )
        collect(gb)
        gb.play("thread", question[:8])
        gb.play("status", question[:8])
        stage.expect("answered", came="answered" in read_facts(gb, question, "VN"))
        answer = gb.ask("inbox", "--kind", "document-verification-reply")[0]
        gb.play("read", str(answer["id"])[:8], "--reason", "second line, case 11873", keep=("TLP:", "verified by", "answer", "genuine", "issued", "state", "xpired"))


def collect(member: Member) -> None:
    """Let a node fetch what waits for it."""
    member.play("sync", limit=6)


def find_newest_sent(member: Member) -> str:
    """Return the id of the message a node sent last."""
    return str(member.ask_one("sent", "--limit", "1")["messages"][0]["id"])


def read_facts(member: Member, message: str, recipient: str) -> list[str]:
    """Return what a sender knows of a message with one recipient, in the order in which it was learnt."""
    found = member.ask_one("status", message, "--offline")
    (delivery,) = [item for item in found["deliveries"] if item["recipient"] == recipient]
    facts: list[dict[str, Any]] = delivery["facts"]
    return [str(fact["fact"]) for fact in facts]


def find_in_files(folder: Path, words: tuple[str, ...]) -> list[str]:
    """Return the names of the files below a folder that hold one of these words."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [path.name for path in files if any(word.encode() in path.read_bytes() for word in words)]


def _forge_zone() -> tuple[str, str]:
    """Return the zone of ICAO's specimen passport with a wrong last check digit."""
    (specimen,) = [item for item in load_specimens() if item.zone.document_number == "L898902C3" and item.zone.format == "td3"]
    first, second = specimen.zone.lines
    return first, second[:-1] + "4"
