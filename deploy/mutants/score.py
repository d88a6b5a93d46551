"""What became of the mutants: counted, shown as a table, and held against the score that is demanded."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from deploy.mutants.scope import Equivalent, Target

_CHANGED_LINE = re.compile(r"^[+-](?![+-])\s*(.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Score:
    """How many mutants there are, and what became of them; `survived` holds what no test reached, too."""

    mutants: int = 0
    killed: int = 0
    timeouts: int = 0
    survived: int = 0
    equivalent: int = 0

    def __add__(self, other: "Score") -> "Score":
        return Score(
            self.mutants + other.mutants,
            self.killed + other.killed,
            self.timeouts + other.timeouts,
            self.survived + other.survived,
            self.equivalent + other.equivalent,
        )

    @property
    def percent_killed(self) -> float:
        """Return the killed (an endless loop is a death) among the mutants that can be killed."""
        possible = self.mutants - self.equivalent
        return 100 * (self.killed + self.timeouts) / possible if possible else 100.0


@dataclass(frozen=True, slots=True)
class Trial:
    """The verdict on each mutant of one kind in one file, by name, and the diff of each that was not killed."""

    verdicts: Mapping[str, str]
    diffs: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Judgement:
    """What one file's mutants came to: the score of each kind, and the survivors as diffs."""

    target: Target
    scores: Mapping[str, Score]
    survivors: tuple[str, ...] = ()
    stale: tuple[Equivalent, ...] = ()


def judge(target: Target, trials: Mapping[str, Trial]) -> Judgement:
    """Count what became of a file's mutants, kind by kind; an equivalent that no survivor matches is stale."""
    scores: dict[str, Score] = {}
    survivors: list[str] = []
    used: set[Equivalent] = set()
    for kind, trial in trials.items():
        excused = 0
        for diff in trial.diffs.values():
            known = [item for item in target.equivalents if list_changed_lines(diff) == item.mutant.splitlines()]
            used.update(known)
            excused += bool(known)
            survivors += [] if known else [diff]
        counts = Counter(trial.verdicts.values())
        alive = len(trial.diffs) - excused
        scores[kind] = Score(len(trial.verdicts), counts["killed"], counts["timeout"], alive, excused)
    stale = tuple(known for known in target.equivalents if known not in used)
    return Judgement(target, scores, tuple(survivors), stale)


def list_changed_lines(diff: str) -> list[str]:
    """Return the lines that a mutant removes and brings, without their marks and indentation."""
    return [match[1] for match in _CHANGED_LINE.finditer(diff)]


def print_report(judgements: Sequence[Judgement], least_percent: int, *, is_whole: bool = True) -> bool:
    """Print survivors and scores; say whether every group reached its score and every equivalent is one.

    Only a whole run, of all kinds, knows that an equivalent is none.
    """
    for judgement in judgements:
        for survivor in judgement.survivors:
            print(f"\n{judgement.target.path}, {survivor.strip()}")
    reached = True
    for kind in dict.fromkeys(kind for judgement in judgements for kind in judgement.scores):
        reached &= _print_table(kind, [item for item in judgements if kind in item.scores], least_percent)
    stale = [known for judgement in judgements for known in judgement.stale if is_whole]
    for known in stale:
        print(f"mutants: the scope calls equivalent what is none in {known.file}:\n{known.mutant}")
    return reached and not stale


def _print_table(kind: str, judgements: Sequence[Judgement], least_percent: int) -> bool:
    print(f"\n{kind:42}{'mutants':>9}{'killed':>8}{'timeouts':>10}{'survived':>10}{'equivalent':>12}{'score':>9}")
    reached = True
    for group in dict.fromkeys(judgement.target.group for judgement in judgements):
        members = [judgement for judgement in judgements if judgement.target.group == group]
        total = sum((member.scores[kind] for member in members), Score())
        for member in members:
            _print_score(f"  {member.target.path}", member.scores[kind])
        _print_score(group, total)
        if total.percent_killed < least_percent:
            print(f"mutants: {group} is below {least_percent} %")
            reached = False
    _print_score("all", sum((judgement.scores[kind] for judgement in judgements), Score()))
    return reached


def _print_score(label: str, score: Score) -> None:
    numbers = f"{score.mutants:>9}{score.killed:>8}{score.timeouts:>10}{score.survived:>10}{score.equivalent:>12}"
    print(f"{label:42}{numbers}{score.percent_killed:>8.1f}%")
