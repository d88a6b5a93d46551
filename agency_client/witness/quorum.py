"""How much of the log the quorum has seen. Pure: what was verified of each pinned partner comes in, a size comes out.

The quorum is this node itself and, of the partners pinned in person, two (one where one is pinned, none where none is).
A witness that nobody pinned counts nothing, however many the exchange invents; of two pinned partners that must agree,
one that lies changes nothing. Verifying a head is `agency_client.witness.collecting`'s business.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

QUORUM_PARTNERS = 2
STALE_AFTER = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Witness:
    """A pinned partner: how many leaves the newest head it cosigned has, and when; 0 and None for nothing yet."""

    agency: str
    size: int = 0
    cosigned_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Quorum:
    """How many leaves this node has checked itself, and what each pinned partner has seen, by id."""

    own_size: int
    witnesses: tuple[Witness, ...]

    @property
    def needed(self) -> int:
        """Return how many partners must have seen a leaf beside this node."""
        return min(QUORUM_PARTNERS, len(self.witnesses))

    @property
    def witnessed_size(self) -> int:
        """Return how many leaves, from the first on, the quorum has seen."""
        if not self.needed:
            return self.own_size
        sizes = sorted((witness.size for witness in self.witnesses), reverse=True)
        return min(self.own_size, sizes[self.needed - 1])

    @property
    def is_complete(self) -> bool:
        """Return whether the quorum has seen all that this node has."""
        return self.witnessed_size == self.own_size

    def is_witnessed(self, index: int) -> bool:
        """Return whether the quorum has seen a leaf."""
        return index < self.witnessed_size

    def list_missing(self, size: int) -> tuple[Witness, ...]:
        """Return the partners that have seen fewer leaves than these."""
        return tuple(witness for witness in self.witnesses if witness.size < size)

    def list_stale(self, now: datetime) -> tuple[Witness, ...]:
        """Return the partners that are behind this node and have cosigned nothing for a day, or ever."""
        behind = self.list_missing(self.own_size)
        return tuple(
            witness for witness in behind if witness.cosigned_at is None or now - witness.cosigned_at > STALE_AFTER
        )

    def is_short(self, now: datetime) -> bool:
        """Return whether so many partners have been silent for a day that no quorum can be expected."""
        return len(self.witnesses) - len(self.list_stale(now)) < self.needed


def judge_quorum(own_size: int, pinned: Iterable[str], seen: Iterable[Witness]) -> Quorum:
    """Return the quorum of the partners that are pinned; what others are said to have seen is left out."""
    by_agency = {witness.agency: witness for witness in seen}
    return Quorum(own_size, tuple(by_agency.get(agency, Witness(agency)) for agency in sorted(set(pinned))))


def describe_quorum(quorum: Quorum) -> str:
    """Return one sentence: how many witnesses have seen how much, and what each that is behind saw last."""
    if not quorum.witnesses:
        return "no partner is pinned: only this node has seen the log"
    behind = quorum.list_missing(quorum.own_size)
    has_seen, total = len(quorum.witnesses) - len(behind), len(quorum.witnesses)
    sentence = (
        f"{has_seen} of {total} {'witness has' if total == 1 else 'witnesses have'} seen {quorum.own_size:,} leaves"
    )
    return "; ".join([sentence, *(describe_witness(witness) for witness in behind)])


def describe_witness(witness: Witness) -> str:
    """Return what one partner saw last."""
    if witness.cosigned_at is None:
        return f"{witness.agency} has cosigned nothing yet"
    return f"{witness.agency} last at {witness.size:,}, on {witness.cosigned_at:%Y-%m-%d %H:%M}"
