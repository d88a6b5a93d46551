"""Grades are those of their scheme."""

import pytest

from schemas.alerts.grading import INFORMATION_GRADES, SOURCE_GRADES, Grading, GradingScheme
from schemas.model import DocumentError

EVERY_GRADE = [
    (scheme, source, information)
    for scheme in GradingScheme
    for source in SOURCE_GRADES[scheme]
    for information in INFORMATION_GRADES[scheme]
]


def test_the_schemes_have_as_many_grades_as_their_names_say() -> None:
    sizes = {scheme: (len(SOURCE_GRADES[scheme]), len(INFORMATION_GRADES[scheme])) for scheme in GradingScheme}

    assert sizes == {
        GradingScheme.EUROPOL_4X4: (4, 4),
        GradingScheme.ADMIRALTY_6X6: (6, 6),
        GradingScheme.UK_3X5X2: (3, 5),
    }


@pytest.mark.parametrize(("scheme", "source", "information"), EVERY_GRADE)
def test_every_grade_of_a_scheme_is_accepted(scheme: GradingScheme, source: str, information: str) -> None:
    wire = {"scheme": str(scheme), "source": source, "information": information}

    assert Grading.from_wire(wire).to_wire() == wire


@pytest.mark.parametrize(
    ("scheme", "source", "information"),
    [("europol-4x4", "D", "1"), ("europol-4x4", "A", "5"), ("admiralty-6x6", "X", "1"), ("uk-3x5x2", "A", "1")],
)
def test_a_grade_of_another_scheme_is_refused(scheme: str, source: str, information: str) -> None:
    with pytest.raises(DocumentError, match="has the grades"):
        Grading.from_wire({"scheme": scheme, "source": source, "information": information})
