"""Birth dates decide as far as they are known."""

import pytest

from agency_client.matching.deciders import BirthFinding, compare_births


@pytest.mark.parametrize(
    ("asked", "known", "finding"),
    [
        ("1974-08-12", ["1974-08-12"], BirthFinding.EQUAL),
        ("1974-08-12", ["1974"], BirthFinding.AGREES),
        ("1974-08", ["1974-08-12"], BirthFinding.AGREES),
        ("1974", ["1974"], BirthFinding.AGREES),
        ("1974-08-12", ["1974-12-08"], BirthFinding.SLIP),
        ("1974-08-12", ["1974-08-13"], BirthFinding.SLIP),
        ("1974-08-12", ["1975-09-12"], BirthFinding.CONTRADICTS),
        ("1974-08-12", ["1975"], BirthFinding.CONTRADICTS),
        ("1974-08-12", ["1975-12-08"], BirthFinding.CONTRADICTS),
        ("1974-08-12", ["1974-12-19"], BirthFinding.CONTRADICTS),
        ("1974-08-12", ["1974-11-08"], BirthFinding.CONTRADICTS),
        ("1974-08", ["1974-09-12"], BirthFinding.CONTRADICTS),
        ("1974-09-12", ["1974-08"], BirthFinding.CONTRADICTS),
        ("1974-08", ["1974-09"], BirthFinding.CONTRADICTS),
        ("1974-08-12", ["1974-08-13", "1974"], BirthFinding.AGREES),
        ("1974-08-12", ["1981-01-01", "1974-12-08"], BirthFinding.SLIP),
        ("1974-08-12", ["1981-01-01", "1974-08-12"], BirthFinding.EQUAL),
        ("1974-08-12", [], BirthFinding.UNKNOWN),
        (None, ["1974-08-12"], BirthFinding.UNKNOWN),
    ],
)
def test_a_birth_date_is_compared_as_far_as_it_is_known(
    asked: str | None, known: list[str], finding: BirthFinding
) -> None:
    assert compare_births(asked, known) is finding


def test_what_is_no_date_is_refused() -> None:
    with pytest.raises(ValueError, match="a date is written"):
        compare_births("12.08.1974", [])
