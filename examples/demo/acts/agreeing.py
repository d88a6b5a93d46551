"""Three agreements come into force, each by three signed steps, each step approved by two officers."""

import re
from datetime import date, timedelta

from examples.demo.cast import Cast, Member
from examples.demo.following import let_witness

_DAYS = {"in_force_from": -1, "review_by": 730, "in_force_until": 1461}


def negotiate_agreements(cast: Cast) -> None:
    """Bring both agreements of London and Hanoi, and that of Brussels and Hanoi, into force."""
    with cast.stage.act(
        "Three agreements are signed",
        "Nothing is sent but under an agreement that both sides signed: which kinds of alert, for which purposes, up "
        "to which marking, in which direction. London and Hanoi sign two of different scope, Brussels and Hanoi one. "
        "What widens takes two officers: the first one approves, the second one gives the same command, and signs.",
    ):
        _negotiate_in_view(cast, cast.gb, "gb-vn-migration.toml")
        cast.stage.say("The second one between them, on trafficking, and that of Brussels come about in the same way.")
        cast.agreements["trafficking"] = _negotiate(cast, cast.gb, "gb-vn-trafficking.toml")
        cast.agreements["belgian"] = _negotiate(cast, cast.be, "be-vn-migration.toml")
        cast.vn.do("sync")
        cast.vn.play("agreements", keep=("title", "in-force"))
        lines = cast.vn.ask_one("agreements")["agreements"]
        states = sorted((line["partner"], line["state"]) for line in lines)
        wanted = [("BE", "in-force"), ("GB", "in-force"), ("GB", "in-force")]
        cast.stage.expect("three agreements are in force in Hanoi's own view", came=states, wanted=wanted)


def _negotiate_in_view(cast: Cast, proposer: Member, file: str) -> None:
    copy = proposer.write_file(file, date_terms(cast.read_example(f"agreements/{file}"), cast.today))
    proposed = proposer.play_by_two("agreement", "propose", copy, keep=("agreement", "partner", "state", "due"))
    reference = cast.agreements["migration"] = proposed.read_detail("agreement")
    cast.stage.say(
        "Nobody answers what an exchange may have shown to him alone: Hanoi's two partners cosign the log first, by "
        "their always-on nodes, and then Hanoi cosigns for London."
    )
    let_witness(*cast.partners_of(cast.vn))
    cast.vn.play_by_two("agreement", "accept", reference[:8], keep=("state", "because", "due"))
    let_witness(cast.vn)
    confirmed = proposer.play_by_two("agreement", "confirm", reference[:8], keep=("state", "because"))
    cast.stage.expect("signed three times, it binds both", came=confirmed.read_detail("state"), wanted="in-force")


def _negotiate(cast: Cast, proposer: Member, file: str) -> str:
    copy = proposer.write_file(file, date_terms(cast.read_example(f"agreements/{file}"), cast.today))
    reference = str(proposer.ask_by_two("agreement", "propose", copy)["agreement"])
    let_witness(*cast.partners_of(cast.vn))
    cast.vn.ask_by_two("agreement", "accept", reference)
    let_witness(cast.vn)
    confirmed = proposer.ask_by_two("agreement", "confirm", reference)
    cast.stage.expect(f"“{confirmed['title']}” is in force", came=confirmed["state"], wanted="in-force")
    return reference


def date_terms(text: str, today: date) -> str:
    """Return terms with days around today, so that they are in force whenever the play is played."""
    for name, days in _DAYS.items():
        text = re.sub(rf"^{name} = .*$", f"{name} = {today + timedelta(days)}", text, flags=re.MULTILINE)
    return text
