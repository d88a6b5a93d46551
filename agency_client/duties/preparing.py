"""What is added to an order before it is sealed: checks of identifiers, the quality check, the reference of a question.

An alert that another agency wrote is passed on to the letter, and nothing is added to it.
"""

from collections.abc import Iterable
from dataclasses import replace

from agency_client.duties.deciding import verify_decided
from agency_client.duties.quality import QualityReport, review_quality, state_quality
from agency_client.errors import UsageError
from agency_client.local_store.engine import Transaction
from agency_client.local_store.subjects import make_request_reference
from agency_client.node import Node
from agency_client.sending.draft import Draft
from agency_client.sending.plan import Plan
from agency_client.sending.seal import SealingOrder
from schemas.alerts.base import Alert
from schemas.alerts.filling import fill_checks
from schemas.alerts.kinds.document_status import DocumentStatus, default_review_date
from schemas.alerts.kinds.document_verification import DocumentVerification
from schemas.alerts.subjects import make_document_key

NOT_GIVEN = "-"
"""The necessity of a dry run where none was given: it is not judged then."""


def prepare_order(node: Node, transaction: Transaction, order: SealingOrder, draft: Draft, plan: Plan) -> SealingOrder:
    """Return the order with what the duties add to its alert, for the recipients of a plan.

    Raises:
        DecisionMissingError: it confirms what a machine matched, and nobody decided.
        QualityDoubtedError: something is doubtful and the draft does not say why it goes all the same.
        UsageError: the draft answers a doubt that is not there, or states its own check.
    """
    if order.unchecked or order.provenance is not None:
        return order
    verify_decided(transaction, order.alert)
    named = replace(order, alert=_complete(transaction, order))
    report = _review(transaction, named, draft, [recipient.agency for recipient in plan.recipients])
    return replace(named, alert=state_quality(named.alert, report, node.clock.now()))


def review_order(node: Node, order: SealingOrder, draft: Draft, plan: Plan) -> QualityReport:
    """Return the doubts about an order, and do nothing.

    Raises:
        UsageError: as `prepare_order`.
    """
    with node.store.write() as transaction:
        named = replace(order, alert=_complete(transaction, order))
        return _review(transaction, named, draft, [recipient.agency for recipient in plan.recipients])


def _review(transaction: Transaction, order: SealingOrder, draft: Draft, recipients: Iterable[str]) -> QualityReport:
    if order.alert.quality is not None:
        raise UsageError("quality: it is written when the alert is checked", fix="leave it out; answer with --quality")
    return review_quality(
        transaction,
        order.alert,
        draft.quality,
        recipients=recipients,
        necessity=None if order.necessity == NOT_GIVEN else order.necessity,
        now=order.issued_at,
    )


def _complete(transaction: Transaction, order: SealingOrder) -> Alert:
    return _name_request(transaction, _set_review(fill_checks(order.alert), order), order)


def _set_review(alert: Alert, order: SealingOrder) -> Alert:
    """Give a report about a document its day of review, ten years on, where it names none and is kept as long."""
    if not isinstance(alert.details, DocumentStatus) or alert.review_date is not None:
        return alert
    review = default_review_date(order.issued_at.date().isoformat())
    is_kept = alert.retain_until is None or alert.retain_until >= review
    return alert.model_copy(update={"review_date": review}) if is_kept else alert


def _name_request(transaction: Transaction, alert: Alert, order: SealingOrder) -> Alert:
    """Give a question about a document the pseudonym under which this agency asks about it, always the same."""
    details = alert.details
    if not isinstance(details, DocumentVerification) or details.subject_reference is not None:
        return alert
    key = make_document_key(details.document.issuing_state, details.document.number)
    reference = make_request_reference(transaction, key.value, at=order.issued_at)
    return alert.model_copy(update={"details": details.model_copy(update={"subject_reference": reference})})
