"""The stored shape of statuses and access-log heads: the newest of each, which the next must continue."""

from datetime import datetime

from sqlalchemy import LargeBinary
from sqlmodel import Field, SQLModel

from broker.storage.columns import BigId, Text, UtcInstant, table_of


class NewestStatus(SQLModel, table=True):
    """The newest status `agency` signed for `partner`, as a canonical signed document."""

    __tablename__ = "status"

    partner: str = Field(primary_key=True, sa_type=Text)
    agency: str = Field(primary_key=True, sa_type=Text)
    seq: int = Field(sa_type=BigId)
    digest: str = Field(sa_type=Text)
    time: datetime = Field(sa_type=UtcInstant)
    leaf_index: int = Field(sa_type=BigId)
    document: bytes = Field(sa_type=LargeBinary)


class NewestAccessLogHead(SQLModel, table=True):
    """The newest head of a node's own access log; `digest` names the signed document."""

    __tablename__ = "access_log_head"

    agency: str = Field(primary_key=True, sa_type=Text)
    node: str = Field(primary_key=True, sa_type=Text)
    count: int = Field(sa_type=BigId)
    head: str = Field(sa_type=Text)
    digest: str = Field(sa_type=Text)
    leaf_index: int = Field(sa_type=BigId)


status = table_of(NewestStatus)
access_log_head = table_of(NewestAccessLogHead)
