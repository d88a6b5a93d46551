"""Members are enrolled and publish keys; partners type in each other's anchors from paper."""

from examples.demo.acts.founding import DATA, find_words
from examples.demo.cast import Cast
from examples.demo.following import run_beside
from keys.anchors import parse_anchor
from keys.errors import AnchorError


def enrol_members(cast: Cast) -> None:
    """Let the operator enrol all four into the serving broker, comparing their papers, and let them publish keys."""
    stage = cast.stage
    with stage.act(
        "Everybody is enrolled",
        "Each member hands the operator a file, and the words of its anchor on paper. The operator compares them. The "
        "serving broker takes each in at once, and every key it ever had stands in the log for all to see.",
    ):
        for member in cast.members:
            done = cast.operator.play(
                "enrol", "--data", DATA, "--yes", member.file("enrolment.json"), keep=("anchor", "enrolled")
            )
            same = find_words(done.output) == cast.paper[member.agency]
            stage.expect(f"the operator saw the words that are on the paper from {member.place}", came=same)
        cast.gb.play("keys", "publish")
        run_beside([cast.vn, cast.be], "keys", "publish")
        found = cast.operator_status()
        named = sorted(item["agency"] for item in found["members"])
        stage.expect("the broker knows four members", came=named, wanted=["BE", "GB", "OVERSEER", "VN"])


def pin_partners(cast: Cast) -> None:
    """Let partners type in each other's words; a slip in one of them is noticed."""
    stage, gb = cast.stage, cast.gb
    with stage.act(
        "Trust is typed in from paper",
        "Liaison officers meet and exchange a printed page. What the broker says of a partner's keys counts only if it "
        "leads to the 24 words on that page.",
    ):
        slip = gb.play("trust", "pin", "VN", "--words", _swap_words(cast.paper["VN"]), ends_with=2)
        stage.expect("two words swapped by mistake: noticed", came="check word" in slip.plain)
        gb.play("trust", "pin", "VN", "--words", cast.paper["VN"])
        for member, partner in ((cast.vn, cast.gb), (cast.vn, cast.be), (cast.be, cast.vn)):
            member.play("trust", "pin", partner.agency, "--words", cast.paper[partner.agency])
        for member in cast.agencies:
            members = member.ask_one("trust", "list")["members"]
            trusted = [item["agency"] for item in members if item["standing"] == "trusted"]
            wanted = sorted(partner.agency for partner in cast.partners_of(member))
            stage.expect(
                f"{member.place} trusts {' and '.join(wanted)}",
                came=sorted({*trusted} - {member.agency}),
                wanted=wanted,
            )


def _swap_words(anchor: str) -> str:
    """Return the words with two of them swapped, such that the check word shows it; one pair in 256 would slip by."""
    words = anchor.split()
    for at in range(len(words) - 1):
        swapped = " ".join([*words[:at], words[at + 1], words[at], *words[at + 2 :]])
        try:
            parse_anchor(swapped)
        except AnchorError:
            return swapped
    raise RuntimeError("no swap of two words shows")
