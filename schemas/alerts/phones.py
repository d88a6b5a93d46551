"""Telephones: numbers with the time of their use, devices, subscribers, SIM cards."""

from typing import Self

from pydantic import model_validator

from schemas.alerts.seen import SeenPhone
from schemas.alerts.shapes import LineText, verify_order
from schemas.identifiers.dates import PartialDate
from schemas.part import Part


class Phone(Part):
    """A telephone number and when it was in use."""

    number: SeenPhone
    used_from: PartialDate | None = None
    used_until: PartialDate | None = None
    note: LineText | None = None

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        if self.used_from is not None and self.used_until is not None:
            verify_order("used_until", self.used_from, self.used_until)
        return self
