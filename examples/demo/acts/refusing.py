"""What the agreements do not cover: refused by the client with the reason, and by the broker when the client is passed by."""

from typing import Any

from rich.text import Text

from agency_client.client import AgencyClient
from agency_client.sending.draft import Draft
from agency_client.sending.flow import SendReport
from examples.demo.cases import make_stolen_blanks
from examples.demo.cast import Cast, Member
from schemas.codec import encode_canonical
from schemas.markings import Purpose


def refuse_uncovered(cast: Cast) -> None:
    """Let Brussels try to send what only Hanoi may; then try it again past its own client."""
    stage, be = cast.stage, cast.be
    with stage.act(
        "What no agreement covers is refused twice",
        "Agreements are not symmetric. Under that of Brussels and Hanoi only Hanoi reports stolen blank passports. "
        "Brussels tries it: its own client refuses and says why.",
    ):
        alert = make_stolen_blanks()
        file = be.write_file("stolen-blanks.json", encode_canonical(alert).decode())
        words = ("--necessity", "The parcel was stolen in Brussels.", "--reason", "case 74/09")
        be.play("send", file, "--to", "VN", "--dry-run", ends_with=5)
        refused = be.play("send", file, "--to", "VN", *words, ends_with=5)
        stage.expect("refused before anything left the house", came="document-status is not among" in refused.output)
        stage.say(
            "Now somebody in Brussels passes the client by, with the library. The signature is right, the sealing is "
            "right. The broker judges by the same signed terms, and writes the refusal into the log."
        )
        before = cast.count_leaves()
        draft = Draft(alert, Purpose.DOCUMENT_INTEGRITY, words[1], words[3], recipients=("VN",))
        item = push_past_client(cast, be, draft).items[0]
        stage.expect("refused by the broker", came=item.problem.code if item.problem else None, wanted="not-covered")
        stage.expect("the refusal is a leaf of the log", came=cast.count_leaves() > before)


def push_past_client(cast: Cast, member: Member, draft: Draft) -> SendReport:
    """Send a draft without the client's own judgement, as only the library can; show the lines that do it."""
    lines = (
        f'with AgencyClient.open("{member.profile}") as client:',
        f"    client.push_past_client(draft)          # {draft.alert['kind']} to {', '.join(draft.recipients)}",
    )
    cast.stage.show_python(member.place, member.style, lines)
    with AgencyClient.open(member.profile, environment=member.environment) as client:
        report = client.push_past_client(draft)
    for item in report.items:
        sentence = item.problem.sentence if item.problem else ""
        cast.stage.show_line(Text(f"{item.message_id[:8]}  {item.state.value}: {sentence}"))
    return report
