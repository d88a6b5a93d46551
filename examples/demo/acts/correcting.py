"""A mistake is corrected: the correction follows the original to whoever has it, and on to whoever got a copy."""

from examples.demo.cast import Cast
from examples.demo.following import collect, list_missing_facts


def correct_mistake(cast: Cast) -> None:
    """Let Brussels correct the flight in its alert; Hanoi sees it at the original and acknowledges."""
    stage, be, vn = cast.stage, cast.be, cast.vn
    passport, why = cast.sent["passport"], ("--reason", "investigation HN-2026-118")
    with stage.act(
        "A mistake is corrected",
        "Brussels had misread the flight. The correction follows the alert to everyone it reached; whoever opens the "
        "original is told first.",
    ):
        be.play(
            *("correct", passport, "--change", "details.encounter.flight.as_seen=XX 1234=>XX 1243"),
            *("--text", "Flight misread", "--reason", "case 74/08"),
        )
        collect(vn)
        original = vn.play("read", passport, *why, keep=("TLP:", "CORRECTED", "subject  ", "encounter flight"))
        (correction,) = [str(item["id"]) for item in vn.ask("inbox", "--kind", "correction")]
        stage.expect("the original names its correction", came=f"CORRECTED by message {correction}" in original.plain)
        vn.play("read", correction[:8], *why, keep=("subject  ", "in reply to", "changes"))
        vn.play("ack", correction[:8], "--action", "amended", "--reason", "file amended")
        collect(be)
        missing = list_missing_facts(be, correction, "VN", ("answered",))
        stage.expect("Brussels knows that Hanoi amended its file", came=missing, wanted=[])
        stage.say("Hanoi's node has sent the correction on to London, where its copy went; nobody had to think of it.")
        collect(cast.gb)
        copy = cast.gb.play("read", cast.sent["copy"], "--reason", "case 11873", keep=("CORRECTED", "encounter flight"))
        stage.expect("London's copy names it, too", came="CORRECTED" in copy.plain)
