"""Pass notices on to whoever got a copy from here, to the letter, and report back what became of them there.

The node does this by itself in every round. What is owed follows from the store: each notice for each copy of what it
is about, once, recorded in the transaction that seals it; so a crash, a restart or a broker that is away only delays
it. What comes back is reported to whoever sent the notice, in an acknowledgement that no person is said to have
written.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from itertools import zip_longest
from typing import Any

from agency_client.aftercare.rules import find_next_report
from agency_client.errors import ClientError
from agency_client.local_store.aftercare import (
    OnwardEffect,
    StoredNotice,
    find_last_report,
    find_notice,
    list_onward_effects,
    list_owed_relays,
    list_relays,
    list_reportable_notices,
    record_relay,
    record_report,
)
from agency_client.local_store.content import has_content, read_content
from agency_client.local_store.engine import Snapshot, Transaction
from agency_client.local_store.inbox import InboxMessage, find_sender, load_by_digest
from agency_client.local_store.onward import (
    OnwardCopy,
    find_onward_copy,
    find_original_of_copy,
    record_onward_copy,
)
from agency_client.local_store.problems import Problem
from agency_client.local_store.sent import ENDS, DeliveryFact, list_deliveries, list_facts, load_message
from agency_client.node import Node
from agency_client.onward.held import describe_follower, make_provenance
from agency_client.receiving.sealed import read_sealed
from agency_client.sending.delivery import deliver_messages
from agency_client.sending.draft import DELIVERY_DAYS, Draft
from agency_client.sending.flow import NotCoveredError
from agency_client.sending.judging import judge_for_partner, make_order
from agency_client.sending.seal import SealedLeg, SealingOrder, seal_recipients
from keys.generation import generate_id
from keys.sealing import verify_message
from schemas.alerts import parse_alert
from schemas.alerts.coded import NoticeEffect
from schemas.alerts.kinds.acknowledgement import MAX_TOLD, MAX_WAY, ActionTaken
from schemas.codec import encode_canonical
from schemas.log.records import Action
from schemas.markings import Purpose, Tlp, Urgency
from schemas.model import format_timestamp
from schemas.signed import SignedDocument

RELAY_VERB, REPORT_VERB, NODE_OFFICER = "relay", "report-onward", "node"

_TAKEN = {
    NoticeEffect.MARKED: ActionTaken.MARKED,
    NoticeEffect.REPLACED: ActionTaken.AMENDED,
    NoticeEffect.RESTRICTED: ActionTaken.RESTRICTED,
    NoticeEffect.LIFTED: ActionTaken.NOTED,
    NoticeEffect.ERASED: ActionTaken.DELETED,
    NoticeEffect.NOTHING_HELD: ActionTaken.NOTHING_HELD,
}


@dataclass(slots=True)
class RelayReport:
    """What one look came to: the ids of what was queued, by what it is, and what stands in the way."""

    relayed: list[str] = field(default_factory=list)
    reported: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def relay_notices(node: Node) -> RelayReport:
    """Pass on every notice that is owed to who has a copy, report what came back, and try to deliver both now."""
    report = RelayReport()
    with node.store.read() as snapshot:
        owed = list_owed_relays(snapshot)
    for notice, copy in owed:
        _try(report, partial(_relay, node, notice, copy, report))
    with node.store.read() as snapshot:
        reportable = list_reportable_notices(snapshot)
    for item in reportable:
        _try(report, partial(_report, node, item, report))
    if report.relayed or report.reported:
        deliver_messages(node, [*report.relayed, *report.reported])
    return report


def _try(report: RelayReport, step: Callable[[], None]) -> None:
    """Take one step; what cannot be done now is owed still, and does not keep the others back."""
    try:
        step()
    except ClientError as error:
        report.problems.append(Problem(error.code, error.sentence))


def _relay(node: Node, notice_digest: str, copy_digest: str, report: RelayReport) -> None:
    with node.store.read() as snapshot:
        stored = load_by_digest(snapshot, notice_digest)
        copy, notice = _demand_copy(snapshot, copy_digest), find_notice(snapshot, notice_digest)
        is_over = _has_ended(snapshot, copy) or not has_content(snapshot, notice_digest)
        is_over = is_over or notice is None or not _is_of_originator(snapshot, notice, copy)
    order = None if is_over else _write_relay(node, stored, copy)
    with node.store.write() as transaction:
        message_id = "" if order is None else _seal_relay(node, transaction, order, notice_digest, copy)
        if not record_relay(transaction, notice_digest, copy_digest, message_id, at=node.clock.now()):
            raise _DoneElsewhereError("another process of this node has passed it on")
    if message_id:
        report.relayed.append(message_id)


class _DoneElsewhereError(ClientError):
    """Two processes were at the same work: the transaction of the second leaves nothing behind."""

    default_code = "done-elsewhere"


def _demand_copy(snapshot: Snapshot, digest: str) -> OnwardCopy:
    copy = find_onward_copy(snapshot, digest)
    if copy is None:
        raise _DoneElsewhereError("the copy was sealed anew meanwhile")
    return copy


def _is_of_originator(snapshot: Snapshot, notice: StoredNotice, copy: OnwardCopy) -> bool:
    """Return whether a notice is the word of who first sent what went on.

    What another agency on the way says, who has the copy could not tell from a notice made up here.
    """
    copied = find_original_of_copy(snapshot, copy.held_digest)
    originator = find_sender(snapshot, copy.held_digest) if copied is None else copied.originator
    return notice.author == originator


def _has_ended(snapshot: Snapshot, copy: OnwardCopy) -> bool:
    """Return whether a copy never reached anybody and never will: there is nobody to tell."""
    facts = [item.fact for item in list_facts(snapshot, copy.copy_id, copy.recipient)]
    reached = any(fact in (DeliveryFact.HANDED_OVER, DeliveryFact.VERIFIED, DeliveryFact.OPENED) for fact in facts)
    return not reached and any(fact in ENDS for fact in facts)


def _write_relay(node: Node, stored: InboxMessage, copy: OnwardCopy) -> SealingOrder:
    """Return the order for a notice as it goes on: the author's alert to the letter, about the copy."""
    note = node.note_access(
        Action.DISCLOSURE,
        RELAY_VERB,
        f"it follows what was passed on to {copy.recipient}",
        message=stored.message_id,
        partner=copy.recipient,
    )
    header = read_sealed(SignedDocument.from_canonical(stored.evidence)).header
    message = verify_message(header, read_content(node.store, stored.digest, note))
    now = node.clock.now()
    return SealingOrder(
        alert=parse_alert(message.alert),
        purpose=message.purpose,
        necessity=f"It follows message {copy.copy_id} up.",
        marking=Tlp.from_code(stored.marking),
        urgency=Urgency.from_code(stored.urgency),
        issued_at=now,
        expires_at=now + timedelta(days=DELIVERY_DAYS),
        reason=f"it follows what was passed on to {copy.recipient}",
        case=None,
        batch=generate_id(),
        verb=RELAY_VERB,
        provenance=make_provenance(node.agency, stored, message),
        follows=copy.reference,
    )


def _seal_relay(node: Node, transaction: Transaction, order: SealingOrder, notice: str, copy: OnwardCopy) -> str:
    """Seal a notice for who has a copy; it is one itself, so that what is said of the notice follows it."""
    leg = _seal(node, transaction, order, copy.recipient)
    record_onward_copy(transaction, describe_follower(notice, leg, order, copy.recipient))
    return leg.message_id


def _seal(node: Node, transaction: Transaction, order: SealingOrder, partner: str) -> SealedLeg:
    plan = judge_for_partner(node, transaction, order, partner)
    if not plan.is_allowed:
        raise NotCoveredError(plan)
    (leg,) = seal_recipients(node, transaction, order, plan.recipients)
    return leg


def _report(node: Node, notice: StoredNotice, report: RelayReport) -> None:
    """Report what became of a notice further on, if that has changed since, and it is time to report again."""
    with node.store.read() as snapshot:
        told = list_told(snapshot, notice.digest)
        stored, before = load_by_digest(snapshot, notice.digest), find_last_report(snapshot, notice.digest)
    state, now = encode_canonical({"told": told}), node.clock.now()
    if not told or (before is not None and (state == before.told or now < find_next_report(before.n, before.at))):
        return
    order = make_order(node, _write_report(node, stored, notice, told))
    with node.store.write() as transaction:
        if find_last_report(transaction, notice.digest) != before:
            raise _DoneElsewhereError("another process of this node has reported it")
        message_id = _seal(node, transaction, order, stored.sender).message_id
        record_report(transaction, notice.digest, message_id, state, at=now)
    report.reported.append(message_id)


def list_told(snapshot: Snapshot, notice: str) -> list[dict[str, Any]]:
    """Return who further on was told of a notice and what each answered, as an acknowledgement says it.

    As many as one holds: first those told from here, then what each of them reports in turn, so that none of them can
    crowd the others out.
    """
    own, reported = [], []
    for _, message_id in list_relays(snapshot, notice):
        if not message_id:
            continue
        (delivery,) = list_deliveries(snapshot, message_id)
        own.append(_describe_told(snapshot, message_id, delivery.recipient))
        effects = list_onward_effects(snapshot, load_message(snapshot, message_id).digest)
        reported.append([_describe_reported(delivery.recipient, item) for item in effects if len(item.path) < MAX_WAY])
    in_turn = [item for items in zip_longest(*reported) for item in items if item is not None]
    return [*own, *in_turn][:MAX_TOLD]


def _describe_told(snapshot: Snapshot, message_id: str, recipient: str) -> dict[str, Any]:
    acted = [
        fact
        for fact in list_facts(snapshot, message_id, recipient)
        if fact.fact is DeliveryFact.ACTED and fact.reason in set(NoticeEffect)
    ]
    answer = {"effect": acted[0].reason, "at": format_timestamp(acted[0].at)} if acted else {}
    return {"agency": recipient, **answer}


def _describe_reported(recipient: str, effect: OnwardEffect) -> dict[str, Any]:
    answer = {} if effect.at is None else {"effect": effect.effect, "at": format_timestamp(effect.at)}
    return {"agency": effect.agency, "path": [recipient, *effect.path], **answer}


def _write_report(node: Node, stored: InboxMessage, notice: StoredNotice, told: list[dict[str, Any]]) -> Draft:
    action = _TAKEN[NoticeEffect.from_code(notice.effect)]
    alert = {
        "kind": "acknowledgement",
        "thread": stored.thread,
        "in_reply_to": {"id": stored.message_id, "digest": stored.digest},
        "unit": node.agency,
        "officer": NODE_OFFICER,
        "subject": "What became of it further on",
        "pap": "amber",
        "handling": {"codes": ["h0"]},
        "data_as_of": format_timestamp(node.clock.now()),
        "language": "en",
        "details": {
            "action": action.value,
            "done_at": format_timestamp(notice.acted_at or node.clock.now()),
            "told_onward": list(dict.fromkeys(item["agency"] for item in told)),
            "onward": told,
            "is_automatic": True,
        },
    }
    return Draft(
        alert=alert,
        purpose=Purpose.DATA_QUALITY,
        necessity=f"It follows message {stored.message_id} up.",
        reason="a notice was passed on",
        marking=Tlp.from_code(stored.marking),
    )
