"""What an officer says of an agreement, each a signed step: recorded and queued here, handed in by `submit_step`.

What narrows is signed at once, and the verb returns the step. What widens takes two officers: the first one's verb
records an approval and returns an `AwaitedStep`, the second one's same verb signs. A partner must be pinned before
anything is proposed to it or accepted.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from agency_client.agreements.approving import AwaitedStep, find_same_terms
from agency_client.agreements.chains import Version, choose_newest, choose_version, is_standing, load_all
from agency_client.agreements.drafting import Place, complete_terms
from agency_client.agreements.signing import StepOrder, sign_narrowing_step, sign_widening_step
from agency_client.directory.directory import AnchorMismatchError
from agency_client.errors import NotFoundError
from agency_client.local_store.agreements import StoredStep
from agency_client.local_store.engine import Snapshot, Transaction
from agency_client.node import Node
from keys.generation import generate_id
from schemas.agreements.lifecycle import AgreementView, State
from schemas.agreements.steps import StepAction
from schemas.agreements.terms import Terms
from schemas.key_documents import compute_trust_anchor

CONFIRM_WITHIN = timedelta(days=14)

Said = StoredStep | AwaitedStep
"""What came of a verb that widens: the signed step, or the approval that waits for a second officer's."""

_NEGOTIABLE = frozenset({State.PROPOSED, State.COUNTERED})


def propose(node: Node, fields: Mapping[str, Any], *, amends: str | None = None, reason: str | None = None) -> Said:
    """Propose terms: a new agreement, or with `amends` the next version of one that both parties confirmed.

    Raises:
        UsageError: a field is wrong; it is named.
        NotPinnedError, AnchorMismatchError: the partner is not trusted.
        StepNotAllowedError: the lifecycle does not allow it now.
    """
    with node.store.write() as transaction:
        place = Place(generate_id()) if amends is None else _find_next_place(node, transaction, amends)
        terms = complete_terms(node, transaction, fields, place)
        if amends is None:
            terms = find_same_terms(node, transaction, terms)
        return _propose(node, transaction, terms, reason, counters=None)


def counter(node: Node, reference: str, fields: Mapping[str, Any], *, reason: str | None = None) -> Said:
    """Answer a proposal with other terms for the same place.

    Raises:
        as `propose`.
    """
    with node.store.write() as transaction:
        answered = choose_version(transaction, reference, node.clock.now(), lambda view: _is_theirs(node, view))
        place = Place(answered.agreement.id, answered.terms.version, answered.terms.supersedes)
        terms = complete_terms(node, transaction, fields, place)
        return _propose(node, transaction, terms, reason, counters=answered.digest)


def accept(node: Node, reference: str, *, reason: str | None = None, confirm_by: datetime | None = None) -> Said:
    """Accept the partner's proposal; it binds once the partner confirms, until `confirm_by` at the latest.

    Where the partner proposed more than once, taken back or not, only a digest says which terms were read: the id
    alone would sign whatever it proposed last.

    Raises:
        StepNotAllowedError, NotFoundError, UsageError: there is no such proposal, or it cannot be accepted now.
        NotPinnedError, AnchorMismatchError: the terms are not with the partner that was pinned in person.
    """
    until = confirm_by or node.clock.now() + CONFIRM_WITHIN
    with node.store.write() as transaction:
        version = choose_version(transaction, reference, node.clock.now(), lambda view: _was_theirs(node, view))
        _verify_partner(node, transaction, version.terms)
        order = _make_order(node, version, StepAction.ACCEPT, reason, confirm_by=until)
        return sign_widening_step(node, transaction, order)


def confirm(node: Node, reference: str, *, reason: str | None = None) -> Said:
    """Confirm an own proposal that the partner accepted: from now on it binds both.

    Raises:
        as `accept`.
    """
    with node.store.write() as transaction:
        version = choose_version(transaction, reference, node.clock.now(), lambda view: _is_ours_accepted(node, view))
        _verify_partner(node, transaction, version.terms)
        return sign_widening_step(node, transaction, _make_order(node, version, StepAction.CONFIRM, reason))


def suspend(node: Node, reference: str, *, reason: str) -> StoredStep:
    """Suspend an agreement at once, all its versions; only who suspended can resume.

    Raises:
        NotFoundError, UsageError: no such agreement.
    """
    with node.store.write() as transaction:
        order = _make_order_for_all(node, transaction, reference, StepAction.SUSPEND, reason)
        return sign_narrowing_step(node, transaction, order)


def resume(node: Node, reference: str, *, reason: str | None = None) -> Said:
    """End an own suspension.

    Raises:
        StepNotAllowedError, NotFoundError, UsageError: nothing of ours is suspended there.
    """
    with node.store.write() as transaction:
        order = _make_order_for_all(node, transaction, reference, StepAction.RESUME, reason)
        return sign_widening_step(node, transaction, order)


def revoke(node: Node, reference: str, *, reason: str, effective_from: datetime | None = None) -> StoredStep:
    """End an agreement for good, all its versions, at once or from a moment on.

    Raises:
        NotFoundError, UsageError: no such agreement.
    """
    with node.store.write() as transaction:
        order = _make_order_for_all(node, transaction, reference, StepAction.REVOKE, reason)
        return sign_narrowing_step(node, transaction, replace(order, effective_from=effective_from))


def withdraw(node: Node, reference: str, *, reason: str | None = None) -> StoredStep:
    """Take back an own proposal or acceptance.

    Raises:
        NotFoundError, UsageError: no such version, or several.
    """
    with node.store.write() as transaction:
        version = choose_version(transaction, reference, node.clock.now(), lambda view: _is_ours_open(node, view))
        return sign_narrowing_step(node, transaction, _make_order(node, version, StepAction.WITHDRAW, reason))


def reject(node: Node, reference: str, *, reason: str | None = None) -> StoredStep:
    """Refuse the partner's proposal.

    Raises:
        NotFoundError, UsageError: no such proposal, or several.
    """
    with node.store.write() as transaction:
        version = choose_version(transaction, reference, node.clock.now(), lambda view: _is_theirs(node, view))
        return sign_narrowing_step(node, transaction, _make_order(node, version, StepAction.REJECT, reason))


def sign_due_withdrawals(node: Node) -> list[StoredStep]:
    """Sign the withdrawal of every acceptance of ours that was not confirmed in time, and return the steps.

    Only after a pull that went well: a confirmation in the log that was not pulled yet would be taken for none.
    """
    now = node.clock.now()
    signed: list[StoredStep] = []
    with node.store.write() as transaction:
        for agreement in load_all(transaction):
            for view in agreement.list_views(now):
                if view.state is not State.LAPSED or view.terms is None or view.proposer == node.agency:
                    continue
                version = Version(agreement, view.digest, view.terms, view)
                order = _make_order(node, version, StepAction.WITHDRAW, "it was not confirmed in time")
                signed.append(sign_narrowing_step(node, transaction, order))
    return signed


def _propose(node: Node, transaction: Transaction, terms: Terms, reason: str | None, *, counters: str | None) -> Said:
    _verify_partner(node, transaction, terms)
    order = StepOrder(
        StepAction.PROPOSE,
        terms.id,
        terms.digest(),
        terms.counterpart_of(node.agency),
        reason=reason,
        terms=terms,
        counters=counters,
    )
    return sign_widening_step(node, transaction, order)


def _make_order(
    node: Node, version: Version, action: StepAction, reason: str | None, *, confirm_by: datetime | None = None
) -> StepOrder:
    partner = version.terms.counterpart_of(node.agency)
    return StepOrder(action, version.agreement.id, version.digest, partner, reason=reason, confirm_by=confirm_by)


def _make_order_for_all(
    node: Node, snapshot: Snapshot, reference: str, action: StepAction, reason: str | None
) -> StepOrder:
    version = choose_newest(snapshot, reference, node.clock.now(), is_standing)
    return _make_order(node, version, action, reason)


def _find_next_place(node: Node, snapshot: Snapshot, amends: str) -> Place:
    now = node.clock.now()
    version = choose_version(snapshot, amends, now, is_standing)
    if not version.view.binding:
        raise NotFoundError(
            f"agreement {version.agreement.id} has no version that both parties confirmed",
            fix="answer the proposal with: agency agreement counter",
        )
    return Place(version.agreement.id, version.terms.version + 1, version.digest)


def _verify_partner(node: Node, snapshot: Snapshot, terms: Terms) -> None:
    """Verify that both anchors in the terms are the pinned ones, and that the log shows these very roots."""
    for party in terms.parties:
        timeline = node.directory.read_trusted_timeline(snapshot, party.agency)
        if compute_trust_anchor(party.agency, timeline.key_sets[0][1].key_set.roots) != party.anchor:
            raise AnchorMismatchError(
                f"the terms name another anchor for {party.agency} than the one that is pinned",
                fix="call the partner's duty desk; accept nothing",
            )


def _is_theirs(node: Node, view: AgreementView) -> bool:
    return view.state in _NEGOTIABLE and view.proposer != node.agency


def _was_theirs(node: Node, view: AgreementView) -> bool:
    return not view.binding and view.proposer not in (None, node.agency)


def _is_ours_accepted(node: Node, view: AgreementView) -> bool:
    return view.state is State.ACCEPTED and view.proposer == node.agency


def _is_ours_open(node: Node, view: AgreementView) -> bool:
    if view.state in _NEGOTIABLE:
        return view.proposer == node.agency
    return view.state in (State.ACCEPTED, State.LAPSED)
