"""Who has acted on a notice of this agency and who has not; and which notices of others a person here must answer.

That an agency acted counts by its own signed receipt alone. What became of a notice further on is what a partner
reports of others, and is shown as that partner's word.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from agency_client.aftercare.rules import BREACH_NOTICE
from agency_client.agreements.desks import load_whom_to_call
from agency_client.errors import NotFoundError
from agency_client.local_store.aftercare import (
    StoredNotice,
    list_onward_effects,
    list_own_notices,
    list_received_notices,
)
from agency_client.local_store.engine import Snapshot
from agency_client.local_store.inbox import InboxMessage, load_by_digest
from agency_client.local_store.outbox import OutboxState, load_item
from agency_client.local_store.sent import (
    ENDS,
    DeliveryFact,
    RecordedFact,
    SentMessage,
    find_message_by_digest,
    list_deliveries,
    list_facts,
)
from agency_client.node import Node
from agency_client.reading.messages import find_readable
from schemas.alerts.coded import NoticeEffect

_EFFECTS = frozenset(effect.value for effect in NoticeEffect)


@dataclass(frozen=True, slots=True)
class AgencyActing:
    """One agency and one notice. `effect` is None as long as it has not acted; `ended`: why it never will.

    `reported_by` is the partner whose word it is, "" where the agency itself signed; `path` are those in between.
    """

    agency: str
    effect: NoticeEffect | None
    at: datetime | None
    is_late: bool = False
    answered_at: datetime | None = None
    reported_by: str = ""
    path: tuple[str, ...] = ()
    ended: str = ""

    @property
    def is_open(self) -> bool:
        """Return whether it has still to act."""
        return self.effect is None and not self.ended


@dataclass(frozen=True, slots=True)
class NoticeLine:
    """One notice this agency sent: about which message, by when to answer, and where it stands with each agency."""

    notice: StoredNotice
    message_id: str
    target_id: str
    agencies: tuple[AgencyActing, ...]

    def list_overdue(self, now: datetime) -> list[AgencyActing]:
        """Return the agencies that have not acted although the time for it is over."""
        return [acting for acting in self.agencies if acting.is_open] if now > self.notice.acknowledge_by else []


@dataclass(frozen=True, slots=True)
class DueNotice:
    """A notice of another agency that was acted on here and that no person has answered."""

    notice: StoredNotice
    message: InboxMessage

    @property
    def is_breach(self) -> bool:
        """Return whether it tells of a breach, which somebody must look at now."""
        return self.notice.kind == BREACH_NOTICE


@dataclass(frozen=True, slots=True)
class Overview:
    """All aftercare of one agency at one moment. `whom_to_call` has a sentence for each agency that is late."""

    lines: tuple[NoticeLine, ...]
    due: tuple[DueNotice, ...]
    whom_to_call: dict[str, str]
    now: datetime

    @property
    def overdue(self) -> list[tuple[NoticeLine, AgencyActing]]:
        """Return every agency that is late, with the notice."""
        return [(line, acting) for line in self.lines for acting in line.list_overdue(self.now)]


def view_aftercare(node: Node, message_id: str | None = None) -> Overview:
    """Return where every notice stands, or those about one message (or the one notice) of that id.

    Raises:
        NotFoundError, ConflictError: no message has such an id, or several.
    """
    now = node.clock.now()
    with node.store.read() as snapshot:
        wanted = None if message_id is None else find_readable(snapshot, message_id).digest
        own = [item for item in list_own_notices(snapshot) if wanted in (None, item.target, item.digest)]
        lines = [line for notice in own if (line := _describe(snapshot, notice)) is not None]
        received = [item for item in list_received_notices(snapshot) if wanted in (None, item.target, item.digest)]
        due = [found for notice in received if (found := _find_due(snapshot, notice)) is not None]
    late = {acting.reported_by or acting.agency for line in lines for acting in line.list_overdue(now)}
    return Overview(tuple(lines), tuple(due), load_whom_to_call(node, late) if late else {}, now)


def _describe(snapshot: Snapshot, notice: StoredNotice) -> NoticeLine | None:
    """Return where a notice stands; None for one that another was sealed in the place of."""
    sent = find_message_by_digest(snapshot, notice.digest)
    if sent is None or _was_replaced(snapshot, sent):
        return None
    deliveries = list_deliveries(snapshot, sent.message_id)
    agencies = [
        _read_acting(delivery.recipient, list_facts(snapshot, sent.message_id, delivery.recipient))
        for delivery in deliveries
    ]
    agencies += [
        AgencyActing(
            found.agency,
            NoticeEffect.from_code(found.effect) if found.effect else None,
            found.at,
            is_late=found.at is not None and found.at > notice.acknowledge_by,
            reported_by=found.reporter,
            path=found.path,
        )
        for found in list_onward_effects(snapshot, notice.digest)
    ]
    return NoticeLine(notice, sent.message_id, _find_target_id(snapshot, notice.target), tuple(agencies))


def _read_acting(agency: str, facts: Sequence[RecordedFact]) -> AgencyActing:
    acted = next((item for item in facts if item.fact is DeliveryFact.ACTED and item.reason in _EFFECTS), None)
    answered = next((item.at for item in facts if item.fact is DeliveryFact.ANSWERED), None)
    if acted is None:
        return AgencyActing(agency, None, None, answered_at=answered, ended=_find_end(facts))
    effect = NoticeEffect.from_code(acted.reason)
    return AgencyActing(agency, effect, acted.at, is_late=acted.late, answered_at=answered)


def _find_end(facts: Iterable[RecordedFact]) -> str:
    known = list(facts)
    if any(item.fact in (DeliveryFact.HANDED_OVER, DeliveryFact.VERIFIED, DeliveryFact.OPENED) for item in known):
        return ""
    return next((item.fact.value for item in known if item.fact in ENDS), "")


def _was_replaced(snapshot: Snapshot, sent: SentMessage) -> bool:
    refused = load_item(snapshot, sent.message_id).state is OutboxState.REFUSED
    found = snapshot.fetch_one("SELECT 1 FROM sent_message WHERE replaces = ?", sent.digest)
    return refused and found is not None


def _find_target_id(snapshot: Snapshot, target: str) -> str:
    sent = find_message_by_digest(snapshot, target)
    return sent.message_id if sent is not None else load_by_digest(snapshot, target).message_id


def _find_due(snapshot: Snapshot, notice: StoredNotice) -> DueNotice | None:
    try:
        message = load_by_digest(snapshot, notice.digest)
    except NotFoundError:
        return None
    return DueNotice(notice, message) if message.answered_at is None else None
