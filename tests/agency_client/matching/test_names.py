"""A name falls into its words whatever its script, order, hyphens or zone; names that are alike share a key."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agency_client.matching.names import MAX_WORDS, join_words, list_keys, list_word_keys, make_word, read_name


def split(text: str) -> list[str]:
    """Return the words of a name as they stood."""
    return [word.text for word in read_name(text).words]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Anna Maria Eriksson", ["Anna", "Maria", "Eriksson"]),
        ("ERIKSSON<<ANNA<MARIA", ["ERIKSSON", "ANNA", "MARIA"]),
        ("Eriksson, Anna-Maria", ["Eriksson", "Anna", "Maria"]),
        ("J.S.Bach", ["J", "S", "Bach"]),
        ("毛泽东", ["毛", "泽东"]),
        ("司馬遷", ["司馬", "遷"]),
        ("김대중", ["김", "대중"]),
        ("Ts'ai Yüan-p'ei", ["Ts'ai", "Yüan", "p'ei"]),
        ("", []),
        ("— 12 —", []),
    ],
)
def test_a_name_falls_into_its_words(text: str, words: list[str]) -> None:
    assert split(text) == words


def test_the_servant_of_god_is_one_word_however_it_is_written() -> None:
    forms = ["Abd al-Rahman", "Abdurrahman", "Abdul Rahman", "Abd ar-Rahman"]
    readings = [read_name(form).words[0].readings[0] for form in forms]
    assert readings == ["abdrahman"] * len(forms)
    assert [len(read_name(form).words) for form in (*forms, "عبد الرحمن")] == [1] * 5


def test_what_is_a_particle_elsewhere_is_a_name_where_nothing_else_is_there() -> None:
    (_, du) = read_name("Nguyễn Du").words
    (_, particle, _) = read_name("Bertrand du Guesclin").words
    assert du.weight > particle.weight


def test_a_name_that_fills_the_zone_may_have_been_cut() -> None:
    assert read_name("NILAVADHANANANDA<<CHAYAPA<DEJTHAMRONG<K").may_be_cut
    assert not read_name("ERIKSSON<<ANNA<MARIA").may_be_cut


def test_neighbouring_words_can_be_read_as_one() -> None:
    assert join_words((make_word("Tse"), make_word("tung"))).readings == ("tsetung",)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Чайковский", "Tschaikowski"),
        ("محمد علي", "Mehmet Ali"),
        ("毛泽东", "Mao Ze-dong"),
        ("Yi Sun-sin", "I Sunsin"),
        ("Adam Mickiewicz", "Адам Міцкевич"),
    ],
)
def test_names_that_are_alike_share_a_key(one: str, other: str) -> None:
    assert list_keys(read_name(one)) & list_keys(read_name(other))


@given(st.text(max_size=60))
def test_any_text_is_read_within_bounds(text: str) -> None:
    name = read_name(text)
    assert len(name.words) <= MAX_WORDS
    assert all(word.readings and word.sounds and word.weight > 0 for word in name.words)
    assert bool(list_keys(name)) == bool(name.words)
    assert list_keys(name) == frozenset().union(*list_word_keys(name))
