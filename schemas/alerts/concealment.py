"""Concealment: where in a conveyance people or things were hidden."""

from schemas.alerts.shapes import Few, FreeText
from schemas.coded import CodedValue
from schemas.part import Part


class HidingPlace(CodedValue):
    """Where somebody was hidden."""

    IN_THE_LOAD = "in-the-load", "In or behind the load"
    EMPTY_TRAILER = "empty-trailer", "In an empty trailer"
    REFRIGERATED_SPACE = "refrigerated-space", "In a refrigerated space"
    TANK = "tank", "In a tank or silo"
    CAB = "cab", "In the cab or its bunk"
    BOOT = "boot", "In a boot"
    UNDER_SEATS = "under-seats", "Under or in seats"
    DASHBOARD = "dashboard", "Behind the dashboard"
    ENGINE_SPACE = "engine-space", "In the engine space"
    DOUBLE_FLOOR = "double-floor", "Under a double floor"
    DOUBLE_WALL = "double-wall", "Behind a double wall or ceiling"
    ROOF = "roof", "On or in the roof"
    UNDERSIDE = "underside", "Under the vehicle, on axles or in tool boxes"
    SEALED_CONTAINER = "sealed-container", "In a sealed container"
    HOLD = "hold", "In a hold or below deck"
    TRAIN_SPACE = "train-space", "In a technical space of a train"
    LUGGAGE = "luggage", "In luggage"
    AMONG_PASSENGERS = "among-passengers", "Not hidden: among other passengers"
    OTHER = "other", "Elsewhere, in words"


class Danger(CodedValue):
    """What put the lives of those hidden in danger."""

    NO_AIR = "no-air", "Too little air"
    COLD = "cold", "Cold"
    HEAT = "heat", "Heat"
    FUMES = "fumes", "Fumes or dangerous goods"
    CRUSHING = "crushing", "Moving or heavy load"
    FALLING = "falling", "Falling"
    DROWNING = "drowning", "Drowning"
    LOCKED_IN = "locked-in", "No way out from within"
    OVERLOADED = "overloaded", "More people than it can carry"
    NO_LIFE_JACKETS = "no-life-jackets", "No life jackets, or false ones"


class Concealment(Part):
    """How people were hidden. `is_purpose_built`: the place was made for it."""

    places: Few[HidingPlace]
    is_purpose_built: bool | None = None
    dangers: Few[Danger] = ()
    way_in: FreeText | None = None
