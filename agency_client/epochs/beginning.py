"""Begin anew under a log that two officers accepted: what was on its way goes again, what is here stays.

One transaction: before it the old log counts, after it the new one. Heads, walk and findings of the old log stay for
evidence; nothing of them is compared with the new one. What this agency signed, and the new log turns out not to show,
is handed in again by the rounds (`agency_client.epochs.handing_in`), once they have read it.
"""

from datetime import timedelta

from agency_client.errors import ClientError
from agency_client.local_store.access_log import append_entry, load_newest_signed_head
from agency_client.local_store.dispatch import DispatchKind, queue_again
from agency_client.local_store.engine import Transaction
from agency_client.local_store.held_steps import forget_held_steps
from agency_client.local_store.leases import forget_leases
from agency_client.local_store.outbox import requeue_taken
from agency_client.local_store.receipts import list_own_receipts
from agency_client.local_store.settings import Setting, write_setting
from agency_client.local_store.statuses import request_status
from agency_client.local_store.streams import list_partners
from agency_client.local_store.trust import accept_exchange
from agency_client.node import Node
from agency_client.profiles.joining import AcceptedSheet
from agency_client.receiving.own_receipts import queue_receipt_again
from agency_client.sending.facts import load_shelf
from schemas.api import Evidence
from schemas.log.records import Action

RECEIPTS_COUNT_FOR = timedelta(days=7)
"""How long after its deadline a message's receipts are handed in again; its tombstone lives as long."""


def begin_new_log(
    node: Node, transaction: Transaction, accepted: AcceptedSheet, opening: Evidence, *, approved_by: tuple[str, ...]
) -> None:
    """Let a new log count from this transaction on; on record with the officers who approved it."""
    now, sheet, names = node.clock.now(), accepted.sheet, " and ".join(approved_by)
    accept_exchange(
        transaction,
        origin=sheet.origin,
        name=sheet.name,
        anchor=accepted.anchor,
        sheet=sheet.canonical(),
        by=names,
        at=now,
        opened_at=opening.leaf.record.time,
        opening=opening.canonical(),
    )
    write_setting(transaction, Setting.STEPS_PULLED, "-1")
    forget_held_steps(transaction)
    forget_leases(transaction)
    requeue_taken(transaction, at=now)
    _queue_receipts(node, transaction)
    _queue_head(node, transaction)
    for partner in sorted({*load_shelf(node, transaction).list_partners(), *list_partners(transaction)}):
        request_status(transaction, partner, reason="new-log", at=now)
    note = node.note_access(Action.KEYS, "exchange-accept", f"{sheet.origin} counts from now on, approved by {names}")
    append_entry(transaction, note)


def _queue_receipts(node: Node, transaction: Transaction) -> None:
    """Queue every receipt that may have been lost; who has it already drops it by its digest."""
    for receipt in list_own_receipts(transaction, since=node.clock.now() - RECEIPTS_COUNT_FOR):
        try:
            queue_receipt_again(node, transaction, receipt)
        except ClientError:
            continue  # Its partner has no usable key now; when the message comes once more, so does its receipt.


def _queue_head(node: Node, transaction: Transaction) -> None:
    head = load_newest_signed_head(transaction)
    if head is not None:
        kind = DispatchKind.ACCESS_LOG_HEAD
        queue_again(transaction, digest=head.digest, kind=kind, body=head.document, at=node.clock.now())
