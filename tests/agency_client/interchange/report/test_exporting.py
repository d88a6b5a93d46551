"""A report of a message in the store: private, on record, in the language asked for, refused where any file is."""

import stat
import sys
from pathlib import Path

import pytest

from agency_client.errors import ConflictError
from agency_client.interchange.exporting import NoFileError
from agency_client.interchange.report.exporting import ReportFormat, export_report
from agency_client.interchange.report.printing import NoPrinterError
from agency_client.languages.words import load_words
from agency_client.local_store.access_log import AccessFilter, list_entries
from agency_client.local_store.inbox import InboxMessage
from schemas.markings import Tlp
from tests.agency_client.interchange.report.reports import demand_harmless
from tests.support.command_line import CommandLine
from tests.support.html_page import HtmlPage
from tests.support.lying_world import LyingWorld
from tests.support.nodes import make_wide_clause
from tests.support.onward import GB, VN, Row

REASON = "case 74/08"


@pytest.fixture(scope="module")
def row(two_agencies: LyingWorld) -> Row:
    """VN and GB, where everything up to TLP:RED is covered."""
    clauses = tuple(
        make_wide_clause(*pair, highest_marking=Tlp.RED, conditions=("Shown to examiners alone.",))
        for pair in ((VN, GB), (GB, VN))
    )
    terms = two_agencies.agree(VN, GB, "reports", clauses=clauses)
    return Row(two_agencies, {(VN, GB): terms})


@pytest.fixture(scope="module")
def held(row: Row) -> InboxMessage:
    """A message of VN at GB."""
    return row.send(VN, GB, subject="Trần Thị Specimen")


def test_a_report_is_private_and_says_whose_message_it_is(row: Row, held: InboxMessage, tmp_path: Path) -> None:
    path = tmp_path / "report.html"

    written = export_report(row[GB], path, held.message_id, reason=REASON, words=load_words("ar"))

    page = HtmlPage(path.read_text("utf-8"))
    demand_harmless(page)
    isolated = {item.text for item in page.find("bdi")}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert page.find("html")[0].attributes == {"lang": "ar", "dir": "rtl"}
    assert {VN, GB, held.message_id, held.digest, "Trần Thị Specimen", "Shown to examiners alone."} <= isolated
    assert (written.format, written.not_carried) == (ReportFormat.HTML, ())


def test_making_it_is_on_record_with_its_reason(row: Row, held: InboxMessage, tmp_path: Path) -> None:
    export_report(row[GB], tmp_path / "report.html", held.message_id, reason="file 75/08", case="75/08")

    with row[GB].store.read() as snapshot:
        newest = list_entries(snapshot, AccessFilter(message=held.message_id))[0]
    assert (newest.verb, newest.reason, newest.case) == ("export", "file 75/08", "75/08")


def test_where_no_pdf_can_be_made_nothing_is_read(
    row: Row, held: InboxMessage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "weasyprint", None)
    with pytest.raises(NoPrinterError):
        export_report(row[GB], tmp_path / "report.pdf", held.message_id, ReportFormat.PDF, reason="no printer")

    with row[GB].store.read() as snapshot:
        reasons = {entry.reason for entry in list_entries(snapshot, AccessFilter(message=held.message_id))}
    assert "no printer" not in reasons
    assert not (tmp_path / "report.pdf").exists()


def test_ones_own_message_has_a_report_too(row: Row, held: InboxMessage, tmp_path: Path) -> None:
    export_report(row[VN], tmp_path / "report.html", held.message_id, reason=REASON)

    page = HtmlPage((tmp_path / "report.html").read_text("utf-8"))
    assert "fromVNtoGB" in "".join(item.text for item in page.find("tr"))


def test_nothing_is_overwritten(row: Row, held: InboxMessage, tmp_path: Path) -> None:
    (tmp_path / "report.html").write_text("something else")

    with pytest.raises(ConflictError, match="exists already"):
        export_report(row[GB], tmp_path / "report.html", held.message_id, reason=REASON)

    assert (tmp_path / "report.html").read_text() == "something else"


def test_red_has_no_report(row: Row, tmp_path: Path) -> None:
    held = row.send(VN, GB, marking=Tlp.RED)

    with pytest.raises(NoFileError, match="named people"):
        export_report(row[GB], tmp_path / "report.html", held.message_id, reason=REASON)

    assert not list(tmp_path.iterdir())


def test_the_command_line_writes_it_and_reads_in_the_language_asked_for(
    row: Row, held: InboxMessage, tmp_path: Path
) -> None:
    root = row[GB].profile.folder.parent.parent
    line = CommandLine(root, "gb")
    line.environment["BILATERAL_PASSPHRASE_FILE"] = str(root / "passphrase")
    path = tmp_path / "report.html"
    words = ("export", "--as", "html", "--lang", "fr", "--reason", REASON, "--out", str(path), "--", held.message_id)
    assert line.run(*words, form="--json")[0] == 0
    assert HtmlPage(path.read_text("utf-8")).find("html")[0].attributes["lang"] == "fr"

    read = ("read", "--lang", "fr", "--reason", REASON, "--", held.message_id)
    said = line.demand_harmless(*read, forms=("--plain",))
    french = load_words("fr")
    assert french.say("subject") + "\tTrần Thị Specimen" in said
    assert french.say("Only this agency and the exchange have seen its place in the log so far") in said
    assert "only this node and the exchange" not in said
    code, _, err = line.run(*words[:2], "docx", *words[3:])
    assert (code, "stix" in err) == (2, True)
