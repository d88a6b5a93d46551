"""Originator control: a copy goes on only by the leave of whoever wrote the original, which travels with it."""

from examples.demo.cast import Cast
from examples.demo.following import collect

DENIED = 5


def pass_on_by_consent(cast: Cast) -> None:
    """Let Hanoi pass the Belgian alert on to London: refused, asked for, granted, and read there with its path."""
    stage, be, vn, gb = cast.stage, cast.be, cast.vn, cast.gb
    passport, why = cast.sent["passport"], ("--reason", "investigation HN-2026-118")
    with stage.act(
        "Whose information is it?",
        "London holds a passport of the same series. Brussels wrote H2 on its alert: not passed on without the "
        "provider's permission. Here that is no label: Hanoi's own client refuses, and no option turns that off.",
    ):
        on = ("pass-on", passport, "--to", "GB", *why)
        vn.play(*on, ends_with=DENIED)
        asked = vn.play("release", "request", passport, "--to", "GB", *why)
        collect(be)
        (question,) = [str(item["id"]) for item in be.ask("inbox", "--kind", "release-request")]
        stage.expect("the question has come", came=question[:8] in asked.plain)
        conditions = ("--conditions", "For the comparison of the series only.")
        be.play("release", "grant", question[:8], *conditions, "--reason", "case 74/08")
        collect(vn)
        stage.say("The same command again. What travels now is Brussels's alert to the letter, and its signed consent.")
        vn.play(*on)
        collect(gb)
        (copy,) = [str(item["id"]) for item in gb.ask("inbox", "--kind", "document-fraud")]
        cast.sent["copy"] = copy[:8]
        way, case = "BE → VN → GB", "second line, case 11873"
        read = gb.play("read", copy[:8], "--reason", case, keep=("TLP:", way, "comparison of the series", "subject"))
        stage.expect("London sees whose alert it is, and which way it came", came=way in read.plain)
        stage.expect("and on which condition", came="comparison of the series" in read.plain)
