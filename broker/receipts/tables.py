"""The stored shape of receipts: only that one was accepted; what travels is content of the inbox it goes to."""

from sqlmodel import Field, SQLModel

from broker.storage.columns import BigId, table_of


class AcceptedReceipt(SQLModel, table=True):
    """One accepted receipt by its digest, with the leaf of its acceptance: handing it in again changes nothing."""

    __tablename__ = "receipt"
    __table_args__ = {"sqlite_with_rowid": False}

    from_agency: str = Field(primary_key=True)
    digest: str = Field(primary_key=True)
    leaf_index: int = Field(sa_type=BigId)


receipt = table_of(AcceptedReceipt)
