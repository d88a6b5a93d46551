"""Routes and sightings: where somebody or something was, and when."""

from typing import Self

from pydantic import model_validator

from schemas.alerts.shapes import Few, FieldError, LineText
from schemas.identifiers.dates import PartialDate
from schemas.identifiers.states import StateCode
from schemas.part import Part


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

    @model_validator(mode="after")
    def _check_says_something(self) -> Self:
        if self.on is None and self.place is None and self.state is None:
            raise FieldError("place", "a sighting says when or where")
        return self
