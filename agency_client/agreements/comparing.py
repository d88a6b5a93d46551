"""What differs between two versions of an agreement, field by field and clause by clause, and what that does.

A change *widens* where it lets more through or keeps it longer, *narrows* where it lets less through or asks for more
care, and else only *changes*. Pure: two terms in, changes out; which two are meant is `agency_client.agreements.views`.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import product
from typing import Any

from agency_client.agreements.spelling import spell_field
from schemas.agreements.terms import Clause, OnwardRule, Terms
from schemas.markings import Tlp


class Effect(StrEnum):
    """What a change does to what may be sent."""

    WIDENS = "widens"
    NARROWS = "narrows"
    CHANGES = "changes"


@dataclass(frozen=True, slots=True)
class Change:
    """One difference: `where` names the clause, "" for the terms as a whole; `was` and `now` are words."""

    where: str
    field: str
    was: str
    now: str
    effect: Effect

    @property
    def sentence(self) -> str:
        """Return the change in words."""
        place = f"{self.where}, {self.field}" if self.where else self.field
        if not self.was:
            return f"{place}: new: {self.now}"
        return f"{place}: {self.was} becomes {self.now}" if self.now else f"{place}: no longer: {self.was}"


Judge = Callable[[Any, Any], Effect]


def compare_terms(old: Terms, new: Terms) -> tuple[Change, ...]:
    """Return every difference between two versions, in the order in which terms are read."""
    return (*_compare_fields("", old, new, _OF_TERMS, _NOT_COMPARED), *_compare_clauses(old, new))


def _compare_clauses(old: Terms, new: Terms) -> Iterator[Change]:
    pairs = _pair_clauses(old, new)
    for number, clause in enumerate(new.clauses, start=1):
        where = f"clause {number}, {clause.sender} to {clause.recipient}"
        before = pairs.get(number - 1)
        if before is None:
            yield Change(where, "clause", "", _spell_clause(clause), Effect.WIDENS)
        else:
            yield from _compare_fields(where, old.clauses[before], clause, _OF_CLAUSE, frozenset())
    for number, clause in enumerate(old.clauses, start=1):
        if number - 1 not in pairs.values():
            where = f"clause {number} of before, {clause.sender} to {clause.recipient}"
            yield Change(where, "clause", _spell_clause(clause), "", Effect.NARROWS)


def _compare_fields(
    where: str, old: Terms | Clause, new: Terms | Clause, judges: Mapping[str, Judge], left_out: frozenset[str]
) -> Iterator[Change]:
    for field in type(new).model_fields:
        was, now = getattr(old, field), getattr(new, field)
        if field in left_out or was == now:
            continue
        effect = judges.get(field, _change)(was, now)
        yield Change(where, field, spell_field(field, was), spell_field(field, now), effect)


def _spell_clause(clause: Clause) -> str:
    return f"{spell_field('kinds', clause.kinds)} for {spell_field('purposes', clause.purposes)}"


def _pair_clauses(old: Terms, new: Terms) -> dict[int, int]:
    """Return which clause of the old terms each one of the new goes on from: the most alike first, each only once."""
    places = product(range(len(new.clauses)), range(len(old.clauses)))
    alike = {pair: _count_alike(new.clauses[pair[0]], old.clauses[pair[1]]) for pair in places}
    pairs: dict[int, int] = {}
    for (after, before), score in sorted(alike.items(), key=lambda item: (-item[1], abs(item[0][0] - item[0][1]))):
        if score and after not in pairs and before not in pairs.values():
            pairs[after] = before
    return pairs


def _count_alike(one: Clause, other: Clause) -> int:
    if (one.sender, one.recipient) != (other.sender, other.recipient):
        return 0
    shared = len(set(one.kinds) & set(other.kinds)) + len(set(one.purposes) & set(other.purposes))
    same: int = sum(getattr(one, field) == getattr(other, field) for field in Clause.model_fields)
    return 1 + shared + same


def _change(was: Any, now: Any) -> Effect:
    return Effect.CHANGES


def _more_widens(was: Any, now: Any) -> Effect:
    before, after = _as_set(was), _as_set(now)
    if before < after:
        return Effect.WIDENS
    return Effect.NARROWS if after < before else _choose(after - before, Effect.WIDENS)


def _more_narrows(was: Any, now: Any) -> Effect:
    before, after = _as_set(was), _as_set(now)
    if before < after:
        return Effect.NARROWS
    # Where one is exchanged for another, what is no longer asked for weighs more.
    return _choose(before - after, Effect.WIDENS)


def _nationalities(was: Any, now: Any) -> Effect:
    if now is None:
        return Effect.WIDENS
    return Effect.NARROWS if was is None else _more_widens(was, now)


def _larger_widens(was: Any, now: Any) -> Effect:
    return Effect.WIDENS if now > was else Effect.NARROWS


def _earlier_widens(was: Any, now: Any) -> Effect:
    return _larger_widens(now, was)


def _marking(was: Tlp, now: Tlp) -> Effect:
    return _larger_widens(was.rank, now.rank)


def _onward(was: Any, now: Any) -> Effect:
    if was is OnwardRule.FORBIDDEN:
        return Effect.WIDENS
    return Effect.NARROWS if now is OnwardRule.FORBIDDEN else Effect.CHANGES


def _as_set(value: object) -> set[object]:
    return set(value) if isinstance(value, tuple) else set()


def _choose(found: set[object], effect: Effect) -> Effect:
    return effect if found else Effect.CHANGES


_NOT_COMPARED = frozenset({"v", "exchange", "id", "version", "supersedes", "clauses"})
"""What names a version, and the clauses, which are compared one by one."""

_OF_TERMS: Mapping[str, Judge] = {
    "in_force_from": _earlier_widens,
    "in_force_until": _larger_widens,
}

_OF_CLAUSE: Mapping[str, Judge] = {
    "kinds": _more_widens,
    "purposes": _more_widens,
    "nationalities": _nationalities,
    "highest_marking": _marking,
    "handling": _more_widens,
    "onward": _onward,
    "onward_agencies": _more_widens,
    "attachments": _larger_widens,
    "max_bytes": _larger_widens,
    "daily_quota": _larger_widens,
    "retention_days": _larger_widens,
    "receipts": _more_narrows,
    "caveats": _more_narrows,
    "special_categories": _more_widens,
    "conditions": _more_narrows,
}
"""What is not here only changes: deadlines of answers bind one side and help the other."""
