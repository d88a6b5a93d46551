"""Names match in any order and script, with reasons; the measured halves keep their marks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agency_client.matching.comparing import How, compare_words
from agency_client.matching.names import make_word, read_name
from agency_client.matching.ranking import CANDIDATE_SCORE
from agency_client.matching.scoring import NOTHING_ALIKE, compare_names, forget_names
from bench.names import list_pairs, score_pair


def explain(one: str, other: str) -> dict[tuple[str, str], How]:
    """Return which words of two names were matched, and how."""
    return {(pair.one, pair.other): pair.how for pair in compare_names(one, other).pairs}


def test_the_explanation_names_each_word_and_how_it_matched() -> None:
    assert explain("Eriksson, Anna Maria", "Анна Эрикссон") == {
        ("Anna", "Анна"): How.TRANSLITERATION,
        ("Eriksson", "Эрикссон"): How.TRANSLITERATION,
        ("Maria", ""): How.MISSING,
    }


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Anna Maria Eriksson", "ERIKSSON<<ANNA<MARIA"),
        ("Winston Leonard Spencer Churchill", "Churchill, Winston"),
        ("Mao Tse-tung", "毛澤東"),
        ("Abd al-Qadir al-Jazairi", "عبد القادر الجزائري"),
        ("Johann Sebastian Bach", "J. S. Bach"),
        ("Nilavadhanananda Chayapa Dejthamrong Krasuang", "NILAVADHANANANDA<<CHAYAPA<DEJTHAMRONG<K"),
        ("Nguyễn Văn Cừ", "NGUYEN<<VAN<CU"),
    ],
)
def test_one_name_in_two_forms_is_close(one: str, other: str) -> None:
    assert compare_names(one, other).score > 0.8


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Nguyễn Văn Hùng", "Nguyễn Văn Hưng"),
        ("Ivan Turgenev", "Nikolai Turgenev"),
        ("毛泽东", "毛泽民"),
        ("عبد الرحمن", "عبد الرحيم"),
        ("Anna Eriksson", "Boris Eriksson"),
    ],
)
def test_one_word_that_is_another_makes_another_name(one: str, other: str) -> None:
    assert compare_names(one, other).score < CANDIDATE_SCORE


def test_one_word_alone_is_never_a_strong_match() -> None:
    assert compare_names("Eriksson", "Anna Maria Eriksson").score <= 0.7


@pytest.mark.parametrize("empty", ["", "—", "12"])
def test_what_is_no_name_is_like_nothing(empty: str) -> None:
    assert compare_names(empty, "Eriksson") is compare_names("Eriksson", empty) is NOTHING_ALIKE


WORDS = "Anna Maria Eriksson Мария Иванова محمد علي 毛泽东 Nguyễn Văn Hùng van der Berg J. Abd al Rahman"
NAMES = st.lists(st.sampled_from(WORDS.split()), min_size=1, max_size=6).map(" ".join)


@given(NAMES, NAMES)
def test_the_score_is_the_same_from_either_side_and_a_name_is_like_itself(one: str, other: str) -> None:
    there, back = compare_names(one, other), compare_names(other, one)
    assert there.score == back.score
    assert 0.0 <= there.score <= 1.0
    assert compare_names(one, one).score == pytest.approx(1.0)


def test_no_name_stays_in_memory_longer_than_it_is_needed() -> None:
    compare_names("Anna Eriksson", "Анна Эрикссон")
    forget_names()
    assert [cache.cache_info().currsize for cache in (read_name, make_word, compare_words)] == [0, 0, 0]


def test_the_half_that_thresholds_were_set_on_keeps_its_recall() -> None:
    pairs = list_pairs(final=False)
    same = [score_pair(pair) for pair in pairs if pair.is_same]
    different = [score_pair(pair) for pair in pairs if not pair.is_same]
    assert sum(score >= CANDIDATE_SCORE for score in same) / len(same) >= 0.95
    assert sum(score >= CANDIDATE_SCORE for score in different) / len(different) <= 0.2
