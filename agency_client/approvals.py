"""Approvals that wait for a second person: shown, and refused by anybody who may not let them pass; all on record.

Giving one, and what takes effect with the second, belongs to what is approved (`agency_client.epochs.accepting`).
"""

from agency_client.errors import NotFoundError
from agency_client.local_store.access_log import append_entry
from agency_client.local_store.approvals import Approval, ApprovalEnd, end_approvals, list_approvals
from agency_client.node import Node
from schemas.log.records import Action


def list_waiting(node: Node) -> list[Approval]:
    """Return every approval that waits for another person's, oldest first."""
    with node.store.read() as snapshot:
        return list_approvals(snapshot, now=node.clock.now())


def refuse_approval(node: Node, approval_id: int, reason: str) -> Approval:
    """End what waits under a number, whoever approved it: one's own is so taken back. Both officers begin anew then.

    Raises:
        NotFoundError: nothing waits under that number.
        UsageError: the reason is empty.
    """
    now = node.clock.now()
    with node.store.write() as transaction:
        found = next((item for item in list_approvals(transaction, now=now) if item.id == approval_id), None)
        if found is None:
            raise NotFoundError(f"no approval {approval_id} waits", fix="see: agency approvals")
        end_approvals(transaction, found.kind, found.subject, ApprovalEnd.REFUSED, by=node.officer, at=now)
        append_entry(transaction, node.note_access(Action.KEYS, "approval-refuse", reason))
    return found
