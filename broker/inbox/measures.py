"""The SQL that only measures inboxes: what waits, how much of it, and since when. Nothing is changed, nothing read."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, func, or_, select

from broker.inbox.allowance import Load
from broker.inbox.rules import ItemState
from broker.inbox.tables import inbox_binding, inbox_item

MAX_COUNTED = 1000
"""How many waiting items are looked at to describe an inbox; whoever has more to collect need not know how many."""

_item = inbox_item.c
_IS_OPEN_OF = (_item.is_open, _item.recipient == bindparam("recipient"))
_IS_WAITING = _item.state == ItemState.WAITING.value
_IS_FREE = or_(_item.leased_until.is_(None), _item.leased_until <= bindparam("now"))

_READY = (
    select(_item.haste, func.coalesce(_item.state_at, _item.number).label("placed_at"), _item.leased_until)
    .where(*_IS_OPEN_OF, _IS_WAITING, _IS_FREE)
    .order_by(_item.haste, _item.number)
    .limit(MAX_COUNTED)
    .subquery()
)
_MEASURE_READY = select(
    func.count(), func.max(_READY.c.placed_at), func.min(_READY.c.haste), func.max(_READY.c.leased_until)
)
_MEASURE_LOAD = select(func.count(), func.coalesce(func.sum(_item.size), 0)).where(*_IS_OPEN_OF)
_SELECT_NODE = select(inbox_binding.c.node).where(inbox_binding.c.agency == bindparam("agency"))


@dataclass(frozen=True, slots=True)
class Ready:
    """What can be leased from an inbox now.

    `newest` is the leaf that put the newest of it there, or released it. `came_back_at` is when the last of the leases
    lapsed under which some of it was.
    """

    count: int
    newest: int
    haste: int
    came_back_at: datetime | None


def measure_ready(connection: Connection, recipient: str, now: datetime) -> Ready | None:
    """Return what of an inbox can be leased now, looking at `MAX_COUNTED` items; nothing if there is none."""
    row = connection.execute(_MEASURE_READY, {"recipient": recipient, "now": now}).one()
    return Ready(*row) if row[0] else None


def measure_load(connection: Connection, recipient: str) -> Load:
    """Return what an inbox holds."""
    return Load(*connection.execute(_MEASURE_LOAD, {"recipient": recipient}).one())


def find_collector(connection: Connection, agency: str) -> str | None:
    """Return the node that collects an agency's inbox, if any has yet."""
    found: str | None = connection.execute(_SELECT_NODE, {"agency": agency}).scalar_one_or_none()
    return found
