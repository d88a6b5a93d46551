"""Seal a message anew that was refused for what has changed: same content, new id, `replaces` names the old.

Keys may have changed. Where what it must be sealed with is not there yet, it waits: nothing of it has arrived. Or a
number was used before, by a copy of this node or by one it was restored from: then the message opens a stream of its
own, since nobody here knows which numbers are left in that one.
"""

from dataclasses import replace

from agency_client.attachments.folder import find_outgoing
from agency_client.attachments.sealing import PlainFile, plan_resealing, sealing_files
from agency_client.errors import DeniedError
from agency_client.local_store.aftercare import rename_relay
from agency_client.local_store.compartment import is_in_compartment
from agency_client.local_store.content import keep_no_longer, read_content
from agency_client.local_store.engine import Transaction
from agency_client.local_store.onward import rename_copy
from agency_client.local_store.outbox import record_refused
from agency_client.local_store.problems import Problem
from agency_client.local_store.sent import SentMessage, load_message
from agency_client.local_store.sent_drafts import rename_sent_draft
from agency_client.local_store.streams import close_stream
from agency_client.node import KeySetUnusableError, Node
from agency_client.receiving.sealed import read_sealed
from agency_client.sending.judging import judge_for_partner
from agency_client.sending.seal import SealedLeg, SealingOrder, seal_one
from agency_client.sending.summary import read_summary
from agency_client.witness.walker import walk_log
from keys.generation import generate_id
from schemas.alerts import parse_alert
from schemas.envelope import PADDING_BUCKETS, Header, Message, Reference
from schemas.log.records import Action
from schemas.signed import KeyUse, SignedDocument

NUMBER_USED, OWN_KEY_REVOKED = "number-conflict", "key-revoked"
RENEWABLE = frozenset({"key-set-not-current", "encryption-key-not-current", OWN_KEY_REVOKED, NUMBER_USED})
"""Refusals that newer keys answer, or another stream; everything else needs a person."""


class RenewalWaitsError(DeniedError):
    """The message must be sealed anew, and cannot be yet: a key, or a word of its recipient, has still to come."""

    default_code = "renewal-waits"


def renew_refused(node: Node, message_id: str, problem: Problem) -> SealedLeg | None:
    """Record a refusal and queue the same content under the keys of now, in one transaction; None: nothing newer helps.

    Raises:
        RenewalWaitsError: not now; the refusal is not recorded.
        ClientError: the log could not be walked, or the content is gone; the refusal is not recorded then.
    """
    walk_log(node)
    with node.store.read() as snapshot:
        message = load_message(snapshot, message_id)
        is_confidential = is_in_compartment(snapshot, message.digest)
    compartment = node.compartment if is_confidential else None
    if is_confidential and compartment is None:
        raise RenewalWaitsError("confidential: it is sealed anew once a safeguarding officer unlocks the compartment")
    note = node.note_access(Action.CONSULTATION, "renew", f"refused: {problem.code}", message=message_id)
    key = None if compartment is None else compartment.content_key
    data = read_content(node.store, message.digest, note, compartment_key=key)
    before = Message.from_canonical(data, max_bytes=PADDING_BUCKETS[-1])
    order = replace(_repeat_order(node, message, before, problem), compartment=compartment)
    partner = before.header.recipients[0].agency
    with sealing_files(node.profile, [partner], order.files) as sealed, node.store.write() as transaction:
        record_refused(transaction, message_id, problem, at=node.clock.now())
        try:
            return _seal_again(node, transaction, message, before, replace(order, sealed_files=sealed), problem)
        except KeySetUnusableError as error:
            raise RenewalWaitsError(error.sentence, fix=error.fix) from error


def _seal_again(
    node: Node,
    transaction: Transaction,
    message: SentMessage,
    before: Message,
    order: SealingOrder,
    problem: Problem,
) -> SealedLeg | None:
    partner = before.header.recipients[0].agency
    (recipient,) = judge_for_partner(node, transaction, order, partner).recipients
    key = recipient.encryption_key
    if not (recipient.is_allowed or order.unchecked) or key is None:
        if problem.code == NUMBER_USED:
            return None
        raise RenewalWaitsError(recipient.explain())
    if problem.code == NUMBER_USED:
        if before.header.recipients[0].n == 1:
            return None  # A new stream was of no use: whoever says so again is not to be followed for ever.
        close_stream(transaction, before.header.recipients[0].stream, at=node.clock.now())
    elif not _has_newer_keys(node, transaction, before.header, key.kid):
        if problem.code == OWN_KEY_REVOKED:
            raise RenewalWaitsError("this agency's message key was revoked, and the log has no other yet")
        return None
    replaced = Reference(id=message.message_id, digest=message.digest)
    leg = seal_one(node, transaction, order, recipient, replaces=replaced)
    keep_no_longer(transaction, leg.digest, than=replaced.digest)
    rename_copy(transaction, replaced, Reference(id=leg.message_id, digest=leg.digest))
    rename_relay(transaction, replaced.id, leg.message_id)
    rename_sent_draft(transaction, replaced.id, leg.message_id)
    return leg


def _repeat_order(node: Node, message: SentMessage, before: Message, problem: Problem) -> SealingOrder:
    summary = read_summary(message.summary)
    return SealingOrder(
        alert=parse_alert(before.alert),
        purpose=before.purpose,
        necessity=before.necessity,
        marking=before.header.routing.marking,
        urgency=before.header.routing.urgency,
        issued_at=node.clock.now(),
        expires_at=message.expires_at,
        reason=f"sealed again, since it was refused: {problem.code}",
        case=None,
        batch=summary.batch or generate_id(),
        verb="renew",
        unchecked=summary.unchecked,
        old_status_override=summary.override or None,
        is_renewal=True,
        provenance=before.provenance,
        follows=before.header.refers_to if before.provenance is not None else None,
        files=_plan_files(node, message, before),
    )


def _plan_files(node: Node, message: SentMessage, before: Message) -> tuple[PlainFile, ...]:
    """Return the attachments of the refused envelope, to be sealed for the one in its place."""
    sealed = read_sealed(SignedDocument.from_canonical(message.evidence)).payload.attachments
    return tuple(
        plan_resealing(find_outgoing(node.profile, message.message_id, outer.id), message.message_id, outer, inner)
        for outer, inner in zip(sealed, before.attachments, strict=True)
    )


def _has_newer_keys(node: Node, transaction: Transaction, header: Header, kid: str) -> bool:
    kids = node.read_signer(transaction, KeyUse.MESSAGE).kids
    keyset = node.read_own_key_set(transaction).key_set.seq
    return (header.sender.kids, header.sender.keyset, header.recipients[0].kid) != (kids, keyset, kid)
