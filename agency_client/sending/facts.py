"""Load what a plan needs from one snapshot of the store: agreements, keys, trust, and the messages referred to.

Nothing is decided here: what stands in the way of a recipient becomes a finding for `agency_client.sending.plan`. The
broker is not asked; what this node has verified itself is all that counts.
"""

from dataclasses import dataclass
from datetime import datetime

from agency_client.aftercare.covering import load_covering_clauses
from agency_client.agreements.chains import load_all
from agency_client.directory.directory import NotPinnedError
from agency_client.errors import ClientError, DeniedError, NotFoundError, VerificationFailedError
from agency_client.local_store.contradictions import has_log_contradiction, has_open_contradiction
from agency_client.local_store.engine import Snapshot
from agency_client.local_store.following import count_sent_about
from agency_client.local_store.inbox import InboxState, load_by_digest
from agency_client.local_store.sent import (
    ENDS,
    DeliveryFact,
    SentMessage,
    compute_delivery_state,
    find_message_by_digest,
    list_deliveries,
    list_facts,
    list_messages,
)
from agency_client.local_store.trust import load_pin
from agency_client.node import Node
from agency_client.sending.plan import Candidate, Original, RecipientFacts
from agency_client.sending.summary import read_summary
from agency_client.statuses.hidden import find_untrusted_sealing, list_hidden_agreements
from agency_client.statuses.standing import load_age
from keys.errors import KeyNotInForceError
from keys.timeline import MemberTimeline
from schemas.agreements.coverage import Finding
from schemas.agreements.lifecycle import AgreementView
from schemas.alerts.header_rules import choose_shown_kind
from schemas.codec import MAX_INTEGER
from schemas.envelope import CONFIDENTIAL_KIND, Reference
from schemas.key_documents import AgencyClass, EncryptionKey
from schemas.markings import Tlp
from schemas.signed import EncryptionUse

_MAX_THREAD = 10_000


class SendingStoppedError(VerificationFailedError):
    """The exchange was proven to show two histories: nothing is sent through it until a person has looked."""

    default_code = "sending-stopped"


@dataclass(frozen=True, slots=True)
class AgreementShelf:
    """Every version of every agreement this agency is a party to, as it stands at one moment."""

    agency: str
    views: tuple[AgreementView, ...]

    def list_partners(self) -> list[str]:
        """Return the other parties, by id."""
        return sorted({partner for view in self.views if (partner := self._partner_of(view)) is not None})

    def list_views(self, partner: str) -> list[AgreementView]:
        """Return the versions agreed, or under negotiation, with one partner."""
        return [view for view in self.views if self._partner_of(view) == partner]

    def find_view(self, digest: str) -> AgreementView | None:
        """Return the version with this digest."""
        return next((view for view in self.views if view.digest == digest), None)

    def _partner_of(self, view: AgreementView) -> str | None:
        if view.terms is None or self.agency not in view.terms.agencies:
            return None
        return view.terms.counterpart_of(self.agency)


def load_shelf(node: Node, snapshot: Snapshot) -> AgreementShelf:
    """Return all agreements as they stand now, by the steps that count (`agency_client.agreements.chains`)."""
    now = node.clock.now()
    views = (view for agreement in load_all(snapshot) for view in agreement.list_views(now))
    return AgreementShelf(node.agency, tuple(views))


def verify_may_send(snapshot: Snapshot, origin: str) -> None:
    """Check that nothing stops this node from sending at all.

    Raises:
        SendingStoppedError: the log of this origin was proven to show two histories.
    """
    if has_log_contradiction(snapshot, origin):
        raise SendingStoppedError(
            f"the log {origin} signed two histories; nothing is sent through it",
            fix="call the partners' duty desks and show them: agency trust contradictions",
        )


def load_recipient(
    node: Node, snapshot: Snapshot, shelf: AgreementShelf, agency: str, kind: str, original: Original | None
) -> RecipientFacts:
    """Return what is known of one recipient for a message of this kind."""
    obstacles: list[Finding] = []
    key = None
    try:
        timeline = node.directory.read_trusted_timeline(snapshot, agency)
        key = _find_key(timeline, kind, node.clock.now())
        obstacles += _find_contradictions(snapshot, agency)
        obstacles += [Finding(code, sentence) for code, sentence in find_untrusted_sealing(snapshot, timeline)]
    except (DeniedError, NotFoundError, VerificationFailedError) as error:
        obstacles.append(_describe_error(error))
    views = shelf.list_views(agency)
    obstacles += _find_foreign_anchor(snapshot, agency, views)
    hidden, now = list_hidden_agreements(snapshot, agency), node.clock.now()
    candidates = tuple(
        Candidate(view, count_sent_today(snapshot, agency, view, now), _is_one_of(view, hidden)) for view in views
    )
    return RecipientFacts(agency, candidates, key, tuple(obstacles), original, load_age(node, snapshot, agency))


def count_sent_today(snapshot: Snapshot, recipient: str, view: AgreementView, now: datetime) -> int:
    """Return how many messages were sealed to a recipient under a version since midnight (UTC) and not refused."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    count: int = snapshot.fetch_value(
        "SELECT count(*) FROM sent_delivery JOIN sent_message USING (message_id) JOIN outbox USING (message_id)"
        " WHERE recipient = ? AND agreement = ? AND created_at >= ? AND refers_to IS NULL"
        " AND state NOT IN ('refused', 'cancelled')",
        recipient,
        view.digest,
        midnight,
    )
    return count


def load_originals(
    node: Node, snapshot: Snapshot, reference: Reference, kind: str, *, follows_everywhere: bool
) -> list[Original]:
    """Return the message that one of this kind refers to, once for each partner it passed to or came from.

    With `follows_everywhere` a message of one's own stands for all that were sealed with it: one for each partner.

    Raises:
        NotFoundError: no such message was sent from here, or received and verified here.
    """
    sent = find_message_by_digest(snapshot, reference.digest)
    if sent is not None and sent.message_id == reference.id:
        family = _list_family(snapshot, sent) if follows_everywhere else [sent]
        return [original for message in family for original in _describe_sent(node, snapshot, message, kind)]
    received = load_by_digest(snapshot, reference.digest)
    if received.message_id != reference.id or received.state in (InboxState.NEW, InboxState.UNVERIFIABLE):
        raise NotFoundError(
            f"in_reply_to: no verified message {reference.id} is here", fix="run: agency sync, then agency inbox"
        )
    return [
        Original(
            reference,
            received.sender,
            received.agreement,
            is_own=False,
            marking=Tlp.from_code(received.marking),
            clauses=load_covering_clauses(snapshot, node.agency, received.digest),
            said_before=count_sent_about(snapshot, received.digest, kind, received.sender),
        )
    ]


def _is_one_of(view: AgreementView, agreements: frozenset[str]) -> bool:
    return view.terms is not None and view.terms.id in agreements


def _find_key(timeline: MemberTimeline, kind: str, now: datetime) -> EncryptionKey:
    if timeline.agency_class is not AgencyClass.AGENCY:
        raise DeniedError(f"{timeline.agency} is of class {timeline.agency_class.value} and receives no messages")
    try:
        timeline.find_key_set(MAX_INTEGER, now)
    except KeyNotInForceError as error:
        raise DeniedError(str(error), code=error.code) from error
    is_confidential = choose_shown_kind(kind) == CONFIDENTIAL_KIND
    use = EncryptionUse.SAFEGUARDING if is_confidential else EncryptionUse.ENCRYPTION
    newest = timeline.newest_encryption_keys
    key = None if newest is None else newest.choose_key(use, now)
    if key is None:
        raise DeniedError(
            f"{timeline.agency} has published no {use.value} key that is current",
            fix="run: agency sync; if it stays so, call the partner's duty desk",
            code="encryption-key-not-current",
        )
    return key


def _find_contradictions(snapshot: Snapshot, agency: str) -> list[Finding]:
    if has_open_contradiction(snapshot, agency):
        sentence = f"{agency} was proven to have signed two things that cannot both be true"
        return [Finding("partner-contradicts-itself", sentence)]
    return []


def _find_foreign_anchor(snapshot: Snapshot, agency: str, views: list[AgreementView]) -> list[Finding]:
    pin = load_pin(snapshot, agency)
    anchors = {party.anchor for view in views if view.terms for party in view.terms.parties if party.agency == agency}
    if pin is None or not anchors - {pin.anchor}:
        return []
    sentence = f"an agreement names another trust anchor for {agency} than the one that was pinned in person"
    return [Finding("anchor-mismatch", sentence)]


def _describe_error(error: ClientError) -> Finding:
    hint = f" ({error.fix})" if isinstance(error, NotPinnedError) and error.fix else ""
    return Finding(error.code, error.sentence + hint)


def _list_family(snapshot: Snapshot, sent: SentMessage) -> list[SentMessage]:
    batch = read_summary(sent.summary).batch
    if not batch:
        return [sent]
    family = [
        item
        for item in list_messages(snapshot, thread=sent.thread, limit=_MAX_THREAD)
        if read_summary(item.summary).batch == batch
    ]
    return sorted(family, key=lambda item: item.message_id)


def _describe_sent(node: Node, snapshot: Snapshot, sent: SentMessage, kind: str) -> list[Original]:
    reference = Reference(id=sent.message_id, digest=sent.digest)
    clauses, originals = load_covering_clauses(snapshot, node.agency, sent.digest), []
    for delivery in list_deliveries(snapshot, sent.message_id):
        newest = compute_delivery_state(list_facts(snapshot, sent.message_id, delivery.recipient))
        fact = None if newest is None else newest.fact
        originals.append(
            Original(
                reference,
                delivery.recipient,
                delivery.agreement,
                is_own=True,
                is_held=fact is DeliveryFact.HELD,
                has_ended=fact in ENDS,
                marking=Tlp.from_code(sent.marking),
                clauses=clauses,
                said_before=count_sent_about(snapshot, sent.digest, kind, delivery.recipient),
            )
        )
    return originals
