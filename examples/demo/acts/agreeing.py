"""Three agreements come into force, each by three signed steps: proposed, accepted, confirmed."""

from examples.demo.cast import Cast, Member


def negotiate_agreements(cast: Cast) -> None:
    """Bring both agreements of London and Hanoi, and that of Brussels and Hanoi, into force."""
    with cast.stage.act(
        "Three agreements are signed",
        "Nothing is sent but under an agreement that both sides signed: which kinds of alert, for which purposes, up to "
        "which marking, in which direction. London and Hanoi sign two of different scope, Brussels and Hanoi one.",
    ):
        _negotiate(cast, "migration", cast.gb, "gb-vn-migration.toml", shown=True)
        _negotiate(cast, "trafficking", cast.gb, "gb-vn-trafficking.toml", shown=False)
        _negotiate(cast, "belgian", cast.be, "be-vn-migration.toml", shown=False)
        cast.vn.do("sync")
        cast.vn.play("agreements")
        lines = cast.vn.ask_one("agreements")["agreements"]
        states = [(line["partner"], line["state"]) for line in lines]
        wanted = [("BE", "in-force"), ("GB", "in-force"), ("GB", "in-force")]
        cast.stage.expect("three agreements are in force in Hanoi's own view", came=sorted(states), wanted=wanted)


def _negotiate(cast: Cast, name: str, proposer: Member, file: str, *, shown: bool) -> None:
    copy = proposer.write_file(file, cast.read_example(f"agreements/{file}"))
    if shown:
        proposer.play("agreement", "propose", copy, keep=("agreement", "partner", "state", "due"))
    else:
        proposer.do("agreement", "propose", copy)
    (proposed,) = [line for line in proposer.ask_one("agreements")["agreements"] if line["state"] == "proposed"]
    reference = str(proposed["agreement"])
    cast.agreements[name] = reference
    for member, verb in ((cast.vn, "accept"), (proposer, "confirm")):
        if shown:
            member.play("agreement", verb, reference[:8], keep=("state", "because", "due"))
        else:
            member.do("agreement", verb, reference[:8])
    (line,) = [line for line in proposer.ask_one("agreements")["agreements"] if line["agreement"] == reference]
    cast.stage.expect(f"“{proposed['title']}” is in force", came=line["state"], wanted="in-force")
