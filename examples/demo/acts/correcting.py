"""A mistake is corrected: the correction follows the original to whoever has it."""

from examples.demo.acts.alerting import collect, read_facts
from examples.demo.cast import Cast


def correct_mistake(cast: Cast) -> None:
    """Let Brussels correct the flight in its alert; Hanoi sees it at the original and acknowledges."""
    stage, be, vn = cast.stage, cast.be, cast.vn
    passport = cast.sent["passport"]
    with stage.act(
        "A mistake is corrected",
        "Brussels had misread the flight. The correction follows the alert to everyone it reached; whoever opens the "
        "original sees it first.",
    ):
        be.play(
            *("correct", passport[:8], "--change", "details.encounter.flight=XX 1234=>XX 1243"),
            *("--text", "Flight misread", "--reason", "case 74/08"),
        )
        collect(vn)
        vn.play("read", passport[:8], "--reason", "investigation HN-2026-118", keep=("TLP:", "CORRECTED", "subject", "light"))
        (correction,) = vn.ask("inbox", "--kind", "correction")
        vn.play("read", str(correction["id"])[:8], "--reason", "investigation HN-2026-118", keep=("subject", "in reply", "flight"))
        vn.play("ack", str(correction["id"])[:8], "--action", "amended", "--reason", "file amended")
        collect(be)
        stage.expect("Brussels knows that the correction was answered", came="answered" in read_facts(be, str(correction["id"]), "VN"))
