"""All agreements of the exchange as their accepted steps say, at one place of the log.

Immutable: a step more makes a new value. Whether a step may be accepted is decided in `broker.agreements.rules`, and
what two chains mean together in `schemas.agreements.lifecycle`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from broker.agreements.errors import UnknownAgreementError
from schemas.agreements.lifecycle import AgreementView, Chains, view_agreement
from schemas.agreements.steps import ChainedStep
from schemas.agreements.terms import Terms


class FoundAgreement(NamedTuple):
    """One version's terms, and both parties' chains over all versions of its agreement."""

    terms: Terms
    chains: Chains


@dataclass(frozen=True, slots=True)
class Agreements:
    """The chains by agreement id, the terms by their digest, and the leaf of each step by the step's digest.

    `evidence_days` is the longest evidence term that any terms between two agencies have.
    `last_index` is the leaf of the newest step in here, -1 when there is none.
    """

    chains_by_id: Mapping[str, Chains] = field(default_factory=dict)
    terms_by_digest: Mapping[str, Terms] = field(default_factory=dict)
    leaf_by_step: Mapping[str, int] = field(default_factory=dict)
    evidence_days: Mapping[frozenset[str], int] = field(default_factory=dict)
    last_index: int = -1

    def chains_of(self, agreement: str) -> Chains:
        """Return both chains of an agreement id; empty when nobody has said anything."""
        return self.chains_by_id.get(agreement, {})

    def find(self, digest: str) -> FoundAgreement:
        """Return the version named by `digest`.

        Raises:
            UnknownAgreementError: nobody ever proposed it.
        """
        terms = self.terms_by_digest.get(digest)
        if terms is None:
            raise UnknownAgreementError("no agreement with this digest was ever proposed here")
        return FoundAgreement(terms, self.chains_by_id[terms.id])

    def view(self, digest: str, now: datetime) -> AgreementView:
        """Return where the version named by `digest` stands at `now`.

        Raises:
            UnknownAgreementError: nobody ever proposed it.
        """
        return view_agreement(digest, self.find(digest).chains, now)

    def find_evidence_days(self, first: str, second: str) -> int | None:
        """Return the longest evidence term of any terms between two agencies; None where there are no terms."""
        return self.evidence_days.get(frozenset((first, second)))

    def add(self, index: int, item: ChainedStep) -> "Agreements":
        """Return the agreements with an accepted step more, which stands at leaf `index`."""
        return self.add_all([(index, item)])

    def add_all(self, items: Iterable[tuple[int, ChainedStep]]) -> "Agreements":
        """Return the agreements with accepted steps more, in the order of their leaves."""
        chains, terms, leaves = dict(self.chains_by_id), dict(self.terms_by_digest), dict(self.leaf_by_step)
        days, last = dict(self.evidence_days), self.last_index
        for index, item in items:
            step = item.step
            known = chains.get(step.agreement, {})
            chains[step.agreement] = {**known, step.agency: (*known.get(step.agency, ()), item)}
            if step.terms is not None:
                terms[step.digest] = step.terms
                pair = frozenset(step.terms.agencies)
                days[pair] = max(days.get(pair, 0), *(clause.evidence_days for clause in step.terms.clauses))
            leaves[item.digest] = last = index
        return Agreements(chains, terms, leaves, days, last)
