"""A report in PDF, made by WeasyPrint and read again by pypdf: whole, marked on every sheet, in every language."""

import sys
from collections.abc import Iterator
from importlib import import_module
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from agency_client.interchange.report.page import make_report
from agency_client.interchange.report.printing import NoPrinterError, Printer, load_printer
from agency_client.languages.words import LANGUAGES, load_words
from tests.agency_client.interchange.report.reports import SENT, make_facts

TOOLS = Path(__file__).parents[2] / "build" / "pdf"

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def printer() -> Iterator[Printer]:
    assert TOOLS.is_dir(), "the tools are not there: make build/pdf/installed.txt"
    sys.path.append(str(TOOLS))
    try:
        yield load_printer()
    except NoPrinterError as error:
        if "Pango" not in error.sentence:
            raise
        pytest.skip(f"{error.sentence}: {error.fix}")
    finally:
        sys.path.remove(str(TOOLS))


def read_sheets(pdf: bytes) -> Any:
    """Return a PDF as pypdf reads it."""
    return import_module("pypdf").PdfReader(BytesIO(pdf), strict=True)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_sheet_of_a_report_bears_the_marking_and_the_message(printer: Printer, language: str) -> None:
    read = read_sheets(printer(make_report(make_facts("document-fraud"), load_words(language))))

    sheets = [page.extract_text() for page in read.pages]
    assert len(sheets) > 1
    assert [text for text in sheets if SENT.marking.label not in text or SENT.message_id not in text] == []
    shown = "".join("".join(sheets).split())
    assert [text for text in ("ERIKSSON", "L898902C3", SENT.digest) if text not in shown] == []
    assert read.trailer["/Root"]["/Lang"].startswith(language)


@pytest.mark.usefixtures("printer")
@pytest.mark.parametrize("language", ["ar", "vi"])
def test_nothing_runs_off_a_sheet(language: str) -> None:
    page = make_report(make_facts("document-fraud"), load_words(language))
    for sheet in import_module("weasyprint").HTML(string=page).render().pages:
        lines = [box for box in sheet._page_box.descendants() if getattr(box, "text", "").strip()]
        assert lines
        assert [box.text for box in lines if not 0 <= box.position_x <= sheet.width - box.width] == []


def test_what_others_wrote_is_whole_and_nothing_leads_out(printer: Printer) -> None:
    read = read_sheets(printer(make_report(make_facts("document-fraud"), load_words("vi"))))

    shown = " ".join("".join(page.extract_text() for page in read.pages).split())
    assert "The data page is printed by inkjet; the genuine series is laser engraved." in shown
    assert "Nguyễn Văn Specimen" in shown
    assert [page for page in read.pages if "/Annots" in page] == []
    assert not read.attachments


def test_the_same_report_is_the_same_bytes(printer: Printer) -> None:
    page = make_report(make_facts("facilitator"), load_words("ar"))

    assert printer(page) == printer(page)
