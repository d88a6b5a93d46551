"""Give a partner the originator's decision on the question this agency asked for it, as soon as it is here.

The node does so by itself: the decision is the originator's message to the letter, and nothing about it is for this
agency to judge. Done twice it sends nothing twice.
"""

from dataclasses import dataclass, field
from datetime import timedelta

from agency_client.errors import ClientError
from agency_client.local_store.content import read_content
from agency_client.local_store.engine import Snapshot
from agency_client.local_store.inbox import InboxMessage, load_by_digest
from agency_client.local_store.onward import list_answered_links, record_onward_copy
from agency_client.local_store.problems import Problem
from agency_client.node import Node
from agency_client.onward.held import describe_follower, make_provenance
from agency_client.sending.delivery import deliver_messages
from agency_client.sending.draft import DELIVERY_DAYS
from agency_client.sending.flow import NotCoveredError
from agency_client.sending.judging import judge_for_partner
from agency_client.sending.seal import SealingOrder, seal_recipients
from keys.generation import generate_id
from schemas.alerts import parse_alert
from schemas.envelope import PADDING_BUCKETS, Message, Reference
from schemas.log.records import Action
from schemas.markings import Purpose, Tlp, Urgency

_REASON = "the answer to what was asked for a partner"


@dataclass(slots=True)
class ForwardReport:
    """What one look came to: the ids of what was passed on, and what kept a decision from going."""

    forwarded: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def forward_decisions(node: Node) -> ForwardReport:
    """Pass every decision on that a partner waits for, and try to deliver it now."""
    report = ForwardReport()
    with node.store.read() as snapshot:
        waiting = list_answered_links(snapshot)
    for decision, asked in waiting:
        try:
            report.forwarded += _forward(node, decision, asked)
        except ClientError as error:
            report.problems.append(Problem(error.code, error.sentence))
    if report.forwarded:
        deliver_messages(node, report.forwarded)
    return report


def _forward(node: Node, decision_digest: str, asked_digest: str) -> list[str]:
    with node.store.read() as snapshot:
        decision, asked = load_by_digest(snapshot, decision_digest), load_by_digest(snapshot, asked_digest)
    note = node.note_access(
        Action.CONSULTATION, "forward", _REASON, message=decision.message_id, partner=decision.sender
    )
    content = read_content(node.store, decision.digest, note)
    message = Message.from_canonical(content, max_bytes=PADDING_BUCKETS[-1])
    order = _make_order(node, decision, asked, message)
    with node.store.write() as transaction:
        if not _is_waiting(transaction, decision_digest, asked_digest):
            return []  # Another process of this node was quicker.
        plan = judge_for_partner(node, transaction, order, asked.sender)
        if not plan.is_allowed:
            raise NotCoveredError(plan)
        (leg,) = seal_recipients(node, transaction, order, plan.recipients)
        # What its author says of the decision later follows it there, so that a consent taken back is one for nobody.
        record_onward_copy(transaction, describe_follower(decision_digest, leg, order, asked.sender))
        return [leg.message_id]


def _is_waiting(snapshot: Snapshot, decision_digest: str, asked_digest: str) -> bool:
    return (decision_digest, asked_digest) in list_answered_links(snapshot)


def _make_order(node: Node, decision: InboxMessage, asked: InboxMessage, message: Message) -> SealingOrder:
    now = node.clock.now()
    return SealingOrder(
        alert=parse_alert(message.alert),
        purpose=Purpose.DATA_QUALITY,
        necessity=f"It answers message {asked.message_id}.",
        marking=max(Tlp.from_code(decision.marking), Tlp.from_code(asked.marking), key=lambda marking: marking.rank),
        urgency=Urgency.ROUTINE,
        issued_at=now,
        expires_at=now + timedelta(days=DELIVERY_DAYS),
        reason=_REASON,
        case=None,
        batch=generate_id(),
        verb="forward",
        provenance=make_provenance(node.agency, decision, message),
        follows=Reference(id=asked.message_id, digest=asked.digest),
    )
