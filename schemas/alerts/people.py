"""People counted, not named: how many of which age, sex and nationality."""

from typing import Annotated

from pydantic import Field

from schemas.alerts.coded import Sex
from schemas.coded import CodedValue
from schemas.identifiers.states import StateCode
from schemas.part import Part

Count = Annotated[int, Field(ge=0, le=100_000, examples=[12])]


class AgeGroup(CodedValue):
    """An age, as far as it can be told."""

    INFANT = "infant", "Under 6"
    CHILD = "child", "6 to 13"
    ADOLESCENT = "adolescent", "14 to 17"
    MINOR = "minor", "Under 18, not known more closely"
    ADULT = "adult", "18 or over"
    UNKNOWN = "unknown", "Not known"


class PeopleGroup(Part):
    """People who are alike in what is known of them."""

    count: Annotated[int, Field(ge=1, le=100_000, examples=[7])]
    age: AgeGroup
    sex: Sex | None = None
    nationality: StateCode | None = None
