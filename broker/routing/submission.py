"""One envelope on its way through the exchange, taken apart. Nothing is judged here."""

from dataclasses import dataclass

from broker.access.caller import Caller
from broker.routing.rows import is_aftercare
from broker.storage.fair_queue import Turn
from keys.sealing import ParsedEnvelope, parse_envelope
from schemas.envelope import Header, Reference
from schemas.markings import Urgency


@dataclass(frozen=True, slots=True)
class Submission:
    """One envelope: who hands it in, its bytes, what is in it, and how others will refer to it."""

    caller: Caller
    data: bytes
    parsed: ParsedEnvelope
    reference: Reference

    @property
    def header(self) -> Header:
        """Return what its sender signed for everybody on the way to see."""
        return self.parsed.header

    @property
    def is_aftercare(self) -> bool:
        """Return whether its kind follows up a message that was accepted before."""
        return is_aftercare(self.header.routing.kind)

    @property
    def follows(self) -> Reference | None:
        """Return the message that it follows up, if it does."""
        return self.header.refers_to if self.is_aftercare else None

    @property
    def is_pressing(self) -> bool:
        """Return whether an inbox keeps a place for it that is not for everything."""
        return self.header.routing.urgency is Urgency.THREAT_TO_LIFE or self.is_aftercare

    @property
    def turn(self) -> Turn:
        """Return whose turn at the writer it takes, and how urgent it is among theirs."""
        return Turn(self.caller.agency, self.header.routing.urgency.rank)


def read_submission(caller: Caller, unverified_data: bytes) -> Submission | ValueError:
    """Take an envelope apart; why that cannot be done is returned, for it must be on record before it is told."""
    try:
        parsed = parse_envelope(unverified_data)
    except ValueError as error:
        return error
    return Submission(caller, unverified_data, parsed, Reference(id=parsed.header.id, digest=parsed.digest))
