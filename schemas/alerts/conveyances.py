"""Vehicles, vessels, aircraft and containers: what names each, what it looks like, whose it is."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from schemas.alerts.seen import (
    SeenCallSign,
    SeenCarrier,
    SeenContainer,
    SeenHull,
    SeenImo,
    SeenMmsi,
    SeenPlate,
    SeenTail,
    SeenVin,
    list_seen,
)
from schemas.alerts.shapes import Few, FieldError, Identifier, IdentifierType, LineText, Name, PersonRef, ShortText
from schemas.coded import CodedValue
from schemas.identifiers.numbers import normalise_document_number
from schemas.identifiers.states import StateCode
from schemas.part import Part

Year = Annotated[int, Field(ge=1900, le=2100, examples=[2019])]
Metres = Annotated[str, Field(pattern=r"^[1-9][0-9]{0,2}(\.[0-9]{1,2})?$", examples=["8.5"], description="metres")]
PeopleCount = Annotated[int, Field(ge=0, le=10_000, examples=[12])]


class ConveyanceType(CodedValue):
    """What carries people or goods."""

    VEHICLE = "vehicle", "Road vehicle"
    VESSEL = "vessel", "Vessel"
    AIRCRAFT = "aircraft", "Aircraft"
    CONTAINER = "container", "Container"
    TRAIN = "train", "Train"


class VehicleBody(CodedValue):
    """What kind of road vehicle it is."""

    CAR = "car", "Car"
    VAN = "van", "Van"
    LORRY = "lorry", "Lorry"
    TRACTOR_UNIT = "tractor-unit", "Tractor unit"
    TRAILER = "trailer", "Trailer or semi-trailer"
    REFRIGERATED_TRAILER = "refrigerated-trailer", "Refrigerated trailer"
    TANKER = "tanker", "Tanker"
    BUS = "bus", "Bus or coach"
    MINIBUS = "minibus", "Minibus"
    CAMPER = "camper", "Camper or caravan"
    TAXI = "taxi", "Taxi"
    MOTORCYCLE = "motorcycle", "Motorcycle or scooter"
    OTHER = "other", "Other vehicle"


class VesselType(CodedValue):
    """What kind of vessel it is."""

    INFLATABLE = "inflatable", "Inflatable boat"
    RIGID_INFLATABLE = "rigid-inflatable", "Rigid inflatable boat"
    WOODEN_BOAT = "wooden-boat", "Wooden boat"
    METAL_BOAT = "metal-boat", "Metal boat"
    SPEEDBOAT = "speedboat", "Speedboat"
    FISHING_VESSEL = "fishing-vessel", "Fishing vessel"
    SAILING_YACHT = "sailing-yacht", "Sailing yacht"
    MOTOR_YACHT = "motor-yacht", "Motor yacht"
    JET_SKI = "jet-ski", "Jet ski"
    FERRY = "ferry", "Ferry"
    CARGO_SHIP = "cargo-ship", "Cargo ship"
    CONTAINER_SHIP = "container-ship", "Container ship"
    OTHER = "other", "Other vessel"


class Colour(CodedValue):
    """A colour, as a witness would say it."""

    WHITE = "white", "White"
    BLACK = "black", "Black"
    GREY = "grey", "Grey or silver"
    BLUE = "blue", "Blue"
    RED = "red", "Red"
    GREEN = "green", "Green"
    YELLOW = "yellow", "Yellow"
    ORANGE = "orange", "Orange"
    BROWN = "brown", "Brown or beige"
    PURPLE = "purple", "Purple or pink"
    SEVERAL = "several", "Several colours"
    OTHER = "other", "Other"


class Vehicle(Part):
    """A road vehicle; a combination is several, the one that draws first."""

    body: VehicleBody | None = None
    plates: Few[SeenPlate] = ()
    vin: SeenVin | None = None
    engine_number: ShortText | None = None
    make: ShortText | None = None
    model: ShortText | None = None
    year: Year | None = None
    colour: Colour | None = None
    seats: PeopleCount | None = None
    features: LineText | None = None


class Vessel(Part):
    """A vessel. Small boats have few of these, and a hull or engine number more often than a name."""

    body: VesselType | None = None
    name: Name | None = None
    former_names: Few[Name] = ()
    imo_number: SeenImo | None = None
    mmsi: SeenMmsi | None = None
    call_sign: SeenCallSign | None = None
    hull: SeenHull | None = None
    registration: ShortText | None = None
    flag: StateCode | None = None
    home_port: LineText | None = None
    engine_numbers: Few[ShortText] = ()
    engine_power_kw: Annotated[int, Field(ge=1, le=100_000, examples=[30])] | None = None
    length_metres: Metres | None = None
    capacity: PeopleCount | None = None
    colour: Colour | None = None
    make: ShortText | None = None
    features: LineText | None = None


class Aircraft(Part):
    """An aircraft."""

    registration_marks: SeenTail | None = None
    model: ShortText | None = None
    serial_number: ShortText | None = None
    mode_s_address: (
        Annotated[str, Field(pattern=r"^[0-9a-f]{6}$", examples=["400f01"], description="24 bits in hexadecimal")]
        | None
    ) = None
    operator: SeenCarrier | None = None


class Container(Part):
    """A container, and the seal on it."""

    number: SeenContainer
    size_and_type: (
        Annotated[str, Field(pattern=r"^[A-Z0-9]{4}$", examples=["45R1"], description="ISO 6346 size and type code")]
        | None
    ) = None
    seal: ShortText | None = None
    shipper: LineText | None = None
    consignee: LineText | None = None
    bill_of_lading: ShortText | None = None


class Conveyance(Part):
    """What carried somebody or something: `type` says which of the members below describes it."""

    type: ConveyanceType
    vehicle: Vehicle | None = None
    vessel: Vessel | None = None
    aircraft: Aircraft | None = None
    container: Container | None = None
    train: ShortText | None = None
    holders: Few[PersonRef] = ()
    holder_as_named: LineText | None = None
    driver: PersonRef | None = None
    note: LineText | None = None

    @model_validator(mode="after")
    def _check_described_as_what_it_is(self) -> Self:
        for kind in ConveyanceType:
            if kind is not self.type and getattr(self, kind.value) is not None:
                raise FieldError(kind.value, f"the conveyance is of the type {self.type.value}")
        return self

    def identifiers(self) -> tuple[Identifier, ...]:
        """Return every number on it."""
        vehicle = () if self.vehicle is None or self.vehicle.engine_number is None else (self.vehicle.engine_number,)
        engines = (*vehicle, *(self.vessel.engine_numbers if self.vessel else ()))
        numbers = (Identifier(IdentifierType.ENGINE, normalise_document_number(number)) for number in engines)
        return (*list_seen(self), *numbers)

    def person_refs(self) -> tuple[str, ...]:
        """Return holders and driver."""
        return (*self.holders, *(() if self.driver is None else (self.driver,)))
