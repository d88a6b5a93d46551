"""How alike two spellings of a name sound, whatever language spelt them: `Tschaikowski`, `Chaykovskiy`, `Čajkovskij`.

A spelling in a–z is folded to one letter a sound; the distance between two such strings charges little for what tables
of transliteration differ in (vowels, voice, sibilants) and in full for everything else.
"""

import re
from functools import lru_cache
from itertools import accumulate, combinations

VOWELS = frozenset("aeiou")
_SOUNDS = {
    "schtsch": "S",
    "chtch": "S",
    "shch": "S",
    "tsch": "C",
    "dsch": "J",
    "tch": "C",
    "dzh": "J",
    "sch": "S",
    "dj": "J",
    "sh": "S",
    "zh": "Z",
    "ch": "C",
    "cz": "C",
    "cs": "C",
    "ts": "C",
    "tz": "C",
    "kh": "h",
    "gh": "g",
    "ph": "f",
    "th": "t",
    "dh": "d",
    "bh": "b",
    "ck": "k",
    "qu": "k",
    "sz": "s",
    "rz": "Z",
    "oo": "u",
    "ou": "u",
    "ee": "i",
    "q": "k",
    "x": "ks",
    "c": "k",
    "w": "v",
    "j": "J",
    "y": "i",
}
_SOFT_C = "c(?=[eiy])"
_FOLDING = re.compile("|".join([*(letters for letters in _SOUNDS if letters != "c"), f"(?P<soft>{_SOFT_C})", "c"]))
_AMBIGUOUS = (
    (re.compile("j"), "y"),  # as in German and most Slavic languages
    (re.compile("(?<![st])ch"), "kh"),  # as in German and Polish
    (re.compile("^x|x$"), "sh"),  # as in pinyin, Basque and Portuguese
    (re.compile("q(?=i|u[^aeio]|u$)"), "ch"),  # as in pinyin
    (re.compile("ng$"), "n"),  # as in Palladius' Chinese names
    (re.compile("ck"), "tsk"),  # as in Polish
)
_MAX_SOUNDS = 4
_REPEATED = re.compile(r"(.)\1+")

LEAST_LIKENESS = 0.6
_FULL = 1.0
_VOWEL_FOR_VOWEL, _VOWEL_MORE, _BREATH_MORE, _SOUND_MORE = 0.25, 0.4, 0.4, 0.9
_LOOSE_VOWEL_MORE = 0.06
_LEAST_FOR_WEIGHT = 0.4
"""So much at least costs a sound that only one spelling has, for each unit of its weight."""
_NEAR: tuple[tuple[str, float], ...] = (
    ("CJSZsz", 0.3),
    ("bpfv", 0.4),
    ("dt", 0.3),
    ("gkh", 0.4),
    ("CkhS", 0.4),
    ("Jihg", 0.35),
    ("td", 0.3),
    ("Ct", 0.5),
    ("mn", 0.5),
    ("lr", 0.7),
    ("uvo", 0.3),
)
_WEIGHTS = {**dict.fromkeys(VOWELS, 0.6), "h": 0.7}


def _list_costs() -> dict[tuple[str, str], float]:
    costs: dict[tuple[str, str], float] = {}
    for sounds, cost in (("aeiou", _VOWEL_FOR_VOWEL), *_NEAR):
        for one, other in combinations(sounds, 2):
            least = min(cost, costs.get((one, other), _FULL))
            costs[one, other] = costs[other, one] = least
    return costs


_COSTS = _list_costs()


@lru_cache(maxsize=65_536)
def fold_sound(reading: str) -> str:
    """Return a spelling in a–z with one letter a sound: `schiller` and `shiler` are both `Siler`."""
    return _REPEATED.sub(r"\1", _FOLDING.sub(_read_sound, reading))


def list_sounds(reading: str) -> tuple[str, ...]:
    """Return, each once, what a spelling in a–z may sound like: some letters differ from language to language."""
    found = [reading]
    for letters, sounds in _AMBIGUOUS:
        if len(found) >= _MAX_SOUNDS:
            break
        found += [letters.sub(sounds, spelling) for spelling in found if letters.search(spelling)]
    return tuple(dict.fromkeys(fold_sound(spelling) for spelling in found))


@lru_cache(maxsize=131_072)
def compute_likeness(one: str, other: str, *, has_loose_vowels: bool) -> float:
    """Return how alike two folded spellings are, from 0 to 1; `has_loose_vowels`: vowels of one tell little.

    Two that are less alike than `LEAST_LIKENESS` are not alike at all: 0.
    """
    if one == other:
        return 1.0
    weight, other_weight = _weigh(one, has_loose_vowels), _weigh(other, has_loose_vowels)
    longer = max(weight, other_weight)
    most = (1.0 - LEAST_LIKENESS) * longer
    if abs(weight - other_weight) * _LEAST_FOR_WEIGHT > most:
        return 0.0
    more = _LOOSE_VOWEL_MORE if has_loose_vowels else _VOWEL_MORE
    cost = _compute_distance(one, other, more, most)
    return 0.0 if cost is None else 1.0 - cost / longer


def make_skeleton(sound: str) -> str:
    """Return the consonants of a folded spelling by the class they are confused in; a vowel counts at the front."""
    classes = "".join(_CLASSES.get(letter, "") for letter in sound)
    skeleton = _REPEATED.sub(r"\1", classes)
    return skeleton or sound[:1]


def _read_sound(found: re.Match[str]) -> str:
    return "C" if found["soft"] else _SOUNDS[found.group()]


def _weigh(sound: str, has_loose_vowels: bool) -> float:
    if has_loose_vowels:
        return max(1.0, sum(0.15 if letter in VOWELS else 1.0 for letter in sound))
    return max(1.0, sum(_WEIGHTS.get(letter, 1.0) for letter in sound))


def _cost_of_more(letter: str, more: float) -> float:
    if letter in VOWELS:
        return more
    return _BREATH_MORE if letter == "h" else _SOUND_MORE


def _compute_distance(one: str, other: str, more: float, most: float) -> float | None:
    """Return what it costs to make one spelling the other; None where it is more than `most`."""
    extra = [_cost_of_more(letter, more) for letter in other]
    above = [0.0, *accumulate(extra)]
    for letter in one:
        removed = _cost_of_more(letter, more)
        beside = above[0] + removed
        row = [beside]
        for place, against in enumerate(other):
            kept = above[place]
            if letter != against:
                kept += _COSTS.get((letter, against), _FULL)
            beside += extra[place]
            dropped = above[place + 1] + removed
            beside = min(beside, dropped)
            beside = min(beside, kept)
            row.append(beside)
        if min(row) > most:
            return None
        above = row
    return above[-1] if above[-1] <= most else None


_CLASSES = {
    **dict.fromkeys("bpfv", "P"),
    **dict.fromkeys("dt", "T"),
    **dict.fromkeys("gk", "K"),
    **dict.fromkeys("CJSZsz", "S"),
    **dict.fromkeys("mn", "N"),
    **dict.fromkeys("lr", "L"),
}
