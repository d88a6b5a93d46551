"""What no agreement covers: refused by the client with the reason, and by the broker when the client is passed by."""

from agency_client.sending.draft import Draft
from examples.demo.cases import make_stolen_blanks, write_alert
from examples.demo.cast import Cast
from examples.demo.passing import push_past_client
from schemas.markings import Purpose

_NECESSITY, _REASON = "The parcel was stolen in Brussels.", "case 74/09"


def refuse_uncovered(cast: Cast) -> None:
    """Let Brussels try to send what only Hanoi may; then let somebody try it again past Brussels' own client."""
    stage, be = cast.stage, cast.be
    with stage.act(
        "What no agreement covers is refused twice",
        "Agreements are not symmetric. Under that of Brussels and Hanoi only Hanoi reports stolen blank passports. "
        "Brussels asks what would happen, then tries it: its own client refuses and says why.",
    ):
        alert = make_stolen_blanks()
        file = be.write_file("stolen-blanks.json", write_alert(alert))
        be.play("send", file, "--to", "VN", "--dry-run", ends_with=5)
        words = ("--necessity", _NECESSITY, "--reason", _REASON)
        refused = be.play("send", file, "--to", "VN", *words, ends_with=5)
        stage.expect("refused before anything left the house", came="document-status is not among" in refused.plain)
        stage.say(
            "Now somebody in Brussels passes the client's judgement by, with the library. Signatures and sealing are "
            "right. The broker judges by the same signed terms, refuses, and writes the refusal into the log."
        )
        before = cast.count_leaves()
        draft = Draft(alert, Purpose.DOCUMENT_INTEGRITY, _NECESSITY, _REASON, recipients=("VN",))
        stage.expect("refused by the broker", came=push_past_client(cast, be, draft), wanted="not-covered")
        stage.expect("the refusal is a leaf of the log", came=cast.count_leaves() > before)
