"""The filled examples as reports, and what no report may hold."""

from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from typing import Any

from agency_client.attachments.listing import AttachmentLine, Place
from agency_client.interchange.report.facts import Made, ReportFacts, Sent
from agency_client.interchange.report.page import make_report
from agency_client.languages.words import load_words
from agency_client.reading.messages import Provenance
from schemas.alerts.base import Alert
from schemas.markings import Purpose, Tlp, Urgency
from tests.agency_client.interchange.exports import EXAMPLES
from tests.support.html_page import HtmlPage

NOW = datetime(2026, 11, 21, 21, 2, 25, tzinfo=UTC)
SENT = Sent(
    message_id="5d1c8a52-0000-7000-8000-000000000000",
    digest="ab" * 32,
    sender="BE-FED",
    recipients=("GB-HO",),
    sent_at=NOW,
    marking=Tlp.AMBER_STRICT,
    urgency=Urgency.URGENT,
    purpose=Purpose.DOCUMENT_INTEGRITY,
    necessity="The bearer is expected within a day.",
)
VERIFIED = Provenance("BE-FED", 3, ("1TLhUNm6xx", "8mZ0aaaaaa"), "Documents", 2, 1417, NOW, is_disputed=False)
TAGS = frozenset(
    """html head meta title style body header footer main section div span p h1 h2 strong bdi
    table thead tbody tr th td figure svg path""".split()  # noqa: SIM905 - read as one line, it is one
)
ATTRIBUTES = frozenset(
    """lang dir class scope charset name content http-equiv role aria-label
    viewbox transform d stroke fill""".split()  # noqa: SIM905 - as above
)


def make_facts(alert: Alert | str, **changes: Any) -> ReportFacts:
    """Return what a report of an alert, or of a kind's example, says."""
    shown = EXAMPLES[alert] if isinstance(alert, str) else alert
    carried = tuple(
        AttachmentLine(note.id, note.caption, note.marking, "page.png", "image/png", 5_000, "cd" * 32, Place.HERE)
        for note in shown.attachments
    )
    facts = ReportFacts(SENT, shown, Made("GB-HO", NOW), attachments=carried, provenance=VERIFIED)
    return replace(facts, **changes)


@cache
def read_example(kind: str, language: str) -> HtmlPage:
    """Return the report of a kind's example."""
    return HtmlPage(make_report(make_facts(kind), load_words(language)))


def read_report(facts: ReportFacts, language: str = "en") -> HtmlPage:
    """Return a report taken apart."""
    return HtmlPage(make_report(facts, load_words(language)))


def demand_harmless(page: HtmlPage) -> None:
    """Check that nothing in a report runs, is fetched, or was not put there by the template."""
    assert {element.tag for element in page.elements} <= TAGS
    assert {name for element in page.elements for name in element.attributes} <= ATTRIBUTES
    (policy,) = page.find("meta", **{"http-equiv": "Content-Security-Policy"})
    assert policy.attributes["content"] == "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    (style,) = page.find("style")
    assert [word for word in ("url", "@import", "expression", "behavior", "<") if word in style.text.lower()] == []
