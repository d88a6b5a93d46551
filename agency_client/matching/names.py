"""A name as it is compared: its words, whatever script, order or zone it stood in. Pure.

Nothing is guessed of which word is the family name. Han and Korean names without spaces are parted where such names
usually are; `Abd al-Rahman`, `Abdurrahman` and `عبد الرحمن` become one word each.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations, pairwise, product

from agency_client.matching.letters import (
    ARABIC,
    HAN,
    HANGUL,
    LATIN,
    find_letter_script,
    find_script,
    is_vietnamese,
    list_readings,
)
from agency_client.matching.particles import ARTICLES, COMMON_WEIGHT, FULL_WEIGHT, weigh_word
from agency_client.matching.sounds import list_sounds, make_skeleton
from agency_client.matching.variants import find_groups

MAX_WORDS = 12
"""So many words of a name are compared; the longest known names of passports have fewer."""
_ZONE_LENGTH = {29, 30, 31, 36, 39}
"""How long the name fields of zones are (ICAO Doc 9303-4 to 9303-7): a name that fills one may have been cut."""
_SHORT, _SHORT_WEIGHT = 3, 0.8
_JOINED = 5
"""A word shorter than this may be half of one."""
_BEGINNING = 2

_INSIDE = "'’ʼ`´ʹʻʿʾ\u02bc\u2018"
_BREAKS = re.compile(r"[\s,;/·・=_\u3000]+|(?<=[^\W\d_])\.(?=[^\W\d_])|\.+")
_HYPHENS = re.compile(r"[-\u2010-\u2015\u05be\u200c]")
_COMPOUND_WORDS = """
歐陽 欧阳 司馬 司马 諸葛 诸葛 上官 司徒 東方 东方 皇甫 尉遲 尉迟 公孫 公孙 慕容 令狐 夏侯 長孫 长孙
"""
_COMPOUND_SURNAMES = frozenset(_COMPOUND_WORDS.split())
_ABD = frozenset({"abd", "abdul", "abdel", "abdal", "abdoul", "abdur", "abdol", "عبد"})
_JOINED_ABD = re.compile(r"abd(?:u|e|a|o|ou)(?:l|([rsnzdtj])(?=\1)|sh(?=sh)|ch(?=ch))?(?=[a-z]{3})")


@dataclass(frozen=True, slots=True, eq=False)
class Word:
    """A word of a name: as it stood, in lower case of its own script, and what it may be and sound like in a–z.

    Words come from `make_word` alone, which gives the same one for the same text: they are compared as objects.
    """

    text: str
    own: str
    script: str
    readings: tuple[str, ...]
    sounds: tuple[str, ...]
    skeletons: frozenset[str]
    weight: float

    @property
    def is_initial(self) -> bool:
        """Return whether one letter stands for a word."""
        return len(self.own) == 1 and self.script not in (HAN, HANGUL)


@dataclass(frozen=True, slots=True)
class ReadName:
    """A name with its words. `may_be_cut`: it fills the field of a zone.

    `is_vietnamese`: it has letters that only Vietnamese has, so that a mark left out of a word of it means something.
    """

    text: str
    words: tuple[Word, ...]
    is_vietnamese: bool
    may_be_cut: bool


@lru_cache(maxsize=16_384)
def read_name(text: str) -> ReadName:
    """Return a name as it is compared; without a word where it has no letters."""
    plain = unicodedata.normalize("NFKC", text)
    parts = list(_join_servants([part for chunk in _BREAKS.split(plain) for part in _split_chunk(chunk)]))
    words = _make_words(parts[:MAX_WORDS])
    return ReadName(text, words, is_vietnamese(plain), "<" in plain and len(plain.rstrip("<")) in _ZONE_LENGTH)


@lru_cache(maxsize=65_536)
def make_word(text: str, *, is_full: bool = False) -> Word:
    """Return a word of a name with all that it is compared by; `is_full`: it is no particle here, whatever it looks."""
    own = "".join(letter for letter in text.lower() if letter not in _INSIDE and find_letter_script(letter))
    readings = tuple(dict.fromkeys(_drop_servant(reading) for reading in list_readings(_strip_article(own))))
    sounds = tuple(dict.fromkeys(sound for reading in readings for sound in list_sounds(reading)))
    skeletons = frozenset(map(make_skeleton, sounds))
    return Word(text, own, find_script(own), readings, sounds, skeletons, _weigh_full(own) if is_full else _weigh(own))


def join_words(words: tuple[Word, ...]) -> Word:
    """Return neighbouring words as one."""
    return make_word("".join(word.text for word in words))


def list_keys(name: ReadName) -> frozenset[str]:
    """Return the keys under which a name is looked up; names that may be alike have one in common."""
    return frozenset().union(*list_word_keys(name))


def list_word_keys(name: ReadName) -> tuple[frozenset[str], ...]:
    """Return the keys of each word of a name, then those of its words together.

    A key is the consonants of a word, a name that the word is a form of, or how two words begin.
    """
    words = [word for word in name.words if word.weight > COMMON_WEIGHT] or list(name.words)
    skeletons = [word.skeletons for word in words]
    groups = [{f"#{group}" for group in find_groups(word.readings)} for word in words]
    return (*(keys | named for keys, named in zip(skeletons, groups, strict=True)), _join_keys(name, skeletons))


def _join_keys(name: ReadName, skeletons: Sequence[frozenset[str]]) -> frozenset[str]:
    keys: set[str] = set()
    for one, other in pairwise(name.words):
        if min(len(one.own), len(other.own)) < _JOINED:
            keys |= join_words((one, other)).skeletons
    for first, second in combinations(skeletons, 2):
        keys |= {"+".join(sorted((a[:_BEGINNING], b[:_BEGINNING]))) for a, b in product(first, second)}
    return frozenset(keys)


def _make_words(parts: list[str]) -> tuple[Word, ...]:
    words = tuple(word for part in parts if (word := make_word(part)).readings)
    if sum(word.weight > COMMON_WEIGHT for word in words) > 1:
        return words
    # `Nguyễn Du` and `Ibn Sina` have nothing but what are particles elsewhere.
    return tuple(make_word(word.text, is_full=True) for word in words)


def _split_chunk(chunk: str) -> Iterator[str]:
    script = find_script(chunk)
    if script in (HAN, HANGUL) and all(find_letter_script(letter) == script for letter in chunk):
        yield from _split_unspaced(chunk, script)
        return
    for piece in _HYPHENS.split(chunk.replace("<", " ").strip()):
        yield from piece.split()


def _split_unspaced(chunk: str, script: str) -> Iterator[str]:
    if not 2 <= len(chunk) <= 4:
        yield chunk
        return
    length = 2 if script == HAN and chunk[:2] in _COMPOUND_SURNAMES and len(chunk) > 2 else 1
    yield chunk[:length]
    yield chunk[length:]


def _join_servants(parts: list[str]) -> Iterator[str]:
    """Give the words, `Abd` and what follows it as one; the article between them is left out."""
    place = 0
    while place < len(parts):
        part = parts[place]
        following = place + 1
        if part.lower() in _ABD:
            if following < len(parts) - 1 and parts[following].lower() in ARTICLES:
                following += 1
            if following < len(parts):
                yield "abd" + parts[following] if find_script(part) != ARABIC else f"عبد{parts[following]}"
                place = following + 1
                continue
        yield part
        place += 1


def _strip_article(own: str) -> str:
    for servant in ("عبدال", "ال"):
        if own.startswith(servant) and len(own) >= len(servant) + 3:
            return own[: len(servant) - 2] + own[len(servant) :]
    return own


def _drop_servant(reading: str) -> str:
    return _JOINED_ABD.sub("abd", reading, count=1) if reading.startswith("abd") else reading


def _weigh(own: str) -> float:
    weight = weigh_word(own)
    return weight if weight <= COMMON_WEIGHT else _weigh_full(own)


def _weigh_full(own: str) -> float:
    if find_script(own) == LATIN and len(own) < _SHORT:
        return COMMON_WEIGHT if len(own) == 1 else _SHORT_WEIGHT
    return FULL_WEIGHT
