"""An agreement is suspended while a message is on its way: held, nothing more goes out, and delivered once it resumes."""

from examples.demo.acts.alerting import collect, find_newest_sent, read_facts
from examples.demo.acts.refusing import push_past_client
from examples.demo.cases import make_recruiter
from examples.demo.cast import Cast
from agency_client.sending.draft import Draft
from schemas.codec import encode_canonical
from schemas.markings import Purpose

_NECESSITY = "The account is used from Hanoi; the recruiter meets people there this week."


def suspend_and_resume(cast: Cast) -> None:
    """Let Hanoi suspend the agreement on trafficking before it collects, and resume it."""
    stage, gb, vn = cast.stage, cast.gb, cast.vn
    trafficking = cast.agreements["trafficking"]
    with stage.act(
        "An agreement is suspended",
        "London sends what it knows of a recruiter, under the agreement on trafficking. Before Hanoi collects it, Hanoi "
        "suspends that agreement. One side alone can do that, and it works at once.",
    ):
        file = gb.write_file("recruiter.json", encode_canonical(make_recruiter()).decode())
        words = ("send", file, "--to", "VN", "--purpose", "human-trafficking")
        gb.play(*words, "--necessity", _NECESSITY, "--reason", "case TR-77")
        message = cast.sent["recruiter"] = find_newest_sent(gb)
        vn.play("agreement", "suspend", trafficking[:8], "--reason", "the law on victims' data is under review")
        collect(vn)
        came = [item["id"] for item in vn.ask("inbox")]
        stage.expect("Hanoi did not get it", came=message in came, wanted=False)
        gb.do("sync")
        gb.play("status", message[:8])
        stage.expect("London sees that it is held", came=read_facts(gb, message, "VN")[-1], wanted="held")
        _send_while_suspended(cast, words)
    with stage.act(
        "The agreement resumes",
        "Hanoi ends its suspension. What was held comes out; nobody had to send it again.",
    ):
        vn.play("agreement", "resume", trafficking[:8])
        collect(vn)
        vn.play("read", message[:8], "--reason", "case HN-402", keep=("TLP:", "verified by", "subject"))
        vn.do("sync")
        gb.do("sync")
        gb.play("status", message[:8])
        facts = read_facts(gb, message, "VN")
        stage.expect("held, released, opened", came=[name for name in ("held", "released", "opened") if name not in facts], wanted=[])


def _send_while_suspended(cast: Cast, words: tuple[str, ...]) -> None:
    stage, gb = cast.stage, cast.gb
    stage.say("London writes again while it is suspended. The other agreement with Hanoi goes on, and does not cover it.")
    refused = gb.play(*words, "--necessity", _NECESSITY, "--reason", "case TR-77", ends_with=5)
    stage.expect("refused by London's own client", came="suspended" in refused.output)
    draft = Draft(
        make_recruiter(),
        Purpose.HUMAN_TRAFFICKING,
        _NECESSITY,
        "case TR-77",
        recipients=("VN",),
        agreement=cast.agreements["trafficking"],
    )
    item = push_past_client(cast, gb, draft).items[0]
    code = item.problem.code if item.problem else None
    stage.expect("refused by the broker", came=code, wanted="agreement-not-in-force")
    lines = gb.ask_one("agreements")["agreements"]
    states = {line["agreement"]: line["state"] for line in lines}
    stage.expect("the agreement on migration is untouched", came=states[cast.agreements["migration"]], wanted="in-force")
