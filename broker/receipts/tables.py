"""The stored shape of receipts: only that one was accepted; what travels is content of the inbox it goes to."""

from datetime import datetime

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from broker.storage.columns import BigId, Text, UtcInstant, table_of


class AcceptedReceipt(SQLModel, table=True):
    """One accepted receipt by its digest, with the leaf of its acceptance: handing it in again changes nothing.

    It goes, and its record with it, at `evidence_until`.
    """

    __tablename__ = "receipt"
    __table_args__ = (Index("ix_receipt_end", "evidence_until"), {"sqlite_with_rowid": False})

    from_agency: str = Field(primary_key=True, sa_type=Text)
    digest: str = Field(primary_key=True, sa_type=Text)
    leaf_index: int = Field(sa_type=BigId)
    evidence_until: datetime = Field(sa_type=UtcInstant)


receipt = table_of(AcceptedReceipt)
