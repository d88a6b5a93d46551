"""What challenges make of a report about a document. Pure: they come in, in whatever order they came here.

A challenge stands until who lodged it takes it back: nothing that the issuing state says, or leaves out, ends it at the
agency that lodged it. What that state tells of it counts as its word, and is shown beside it. Silence takes nothing
back: of several reports the last that says anything of a challenge counts.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from schemas.alerts.kinds.document_status import ChallengeState
from schemas.alerts.kinds.revocation_challenge import ChallengeGround

CHALLENGED = "CHALLENGED"
UPHELD = "CHALLENGE UPHELD"
DISMISSED = "challenge dismissed"


@dataclass(frozen=True, slots=True)
class Challenge:
    """A challenge that stands: the digest of its message, who lodged it, for whom, why, and since when."""

    digest: str
    lodger: str
    ground: ChallengeGround
    lodged_on: str
    acknowledge_by: datetime
    on_behalf_of: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """What the issuing state tells of a challenge: what became of it, since when it is lodged, and when it said so."""

    state: ChallengeState
    lodged_on: str
    said_at: datetime


@dataclass(frozen=True, slots=True)
class Disputed:
    """How far a report is disputed: the challenges that stand, and the issuing state's last word, if it said any."""

    challenges: tuple[Challenge, ...] = ()
    told: Told | None = None

    @property
    def is_open(self) -> bool:
        """Return whether somebody disputes it now: nobody takes it as settled."""
        is_told = self.told is not None and self.told.state is ChallengeState.OPEN
        return is_told or (bool(self.challenges) and not self.is_upheld)

    @property
    def is_upheld(self) -> bool:
        """Return whether the issuing state has said that the report no longer counts."""
        return self.told is not None and self.told.state is ChallengeState.UPHELD

    @property
    def words(self) -> tuple[str, ...]:
        """Return the marks that stand beside the report wherever it appears."""
        is_dismissed = self.told is not None and self.told.state is ChallengeState.DISMISSED
        marks = ((CHALLENGED, self.is_open), (UPHELD, self.is_upheld), (DISMISSED, is_dismissed))
        return tuple(word for word, is_so in marks if is_so)


UNDISPUTED = Disputed()


def compute_disputed(challenges: Iterable[Challenge], told: Iterable[Told]) -> Disputed:
    """Return what all challenges and all words about them make of the reports of one document."""
    standing = sorted(set(challenges), key=lambda item: (item.lodged_on, item.digest))
    # Of two words of one second the one that leaves more doubt counts.
    said = sorted(set(told), key=lambda item: (item.said_at, item.state is ChallengeState.OPEN, item.state.value))
    return Disputed(tuple(standing), said[-1] if said else None)
