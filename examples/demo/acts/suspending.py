"""An agreement is suspended while a message is on its way: held, nothing more goes out, delivered once it resumes."""

from collections.abc import Sequence

from agency_client.sending.draft import Draft
from examples.demo.cases import make_recruiter, write_alert
from examples.demo.cast import Cast
from examples.demo.following import collect, find_sent, let_witness, list_missing_facts
from examples.demo.passing import push_past_client
from schemas.markings import Purpose

_NECESSITY = "The account is used from Hanoi; the recruiter meets people there this week."
_REASON = "case TR-77"
_STATUS = ("who says so", "VN ", "broker says")


def suspend_agreement(cast: Cast) -> None:
    """Let Hanoi suspend the agreement on trafficking before it collects what London sent under it."""
    stage, gb, vn = cast.stage, cast.gb, cast.vn
    with stage.act(
        "An agreement is suspended",
        "London sends what it knows of a recruiter, under the agreement on trafficking. Before Hanoi collects it, "
        "Hanoi suspends that agreement. One side alone can do that, and it works at once.",
    ):
        file = gb.write_file("recruiter.json", write_alert(make_recruiter()))
        why = ("--necessity", _NECESSITY, "--reason", _REASON)
        words = ("send", file, "--to", "VN", "--purpose", "human-trafficking", *why)
        message = cast.sent["recruiter"] = find_sent(gb.play(*words))["VN"]
        reference = cast.agreements["trafficking"]
        reason = "the law on victims' data is under review"
        vn.play("agreement", "suspend", reference[:8], "--reason", reason, keep=("state", "because", "due"))
        collect(vn)
        came = [item["id"] for item in vn.ask("inbox", "--from", "GB", "--kind", "facilitator")]
        stage.expect("nothing came of it in Hanoi", came=came, wanted=[])
        gb.do("sync")
        gb.play("status", message, keep=_STATUS)
        stage.expect("London sees that it is held", came=list_missing_facts(gb, message, "VN", ("held",)), wanted=[])
        _send_while_suspended(cast, words)


def resume_agreement(cast: Cast) -> None:
    """Let Hanoi resume the agreement and get what was held."""
    stage, gb, vn = cast.stage, cast.gb, cast.vn
    message = cast.sent["recruiter"]
    with stage.act(
        "The agreement resumes", "Hanoi ends its suspension. What was held comes out; nobody had to send it again."
    ):
        let_witness(*cast.partners_of(vn))
        vn.play_by_two("agreement", "resume", cast.agreements["trafficking"][:8], keep=("state", "because"))
        collect(vn)
        vn.play("read", message, "--reason", "case HN-402", keep=("TLP:", "verified by", "Recruiter who"))
        vn.do("sync")
        gb.do("sync")
        gb.play("status", message, keep=_STATUS)
        missing = list_missing_facts(gb, message, "VN", ("held", "released", "opened"))
        stage.expect("held, released, opened", came=missing, wanted=[])


def _send_while_suspended(cast: Cast, words: Sequence[str]) -> None:
    stage, gb = cast.stage, cast.gb
    stage.say(
        "London writes again while it is suspended. The agreement on migration goes on, and does not cover trafficking."
    )
    refused = gb.play(*words, ends_with=5)
    stage.expect("refused by London's own client", came="suspended" in refused.plain)
    alert, agreement = make_recruiter(), cast.agreements["trafficking"]
    draft = Draft(alert, Purpose.HUMAN_TRAFFICKING, _NECESSITY, _REASON, recipients=("VN",), agreement=agreement)
    stage.expect("refused by the broker", came=push_past_client(cast, gb, draft), wanted="agreement-not-in-force")
