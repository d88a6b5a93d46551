"""The stored shape of attachments: what was announced and how it ends, and its bytes where they are rows.

An attachment belongs to one message of one sender from the start: nobody else can name it, and no other message.
"""

from datetime import datetime

from sqlalchemy import Index, LargeBinary
from sqlmodel import Field, SQLModel

from broker.storage.columns import BigId, Text, UtcInstant, rows_where, table_of


class Attachment(SQLModel, table=True):
    """One attachment. `sha256` and `size` are of its ciphertext, as announced.

    `completed_at` says since when the stored bytes are known to be those; `ends_at` stands once the message that names
    it was accepted: until then nobody reads it, from then on it is kept until that moment.
    """

    __tablename__ = "attachment"
    __table_args__ = (
        Index("ix_attachment_usage", "sender", "ends_at", "size"),
        Index("ix_attachment_unreferenced", "announced_at", **rows_where("ends_at IS NULL")),
        Index("ix_attachment_end", "ends_at", **rows_where("ends_at IS NOT NULL")),
    )

    sender: str = Field(primary_key=True, sa_type=Text)
    message: str = Field(primary_key=True, sa_type=Text)
    id: str = Field(primary_key=True, sa_type=Text)
    sha256: str = Field(sa_type=Text)
    size: int = Field(sa_type=BigId)
    announced_at: datetime = Field(sa_type=UtcInstant)
    completed_at: datetime | None = Field(sa_type=UtcInstant)
    ends_at: datetime | None = Field(sa_type=UtcInstant)


class AttachmentPiece(SQLModel, table=True):
    """Stored bytes of an upload from `start` on. Rows of an upload follow each other without gap or overlap."""

    __tablename__ = "attachment_piece"

    sender: str = Field(primary_key=True, sa_type=Text)
    message: str = Field(primary_key=True, sa_type=Text)
    id: str = Field(primary_key=True, sa_type=Text)
    start: int = Field(primary_key=True, sa_type=BigId, sa_column_kwargs={"autoincrement": False})
    size: int
    content: bytes = Field(sa_type=LargeBinary)


attachment = table_of(Attachment)
attachment_piece = table_of(AttachmentPiece)
