"""revocation-challenge: what a state reported of a document is disputed, by an agency that received the report.

Revoked passports, and passports reported stolen that were not, have served to hold people who fled. The challenge says
on which ground and what is asked; never where the holder is, and never whether the holder asked for protection: the
grounds are so few that none of them tells. Whoever lodged it shows the report as challenged until it takes that back.
"""

from typing import Self

from pydantic import model_validator

from schemas.alerts.base import Alert
from schemas.alerts.registry import register
from schemas.alerts.shapes import Details, Few, FieldError, FreeText, LineText, Moment, ShortText
from schemas.coded import CodedValue
from schemas.identifiers.dates import Day
from schemas.model import AgencyId


class ChallengeGround(CodedValue):
    """Why a report is disputed."""

    POLITICAL_OR_PROTECTED = "political-or-protected", "Political in character, or against a person who is protected"
    NO_LEGAL_BASIS = "no-legal-basis", "No legal basis is shown"
    MISTAKEN_IDENTITY = "mistaken-identity", "Mistaken identity"
    NATIONALITY_RETAINED = "nationality-retained", "The nationality was not lost"
    NOT_AS_REPORTED = "not-as-reported", "The document was neither lost nor stolen: its holder has it"
    NOT_FINAL = "not-final", "The decision is not final, or its effect is suspended"
    OTHER = "other", "Other ground, in words"


class ChallengeDemand(CodedValue):
    """What the issuing state is asked to do."""

    TAKE_BACK = "take-back", "Take the report back"
    REVIEW = "review", "Review it"
    SHOW_LEGAL_BASIS = "show-legal-basis", "Show the decision and its legal basis"
    NAME_REMEDY = "name-remedy", "Name where the holder can challenge it"
    CORRECT = "correct", "Correct it"


@register("revocation-challenge", "Challenge of a revocation", is_aftercare=True, needs_refers_to=True)
class RevocationChallenge(Details):
    """A challenge of the report this refers to. `acknowledge_by`: when the issuing state has said what becomes of it.

    `on_behalf_of`: the agency further on that holds a copy of the report, and asked for this.
    """

    ground: ChallengeGround
    demands: Few[ChallengeDemand]
    words: FreeText | None = None
    lodged_on: Day
    court: LineText | None = None
    court_reference: ShortText | None = None
    on_behalf_of: AgencyId | None = None
    acknowledge_by: Moment

    @model_validator(mode="after")
    def _check_ground_is_complete(self) -> Self:
        if self.ground is ChallengeGround.OTHER and self.words is None:
            raise FieldError("words", "the ground other needs words")
        if self.court_reference is not None and self.court is None:
            raise FieldError("court", "a reference of a court names the court")
        if len(set(self.demands)) != len(self.demands):
            raise FieldError("demands", "each demand once")
        return self


def is_challenge(alert: Alert) -> bool:
    """Say whether an alert is a challenge."""
    return isinstance(alert.details, RevocationChallenge)
