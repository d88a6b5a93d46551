"""One word of a name against another: how they match, and how well. Pure; what it means for two names is `scoring`."""

from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

from agency_client.matching.letters import HAN, LATIN, has_loose_vowels, has_marks, spell_tones, strip_marks
from agency_client.matching.names import Word
from agency_client.matching.sounds import compute_likeness
from agency_client.matching.variants import find_groups


class How(Enum):
    """How a word of one name stands to a word of the other; the value is said to the officer."""

    IDENTICAL = "the same word"
    MARKS_LEFT_OUT = "the same letters, diacritics left out"
    MARKS_DIFFER = "the same letters, other diacritics"
    TRANSLITERATION = "a transliteration of it"
    SAME_READING = "other characters that are read the same"
    VARIANT = "another form of the same name"
    SPELLING = "spelt alike"
    INITIAL = "its initial"
    CUT = "its beginning, as a zone cuts it"
    MISSING = "not in the other name"


@dataclass(frozen=True, slots=True)
class WordMatch:
    """How a word matches another, and how well, from 0 to 1."""

    how: How
    score: float


NO_MATCH = WordMatch(How.MISSING, 0.0)
_SCORES = {
    How.IDENTICAL: 1.0,
    How.MARKS_LEFT_OUT: 0.98,
    How.TRANSLITERATION: 0.97,
    How.VARIANT: 0.9,
    How.INITIAL: 0.85,
    How.CUT: 0.9,
    How.SAME_READING: 0.6,
    How.MARKS_DIFFER: 0.5,
}


@lru_cache(maxsize=131_072)
def compare_words(one: Word, other: Word) -> WordMatch:
    """Return how two words of names match, the best of what holds. That a name may be cut is not considered here."""
    if one.own == other.own:
        return _make(How.IDENTICAL)
    if one.script == other.script == HAN:
        return _compare_han(one, other)
    if one.is_initial or other.is_initial:
        return _make(How.INITIAL) if _share_initial(one, other) else NO_MATCH
    if one.script == other.script == LATIN and strip_marks(one.own) == strip_marks(other.own):
        return _make(How.MARKS_DIFFER if has_marks(one.own) and has_marks(other.own) else How.MARKS_LEFT_OUT)
    if not set(one.readings).isdisjoint(other.readings):
        return _make(How.TRANSLITERATION)
    if not find_groups(one.readings).isdisjoint(find_groups(other.readings)):
        return _make(How.VARIANT)
    return _compare_sounds(one, other)


def compare_tones(one: Word, other: Word) -> WordMatch:
    """Return how two words of Vietnamese names match, in both of which the marks were written."""
    match = compare_words(one, other)
    if match.how is How.MARKS_LEFT_OUT or match.how is How.MARKS_DIFFER:
        return _make(How.IDENTICAL if spell_tones(one.own) == spell_tones(other.own) else How.MARKS_DIFFER)
    return match


def compare_cut(cut: Word, whole: Word) -> WordMatch:
    """Return how a word that a zone may have cut matches a whole one."""
    is_begun = any(full.startswith(start) for start in cut.readings for full in whole.readings)
    return _make(How.CUT) if is_begun else NO_MATCH


def _make(how: How) -> WordMatch:
    return WordMatch(how, _SCORES[how])


def _share_initial(one: Word, other: Word) -> bool:
    starts = {reading[0] for reading in one.readings} | {sound[0] for sound in one.sounds}
    others = {reading[0] for reading in other.readings} | {sound[0] for sound in other.sounds}
    return not starts.isdisjoint(others)


def _compare_sounds(one: Word, other: Word) -> WordMatch:
    are_loose = has_loose_vowels(one.script) != has_loose_vowels(other.script)
    score = max(compute_likeness(a, b, has_loose_vowels=are_loose) for a in one.sounds for b in other.sounds)
    if score == 0.0:
        return NO_MATCH
    how = How.SPELLING if one.script == other.script else How.TRANSLITERATION
    return WordMatch(how, min(score, _SCORES[How.TRANSLITERATION]))


def _compare_han(one: Word, other: Word) -> WordMatch:
    if set(one.readings).isdisjoint(other.readings):
        return NO_MATCH
    if len(one.own) == len(other.own) and all(map(_is_one_character, one.own, other.own)):
        return _make(How.TRANSLITERATION)
    return _make(How.SAME_READING)


def _is_one_character(one: str, other: str) -> bool:
    """Return whether two characters of one reading may be the simplified and the traditional form of one.

    That is told by the sets of characters of the two places: GB 2312 has the one and not the other, Big5 the reverse.
    """
    return one == other or _are_of_two_sets(one, other) or _are_of_two_sets(other, one)


def _are_of_two_sets(simplified: str, traditional: str) -> bool:
    return _is_in(simplified, "gb2312") and not _is_in(traditional, "gb2312") and _is_in(traditional, "big5")


def _is_in(character: str, charset: str) -> bool:
    try:
        character.encode(charset)
    except UnicodeEncodeError:
        return False
    return True
