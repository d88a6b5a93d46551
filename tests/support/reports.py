"""What tests of challenges do with agencies: report a passport revoked, challenge that, answer, look at the marks."""

from dataclasses import dataclass
from itertools import count
from typing import Any

from agency_client.aftercare.standing import load_standing
from agency_client.challenges.lodging import Grounds, lodge
from agency_client.local_store.inbox import InboxMessage, load_by_digest
from agency_client.sending.answering import AnswerReport, Author
from agency_client.sending.draft import Draft
from agency_client.sending.flow import send_alert
from schemas.agreements.terms import OnwardRule, Terms
from schemas.alerts.kinds.revocation_challenge import ChallengeGround
from schemas.envelope import Reference
from schemas.markings import Purpose, Tlp
from schemas.model import format_timestamp
from tests.support.lying_world import LyingWorld, make_alert
from tests.support.nodes import make_wide_clause

GB, VN, BE = "GB", "VN", "BE"
AUTHOR = Author(reason="case 74/08", unit="Legal affairs", pseudonym="legal-02")
REVOCATION = {
    "reason": "nationality-lost",
    "ordered_by": "Ministry of the Interior",
    "ordered_on": "2026-10-02",
    "legal_reference": "Nationality Act, section 29",
}
_NUMBERS = count(1)


def make_report(now: str, **details: Any) -> dict[str, Any]:
    """Return the wire of a report that a passport of a number of its own was revoked; a detail that is None is out."""
    full = {
        "type": "passport",
        "issuing_state": "UTO",
        "status": "revoked",
        "number": f"L{next(_NUMBERS):08d}",
        "national_reference": "UTO-RV-2026-1",
        "revocation": REVOCATION,
    } | details
    given = {name: value for name, value in full.items() if value is not None}
    grading = {"scheme": "europol-4x4", "source": "A", "information": "1"}
    return make_alert("document-status", given, grading=grading, data_as_of=now)


@dataclass
class Reporters:
    """GB, which reports, and VN and BE, which each have an agreement with it; VN and BE have one as well."""

    world: LyingWorld
    terms: dict[tuple[str, str], Terms]

    def now(self) -> str:
        """Return the moment as it stands on the wire."""
        return format_timestamp(self.world.clock.now())

    def make_report(self, **details: Any) -> dict[str, Any]:
        """Return a report written now."""
        return make_report(self.now(), **details)

    def report(self, *recipients: str, **details: Any) -> dict[str, Reference]:
        """Let GB report a passport revoked; the recipients collect it. Return it by recipient."""
        return self.send(self.make_report(**details), *recipients)

    def send(self, alert: dict[str, Any], *recipients: str, **changes: Any) -> dict[str, Reference]:
        """Let GB send an alert in a thread of its own; the recipients collect it. Return it by recipient."""
        wire = {name: value for name, value in alert.items() if name != "thread"}
        usual: dict[str, Any] = {
            "alert": wire,
            "purpose": Purpose.DOCUMENT_INTEGRITY,
            "necessity": "It may be presented at the recipient's border.",
            "reason": "case 74/08",
            "recipients": recipients or (VN, BE),
            "marking": Tlp.GREEN,
            # Other tests of the session may have agreed on more between the same two.
            "agreement": self.terms[GB, recipients[0]].id if len(recipients) == 1 else None,
        }
        report = send_alert(self.world[GB], Draft(**usual | changes))
        for recipient in recipients or (VN, BE):
            self.world.collect(recipient)
        return {leg.recipient: Reference(id=leg.message_id, digest=leg.digest) for leg in report.legs}

    def challenge(self, about: Reference, lodger: str = VN, ground: str = "not-final") -> AnswerReport:
        """Let an agency challenge a report it has; GB collects the challenge."""
        grounds = Grounds(ChallengeGround.from_code(ground), words="An appeal is pending.")
        report = lodge(self.world[lodger], about.id, AUTHOR, grounds)
        self.world.collect(GB)
        return report

    def marks(self, agency: str, message: Reference) -> tuple[str, ...]:
        """Return the marks beside a message at an agency."""
        with self.world[agency].store.read() as snapshot:
            return load_standing(snapshot, message.digest).words

    def look_up(self, agency: str, message: Reference) -> InboxMessage:
        """Return a message as it lies at an agency."""
        with self.world[agency].store.read() as snapshot:
            return load_by_digest(snapshot, message.digest)


def agree_on_reports(world: LyingWorld) -> Reporters:
    """Bring the agreements into force under which reports go, and on with consent."""
    terms = {}
    for one, other in ((GB, VN), (GB, BE), (VN, BE)):
        ways = ((one, other), (other, one))
        clauses = tuple(make_wide_clause(*way, onward=OnwardRule.WITH_CONSENT) for way in ways)
        terms[one, other] = terms[other, one] = world.agree(one, other, f"reports {one} {other}", clauses=clauses)
    return Reporters(world, terms)
