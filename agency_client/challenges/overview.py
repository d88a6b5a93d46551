"""Challenges lodged from here and received here: what became of each, by whose word, and what is due."""

from dataclasses import dataclass
from datetime import datetime

from agency_client.aftercare.standing import load_standing
from agency_client.challenges.rules import Challenge, Told, compute_disputed
from agency_client.challenges.standing import read_challenge
from agency_client.errors import NotFoundError
from agency_client.local_store.challenges import StoredChallenge, has_ended, list_challenges, list_told
from agency_client.local_store.engine import Snapshot
from agency_client.local_store.inbox import load_by_digest
from agency_client.local_store.sent import find_message_by_digest
from agency_client.node import Node
from schemas.alerts.kinds.document_status import ChallengeState


@dataclass(frozen=True, slots=True)
class ChallengeLine:
    """One challenge: its message, the report, and with whom (the issuing agency, or who lodged it).

    `told` is what a report said of it since, `settled_at` when one said what was decided. `is_given_up`: the report was
    taken back, and nothing more is owed.
    """

    challenge: Challenge
    message_id: str
    target_id: str
    partner: str
    told: Told | None
    is_taken_back: bool
    is_given_up: bool = False

    @property
    def settled_at(self) -> datetime | None:
        """Return when the issuing state said what it decided."""
        is_decided = self.told is not None and self.told.state is not ChallengeState.OPEN
        return self.told.said_at if is_decided and self.told is not None else None

    def is_overdue(self, now: datetime) -> bool:
        """Return whether nothing was said of it in time."""
        is_over = self.told is not None or self.is_taken_back or self.is_given_up
        return not is_over and now > self.challenge.acknowledge_by


@dataclass(frozen=True, slots=True)
class ChallengeView:
    """All challenges at one moment, oldest first."""

    received: tuple[ChallengeLine, ...]
    lodged: tuple[ChallengeLine, ...]
    now: datetime


def view_challenges(node: Node) -> ChallengeView:
    """Return every challenge that this agency lodged, or that was lodged with it."""
    with node.store.read() as snapshot:
        stored = list_challenges(snapshot)
        received = [_describe(snapshot, item) for item in stored if not item.is_own]
        lodged = [_describe(snapshot, item) for item in stored if item.is_own]
    return ChallengeView(tuple(received), tuple(lodged), node.clock.now())


def _describe(snapshot: Snapshot, stored: StoredChallenge) -> ChallengeLine:
    said = (
        Told(ChallengeState.from_code(item.state), item.lodged_on, item.said_at)
        for item in list_told(snapshot, stored.reference)
        if item.said_at >= stored.said_at
    )
    own = find_message_by_digest(snapshot, stored.digest)
    return ChallengeLine(
        challenge=read_challenge(stored),
        message_id=load_by_digest(snapshot, stored.digest).message_id if own is None else own.message_id,
        target_id=_find_target_id(snapshot, stored.target),
        partner=stored.lodger if not stored.is_own else _find_issuer(snapshot, stored.target),
        told=compute_disputed((), said).told,
        is_taken_back=has_ended(snapshot, stored),
        is_given_up=load_standing(snapshot, stored.target).is_withdrawn,
    )


def _find_target_id(snapshot: Snapshot, digest: str) -> str:
    sent = find_message_by_digest(snapshot, digest)
    if sent is not None:
        return sent.message_id
    try:
        return load_by_digest(snapshot, digest).message_id
    except NotFoundError:
        return ""  # Its evidence has ended; the challenge goes on.


def _find_issuer(snapshot: Snapshot, digest: str) -> str:
    try:
        return load_by_digest(snapshot, digest).sender
    except NotFoundError:
        return ""
