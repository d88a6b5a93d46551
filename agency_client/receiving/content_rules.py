"""What a recipient demands of an opened message, and what it takes from it: coverage, retention, due time. Pure.

What an agreement limits is kept to, whatever the message asks for: no content is kept longer and no answer owed sooner
than was agreed. What an agreement does not allow is refused.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from agency_client.duties.conditions import spell_codes
from agency_client.receiving.errors import NotCoveredError, UnprovenError
from agency_client.receiving.following import verify_follow_up
from agency_client.receiving.parties import verify_parties
from agency_client.receiving.rules import MessageFacts, describe_visible, find_governing_terms
from schemas.agreements.answering import find_due_minutes
from schemas.agreements.content import describe_content
from schemas.agreements.coverage import Finding, judge_received
from schemas.agreements.terms import Clause, Terms
from schemas.alerts import kind_of, parse_alert
from schemas.alerts.base import Alert
from schemas.alerts.header_rules import HeaderMismatchError, verify_header_agrees
from schemas.alerts.registry import AlertError, UnknownKindError
from schemas.attachments import AttachmentsError, verify_attachments_agree
from schemas.codec import CodecError, encode_canonical
from schemas.disclosure import read_original_header
from schemas.envelope import Message
from schemas.markings import Urgency
from schemas.model import LATEST_TIME


@dataclass(frozen=True, slots=True)
class AppliedClause:
    """The clause that covers a message under one version of an agreement, and what it does not let the message ask."""

    terms: Terms
    clause: Clause
    limits: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class AcceptedContent:
    """Content that passed every check: the alert, until when it may be kept, by when somebody must answer.

    `applied` are the clauses that it came under: of the version cited, and of one that has taken its place.
    """

    message: Message
    alert: Alert
    retain_until: datetime | None
    reply_due: datetime | None
    applied: tuple[AppliedClause, ...] = ()

    @property
    def summary(self) -> bytes:
        """Return what lists show of it, canonical JSON; erased with the content."""
        alert, attachments = self.alert, len(self.message.attachments)
        members = {"subject": alert.subject, "unit": alert.unit, "officer": alert.officer}
        return encode_canonical(members | {"attachments": attachments, "handling": spell_codes(alert)})


def accept_content(facts: MessageFacts, message: Message) -> AcceptedContent:
    """Judge what was found inside.

    Raises:
        UnprovenError: the inside contradicts the header, or is no alert.
        NotCoveredError: the alert is of no kind this version knows, or no agreement covers its content; or it follows
            another message up and says more than that one's clause allows, or once more than is taken; or its sender
            is not who may say it.
    """
    alert = read_alert(message, facts)
    verify_follow_up(facts, message, alert)
    verify_parties(facts, message, alert)
    applied = apply_terms(facts, message, alert)
    clauses = [item.clause for item in applied]
    return AcceptedContent(
        message,
        alert,
        retain_until=_find_end(alert, clauses, facts.leaf.record.time),
        reply_due=_find_due(alert, clauses, facts.sealed.header.routing.urgency, facts.leaf.record.time),
        applied=applied,
    )


def read_alert(message: Message, facts: MessageFacts) -> Alert:
    """Return the alert inside M if it is what the header says.

    Raises:
        UnprovenError, NotCoveredError: as `accept_content`.
    """
    try:
        alert = parse_alert(message.alert)
        noted = [note.id for note in alert.attachments]
        verify_attachments_agree(facts.sealed.payload.attachments, message.attachments, noted)
        verify_header_agrees(alert, facts.sealed.header, original=read_original_header(message))
    except UnknownKindError as error:
        raise NotCoveredError(f"the alert's kind is not known to this version: {error}", code=error.code) from error
    except (HeaderMismatchError, AttachmentsError) as error:
        raise UnprovenError(str(error), code=error.code) from error
    except (AlertError, CodecError) as error:
        raise NotCoveredError(f"the alert inside cannot be read: {error}", code="alert-invalid") from error
    return alert


def apply_terms(facts: MessageFacts, message: Message, alert: Alert) -> tuple[AppliedClause, ...]:
    """Return the clauses that cover the content, one for each version that governs it.

    Raises:
        NotCoveredError: a version does not cover it; the code is that of the first reason.
    """
    header = facts.sealed.header
    content = describe_content(
        alert,
        purpose=message.purpose,
        urgency=header.routing.urgency,
        issued_at=header.issued_at,
        is_passed_on=message.provenance is not None,
    )
    applied = []
    for terms in find_governing_terms(facts):
        coverage = judge_received(terms, describe_visible(facts), content)
        if coverage.clause is None:
            sentences = "; ".join(finding.sentence for finding in coverage.findings)
            raise NotCoveredError(
                f"“{terms.title}”, version {terms.version}, does not cover its content: {sentences}",
                code=coverage.findings[0].code,
            )
        applied.append(AppliedClause(terms, coverage.clause, coverage.findings))
    return tuple(applied)


def _find_end(alert: Alert, clauses: Sequence[Clause], accepted_at: datetime) -> datetime | None:
    ends = [accepted_at + timedelta(days=clause.retention_days) for clause in clauses]
    if alert.retain_until is not None:
        # The day named is the last one: the content goes when it is over. A day beyond the calendar ends nothing.
        last = min(date.fromisoformat(alert.retain_until), LATEST_TIME.date())
        ends.append(datetime.combine(last, time(), UTC) + timedelta(days=1))
    return min(ends, default=None)


def _find_due(alert: Alert, clauses: Sequence[Clause], urgency: Urgency, accepted_at: datetime) -> datetime | None:
    """Return by when an answer is due: as agreed, or where nothing was, or for a threat to life, as the sender asks."""
    is_answer = kind_of(alert.kind).needs_refers_to
    minutes = [] if is_answer else [find_due_minutes(alert.kind, clause, urgency) for clause in clauses]
    agreed = [accepted_at + timedelta(minutes=item) for item in minutes if item is not None]
    named = [getattr(alert.details, "acknowledge_by", None)]
    if not agreed or urgency is Urgency.THREAT_TO_LIFE:
        named.append(alert.reply_due)
    return min([*agreed, *(due for due in named if due is not None)], default=None)
