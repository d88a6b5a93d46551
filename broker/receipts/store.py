"""The SQL of receipts."""

from datetime import datetime

from sqlalchemy import Connection, bindparam, insert, select

from broker.receipts.tables import receipt

_INSERT = insert(receipt)
_SELECT = select(receipt.c.leaf_index).where(
    receipt.c.from_agency == bindparam("from_agency"), receipt.c.digest == bindparam("digest")
)


def insert_receipt(
    connection: Connection, from_agency: str, digest: str, leaf_index: int, evidence_until: datetime
) -> None:
    """Remember that a receipt was accepted at a leaf, until its evidence ends."""
    row = {"from_agency": from_agency, "digest": digest, "leaf_index": leaf_index, "evidence_until": evidence_until}
    connection.execute(_INSERT, row)


def select_receipt(connection: Connection, from_agency: str, digest: str) -> int | None:
    """Return the leaf under which this very receipt was accepted before."""
    found: int | None = connection.execute(_SELECT, {"from_agency": from_agency, "digest": digest}).scalar_one_or_none()
    return found
