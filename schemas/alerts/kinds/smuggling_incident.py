"""smuggling-incident: people were brought across a border, or tried: when, where, how many, in what, who died.

People are counted, not named: counts are nobody's data. Who is a suspect or a witness stands in `persons`.
"""

from typing import Self

from pydantic import model_validator

from schemas.alerts.concealment import Concealment
from schemas.alerts.conveyances import Conveyance
from schemas.alerts.money import Price
from schemas.alerts.network import FacilitatorRole
from schemas.alerts.people import Count, PeopleGroup
from schemas.alerts.places import Place, Route, TimeWindow
from schemas.alerts.registry import register
from schemas.alerts.shapes import (
    AttachmentId,
    Details,
    Few,
    FieldError,
    FreeText,
    Identifier,
    LineText,
    Many,
    Moment,
    PersonRef,
    ShortText,
)
from schemas.coded import CodedValue
from schemas.part import Part


class IncidentType(CodedValue):
    """What happened."""

    SEA_CROSSING = "sea-crossing", "Crossing by sea"
    CLANDESTINE_ENTRY = "clandestine-entry", "Clandestine entry hidden in a conveyance"
    LAND_CROSSING = "land-crossing", "Crossing of a land border on foot"
    RIVER_CROSSING = "river-crossing", "Crossing of a river or lake"
    AIR_ENTRY = "air-entry", "Entry by air on false documents"
    TRANSPORT_INLAND = "transport-inland", "Transport inside the country"
    SAFE_HOUSE_FOUND = "safe-house-found", "Safe house found"
    EQUIPMENT_FOUND = "equipment-found", "Boats, engines or other equipment found"


class IncidentStage(CodedValue):
    """How far it came."""

    PREVENTED = "prevented", "Prevented before departure"
    UNDER_WAY = "under-way", "Under way"
    INTERCEPTED = "intercepted", "Intercepted on the way"
    RESCUED = "rescued", "Rescued on the way"
    ARRIVED = "arrived", "Arrived"
    TURNED_BACK = "turned-back", "Turned back by itself"
    LOST = "lost", "Lost: no trace"


class Facilitation(Part):
    """A person of the alert and what that person did here."""

    person: PersonRef
    role: FacilitatorRole


class Rescue(Part):
    """The search and rescue case: its reference, who coordinated it, when the alarm came."""

    reference: ShortText
    coordinated_by: LineText | None = None
    alarm_at: Moment | None = None
    alarm_by: LineText | None = None


class Seized(CodedValue):
    """What was seized."""

    CONVEYANCE = "conveyance", "The conveyance"
    ENGINE = "engine", "Engines"
    FUEL = "fuel", "Fuel"
    LIFE_JACKETS = "life-jackets", "Life jackets"
    TELEPHONES = "telephones", "Telephones"
    DOCUMENTS = "documents", "Documents"
    CASH = "cash", "Cash"
    WEAPONS = "weapons", "Weapons"


@register("smuggling-incident", "Smuggling incident", needs_grading=True)
class SmugglingIncident(Details):
    """An incident. `total` counts all found alive, those in `people` among them; `dead` and `missing` count apart."""

    type: IncidentType
    stage: IncidentStage
    window: TimeWindow
    place: Place
    total: Count | None = None
    people: Many[PeopleGroup] = ()
    unaccompanied_minors: Count | None = None
    dead: Count | None = None
    missing: Count | None = None
    injured: Count | None = None
    conveyances: Few[Conveyance] = ()
    concealment: Concealment | None = None
    launch: Place | None = None
    launched_at: Moment | None = None
    landing: Place | None = None
    landed_at: Moment | None = None
    route: Route | None = None
    prices: Few[Price] = ()
    facilitators: Few[Facilitation] = ()
    witnesses: Few[PersonRef] = ()
    rescue: Rescue | None = None
    seized: Few[Seized] = ()
    images: Many[AttachmentId] = ()
    modus_operandi: FreeText | None = None

    @model_validator(mode="after")
    def _check_counts_agree(self) -> Self:
        counted = sum(group.count for group in self.people)
        if self.total is not None and counted > self.total:
            raise FieldError("total", f"is less than the {counted} counted in people")
        limit = counted if self.total is None else self.total
        for field in ("unaccompanied_minors", "injured"):
            number = getattr(self, field)
            if number is not None and limit and number > limit:
                raise FieldError(field, f"is more than the {limit} people counted")
        return self

    @model_validator(mode="after")
    def _check_times_agree(self) -> Self:
        if self.launched_at is not None and self.landed_at is not None and self.landed_at < self.launched_at:
            raise FieldError("landed_at", "lies before launched_at")
        return self

    def identifiers(self) -> tuple[Identifier, ...]:
        """Return every number on the conveyances."""
        return tuple(dict.fromkeys(number for item in self.conveyances for number in item.identifiers()))

    def accused_refs(self) -> tuple[str, ...]:
        """Return the facilitators."""
        return tuple(item.person for item in self.facilitators)

    def person_refs(self) -> tuple[str, ...]:
        """Return facilitators, witnesses, and holders and drivers of conveyances."""
        driven = (ref for conveyance in self.conveyances for ref in conveyance.person_refs())
        return (*self.accused_refs(), *self.witnesses, *driven)

    def attachment_ids(self) -> tuple[str, ...]:
        """Return the images."""
        return self.images
