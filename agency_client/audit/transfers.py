"""The transfers of personal data that went out, by their grounds, as a supervisor may ask for them (article 38(3)).

Each was recorded when its message was sealed (`agency_client.duties.recording`). Asking is on record like any reading
of the log.
"""

from agency_client.audit.asking import AuditOrder, note_asking
from agency_client.local_store.duties import TransferRecord, list_transfers
from agency_client.node import Node
from schemas.alerts.base import TransferGround


def ask_transfers(node: Node, order: AuditOrder, *, only_derogations: bool = True) -> list[TransferRecord]:
    """Return the recorded transfers, oldest first; those by derogation unless all are wanted."""
    note_asking(node, order)
    ground = TransferGround.DEROGATION.value if only_derogations else None
    with node.store.read() as snapshot:
        return list_transfers(
            snapshot, ground=ground, since=order.filters.get("since"), until=order.filters.get("until")
        )
