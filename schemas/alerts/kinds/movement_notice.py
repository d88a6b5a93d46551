"""movement-notice: a citizen of one of the two parties crossed a border, with the document that was used.

Nobody else's movements are told under this kind (`verify_nationality`): neither side learns from the other how citizens
of third states travel.
"""

from typing import Self

from pydantic import model_validator

from schemas.alerts.base import Alert
from schemas.alerts.document import DocumentIdentity
from schemas.alerts.places import Route
from schemas.alerts.registry import AlertError, register
from schemas.alerts.shapes import (
    Details,
    FieldError,
    Identifier,
    IdentifierType,
    LineText,
    Moment,
    PersonRef,
    ShortText,
)
from schemas.coded import CodedValue
from schemas.identifiers.dates import PartialDate
from schemas.identifiers.states import StateCode, describe_state, find_issuer


class Movement(CodedValue):
    """Which way, and whether it came to it."""

    ENTRY = "entry", "Entry"
    EXIT = "exit", "Exit"
    ENTRY_REFUSED = "entry-refused", "Entry refused"
    EXIT_REFUSED = "exit-refused", "Exit refused"
    TRANSIT = "transit", "Transit"


class Border(CodedValue):
    """At what kind of border."""

    AIR = "air", "Airport"
    SEA = "sea", "Seaport"
    ROAD = "road", "Road"
    RAIL = "rail", "Railway"
    ON_FOOT = "on-foot", "On foot"
    OUTSIDE_CROSSING = "outside-crossing", "Outside a crossing point"


class NoticeReason(CodedValue):
    """Why the other agency is told."""

    ASKED_BY_PARTNER = "asked-by-partner", "It asked for it, under the reference given"
    LOST_OR_STOLEN_DOCUMENT = "lost-or-stolen-document", "The document is reported, and its own citizen used it"
    AFTER_RETURN = "after-return", "Entry or exit after a return"
    MISSING_PERSON = "missing-person", "The person is missed, or in danger"
    MINOR_ALONE = "minor-alone", "A minor alone"
    CONVICTED_OF_SMUGGLING = "convicted-of-smuggling", "Convicted of smuggling or trafficking"
    ENTRY_BAN = "entry-ban", "An entry ban is in force"


@register("movement-notice", "Entry or exit of a citizen")
class MovementNotice(Details):
    """One crossing of one person. `nationality` is that of the document used, or as established."""

    person: PersonRef
    nationality: StateCode
    movement: Movement
    reason: NoticeReason
    moved_at: Moment | None = None
    moved_on: PartialDate | None = None
    state: StateCode
    border: Border
    border_point: LineText
    document: DocumentIdentity
    visa: DocumentIdentity | None = None
    route: Route | None = None
    carrier: ShortText | None = None
    flight: ShortText | None = None

    @model_validator(mode="after")
    def _check_time_is_given_once(self) -> Self:
        if (self.moved_at is None) == (self.moved_on is None):
            raise FieldError("moved_on", "either the moment (moved_at) or as much of the day as is known, not both")
        return self

    def identifiers(self) -> tuple[Identifier, ...]:
        """Return the numbers of the documents, and the flight."""
        found = [self.document.identifier()]
        found += [] if self.visa is None else [self.visa.identifier()]
        if self.flight is not None:
            found.append(Identifier(IdentifierType.FLIGHT, self.flight.replace(" ", "").upper()))
        return tuple(found)

    def nationalities(self) -> tuple[str, ...]:
        """Return the person's nationality."""
        return (self.nationality,)

    def person_refs(self) -> tuple[str, ...]:
        """Return the person."""
        return (self.person,)

    def verify_persons(self, refs: tuple[str, ...]) -> None:
        """Check that the notice names the one person it is about, and nobody beside."""
        if set(refs) != {self.person}:
            raise FieldError("persons", "a notice is about one person, and names nobody beside")


class NotACitizenError(AlertError):
    """A movement was told of somebody who is a citizen of neither party."""

    code = "not-a-citizen"


def verify_nationality(alert: Alert, party_states: tuple[str, str]) -> None:
    """Check that the person of a movement notice is a citizen of the state of one of the two parties, and of no third.

    Raises:
        NotACitizenError: a third state's citizen, or somebody who is also one.
    """
    if not isinstance(alert.details, MovementNotice):
        return
    parties = {find_issuer(state) for state in party_states}
    foreign = next((code for code in alert.nationalities() if find_issuer(code) not in parties), None)
    if foreign is not None:
        named = " and ".join(describe_state(state) for state in sorted(parties))
        raise NotACitizenError(
            f"movements are told of citizens of {named} alone, not of {describe_state(foreign)}", "details.nationality"
        )
