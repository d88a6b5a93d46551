"""conveyance: a vehicle, vessel, aircraft or container to look out for, and what to do on meeting it."""

from typing import Self

from pydantic import model_validator

from schemas.alerts.concealment import Concealment
from schemas.alerts.conveyances import Conveyance
from schemas.alerts.encounters import ConveyanceAction, RequestedCheck, SafetyWarning
from schemas.alerts.places import Place, Route, Sighting, TimeWindow
from schemas.alerts.registry import register
from schemas.alerts.shapes import (
    AttachmentId,
    Details,
    Few,
    FieldError,
    FreeText,
    Identifier,
    LineText,
    PersonRef,
    ShortText,
)
from schemas.coded import CodedValue
from schemas.identifiers.dates import Day, PartialDate
from schemas.identifiers.states import StateCode
from schemas.part import Part


class Involvement(CodedValue):
    """What the conveyance has to do with an offence."""

    CARRIED_PEOPLE = "carried-people", "Carried people across a border"
    EXPECTED_TO_CARRY_PEOPLE = "expected-to-carry-people", "Is expected to carry people"
    ESCORT = "escort", "Drove ahead or behind as an escort"
    SUPPLIES = "supplies", "Carries boats, engines, fuel or documents"
    MONEY_COURIER = "money-courier", "Carries money"
    STOLEN = "stolen", "Stolen"
    FALSE_PLATES = "false-plates", "Carries another's plates or marks"
    HIRED_FALSELY = "hired-falsely", "Hired or bought under a false name"
    ABANDONED = "abandoned", "Found abandoned"
    EXPLOITATION = "exploitation", "Takes people to where they are exploited"


class StolenStatus(CodedValue):
    """How a conveyance is reported."""

    STOLEN = "stolen", "Stolen"
    MISAPPROPRIATED = "misappropriated", "Misappropriated: hired or lent and not returned"
    LOST = "lost", "Lost"
    RECOVERED = "recovered", "Recovered"
    PLATES_ONLY = "plates-only", "Only its plates are stolen"


class StolenReport(Part):
    """Who reported it, when, and under which reference."""

    status: StolenStatus
    on: PartialDate | None = None
    state: StateCode | None = None
    reference: ShortText | None = None


class ExpectedCrossing(Part):
    """Where it is expected to turn up, and when."""

    window: TimeWindow
    place: Place | None = None


@register("conveyance", "Vehicle, vessel, aircraft or container", needs_grading=True)
class ConveyanceAlert(Details):
    """A conveyance. What it draws, carries or travels with stands in `combined_with`."""

    conveyance: Conveyance
    combined_with: Few[Conveyance] = ()
    involvement: Few[Involvement]
    occupants: Few[PersonRef] = ()
    concealment: Concealment | None = None
    stolen: StolenReport | None = None
    last_seen: Sighting | None = None
    expected: ExpectedCrossing | None = None
    routes: Few[Route] = ()
    warnings: Few[SafetyWarning] = ()
    requested_check: RequestedCheck | None = None
    check_ground: LineText | None = None
    check_until: Day | None = None
    on_encounter: Few[ConveyanceAction]
    images: Few[AttachmentId] = ()
    modus_operandi: FreeText | None = None

    @model_validator(mode="after")
    def _check_actions_agree(self) -> Self:
        stops = {ConveyanceAction.STOP_AND_IDENTIFY, ConveyanceAction.SEARCH, ConveyanceAction.HOLD}
        stops.add(ConveyanceAction.SEIZE_UNDER_NATIONAL_LAW)
        if ConveyanceAction.DO_NOT_STOP in self.on_encounter and not stops.isdisjoint(self.on_encounter):
            raise FieldError("on_encounter", "says both to stop it and not to")
        is_discreet = self.requested_check is RequestedCheck.DISCREET
        if is_discreet and not stops.isdisjoint(self.on_encounter):
            raise FieldError("on_encounter", "a discreet check stops nobody: report it, or ask for another check")
        return self

    @model_validator(mode="after")
    def _check_stolen_is_told(self) -> Self:
        if Involvement.STOLEN in self.involvement and self.stolen is None:
            raise FieldError("stolen", "is missing beside the involvement stolen")
        return self

    def identifiers(self) -> tuple[Identifier, ...]:
        """Return every number on the conveyance and on what goes with it."""
        found = (identifier for item in (self.conveyance, *self.combined_with) for identifier in item.identifiers())
        return tuple(dict.fromkeys(found))

    def person_refs(self) -> tuple[str, ...]:
        """Return occupants, holders and drivers."""
        parts = (self.conveyance, *self.combined_with)
        return (*self.occupants, *(ref for part in parts for ref in part.person_refs()))

    def attachment_ids(self) -> tuple[str, ...]:
        """Return the images."""
        return self.images
