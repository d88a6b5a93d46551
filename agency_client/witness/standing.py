"""What of the log is witnessed here and now, and the refusal of what must wait for it.

What this node makes itself and what changes trust waits for the quorum: an answer to a partner's step, the end of its
own old keys, evidence that it writes for others. Reading and sending never wait, nor does anything that narrows.
"""

from agency_client.errors import DeniedError
from agency_client.local_store.checkpoints import load_newest_checkpoint
from agency_client.local_store.cosignatures import list_partner_heads
from agency_client.local_store.engine import Snapshot
from agency_client.local_store.trust import list_pins
from agency_client.node import Node
from agency_client.witness.quorum import Quorum, Witness, describe_witness, judge_quorum


class NotYetWitnessedError(DeniedError):
    """The quorum has not seen the part of the log that this stands on; `missing` are the partners who have not."""

    default_code = "not-yet-witnessed"
    missing: tuple[str, ...] = ()


def read_quorum(node: Node, snapshot: Snapshot) -> Quorum:
    """Return what this node and each pinned partner have seen of the log, inside a transaction that is open already."""
    origin = node.sheet.origin
    newest = load_newest_checkpoint(snapshot, origin)
    pinned = {pin.agency for pin in list_pins(snapshot) if pin.retired_at is None} - {node.agency}
    seen = [Witness(head.agency, head.size, head.cosigned_at) for head in list_partner_heads(snapshot, origin)]
    return judge_quorum(0 if newest is None else newest.size, pinned, seen)


def load_quorum(node: Node) -> Quorum:
    """Return the same as `read_quorum`."""
    with node.store.read() as snapshot:
        return read_quorum(node, snapshot)


def is_leaf_witnessed(node: Node, quorum: Quorum, origin: str, index: int) -> bool:
    """Return whether the quorum has seen a leaf; an earlier epoch's was settled when this epoch was accepted."""
    return origin != node.sheet.origin or quorum.is_witnessed(index)


def demand_witnessed(node: Node, snapshot: Snapshot, size: int, what: str) -> None:
    """Refuse what stands on more leaves than the quorum has seen. `what` is named in the refusal.

    Raises:
        NotYetWitnessedError: who is missing, and what each saw last.
    """
    quorum = read_quorum(node, snapshot)
    if quorum.witnessed_size >= size:
        return
    missing = quorum.list_missing(size)
    words = "; ".join(describe_witness(witness) for witness in missing) or f"this node has seen {quorum.own_size:,}"
    names = " or ".join(witness.agency for witness in missing)
    error = NotYetWitnessedError(
        f"{what} stands among {size:,} leaves that the witnesses have not all seen: {words}",
        fix=f"run: agency sync{f'; or ask {names} to' if names else ''}",
    )
    error.missing = tuple(witness.agency for witness in missing)
    raise error
