"""Write a message as one page of HTML, or as a PDF of that page.

By reason, on record, private, and refused where any file of it would be.
"""

from dataclasses import replace
from pathlib import Path

from agency_client.attachments.listing import describe_attachments
from agency_client.interchange.exporting import Written, list_not_carried, read_for_file, write_new_file
from agency_client.interchange.report.facts import Made, ReportFacts, Sent
from agency_client.interchange.report.page import make_report
from agency_client.interchange.report.printing import load_printer
from agency_client.interchange.report.rows import list_marks
from agency_client.languages.words import ENGLISH, Words
from agency_client.node import Node
from agency_client.reading.messages import ReadMessage, ReadOwnMessage
from schemas.coded import CodedValue


class ReportFormat(CodedValue):
    """What people read."""

    HTML = "html", "report to read and print"
    PDF = "pdf", "report to print"


def export_report(
    node: Node,
    path: Path,
    message_id: str,
    format_: ReportFormat = ReportFormat.HTML,
    *,
    reason: str,
    case: str | None = None,
    words: Words = ENGLISH,
) -> Written:
    """Write a message, received or own, into a new file of mode 0600 in the words of a language.

    Raises:
        NoPrinterError: what makes a PDF is not installed; nothing was read.
        as `agency_client.interchange.exporting.export_alert`.
    """
    finish = load_printer() if format_ is ReportFormat.PDF else str.encode
    found = read_for_file(node, path, message_id, reason=reason, case=case)
    facts = gather_facts(node, found)
    write_new_file(path, finish(make_report(facts, words)))
    return Written(path, format_, list_marks(facts), tuple(list_not_carried(facts.alert)))


def gather_facts(node: Node, found: ReadMessage | ReadOwnMessage) -> ReportFacts:
    """Return what a report says of a message that was read."""
    facts = ReportFacts(
        sent=_describe_sent(node, found),
        original=found.alert,
        made=Made(node.agency, node.clock.now()),
        attachments=describe_attachments(found.alert, found.message.attachments),
        standing=found.standing,
        corrected=found.corrected,
        told=found.told,
    )
    if isinstance(found, ReadOwnMessage):
        return facts
    return replace(
        facts,
        provenance=found.provenance,
        origin=found.origin,
        applied=found.applied,
        is_witnessed=found.is_witnessed,
        is_voided=found.is_voided,
    )


def _describe_sent(node: Node, found: ReadMessage | ReadOwnMessage) -> Sent:
    header = found.message.header
    sender, recipients = (
        (node.agency, found.recipients) if isinstance(found, ReadOwnMessage) else (header.sender.agency, (node.agency,))
    )
    return Sent(
        message_id=header.id,
        digest=found.stored.digest,
        sender=sender,
        recipients=recipients,
        sent_at=header.issued_at,
        marking=header.routing.marking,
        urgency=header.routing.urgency,
        purpose=found.message.purpose,
        necessity=found.message.necessity,
    )
