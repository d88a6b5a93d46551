"""The stored shape of the log: its leaves, whom each concerns, and the one row that is its head."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, LargeBinary
from sqlmodel import Field, SQLModel

from broker.storage.columns import BigId, Text, UtcInstant, rows_where, table_of

ERASED_TYPE = "erased"
"""What the column `record_type` reads once the record has been erased."""


class LogLeaf(SQLModel, table=True):
    """One leaf. Record and salt go when the record is erased; class, commitment, hash and time stay for ever.

    The columns after `salt` repeat members of the record, so that audit queries are index look-ups; but for the time
    they go with it.
    """

    __tablename__ = "log_leaf"
    __table_args__ = (
        Index("ix_log_leaf_message", "message", "leaf_index", **rows_where("message IS NOT NULL")),
        Index("ix_log_leaf_agreement", "agreement", "leaf_index", **rows_where("agreement IS NOT NULL")),
        Index("ix_log_leaf_record_type", "record_type", "leaf_index"),
    )

    leaf_index: int = Field(primary_key=True, sa_type=BigId, sa_column_kwargs={"autoincrement": False})
    leaf_class: str = Field(sa_type=Text)
    commitment: bytes = Field(sa_type=LargeBinary)
    leaf_hash: bytes = Field(sa_type=LargeBinary)
    record: bytes | None = Field(sa_type=LargeBinary)
    salt: bytes | None = Field(sa_type=LargeBinary)
    record_type: str = Field(sa_type=Text)
    time: datetime = Field(sa_type=UtcInstant)
    agency: str | None = Field(sa_type=Text)
    partner: str | None = Field(sa_type=Text)
    actor: str | None = Field(sa_type=Text)
    node: str | None = Field(sa_type=Text)
    message: str | None = Field(sa_type=Text)
    agreement: str | None = Field(sa_type=Text)
    problem: str | None = Field(sa_type=Text)


class LogConcern(SQLModel, table=True):
    """An agency whose auditors may read a leaf's record."""

    __tablename__ = "log_concern"
    __table_args__ = {"sqlite_with_rowid": False}

    agency: str = Field(primary_key=True, sa_type=Text)
    leaf_index: int = Field(
        primary_key=True, sa_type=BigId, foreign_key="log_leaf.leaf_index", sa_column_kwargs={"autoincrement": False}
    )


class LogHead(SQLModel, table=True):
    """The head: always exactly one row, taken with a lock by every batch, so that no two writers can fork the log.

    `checkpoint` is the newest note that was signed before the row was last written; it may be for fewer leaves. `stop`
    is why the log may not grow, for every broker that reads the head; there is none while it may.
    """

    __tablename__ = "log_head"
    __table_args__ = (CheckConstraint("id = 1", name="one_head"),)

    id: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    origin: str = Field(sa_type=Text)
    size: int = Field(sa_type=BigId)
    root: bytes = Field(sa_type=LargeBinary)
    last_time: datetime = Field(sa_type=UtcInstant)
    checkpoint: bytes | None = Field(sa_type=LargeBinary)
    stop: bytes | None = Field(sa_type=LargeBinary)


log_leaf = table_of(LogLeaf)
log_concern = table_of(LogConcern)
log_head = table_of(LogHead)
