"""How good a source and its information are, in the three schemes in use; the scheme is named beside the grade."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from schemas.alerts.shapes import FieldError
from schemas.coded import CodedValue
from schemas.model import Line
from schemas.part import Part


class GradingScheme(CodedValue):
    """A scheme of grades."""

    EUROPOL_4X4 = "europol-4x4", "Europol 4x4"
    ADMIRALTY_6X6 = "admiralty-6x6", "Admiralty 6x6"
    UK_3X5X2 = "uk-3x5x2", "United Kingdom 3x5x2"


SOURCE_GRADES: dict[GradingScheme, dict[str, str]] = {
    GradingScheme.EUROPOL_4X4: {
        "A": "No doubt of authenticity, trustworthiness and competence",
        "B": "Mostly reliable",
        "C": "Mostly unreliable",
        "X": "Reliability cannot be judged",
    },
    GradingScheme.ADMIRALTY_6X6: {
        "A": "Completely reliable",
        "B": "Usually reliable",
        "C": "Fairly reliable",
        "D": "Not usually reliable",
        "E": "Unreliable",
        "F": "Reliability cannot be judged",
    },
    GradingScheme.UK_3X5X2: {"1": "Reliable", "2": "Untested", "3": "Not reliable"},
}
INFORMATION_GRADES: dict[GradingScheme, dict[str, str]] = {
    GradingScheme.EUROPOL_4X4: {
        "1": "Known to be accurate without reservation",
        "2": "Known personally to the source, not to the officer",
        "3": "Not known personally to the source, but corroborated",
        "4": "Not known personally to the source, and cannot be corroborated",
    },
    GradingScheme.ADMIRALTY_6X6: {
        "1": "Confirmed by other sources",
        "2": "Probably true",
        "3": "Possibly true",
        "4": "Doubtful",
        "5": "Improbable",
        "6": "Truth cannot be judged",
    },
    GradingScheme.UK_3X5X2: {
        "A": "Known directly",
        "B": "Known indirectly but corroborated",
        "C": "Known indirectly",
        "D": "Not known",
        "E": "Suspected to be false",
    },
}


class Grading(Part):
    """The grade of a source and of what it said. The third part of 3x5x2 is the handling code of the message."""

    scheme: GradingScheme
    source: Annotated[Line, Field(max_length=1, examples=["A"])]
    information: Annotated[Line, Field(max_length=1, examples=["1"])]

    @model_validator(mode="after")
    def _check_grades_are_of_the_scheme(self) -> Self:
        for field, grade, grades in (
            ("source", self.source, SOURCE_GRADES[self.scheme]),
            ("information", self.information, INFORMATION_GRADES[self.scheme]),
        ):
            if grade not in grades:
                raise FieldError(field, f"{self.scheme.label} has the grades {', '.join(grades)}")
        return self
