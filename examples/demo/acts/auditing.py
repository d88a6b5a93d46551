"""The auditor takes the whole log away, verifies it without the broker, and says who did what."""

from collections import Counter
from typing import Any

from rich.table import Table
from rich.text import Text

from examples.demo.acts.founding import DATA
from examples.demo.cast import Cast
from examples.demo.following import find_in_files

_TELLING = {
    "member-enrolled": "enrolled",
    "agreement-step": "agreement",
    "message-accepted": "sent",
    "message-handed-over": "collected",
    "message-held": "held",
    "message-released": "released",
    "refused": "refused",
}
_COLUMNS = {"leaf": 4, "time": 8, "who": 12, "did": 9, "between": 8, "message": 8}
_STYLES = {"refused": "bold red", "held": "yellow", "sent": "bold"}


def audit_everything(cast: Cast) -> None:
    """Let oversight export the log, verify the export offline, say who did what, and notice a changed word."""
    stage, auditor = cast.stage, cast.oversight
    with stage.act(
        "The auditor verifies everything",
        "The oversight board sees every record of the exchange, and no content of any alert. It takes the log away as "
        "one file and verifies it with two things only: the exchange's sheet, and the words from paper.",
    ):
        auditor.do("sync")
        file = auditor.file("audit.jsonl")
        auditor.play("audit", "export", "--reason", "yearly inspection", "--purpose", "self-monitoring", "--out", file)
        believed = ("--exchange", f"{DATA}/exchange.json"), ("--anchor", cast.paper["exchange"])
        words = ("audit", "verify", file, *believed[0], *believed[1])
        auditor.play(*words, keep=("holds",))
        *records, verdict = auditor.ask(*words, "--show")
        stage.expect("every leaf, record, key and signature holds", came=verdict["holds"])
        show_deeds(cast, records)
        _expect_deeds(cast, records)
        _change_a_word(cast, file, believed[0] + believed[1])


def show_own_access_log(cast: Cast) -> None:
    """Let London look into its own access log, where officers and reasons stand; let the operator check the log."""
    stage, gb = cast.stage, cast.gb
    with stage.act(
        "Who read it, and why",
        "Officers and their reasons stand in each agency's own access log, chained, its head signed. They "
        "never leave it: the broker knows agencies, not people.",
    ):
        why = "complaint of the person concerned"
        words = ("audit", "list", "--own", "--action", "consultation", "--reason", why, "--purpose", "self-monitoring")
        gb.play(*words, keep=())
        entries = gb.ask(*words)
        stage.show_table(_make_reading_table(entries))
        asked = [entry["what"] for entry in entries].count("audit-own")
        stage.expect("looking into it was recorded as well, with its reason", came=asked, wanted=2)
        found = find_in_files(
            cast.folder / DATA, *(member.environment["BILATERAL_OFFICER"] for member in cast.agencies)
        )
        stage.expect("no file of the broker names an officer", came=found, wanted=[])
        stage.say("The operator checks its own books: every leaf, every record, every row, and the signed head.")
        cast.operator.play("verify-log", "--data", DATA, keep=("sound",))
        sound = cast.operator.ask_one("verify-log", "--data", DATA)
        stage.expect("the log is sound", came=sound["sound"])
        cast.figures["leaves in the log"] = sound["leaves"]


def show_deeds(cast: Cast, records: list[dict[str, Any]]) -> None:
    """Show who did what, from records that were just proven."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for title, width in _COLUMNS.items():
        table.add_column(title, no_wrap=True, overflow="ellipsis", min_width=width)
    table.add_column("about", no_wrap=True, overflow="ellipsis", max_width=44)
    others: Counter[str] = Counter()
    for record in records:
        did = _TELLING.get(record["what"])
        if did is None:
            others[record["what"]] += 1
            continue
        style = _STYLES.get(did, "")
        cells = (str(record["place"]), record["time"][11:19], record["who"].partition(" (")[0], did)
        rest = (record["between"], record.get("message", "")[:8], record["about"].partition(" of agreement")[0])
        table.add_row(*cells, *rest, style=style)
    cast.stage.show_table(table)
    counted = ", ".join(f"{count} × {what}" for what, count in sorted(others.items()))
    cast.stage.show_line(Text(f"and {counted}", style="dim"))


def _make_reading_table(entries: list[dict[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for title, width in {"time": 8, "who": 21, "did": 9, "message": 8, "reason": 12}.items():
        table.add_column(title, no_wrap=True, overflow="ellipsis", min_width=width)
    for entry in entries:
        cells = (entry["time"][11:19], entry["who"], entry["what"], entry.get("message", "")[:8], entry["reason"])
        table.add_row(*cells)
    return table


def _expect_deeds(cast: Cast, records: list[dict[str, Any]]) -> None:
    counts = Counter(record["what"] for record in records)
    cast.figures["messages taken"] = counts["message-accepted"]
    cast.figures["refusals logged"] = counts["refused"]
    cast.stage.expect("thirteen messages were taken, each is there", came=counts["message-accepted"], wanted=13)
    cast.stage.expect("both refusals of the broker are there", came=counts["refused"], wanted=2)
    steps = counts["agreement-step"]
    cast.stage.expect("nine steps to three agreements, one suspended and one resumed", came=steps, wanted=11)


def _change_a_word(cast: Cast, file: str, believed: tuple[str, ...]) -> None:
    cast.stage.say("Somebody edits the file: where Hanoi signed that it verified an alert, it now says accepted.")
    text = (cast.folder / file).read_text("utf-8")
    edited = cast.oversight.write_file(
        "edited.jsonl", text.replace('"receipt_type":"verified"', '"receipt_type":"accepted"', 1)
    )
    shown = cast.oversight.play("audit", "verify", edited, *believed, ends_with=6, keep=("FAIL", "leaf", "NOT"))
    cast.stage.expect("one changed word is noticed", came="FAIL" in shown.plain)
