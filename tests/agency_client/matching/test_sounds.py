"""Spellings of one sound come together, whoever spelt it; the measure is symmetric and knows no language."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agency_client.matching.sounds import compute_likeness, fold_sound, list_sounds, make_skeleton

WORDS = st.text(alphabet="abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=14)


def compare(one: str, other: str, *, loose: bool = False) -> float:
    """Return how alike two spellings are, the likeliest sounds of each."""
    return max(compute_likeness(a, b, has_loose_vowels=loose) for a in list_sounds(one) for b in list_sounds(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("tschaikowski", "chaykovskiy"),
        ("chruschtschow", "khrushchev"),
        ("shevchenko", "schewtschenko"),
        ("mohammed", "muhammad"),
        ("xun", "hsun"),
        ("qian", "chien"),
        ("jiri", "yiri"),
    ],
)
def test_spellings_of_one_name_are_alike(one: str, other: str) -> None:
    assert compare(one, other) > 0.75


@pytest.mark.parametrize(("one", "other"), [("ivan", "nikolai"), ("hugo", "curie"), ("maria", "boris")])
def test_other_names_are_not(one: str, other: str) -> None:
    assert compare(one, other) == 0.0


def test_vowels_left_out_cost_little_where_a_script_leaves_them_out() -> None:
    assert compare("mhmd", "muhammad", loose=True) > 0.9
    assert compare("mhmd", "muhammad") < 0.8


@given(WORDS, WORDS, st.booleans())
def test_likeness_is_the_same_from_either_side(one: str, other: str, loose: bool) -> None:
    a, b = fold_sound(one), fold_sound(other)
    there, back = (compute_likeness(*pair, has_loose_vowels=loose) for pair in ((a, b), (b, a)))
    assert there == pytest.approx(back)
    assert 0.0 <= there <= 1.0
    assert compute_likeness(a, a, has_loose_vowels=loose) == 1.0


@given(WORDS)
def test_every_spelling_has_few_sounds_and_a_key_for_each(word: str) -> None:
    sounds = list_sounds(word)
    assert 1 <= len(sounds) <= 8
    assert all(make_skeleton(sound) for sound in sounds)


def test_letters_of_one_class_have_one_key() -> None:
    assert make_skeleton(fold_sound("tchaikovsky")) == make_skeleton(fold_sound("chaykovskiy"))
    assert make_skeleton(fold_sound("aoi")) == "a"
