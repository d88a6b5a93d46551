"""What a report says: an alert as it stands here, whose it is, what was verified of it, and who made the report."""

from dataclasses import dataclass
from datetime import datetime

from agency_client.aftercare.changing import CorrectedAlert
from agency_client.aftercare.rules import NOTHING_SAID, Standing
from agency_client.attachments.listing import AttachmentLine
from agency_client.duties.telling import Told
from agency_client.reading.messages import Provenance
from agency_client.reading.terms import NO_TERMS, AppliedTerms
from agency_client.receiving.provenance import VerifiedProvenance
from schemas.alerts.base import Alert
from schemas.markings import Purpose, Tlp, Urgency


@dataclass(frozen=True, slots=True)
class Sent:
    """A message as its header and the words around its alert describe it."""

    message_id: str
    digest: str
    sender: str
    recipients: tuple[str, ...]
    sent_at: datetime
    marking: Tlp
    urgency: Urgency
    purpose: Purpose
    necessity: str


@dataclass(frozen=True, slots=True)
class Made:
    """By which agency a report was made, and when."""

    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ReportFacts:
    """Everything that a report shows.

    `original` is the alert as it was sent; what `corrected` makes of it is what the report shows. `provenance` is None
    for a message of one's own.
    """

    sent: Sent
    original: Alert
    made: Made
    attachments: tuple[AttachmentLine, ...] = ()
    provenance: Provenance | None = None
    standing: Standing = NOTHING_SAID
    corrected: CorrectedAlert | None = None
    told: Told | None = None
    origin: VerifiedProvenance | None = None
    applied: AppliedTerms = NO_TERMS
    is_witnessed: bool = True
    is_voided: bool = False

    @property
    def alert(self) -> Alert:
        """Return the alert as it is to be read now."""
        return self.original if self.corrected is None else self.corrected.alert

    @property
    def agreed(self) -> tuple[str, ...]:
        """Return the conditions of the clause that it came under."""
        return () if self.told is None else self.told.conditions.agreed
