"""From a name, a birth date and numbers to a candidate with a level and its reasons. Pure.

A level ranks what an officer looks at first. None says that two persons are one: a person decides on that (article 11
of Directive (EU) 2016/680), and `agency_client.duties.deciding` records it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from agency_client.matching.comparing import How
from agency_client.matching.deciders import BirthFinding, compare_births
from agency_client.matching.scoring import NOTHING_ALIKE, NameMatch, WordPair, compare_names

CANDIDATE_SCORE = 0.65
"""Names less alike than this are no candidates. Set on the tuning half of the measured pairs (docs/matching.md)."""
CANDIDATE_SCORE_WITH_BIRTH = 0.5
"""The same where the whole birth date is equal."""
CLOSE_SCORE = 0.9


class Level(Enum):
    """How far a candidate goes; `rank` orders them, the value is said to the officer."""

    SAME_NUMBER = 0, "the same number"
    STRONG = 1, "strong candidate"
    LIKELY = 2, "likely candidate"
    POSSIBLE = 3, "possible candidate"
    CONTRADICTED = 4, "same name, another birth date"

    def __init__(self, rank: int, label: str) -> None:
        self.rank, self.label = rank, label


@dataclass(frozen=True, slots=True)
class Asked:
    """Whom somebody looks for, as far as names go: spellings of one name, and a birth date."""

    names: tuple[str, ...] = ()
    birth_date: str | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """What a name on record comes to: level, score from 0 to 1, how the names and the birth dates stand."""

    level: Level
    name: str
    match: NameMatch
    birth: BirthFinding

    @property
    def reasons(self) -> tuple[str, ...]:
        """Return why, in words, the strongest reason first."""
        words = tuple(_explain(pair) for pair in self.match.pairs)
        return words if self.birth is BirthFinding.UNKNOWN else (self.birth.value, *words)


def judge_name(asked: Asked, name: str, births: Iterable[str]) -> Candidate | None:
    """Return what a name on record comes to for whom somebody looks for; None: it is no candidate."""
    matches = (compare_names(text, name) for text in asked.names)
    match = max(matches, key=lambda found: found.score, default=NOTHING_ALIKE)
    birth = compare_births(asked.birth_date, births)
    level = _find_level(match.score, birth)
    return None if level is None else Candidate(level, name, match, birth)


def rank_candidates(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Return candidates, the ones to look at first standing first."""
    return sorted(candidates, key=lambda found: (found.level.rank, -found.match.score, found.name))


def _find_level(score: float, birth: BirthFinding) -> Level | None:
    is_born_so = birth in (BirthFinding.EQUAL, BirthFinding.AGREES)
    if score < (CANDIDATE_SCORE_WITH_BIRTH if birth is BirthFinding.EQUAL else CANDIDATE_SCORE):
        return None
    if birth is BirthFinding.CONTRADICTS:
        return Level.CONTRADICTED if score >= CLOSE_SCORE else None
    if score >= CLOSE_SCORE and is_born_so:
        return Level.STRONG
    return Level.LIKELY if score >= CLOSE_SCORE or is_born_so else Level.POSSIBLE


def _explain(pair: WordPair) -> str:
    if pair.how is How.MISSING:
        return f"{pair.one} is not there" if pair.one else f"{pair.other} only there"
    return f"{pair.one} / {pair.other}: {pair.how.value}"
