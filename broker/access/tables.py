"""The stored shape of access: assertions that were used, and how many tokens each member was given."""

from datetime import datetime

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from broker.storage.columns import Text, UtcInstant, table_of


class UsedAssertion(SQLModel, table=True):
    """One assertion that was turned into a token, kept until neither can work any more.

    The token has the assertion's `jti`, so `kid` says which request key stands behind it.
    """

    __tablename__ = "used_assertion"
    __table_args__ = (Index("ix_used_assertion_expires_at", "expires_at"),)

    jti: str = Field(primary_key=True, sa_type=Text)
    agency: str = Field(sa_type=Text)
    kid: str = Field(sa_type=Text)
    expires_at: datetime = Field(sa_type=UtcInstant)


class TokenCount(SQLModel, table=True):
    """How many tokens a member was given in one hour that is not in the log yet."""

    __tablename__ = "token_count"

    agency: str = Field(primary_key=True, sa_type=Text)
    hour: datetime = Field(primary_key=True, sa_type=UtcInstant)
    tokens: int


used_assertion = table_of(UsedAssertion)
token_count = table_of(TokenCount)
