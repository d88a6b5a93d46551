"""Places, routes, sightings and spans of time: where somebody or something was, and when."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from schemas.alerts.seen import SeenLocode, SeenPosition
from schemas.alerts.shapes import Few, FieldError, LineText, Moment
from schemas.coded import CodedValue
from schemas.identifiers.dates import PartialDate
from schemas.identifiers.states import StateCode
from schemas.part import Part

Subdivision = Annotated[
    str,
    Field(
        pattern=r"^[A-Z]{2}-[A-Z0-9]{1,3}$",
        examples=["BE-VWV"],
        description="ISO 3166-2: the state, then its subdivision",
    ),
]


class PlaceKind(CodedValue):
    """What a place is."""

    BORDER_CROSSING_POINT = "border-crossing-point", "Border crossing point on land"
    AIRPORT = "airport", "Airport"
    SEAPORT = "seaport", "Seaport"
    RAILWAY_STATION = "railway-station", "Railway station or train"
    BUS_STATION = "bus-station", "Bus station"
    GREEN_BORDER = "green-border", "Land border between crossing points"
    BEACH = "beach", "Beach or shore"
    AT_SEA = "at-sea", "At sea"
    INLAND_WATER = "inland-water", "River, lake or canal"
    REST_AREA = "rest-area", "Rest area or lorry park"
    ROAD = "road", "Road"
    WAREHOUSE = "warehouse", "Warehouse or workshop"
    SAFE_HOUSE = "safe-house", "Safe house"
    RESIDENCE = "residence", "Residence"
    HOTEL = "hotel", "Hotel"
    CAMP = "camp", "Camp"
    WORKPLACE = "workplace", "Workplace"
    BUSINESS = "business", "Business premises"
    CONSULATE = "consulate", "Consulate or visa centre"
    OTHER = "other", "Other place"


class Place(Part):
    """A place, by whatever of these is known."""

    kind: PlaceKind | None = None
    name: LineText | None = None
    address: LineText | None = None
    state: StateCode | None = None
    subdivision: Subdivision | None = None
    locode: SeenLocode | None = None
    position: SeenPosition | None = None

    @model_validator(mode="after")
    def _check_says_where(self) -> Self:
        if all(getattr(self, name) is None for name in type(self).model_fields if name != "kind"):
            raise FieldError("name", "a place is named, or has an address, a state, a code or a position")
        return self


class TimeWindow(Part):
    """A span of time in which something happened, or will; `latest` is absent where it has not ended."""

    earliest: Moment
    latest: Moment | None = None

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        if self.latest is not None and self.latest < self.earliest:
            raise FieldError("latest", "lies before earliest")
        return self


class Route(Part):
    """From where, by way of where, to where."""

    origin: StateCode | None = None
    via: Few[StateCode] = ()
    destination: StateCode | None = None
    description: LineText | None = None


class Sighting(Part):
    """Where and when, as far as known."""

    on: PartialDate | None = None
    place: LineText | None = None
    state: StateCode | None = None
    position: SeenPosition | None = None

    @model_validator(mode="after")
    def _check_says_something(self) -> Self:
        if self.on is None and self.place is None and self.state is None and self.position is None:
            raise FieldError("place", "a sighting says when or where")
        return self
