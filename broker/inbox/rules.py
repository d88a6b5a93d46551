"""What becomes of a message at hand-over: delivered, held, returned or expired. Pure: views and times come in.

A message was judged when it was accepted, and nothing that widened since can help it; what narrowed since counts.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal

from schemas.agreements.coverage import VisibleFacts, judge_visible
from schemas.agreements.lifecycle import AgreementView, Chains, State, list_versions, view_agreement
from schemas.agreements.terms import Terms


class Passage(StrEnum):
    """By what right a message goes through; it says how the message is judged again at hand-over.

    `AFTERCARE` passes in every state of the agreement. `FOLLOWING` is aftercare of a message that has not been handed
    over: it is held and returned as that one is, so that it cannot carry content past a suspension, and with it where
    that one ends on its way.
    """

    COVERED = "covered"
    FOLLOWING = "following"
    AFTERCARE = "aftercare"
    CARRIED = "carried"


class ItemState(StrEnum):
    """Where an item of an inbox stands; only the first two are open, and an open item may be leased.

    A message ends in one of the four that follow, a receipt or an outcome is `SETTLED`.
    """

    WAITING = "waiting"
    HELD = "held"
    HANDED_OVER = "handed-over"
    RETURNED = "returned"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    SETTLED = "settled"

    @property
    def is_open(self) -> bool:
        """Return whether the item may still be handed over."""
        return self in (ItemState.WAITING, ItemState.HELD)


class ItemType(StrEnum):
    """What an item of an inbox is."""

    MESSAGE = "message"
    RECEIPT = "receipt"
    OUTCOME = "outcome"


MessageStateName = Literal["waiting", "leased", "held", "handed-over", "returned", "withdrawn", "expired"]
_STATE_NAMES: dict[ItemState, MessageStateName] = {
    ItemState.WAITING: "waiting",
    ItemState.HELD: "held",
    ItemState.HANDED_OVER: "handed-over",
    ItemState.RETURNED: "returned",
    ItemState.WITHDRAWN: "withdrawn",
    ItemState.EXPIRED: "expired",
}


class Fate(StrEnum):
    """What to do with a message now."""

    DELIVER = "deliver"
    HOLD = "hold"
    RETURN = "return"
    EXPIRE = "expire"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The fate of one message and the coded reasons for it."""

    fate: Fate
    reasons: tuple[str, ...] = ()


def find_message_state(state: ItemState, *, is_leased: bool) -> MessageStateName:
    """Return how the wire names where a message stands for one recipient.

    Raises:
        KeyError: the state is none of a message.
    """
    return "leased" if state is ItemState.WAITING and is_leased else _STATE_NAMES[state]


@dataclass(frozen=True, slots=True)
class Standing:
    """Where the version a message cites stands now, and the newest that has taken its place, if one counts."""

    cited: AgreementView
    successor: AgreementView | None

    @property
    def newest(self) -> AgreementView:
        """Return the version that counts now."""
        return self.successor or self.cited

    @property
    def is_over(self) -> bool:
        """Return whether what is under way goes back to its sender."""
        return self.newest.state in (State.REVOKED, State.SUPERSEDED)

    @property
    def is_holding(self) -> bool:
        """Return whether what is under way must wait until a suspension ends."""
        return not self.is_over and bool(self.newest.suspended_by)

    @property
    def is_plain(self) -> bool:
        """Return whether nothing has narrowed since the cited version came into force."""
        return self.successor is None and not self.is_over and not self.is_holding


DELIVER = Verdict(Fate.DELIVER)


def find_standing(digest: str, chains: Chains, now: datetime) -> Standing:
    """Return where the version `digest` stands, and what has taken its place."""
    cited = view_agreement(digest, chains, now)
    return Standing(cited, _find_successor(digest, chains, now) if cited.state is State.SUPERSEDED else None)


def judge_hand_over(
    passage: Passage,
    expires_at: datetime,
    visible: VisibleFacts,
    standing: Standing,
    now: datetime,
    *,
    is_orphaned: bool = False,
) -> Verdict:
    """Decide what becomes of a message that waits or is held.

    The cited version was in force at the message's leaf: that is why it was accepted. `is_orphaned`: what it was to
    follow has ended, and was never handed over.
    """
    if now >= expires_at:
        return Verdict(Fate.EXPIRE)
    if passage is Passage.AFTERCARE:
        return DELIVER
    if is_orphaned:
        return Verdict(Fate.RETURN, ("reference-ended",))
    if standing.is_over:
        return Verdict(Fate.RETURN, (f"agreement-{standing.newest.state.value}",))
    if standing.is_holding:
        return Verdict(Fate.HOLD, ("agreement-suspended",))
    if standing.successor is None or passage is Passage.FOLLOWING:
        return DELIVER
    return _judge_successor(visible, standing.successor)


def _judge_successor(visible: VisibleFacts, successor: AgreementView) -> Verdict:
    assert successor.terms is not None  # noqa: S101 - what supersedes was confirmed, so it has terms
    findings = judge_visible(successor.terms, visible).findings
    if not findings:
        return DELIVER
    return Verdict(Fate.RETURN, ("agreement-superseded", *(finding.code for finding in findings)))


def _find_successor(digest: str, chains: Chains, now: datetime) -> AgreementView | None:
    # Of two versions confirmed side by side neither counts, and then nothing has taken the older one's place.
    versions = list_versions(chains)
    views = (
        view_agreement(other, chains, now) for other, terms in versions.items() if _follows(digest, terms, versions)
    )
    standing = [view for view in views if view.binding and view.state not in (State.SUPERSEDED, State.CONFIRMED)]
    return max(standing, key=lambda view: view.terms.version if view.terms else 0, default=None)


def _follows(digest: str, terms: Terms, versions: Mapping[str, Terms]) -> bool:
    older: Terms | None = terms
    while older is not None and older.supersedes != digest:
        older = versions.get(older.supersedes) if older.supersedes else None
    return older is not None
