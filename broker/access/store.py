"""The SQL of access."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from broker.access.tables import token_count, used_assertion

_INSERT_ASSERTION = insert(used_assertion)
_SELECT_KEY = select(used_assertion.c.kid).where(
    used_assertion.c.jti == bindparam("jti"), used_assertion.c.agency == bindparam("agency")
)
_SELECT_JTI = select(used_assertion.c.jti).where(used_assertion.c.jti == bindparam("jti"))
_DELETE_EXPIRED = delete(used_assertion).where(used_assertion.c.expires_at <= bindparam("now"))
_COUNT_ONE = (
    update(token_count)
    .where(token_count.c.agency == bindparam("of_agency"), token_count.c.hour == bindparam("in_hour"))
    .values(tokens=token_count.c.tokens + 1)
)
_SELECT_COUNTS = (
    select(token_count.c.agency, token_count.c.hour, token_count.c.tokens)
    .where(token_count.c.hour < bindparam("before"))
    .order_by(token_count.c.hour, token_count.c.agency)
)
_DELETE_COUNTS = delete(token_count).where(token_count.c.hour < bindparam("before"))


class CountedTokens(NamedTuple):
    """The tokens of one member in one hour."""

    agency: str
    hour: datetime
    tokens: int


def is_used(connection: Connection, jti: str) -> bool:
    """Return whether an assertion of this `jti` was used before."""
    return connection.execute(_SELECT_JTI, {"jti": jti}).first() is not None


def insert_assertion(connection: Connection, jti: str, agency: str, kid: str, expires_at: datetime) -> None:
    """Remember an assertion until `expires_at`."""
    values = {"jti": jti, "agency": agency, "kid": kid, "expires_at": expires_at}
    connection.execute(_INSERT_ASSERTION, values)


def select_key(connection: Connection, jti: str, agency: str) -> str | None:
    """Return the thumbprint of the request key behind a token, while it is remembered."""
    kid: str | None = connection.execute(_SELECT_KEY, {"jti": jti, "agency": agency}).scalar_one_or_none()
    return kid


def delete_expired(connection: Connection, now: datetime) -> None:
    """Forget assertions that nobody could use again."""
    connection.execute(_DELETE_EXPIRED, {"now": now})


def count_token(connection: Connection, agency: str, hour: datetime) -> None:
    """Count one token of a member in an hour."""
    counted = connection.execute(_COUNT_ONE, {"of_agency": agency, "in_hour": hour})
    if counted.rowcount == 0:
        connection.execute(insert(token_count).values(agency=agency, hour=hour, tokens=1))


def take_counts(connection: Connection, before: datetime) -> list[CountedTokens]:
    """Return the counts of all hours before a moment, and forget them."""
    counts = [CountedTokens(*row) for row in connection.execute(_SELECT_COUNTS, {"before": before})]
    connection.execute(_DELETE_COUNTS, {"before": before})
    return counts
