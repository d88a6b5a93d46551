"""Two names: how alike, and why, word by word, in any order. Pure. A score ranks; it is no probability and no decision.

Every word of the name with fewer counts; words that only the longer one has cost little, since middle names,
patronymics and second family names are left out everywhere. One word alone never makes a strong match.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from agency_client.matching.comparing import NO_MATCH, How, WordMatch, compare_cut, compare_tones, compare_words
from agency_client.matching.names import ReadName, Word, join_words, make_word, read_name
from agency_client.matching.particles import COMMON_WEIGHT
from agency_client.matching.sounds import compute_likeness, fold_sound
from agency_client.matching.variants import find_groups

_CERTAIN = 0.85
"""A pair of words that matches so well is not looked at again when words are joined."""
_WORTHLESS = 0.5
_FLOOR = 0.4
_EXTRA_COST, _MOST_EXTRA = 0.04, 3
_ONE_WORD_AT_MOST = 0.7
_MAX_JOINED = 3
_LENGTHS_APART = 1.5


@dataclass(frozen=True, slots=True)
class WordPair:
    """What of one name matched what of the other, how and how well; "" stands for nothing."""

    one: str
    other: str
    how: How
    score: float


@dataclass(frozen=True, slots=True)
class NameMatch:
    """How alike two names are, from 0 to 1, and why: the pairs of words, the best first."""

    score: float
    pairs: tuple[WordPair, ...]


NOTHING_ALIKE = NameMatch(0.0, ())


@dataclass(frozen=True, slots=True)
class _Pair:
    places: frozenset[int]
    others: frozenset[int]
    match: WordMatch


def compare_names(one: str, other: str) -> NameMatch:
    """Return how alike two names are and why, whichever is given first."""
    first, second = read_name(one), read_name(other)
    if not first.words or not second.words:
        return NOTHING_ALIKE
    pairs = _choose_both_ways(first, second)
    return NameMatch(_compute_score(first, second, pairs), tuple(_explain(first, second, pairs)))


def forget_names() -> None:
    """Forget every name that was read or compared in this process: none stays in memory longer than it is needed."""
    for cache in (read_name, make_word, compare_words, compute_likeness, fold_sound, find_groups):
        cache.cache_clear()


def _choose_both_ways(first: ReadName, second: ReadName) -> list[_Pair]:
    """Return the same pairs whichever name was given first."""
    if _order(first) <= _order(second):
        return _choose_pairs(first, second)
    return [_turn(pair) for pair in _choose_pairs(second, first)]


def _choose_pairs(first: ReadName, second: ReadName) -> list[_Pair]:
    """Return the pairs of words that explain both names best: certain ones first, then joined words and likenesses."""
    singles = sorted(_list_singles(first, second), key=_rank)
    chosen = _take([pair for pair in singles if pair.match.score >= _CERTAIN], [])
    rest = [pair for pair in singles if pair.match.score < _CERTAIN]
    if _is_any_left(first, second, chosen):
        rest += _list_joined(first.words, second.words, chosen)
        rest += (_turn(pair) for pair in _list_joined(second.words, first.words, [_turn(pair) for pair in chosen]))
    return _take(sorted(rest, key=_rank), chosen)


def _list_singles(first: ReadName, second: ReadName) -> Iterator[_Pair]:
    compare = compare_tones if first.is_vietnamese and second.is_vietnamese else compare_words
    for place, word in enumerate(first.words):
        for beside, other in enumerate(second.words):
            match = compare(word, other)
            if match.score < _CERTAIN and first.may_be_cut and place == len(first.words) - 1:
                match = max(match, compare_cut(word, other), key=lambda found: found.score)
            if match.score < _CERTAIN and second.may_be_cut and beside == len(second.words) - 1:
                match = max(match, compare_cut(other, word), key=lambda found: found.score)
            if match.score > 0:
                yield _Pair(frozenset({place}), frozenset({beside}), match)


def _list_joined(words: Sequence[Word], others: Sequence[Word], chosen: Sequence[_Pair]) -> Iterator[_Pair]:
    """Give what neighbouring words, written as one, match of the other name; only words that are still free."""
    used = {place for pair in chosen for place in pair.places}
    used_others = {place for pair in chosen for place in pair.others}
    free = [(beside, other) for beside, other in enumerate(others) if beside not in used_others]
    for places in _list_neighbours(len(words), used):
        parts = tuple(words[place] for place in places)
        fitting = [(beside, other) for beside, other in free if _may_be_joined(parts, other)]
        joined = join_words(parts) if fitting else None
        for beside, other in fitting:
            match = NO_MATCH if joined is None else compare_words(joined, other)
            if match.score > 0:
                yield _Pair(frozenset(places), frozenset({beside}), match)


def _list_neighbours(count: int, used: set[int]) -> Iterator[range]:
    for start in range(count):
        for end in range(start + 2, min(start + _MAX_JOINED, count) + 1):
            places = range(start, end)
            if used.isdisjoint(places):
                yield places


def _may_be_joined(parts: Sequence[Word], other: Word) -> bool:
    """Return whether words written as one may be another word: about as long, and with the same first consonant."""
    length, beside = sum(len(part.readings[0]) for part in parts), len(other.readings[0])
    if max(length, beside) > _LENGTHS_APART * min(length, beside):
        return False
    return not {skeleton[0] for skeleton in parts[0].skeletons}.isdisjoint(skeleton[0] for skeleton in other.skeletons)


def _is_any_left(first: ReadName, second: ReadName, chosen: Sequence[_Pair]) -> bool:
    matched = sum(len(pair.places) for pair in chosen)
    return matched < len(first.words) and matched < len(second.words)


def _take(pairs: Sequence[_Pair], chosen: list[_Pair]) -> list[_Pair]:
    taken = list(chosen)
    for pair in pairs:
        if all(pair.places.isdisjoint(other.places) and pair.others.isdisjoint(other.others) for other in taken):
            taken.append(pair)
    return taken


def _rank(pair: _Pair) -> tuple[float, int, int]:
    return (-pair.match.score * (len(pair.places) + len(pair.others)) ** 0.1, min(pair.places), min(pair.others))


def _turn(pair: _Pair) -> _Pair:
    return _Pair(pair.others, pair.places, pair.match)


def _compute_score(first: ReadName, second: ReadName, pairs: Sequence[_Pair]) -> float:
    if _order(first) > _order(second):
        return _compute_score(second, first, [_turn(pair) for pair in pairs])
    words = first.words
    gained = sum(_value(pair.match.score) * _sum_weights([words[place] for place in pair.places]) for pair in pairs)
    matched = {place for pair in pairs for place in pair.others}
    extra = [word for place, word in enumerate(second.words) if place not in matched and word.weight > COMMON_WEIGHT]
    score = gained / _sum_weights(words) - _EXTRA_COST * min(len(extra), _MOST_EXTRA)
    strong = sum(1 for word in words if word.weight > COMMON_WEIGHT)
    if strong < 2 and extra:
        score = min(score, _ONE_WORD_AT_MOST)
    return max(0.0, min(1.0, score))


def _order(name: ReadName) -> tuple[float, str]:
    """Return by what the name with fewer words is known; of two that weigh the same it is always the same one."""
    return round(_sum_weights(name.words), 6), name.text


def _value(score: float) -> float:
    return max(0.0, (score - _FLOOR) / (1.0 - _FLOOR))


def _sum_weights(words: Sequence[Word]) -> float:
    return sum(word.weight for word in words)


def _explain(first: ReadName, second: ReadName, pairs: Sequence[_Pair]) -> Iterator[WordPair]:
    for pair in sorted(pairs, key=_rank):
        yield WordPair(
            _spell(first, pair.places), _spell(second, pair.others), pair.match.how, round(pair.match.score, 3)
        )
    for place, word in enumerate(first.words):
        if all(place not in pair.places for pair in pairs):
            yield WordPair(word.text, "", How.MISSING, 0.0)
    for place, word in enumerate(second.words):
        if all(place not in pair.others for pair in pairs):
            yield WordPair("", word.text, How.MISSING, 0.0)


def _spell(name: ReadName, places: frozenset[int]) -> str:
    return " ".join(name.words[place].text for place in sorted(places))
