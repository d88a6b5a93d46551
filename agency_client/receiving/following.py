"""What a recipient demands of a message that follows another up: no more in it than that one's clause allows. Pure.

It passes in every state of the agreement; that it may follow this message at all is `agency_client.receiving.rules`'s.
"""

from agency_client.receiving.errors import NotCoveredError
from agency_client.receiving.rules import MessageFacts, find_cited_terms
from agency_client.retention.rules import list_direction
from schemas.agreements.content import describe_content
from schemas.agreements.following import FollowUpFacts, judge_follow_up
from schemas.agreements.terms import Clause
from schemas.alerts.base import Alert
from schemas.envelope import Message


def verify_follow_up(facts: MessageFacts, message: Message, alert: Alert) -> None:
    """Verify what a message carries that follows another up; any other passes.

    Raises:
        NotCoveredError: it carries more, or so many were sent already; the code is that of the first reason.
    """
    if not facts.is_aftercare:
        return
    header, original = facts.sealed.header, facts.original
    follow_up = FollowUpFacts(
        kind=header.routing.kind,
        marking=header.routing.marking,
        original_marking=None if original is None else original.marking,
        attachments=len(facts.sealed.payload.attachments),
        said_before=0 if original is None else original.said_before,
    )
    content = describe_content(
        alert,
        purpose=message.purpose,
        urgency=header.routing.urgency,
        issued_at=header.issued_at,
        is_passed_on=message.provenance is not None,
    )
    findings = judge_follow_up(_list_clauses(facts), follow_up, content)
    if findings:
        sentences = "; ".join(finding.sentence for finding in findings)
        raise NotCoveredError(f"it says more than the message it follows could: {sentences}", code=findings[0].code)


def _list_clauses(facts: MessageFacts) -> tuple[Clause, ...]:
    """Return the clauses of the message that it follows; where none are here, of its sender's direction as cited."""
    if facts.original is not None and facts.original.clauses:
        return facts.original.clauses
    terms = find_cited_terms(facts)
    return () if terms is None else list_direction(terms, facts.sealed.header.sender.agency, facts.me)
