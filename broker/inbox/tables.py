"""The stored shape of what waits for members. Every table is keyed by its recipient, so that it can be split by it.

An item's number is the index of the log leaf that put it there: given out under the log's lock, it never skips.
"""

from datetime import datetime

from sqlalchemy import Index, LargeBinary, UniqueConstraint
from sqlmodel import Field, SQLModel

from broker.storage.columns import BY_RECIPIENT, BigId, Text, UtcInstant, expect_rows, rows_where, table_of

# SQLite uses a partial index only for a query that says the same words.
_IS_OPEN = rows_where("is_open = 1", "is_open")
_REFERS = rows_where("refers_to IS NOT NULL")
_IS_OPEN_WITHDRAWAL = rows_where("is_open = 1 AND withdraws IS NOT NULL", "is_open AND withdraws IS NOT NULL")
_EXPECTED_MESSAGES = {
    "sqlite_autoindex_message_1": "1000000 5000 1",  # the primary key
    "sqlite_autoindex_message_2": "1000000 5000 1 1",
    "sqlite_autoindex_message_3": "1000000 5000 100 100 1",
    "ix_message_end": "1000000 10",
    "ix_message_refers_to": "10000 50 2 1",
}
# Few items are open, and what is asked at each lease must not read all that a recipient ever had.
_EXPECTED_ITEMS = {
    "inbox_item": "1000000 5000 1",
    "ix_inbox_item_open": "4000 40 20 10 1",
    "ix_inbox_item_deadline": "4000 1",
    "ix_inbox_item_agreement": "4000 40 20 1",
    "ix_inbox_item_withdraws": "100 10 1",
}


class AcceptedMessage(SQLModel, table=True):
    """One accepted message for one recipient. It stays as the tombstone that makes a second acceptance impossible.

    `document` is the canonical signed document: the envelope without its ciphertext. `attachment_bytes` are those of
    its attachments' ciphertexts together, `refers_to` the digest that its header refers to. All of it goes at
    `evidence_until`.
    """

    __tablename__ = "message"
    __table_args__ = (
        UniqueConstraint("sender", "id", "recipient", name="uq_message_id"),
        UniqueConstraint("sender", "recipient", "stream", "n", name="uq_message_stream"),
        Index("ix_message_end", "evidence_until"),
        Index("ix_message_refers_to", "sender", "refers_to", "kind", **_REFERS),
        {**expect_rows(_EXPECTED_MESSAGES), **BY_RECIPIENT},
    )

    recipient: str = Field(primary_key=True, sa_type=Text)
    number: int = Field(primary_key=True, sa_type=BigId, sa_column_kwargs={"autoincrement": False})
    sender: str = Field(sa_type=Text)
    id: str = Field(sa_type=Text)
    digest: str = Field(sa_type=Text)
    stream: str = Field(sa_type=Text)
    n: int = Field(sa_type=BigId)
    agreement: str = Field(sa_type=Text)
    kind: str = Field(sa_type=Text)
    marking: str = Field(sa_type=Text)
    size: int
    attachments: int
    attachment_bytes: int = Field(sa_type=BigId)
    passage: str = Field(sa_type=Text)
    refers_to: str | None = Field(sa_type=Text)
    document: bytes = Field(sa_type=LargeBinary)
    evidence_until: datetime = Field(sa_type=UtcInstant)


class InboxContent(SQLModel, table=True):
    """What is handed over with an item: a message's ciphertext, or a sealed receipt; gone once that is settled."""

    __tablename__ = "inbox_content"
    __table_args__ = BY_RECIPIENT

    recipient: str = Field(primary_key=True, sa_type=Text)
    number: int = Field(primary_key=True, sa_type=BigId, sa_column_kwargs={"autoincrement": False})
    content: bytes = Field(sa_type=LargeBinary)


class InboxItem(SQLModel, table=True):
    """One thing for one member: a message, a receipt, or what became of a message it sent.

    `haste` is 0 for what is most urgent. `leased_until` counts while the item is open. `handed_over_at` is the leaf of
    the newest hand-over, `state_at` the leaf that made the state, `withdraws` the number of a message in the same inbox
    that this message withdraws and that its recipient may hold already.
    """

    __tablename__ = "inbox_item"
    __table_args__ = (
        Index("ix_inbox_item_open", "recipient", "state", "haste", "number", **_IS_OPEN),
        Index("ix_inbox_item_deadline", "expires_at", **_IS_OPEN),
        Index("ix_inbox_item_agreement", "agreement", "state", "number", **_IS_OPEN),
        Index("ix_inbox_item_withdraws", "recipient", "withdraws", **_IS_OPEN_WITHDRAWAL),
        {"sqlite_with_rowid": False, **expect_rows(_EXPECTED_ITEMS), **BY_RECIPIENT},
    )

    recipient: str = Field(primary_key=True, sa_type=Text)
    number: int = Field(primary_key=True, sa_type=BigId, sa_column_kwargs={"autoincrement": False})
    type: str = Field(sa_type=Text)
    state: str = Field(sa_type=Text)
    is_open: bool
    haste: int
    size: int
    agreement: str | None = Field(sa_type=Text)
    expires_at: datetime | None = Field(sa_type=UtcInstant)
    lease: str | None = Field(sa_type=Text)
    leased_until: datetime | None = Field(sa_type=UtcInstant)
    handed_over_at: int | None = Field(sa_type=BigId)
    state_at: int | None = Field(sa_type=BigId)
    withdraws: int | None = Field(sa_type=BigId)


class InboxBinding(SQLModel, table=True):
    """The one node that collects an agency's inbox, and the name of the newest lease that it was given."""

    __tablename__ = "inbox_binding"

    agency: str = Field(primary_key=True, sa_type=Text)
    node: str = Field(sa_type=Text)
    bound_at: datetime = Field(sa_type=UtcInstant)
    last_lease: str | None = Field(sa_type=Text)


message = table_of(AcceptedMessage)
inbox_content = table_of(InboxContent)
inbox_item = table_of(InboxItem)
inbox_binding = table_of(InboxBinding)
