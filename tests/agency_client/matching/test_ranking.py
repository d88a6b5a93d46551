"""Names rank, birth dates decide; the reasons come along, and no level says that two persons are one."""

import pytest

from agency_client.matching.ranking import Asked, Level, judge_name, rank_candidates

ANNA = "Anna Maria Eriksson"


@pytest.mark.parametrize(
    ("birth", "name", "births", "level"),
    [
        ("1974-08-12", "ERIKSSON<<ANNA<MARIA", ("1974-08-12",), Level.STRONG),
        ("1974-08-12", "Ana Mari Ericsen", ("1974-08-12",), Level.LIKELY),
        (None, "Eriksson Anna Maria", ("1974-08-12",), Level.LIKELY),
        (None, "Ana Mari Ericsen", (), Level.POSSIBLE),
        ("1974-08-12", ANNA, ("1961-01-01",), Level.CONTRADICTED),
        ("1974-08-12", "Anna Ericsen", ("1961-01-01",), None),
        (None, "Boris Godunov", (), None),
    ],
)
def test_the_level_follows_from_name_and_birth_date(
    birth: str | None, name: str, births: tuple[str, ...], level: Level | None
) -> None:
    found = judge_name(Asked((ANNA,), birth), name, births)
    assert (found.level if found else None) is level


def test_the_best_spelling_asked_for_counts_and_is_explained() -> None:
    found = judge_name(Asked(("nobody", "Эрикссон Анна")), ANNA, ())
    assert found is not None
    assert "Анна / Anna: a transliteration of it" in found.reasons
    assert "Maria only there" in found.reasons


def test_the_birth_date_is_the_first_reason() -> None:
    found = judge_name(Asked((ANNA,), "1974-08-12"), ANNA, ("1974-08-12",))
    assert found is not None
    assert found.reasons[0] == "the same birth date"


def test_who_asks_for_no_name_gets_no_candidate() -> None:
    assert judge_name(Asked((), "1974-08-12"), ANNA, ("1974-08-12",)) is None


def test_another_birth_date_ranks_behind_a_weaker_name() -> None:
    asked = Asked((ANNA,), "1974-08-12")
    found = [
        judge_name(asked, ANNA, ("1961-01-01",)),
        judge_name(asked, "Anna Ericson", ()),
        judge_name(asked, ANNA, ()),
    ]
    ranked = rank_candidates(candidate for candidate in found if candidate is not None)
    assert [candidate.level for candidate in ranked] == [Level.LIKELY, Level.POSSIBLE, Level.CONTRADICTED]
