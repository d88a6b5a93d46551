"""Which inboxes hold something that can be collected: asked when it may have come without anybody being told."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, and_, bindparam, or_, select

from broker.inbox.rules import ItemState
from broker.inbox.tables import inbox_item
from broker.storage.prepared import Prepared

_item = inbox_item.c
_FIND_READY = Prepared(
    select(_item.number)
    .where(
        _item.recipient == bindparam("recipient"),
        and_(_item.is_open, _item.state == ItemState.WAITING.value),
        or_(_item.leased_until.is_(None), _item.leased_until <= bindparam("now")),
    )
    .limit(1)
)


def select_ready_inboxes(connection: Connection, agencies: Iterable[str], now: datetime) -> list[str]:
    """Return those of the agencies for which something waits that nobody has leased."""
    return [agency for agency in agencies if _FIND_READY.fetch(connection, {"recipient": agency, "now": now})]
