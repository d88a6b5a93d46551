"""The stored shape of the quotas: how much passed under each agreement, direction and day."""

from sqlmodel import Field, SQLModel

from broker.storage.columns import BY_RECIPIENT, Text, table_of


class QuotaDay(SQLModel, table=True):
    """How many messages one agency sent another under one version of an agreement on one day of UTC."""

    __tablename__ = "quota_day"
    __table_args__ = {"sqlite_with_rowid": False, **BY_RECIPIENT}

    recipient: str = Field(primary_key=True, sa_type=Text)
    sender: str = Field(primary_key=True, sa_type=Text)
    agreement: str = Field(primary_key=True, sa_type=Text)
    day: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    accepted: int


quota_day = table_of(QuotaDay)
