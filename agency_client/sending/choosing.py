"""Which of several agreements a message goes under, and why: the one that allows least beside this message. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from sys import maxsize

from schemas.agreements.lifecycle import AgreementView, State
from schemas.agreements.terms import Clause, OnwardRule, Terms

_ONWARD_ORDER = (OnwardRule.FORBIDDEN, OnwardRule.LISTED, OnwardRule.WITH_CONSENT)


@dataclass(frozen=True, slots=True)
class CoveringClause:
    """One agreement that allows a message, and the clause that does; none for what follows another message up."""

    view: AgreementView
    terms: Terms
    clause: Clause | None


@dataclass(frozen=True, slots=True)
class _Measure:
    """One way in which a clause is narrower than another: fewer is narrower."""

    because: str
    measure: Callable[[Clause], int]


_MEASURES = (
    _Measure("it is for fewer kinds", lambda clause: len(set(clause.kinds))),
    _Measure("it is for fewer purposes", lambda clause: len(set(clause.purposes))),
    _Measure("it is about the nationals of fewer states", lambda clause: _count_or_all(clause.nationalities)),
    _Measure("its highest marking is lower", lambda clause: clause.highest_marking.rank),
    _Measure("it lets less be passed on", lambda clause: _ONWARD_ORDER.index(clause.onward)),
    _Measure("it allows fewer special categories", lambda clause: len(set(clause.special_categories or ()))),
    _Measure("it demands more caveats", lambda clause: -len(set(clause.caveats or ()))),
    _Measure("it keeps less long", lambda clause: clause.retention_days),
    _Measure("it lets fewer messages pass a day", lambda clause: clause.daily_quota),
)
"""What tells clauses apart, the strongest first."""


def choose_narrowest(allowing: Sequence[CoveringClause]) -> CoveringClause | None:
    """Return the agreement in force whose clause is narrowest; of equally narrow ones the first by title and digest."""
    return min(allowing, key=_rank, default=None)


def explain_choice(allowing: Sequence[CoveringClause]) -> str:
    """Return one sentence: why the message goes under the agreement that `choose_narrowest` returns."""
    ranked = sorted(allowing, key=_rank)
    if not ranked:
        return ""
    chosen = ranked[0]
    name = f"“{chosen.terms.title}”, version {chosen.terms.version}"
    if chosen.clause is None:
        return f"{name}: the agreement of the message it follows up"
    place = f"clause {chosen.terms.clauses.index(chosen.clause) + 1} of {name}"
    if len(ranked) == 1:
        return f"{place}: no other agreement covers it"
    return f"{place}: of the {len(ranked)} that cover it, {_compare(chosen.clause, ranked[1])}"


def _compare(chosen: Clause, next_best: CoveringClause) -> str:
    other = next_best.clause
    name = f"“{next_best.terms.title}”"
    if other is not None:
        for way in _MEASURES:
            if way.measure(chosen) < way.measure(other):
                return f"{way.because} than {name}"
    return f"it is as narrow as {name} and comes first by its title; name the other with --agreement to use that"


def _rank(option: CoveringClause) -> tuple[bool, tuple[int, ...], str, str]:
    clause = option.clause
    narrow = () if clause is None else tuple(way.measure(clause) for way in _MEASURES)
    return option.view.state is not State.IN_FORCE, narrow, option.terms.title, option.view.digest


def _count_or_all(nationalities: Sequence[str] | None) -> int:
    return maxsize if nationalities is None else len(set(nationalities))
