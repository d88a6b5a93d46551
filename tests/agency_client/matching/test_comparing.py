"""How two words match is said by its strongest reason, and diacritics decide where both sides wrote them."""

import pytest

from agency_client.matching.comparing import How, compare_cut, compare_tones, compare_words
from agency_client.matching.names import make_word


@pytest.mark.parametrize(
    ("one", "other", "how"),
    [
        ("Eriksson", "ERIKSSON", How.IDENTICAL),
        ("Hùng", "HUNG", How.MARKS_LEFT_OUT),
        ("Gökalp", "Gokalp", How.MARKS_LEFT_OUT),
        ("Hùng", "Hưng", How.MARKS_DIFFER),
        ("Müller", "Mueller", How.TRANSLITERATION),
        ("Толстой", "Tolstoy", How.TRANSLITERATION),
        ("毛泽东", "Maozedong", How.TRANSLITERATION),
        ("泽东", "澤東", How.TRANSLITERATION),
        ("泽东", "泽栋", How.SAME_READING),
        ("Mehmet", "Mohammed", How.VARIANT),
        ("Eriksson", "Ericsson", How.SPELLING),
        ("Ivanov", "Iwanoff", How.SPELLING),
        ("J", "Johann", How.INITIAL),
        ("J", "Sebastian", How.MISSING),
        ("泽东", "泽民", How.MISSING),
        ("Anna", "Boris", How.MISSING),
    ],
)
def test_words_match_by_their_strongest_reason(one: str, other: str, how: How) -> None:
    there, back = compare_words(make_word(one), make_word(other)), compare_words(make_word(other), make_word(one))
    assert there.how is back.how is how
    assert there.score == pytest.approx(back.score)
    assert (there.score > 0) is (how is not How.MISSING)


def test_in_a_vietnamese_name_a_mark_left_out_is_another_word() -> None:
    assert compare_tones(make_word("Lân"), make_word("Lan")).how is How.MARKS_DIFFER
    assert compare_tones(make_word("Hoà"), make_word("Hòa")).how is How.IDENTICAL
    assert compare_tones(make_word("Ðặng"), make_word("Đặng")).how is How.IDENTICAL
    assert compare_tones(make_word("Hùng"), make_word("Hùng")).how is How.IDENTICAL


def test_a_word_that_a_zone_cut_matches_what_begins_so() -> None:
    assert compare_cut(make_word("LEON"), make_word("Leonard")).how is How.CUT
    assert compare_cut(make_word("LEON"), make_word("Napoleon")).how is How.MISSING
