"""Alerts that the agreements cover: a fake passport, a smuggler's identifiers, a document verified."""

from examples.demo.acts.showing import find_specimen
from examples.demo.cases import in_hours, make_fake_passport, make_smuggler, write_alert
from examples.demo.cast import Cast
from examples.demo.following import collect, find_in_files, find_sent, list_missing_facts, run_beside

_PAGE = ("TLP:", "from ", "verified by", "subject", "necessity", "document number", "fail:", "fraud types")
_RECEIPTS = ("handed-over", "verified", "opened")


def report_fake_passport(cast: Cast) -> None:
    """Let Brussels report a false passport to Hanoi, which reads it with a reason; Brussels gets the receipts."""
    stage, be, vn = cast.stage, cast.be, cast.vn
    with stage.act(
        "A fake passport is found in Brussels",
        "The laboratory scans the data page: the last check digit is wrong. The alert is sealed in Brussels, for Hanoi "
        "alone, and signed. The broker stores bytes that it cannot read.",
    ):
        file = be.write_file("fake-passport.json", write_alert(make_fake_passport()))
        sent = be.play(
            *("send", file, "--to", "VN", "--mrz", *_forge_zone()),
            *("--necessity", "The bearer set out from Hanoi, and the data page may have been made there."),
            *("--reason", "document laboratory, case 74/08"),
        )
        passport = cast.sent["passport"] = find_sent(sent)["VN"]
        found = find_in_files(cast.folder / "exchange", "ERIKSSON", "L898902C3")
        stage.expect("no file of the broker holds the name or the number in it", came=found, wanted=[])
        collect(vn)
        vn.play("inbox", "--unread")
        vn.play("read", passport, "--reason", "investigation HN-2026-118", keep=_PAGE)
        stage.say("Hanoi's node signed a receipt at each step. At its next contact they travel to Brussels, sealed.")
        vn.do("sync")
        collect(be)
        be.play("status", passport, keep=("in the log", "who says so", "VN "))
        missing = list_missing_facts(be, passport, "VN", _RECEIPTS)
        stage.expect("received, verified and opened: Hanoi signed each", came=missing, wanted=[])


def share_smuggler(cast: Cast) -> None:
    """Let Hanoi send a smuggler's identifiers to both its partners, each in an envelope of its own."""
    stage, vn = cast.stage, cast.vn
    with stage.act(
        "A smuggler's telephone numbers go to two partners",
        "Hanoi sends once; London and Brussels each get an envelope of their own, under their own agreement. Neither "
        "learns from it who else was told.",
    ):
        file = vn.write_file("smuggler.json", write_alert(make_smuggler()))
        sent = find_sent(
            vn.play(
                *("send", file, "--to", "GB,BE", "--urgency", "urgent"),
                *("--necessity", "A lorry is expected within two days on the way to both countries."),
                *("--reason", "operation of the smuggling unit, case HN-311"),
            )
        )
        stage.expect("two envelopes", came=sorted(sent), wanted=["BE", "GB"])
        threads = {item["thread"] for item in vn.ask_one("sent", "--limit", "2")["messages"]}
        stage.expect("one thread", came=len(threads), wanted=1)
        for member in (cast.gb, cast.be):
            collect(member)
            words = ("read", sent[member.agency], "--reason", "watch list of the ferry ports")
            member.play(*words, keep=("TLP:", "verified by", "Organiser of", "phones", "routes"))
        run_beside([cast.gb, cast.be], "sync")
        vn.do("sync")
        for member in (cast.gb, cast.be):
            missing = list_missing_facts(vn, sent[member.agency], member.agency, _RECEIPTS)
            stage.expect(f"{member.place} received, verified and opened its own", came=missing, wanted=[])


def verify_document(cast: Cast) -> None:
    """Let London ask Hanoi about a document, and Hanoi answer."""
    stage, gb, vn = cast.stage, cast.gb, cast.vn
    with stage.act(
        "Is this passport genuine?",
        "A traveller stands at a counter in London. The question goes to Hanoi with a time by which it is needed.",
    ):
        asked = gb.play(
            *("send", "--kind", "document-verification", "--to", "VN", "--urgency", "urgent"),
            *("--subject", "Was this passport issued?", "--mrz", *find_specimen("L898902C3", "td3").zone.lines),
            *("--set", f"reply_due={in_hours(9)}", "--set", "urgency_reason=The holder stands at the counter."),
            *("--necessity", "The holder says that you issued it.", "--reason", "second line, case 11873"),
        )
        question = find_sent(asked)["VN"]
        collect(vn)
        vn.play("inbox", "--unanswered", "--kind", "document-verification")
        vn.play(
            *("reply", question, "--answer", "genuine=not-known:A register cannot say", "--answer", "issued=yes"),
            *("--status", "expired", "--confidence", "high", "--reason", "answer to London"),
        )
        collect(gb)
        gb.play("status", question, keep=("in the log", "who says so", "VN "))
        stage.expect("answered", came=list_missing_facts(gb, question, "VN", ("answered",)), wanted=[])
        answer = str(gb.ask("inbox", "--kind", "document-verification-reply")[0]["id"])
        words = ("read", answer[:8], "--reason", "second line, case 11873")
        gb.play(*words, keep=("TLP:", "verified by", "in reply to", "answers", "state  "))


def _forge_zone() -> tuple[str, str]:
    """Return the zone of ICAO's specimen passport with a wrong last check digit."""
    first, second = find_specimen("L898902C3", "td3").zone.lines
    return first, second[:-1] + "4"
