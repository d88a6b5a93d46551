"""Send an alert: judge it, seal it for every recipient in one transaction, and hand it in at once if that can be.

`plan_alert` only judges. `send_alert` sends as a whole or not at all. `push_past_client` is for tests and
demonstrations: it leaves out the client's own judgement, so that the broker's can be seen; the command line has no way
to it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from agency_client.agreements.chains import load_all
from agency_client.agreements.desks import find_desks, say_whom_to_call
from agency_client.attachments.sealing import sealing_files
from agency_client.attachments.uploading import Watching, unwatched
from agency_client.duties.preparing import prepare_order, review_order
from agency_client.duties.quality import QualityReport
from agency_client.errors import DeniedError
from agency_client.local_store.access_log import append_entry
from agency_client.local_store.engine import Snapshot
from agency_client.local_store.outbox import OutboxItem, load_item
from agency_client.local_store.problems import Problem
from agency_client.local_store.sent import list_deliveries, load_message
from agency_client.node import Node
from agency_client.sending.delivery import deliver_messages
from agency_client.sending.draft import Draft
from agency_client.sending.facts import verify_may_send
from agency_client.sending.handing_in import DeliveryReport
from agency_client.sending.judging import judge_draft, make_order
from agency_client.sending.once import note_sent, verify_not_sent
from agency_client.sending.plan import Plan
from agency_client.sending.seal import SealedLeg, SealingOrder, seal_recipients
from agency_client.statuses.signing import announce_narrowing
from schemas.log.records import Action


class NotCoveredError(DeniedError):
    """The agreements do not allow it for every recipient; `plan` says which, for whom, and why."""

    default_code = "not-covered"

    def __init__(self, plan: Plan, whom: Mapping[str, str] | None = None) -> None:
        reasons = "; ".join(recipient.explain() for recipient in plan.refusals)
        super().__init__(
            reasons or "no agreement in force allows it to anybody",
            fix=_find_fix(plan, whom or {}),
        )
        self.plan = plan


def _find_fix(plan: Plan, whom: Mapping[str, str]) -> str:
    stale = _list_stale(plan)
    if stale:
        calls = "; ".join(whom.get(agency, f"call its duty desk: agency partner show {agency}") for agency in stale)
        return f"run: agency sync; if it stays so, {calls}"
    return "add --dry-run to see every agreement, or leave out the recipients that are refused"


def _list_stale(plan: Plan) -> list[str]:
    return [item.agency for item in plan.refusals if any(found.code == "status-stale" for found in item.obstacles)]


def _say_whom_to_call(node: Node, snapshot: Snapshot, plan: Plan) -> dict[str, str]:
    stale = _list_stale(plan)
    agreements, now = (load_all(snapshot) if stale else []), node.clock.now()
    return {agency: say_whom_to_call(agency, find_desks(agreements, agency, now)) for agency in stale}


@dataclass(frozen=True, slots=True)
class SendReport:
    """What was sent: one envelope for each recipient, and where each stands in the outbox now.

    `sealed_again`: why an envelope was refused at first, for each that stands here in the place of another.
    """

    thread: str
    batch: str
    plan: Plan
    legs: tuple[SealedLeg, ...]
    items: tuple[OutboxItem, ...]
    sealed_again: tuple[Problem, ...] = ()


def plan_alert(node: Node, draft: Draft) -> Plan:
    """Judge a draft for every recipient and agreement, and do nothing.

    Raises:
        AlertRefusedError, UsageError, NotFoundError: the draft itself is wrong.
    """
    order = make_order(node, draft)
    with node.store.read() as snapshot:
        return judge_draft(node, snapshot, order, draft)


def review_alert(node: Node, draft: Draft, plan: Plan) -> QualityReport:
    """Look at the quality of a draft for the recipients of a plan, and do nothing.

    Raises:
        AlertRefusedError, UsageError: the draft itself is wrong, or answers a doubt that is not there.
    """
    return review_order(node, make_order(node, draft), draft, plan)


def send_alert(node: Node, draft: Draft, *, deliver: bool = True, watching: Watching = unwatched) -> SendReport:
    """Seal a draft for all its recipients, queue it, and try to deliver it now. What is queued survives anything.

    `watching` shows how far its attachments have come.

    Raises:
        AlertRefusedError, UsageError, NotFoundError: the draft itself is wrong; nothing was done.
        NotCoveredError: an agreement does not allow it; nothing was sent, and the attempt is in the access log.
        QualityDoubtedError: something about it is doubtful and the draft does not say why it goes all the same.
        SentBeforeError: the draft has an identity, and was sent before.
        SendingStoppedError: the exchange was proven dishonest.
    """
    return _send(node, draft, make_order(node, draft), deliver=deliver, watching=watching)


def push_past_client(node: Node, draft: Draft, *, deliver: bool = True) -> SendReport:
    """Seal and queue a draft without the client's own judgement of agreements, to see that the broker judges as well.

    For tests and demonstrations, through the library only. The agreement that comes nearest is cited.

    Raises:
        DeniedError: a recipient has no key or no agreement that could be cited.
        AlertRefusedError, UsageError, NotFoundError: as `send_alert`.
    """
    return _send(node, draft, replace(make_order(node, draft), unchecked=True), deliver=deliver)


def _send(
    node: Node, draft: Draft, order: SealingOrder, *, deliver: bool, watching: Watching = unwatched
) -> SendReport:
    try:
        recipients = _judge_first(node, order, draft) if order.files else ()
        with sealing_files(node.profile, recipients, order.files, watching) as sealed:
            plan, legs = _seal_and_queue(node, replace(order, sealed_files=sealed), draft)
    except DeniedError as error:
        _note_denied(node, order, error)
        raise
    delivered = DeliveryReport()
    if deliver:
        delivered = deliver_messages(node, [leg.message_id for leg in legs], watching=watching)
        announce_narrowing(node)
    with node.store.read() as snapshot:
        legs = tuple(_find_standing(snapshot, leg, delivered.renewed) for leg in legs)
        items = tuple(load_item(snapshot, leg.message_id) for leg in legs)
    again = tuple(delivered.refused[message_id] for message_id in delivered.renewed)
    return SendReport(order.alert.thread, order.batch, plan, legs, items, again)


def _judge_first(node: Node, order: SealingOrder, draft: Draft) -> list[str]:
    """Return to whom files are to be sealed; what is not allowed is refused before that takes its time."""
    with node.store.read() as snapshot:
        verify_may_send(snapshot, node.sheet.origin)
        plan = judge_draft(node, snapshot, order, draft)
        if not plan.is_allowed and not order.unchecked:
            raise NotCoveredError(plan, _say_whom_to_call(node, snapshot, plan))
    return [recipient.agency for recipient in plan.recipients]


def _seal_and_queue(node: Node, order: SealingOrder, draft: Draft) -> tuple[Plan, tuple[SealedLeg, ...]]:
    with node.store.write() as transaction:
        verify_may_send(transaction, node.sheet.origin)
        verify_not_sent(transaction, draft.identity, at=order.issued_at)
        plan = judge_draft(node, transaction, order, draft)
        if not plan.is_allowed and not order.unchecked:
            raise NotCoveredError(plan, _say_whom_to_call(node, transaction, plan))
        order = prepare_order(node, transaction, order, draft, plan)
        legs = seal_recipients(node, transaction, order, plan.recipients)
        note_sent(transaction, draft.identity, (leg.message_id for leg in legs), at=order.issued_at)
        return plan, legs


def _find_standing(snapshot: Snapshot, leg: SealedLeg, renewed: Mapping[str, str]) -> SealedLeg:
    """Return the envelope that stands in the place of one that was refused for what had changed, else that one."""
    message_id = leg.message_id
    while message_id in renewed:
        message_id = renewed[message_id]
    if message_id == leg.message_id:
        return leg
    (delivery,) = list_deliveries(snapshot, message_id)
    digest = load_message(snapshot, message_id).digest
    return replace(leg, message_id=message_id, digest=digest, agreement=delivery.agreement)


def _note_denied(node: Node, order: SealingOrder, error: DeniedError) -> None:
    refusals = error.plan.refusals if isinstance(error, NotCoveredError) else ()
    partners: list[str | None] = [item.agency for item in refusals]
    with node.store.write() as transaction:
        for partner in partners or [None]:
            note = node.note_access(
                Action.DISCLOSURE, order.verb, order.reason, partner=partner, case=order.case, outcome="denied"
            )
            append_entry(transaction, note)
