"""A leaf as it is stored, and as a range of the log shows it: private ones by their commitment alone."""

from typing import Any

from broker.storage.transaction import PendingLeaf
from schemas.api import RangeLeaf
from schemas.codec import b64u_encode
from schemas.log.leaf import LeafClass, commit_canonical, hash_commitment
from schemas.log.records import Record


def make_leaf_row(pending: PendingLeaf, data: bytes) -> dict[str, Any]:
    """Return the columns of a leaf over `data`, its record's canonical JSON; some repeat it for those who search."""
    record = pending.record
    commitment = commit_canonical(data, pending.salt)
    leaf_class: LeafClass = "public" if record.is_public else "private"
    return {
        "leaf_index": pending.index,
        "leaf_class": leaf_class,
        "commitment": commitment,
        "leaf_hash": hash_commitment(leaf_class, commitment),
        "record": data,
        "salt": pending.salt,
        **list_columns(record),
    }


def list_columns(record: Record) -> dict[str, Any]:
    """Return what the columns beside a record repeat of it, for those who search."""
    return {
        "record_type": record.type.value,
        "time": record.time,
        "agency": record.agency,
        "partner": record.partner,
        "actor": record.actor.agency if record.actor else None,
        "node": record.actor.node if record.actor else None,
        "message": record.message.id if record.message else None,
        "agreement": record.agreement,
        "problem": record.problem,
    }


def show_leaf(row: Any) -> RangeLeaf:
    """Return a stored leaf, with its record where that is public."""
    is_shown = row.leaf_class == "public"
    return RangeLeaf(
        leaf_class=row.leaf_class,
        commitment=b64u_encode(row.commitment),
        record=Record.model_validate_json(row.record) if is_shown else None,
        salt=b64u_encode(row.salt) if is_shown else None,
    )
