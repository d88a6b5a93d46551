"""Judge a draft as this node's store stands: load the facts, then decide by `agency_client.sending.plan`."""

from dataclasses import replace
from datetime import timedelta

from agency_client.attachments.attaching import choose_files
from agency_client.attachments.sealing import plan_file
from agency_client.errors import UsageError
from agency_client.local_store.engine import Snapshot
from agency_client.node import Node
from agency_client.sending.draft import Draft, read_draft_alert
from agency_client.sending.facts import (
    AgreementShelf,
    load_originals,
    load_recipient,
    load_shelf,
)
from agency_client.sending.parties import find_party_obstacles
from agency_client.sending.plan import MessageFacts, Original, Plan, RecipientFacts, make_plan
from agency_client.sending.seal import SealingOrder, measure_ciphertext
from agency_client.wire_names import parse_agency_id
from keys.generation import generate_id
from schemas.agreements.content import describe_content
from schemas.agreements.coverage import ContentFacts
from schemas.alerts import Alert, kind_of
from schemas.alerts.header_rules import choose_shown_kind
from schemas.envelope import Reference
from schemas.wording import with_article


def make_order(node: Node, draft: Draft) -> SealingOrder:
    """Return what all envelopes of a draft share.

    Raises:
        AlertRefusedError, UsageError, NotFoundError: the draft is wrong.
    """
    now, files = node.clock.now(), choose_files(draft.attachments, make_id=generate_id)
    alert = read_draft_alert(draft, fresh_thread=generate_id(), files=files)
    return SealingOrder(
        alert=alert,
        purpose=draft.purpose,
        necessity=draft.necessity,
        marking=draft.marking,
        urgency=draft.urgency,
        issued_at=now,
        expires_at=now + timedelta(days=draft.delivery_days),
        reason=draft.reason,
        case=draft.case,
        batch=generate_id(),
        old_status_override=draft.old_status_override,
        compartment=node.compartment if kind_of(alert.kind).is_confidential else None,
        files=tuple(plan_file(file) for file in files),
    )


def judge_draft(node: Node, snapshot: Snapshot, order: SealingOrder, draft: Draft) -> Plan:
    """Judge an order for everyone its draft names, or for everyone who has the message it follows up.

    Raises:
        UsageError: nobody was named, or the kind goes to others than were named.
        NotFoundError: the message it refers to is not here.
    """
    shelf = load_shelf(node, snapshot)
    originals = _load_originals(node, snapshot, order.alert)
    agencies = _choose_recipients(draft, order.alert, originals, shelf)
    is_open = draft.to_every_partner or len(originals) > 1
    return _judge(node, snapshot, order, shelf, agencies, originals, wanted=draft.agreement, drop_refused=is_open)


def judge_for_partner(node: Node, snapshot: Snapshot, order: SealingOrder, partner: str) -> Plan:
    """Judge an order for one partner only, as when a single envelope is sealed anew."""
    shelf, originals = load_shelf(node, snapshot), _load_originals(node, snapshot, order.alert, order.follows)
    return _judge(node, snapshot, order, shelf, [partner], originals)


def _judge(
    node: Node,
    snapshot: Snapshot,
    order: SealingOrder,
    shelf: AgreementShelf,
    agencies: list[str],
    originals: list[Original],
    *,
    wanted: str | None = None,
    drop_refused: bool = False,
) -> Plan:
    message = _describe_message(node, order, measure_ciphertext(node, snapshot, order))
    by_partner = {original.partner: original for original in originals}
    recipients = [_load_recipient(node, snapshot, order, shelf, agency, by_partner.get(agency)) for agency in agencies]
    return make_plan(message, recipients, wanted=wanted, drop_refused=drop_refused)


def _load_recipient(
    node: Node, snapshot: Snapshot, order: SealingOrder, shelf: AgreementShelf, agency: str, original: Original | None
) -> RecipientFacts:
    facts = load_recipient(node, snapshot, shelf, agency, order.alert.kind, original)
    is_passed_on = order.provenance is not None
    found = find_party_obstacles(node, snapshot, order.alert, agency, is_passed_on=is_passed_on)
    return replace(facts, obstacles=(*facts.obstacles, *found))


def _describe_message(node: Node, order: SealingOrder, size_bytes: int) -> MessageFacts:
    alert, kind = order.alert, kind_of(order.alert.kind)
    return MessageFacts(
        sender=node.agency,
        kind=choose_shown_kind(alert.kind),
        is_aftercare=kind.is_aftercare,
        needs_original=kind.needs_refers_to,
        marking=order.marking,
        content=_describe_content(order),
        size_bytes=size_bytes,
        attachments=len(order.files),
        overrides_old_status=order.old_status_override is not None,
        is_senders_alone=kind.is_senders_alone,
    )


def _describe_content(order: SealingOrder) -> ContentFacts:
    content = describe_content(
        order.alert,
        purpose=order.purpose,
        urgency=order.urgency,
        issued_at=order.issued_at,
        is_passed_on=order.provenance is not None,
    )
    # The times it asks for were judged when it was sealed first; only the keys have changed since.
    return replace(content, reply_due=None, retain_until=None) if order.is_renewal else content


def _load_originals(node: Node, snapshot: Snapshot, alert: Alert, follows: Reference | None = None) -> list[Original]:
    kind, reference = kind_of(alert.kind), follows or alert.in_reply_to
    if not kind.needs_refers_to or reference is None:
        return []
    return load_originals(node, snapshot, reference, kind.name, follows_everywhere=kind.is_aftercare)


def _choose_recipients(draft: Draft, alert: Alert, originals: list[Original], shelf: AgreementShelf) -> list[str]:
    named = [parse_agency_id(agency) for agency in dict.fromkeys(draft.recipients)]
    reached = [original.partner for original in originals]
    if originals:
        if named and set(named) != set(reached):
            raise UsageError(
                f"{with_article(alert.kind)} goes to who has the message it refers to: {', '.join(reached)}",
                fix="leave the recipients out",
            )
        return reached
    if draft.to_every_partner:
        return shelf.list_partners()
    if not named:
        raise UsageError("no recipient was named", fix="name them: --to VN-IMM, or --to agreements for all allowed")
    return named
