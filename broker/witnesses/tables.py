"""The stored shape of cosignatures: the newest of each agency."""

from sqlalchemy import LargeBinary
from sqlmodel import Field, SQLModel

from broker.storage.columns import BigId, Text, table_of


class NewestCosignature(SQLModel, table=True):
    """The newest checkpoint an agency cosigned, as a note: the log's two lines and the agency's one.

    `timestamp` is when the agency signed, in POSIX seconds.
    """

    __tablename__ = "cosignature"

    agency: str = Field(primary_key=True, sa_type=Text)
    size: int = Field(sa_type=BigId)
    timestamp: int = Field(sa_type=BigId)
    note: bytes = Field(sa_type=LargeBinary)


cosignature = table_of(NewestCosignature)
