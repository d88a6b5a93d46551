"""The inbox's SQL. Statements are built once; everything that writes runs inside the writer's transaction."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Connection, and_, bindparam, delete, func, insert, or_, select, update

from broker.inbox.rules import ItemState, ItemType, Passage
from broker.inbox.tables import inbox_binding, inbox_content, inbox_item, message
from broker.storage.prepared import Prepared
from schemas.envelope import Reference
from schemas.markings import Tlp

_item = inbox_item.c
_message = message.c
_content = inbox_content.c

_INSERT_MESSAGE = Prepared(insert(message))
_INSERT_CONTENT = Prepared(insert(inbox_content))
_INSERT_ITEM = Prepared(insert(inbox_item))

_IS_FREE = or_(_item.leased_until.is_(None), _item.leased_until <= bindparam("now"))
_IS_WAITING = and_(_item.is_open, _item.state == ItemState.WAITING.value)
_TO_MESSAGE = and_(_message.recipient == _item.recipient, _message.number == _item.number)
_STORED_MESSAGE = (
    _item.state, _message.passage, _message.marking, _item.recipient, _item.number, _message.sender, _message.id,
    _message.digest, _item.agreement, _message.kind, _item.size, _item.expires_at, _item.handed_over_at,
    _message.attachments, _message.attachment_bytes,
)  # fmt: skip

_SELECT_READY = Prepared(
    select(_item.type, _item.number, _item.size, *_STORED_MESSAGE)
    .select_from(inbox_item.outerjoin(message, _TO_MESSAGE))
    .where(_item.recipient == bindparam("recipient"), _IS_WAITING, _IS_FREE)
    .order_by(_item.haste, _item.number)
    .limit(bindparam("limit"))
)
_SELECT_LEASED_ITEMS = (
    select(_item.type, _item.number, _item.size, *_STORED_MESSAGE)
    .select_from(inbox_item.outerjoin(message, _TO_MESSAGE))
    .where(
        _item.recipient == bindparam("recipient"),
        _IS_WAITING,
        _item.lease == bindparam("lease"),
        _item.leased_until > bindparam("now"),
    )
    .order_by(_item.haste, _item.number)
    .limit(bindparam("limit"))
)
_SELECT_OVERDUE = (
    select(*_STORED_MESSAGE)
    .select_from(inbox_item.join(message, _TO_MESSAGE))
    .where(_item.is_open, _item.expires_at <= bindparam("now"), _IS_FREE)
    .order_by(_item.expires_at)
    .limit(bindparam("limit"))
)
_SELECT_UNDER_AGREEMENT = (
    select(*_STORED_MESSAGE)
    .select_from(inbox_item.join(message, _TO_MESSAGE))
    .where(
        _item.is_open,
        _item.agreement == bindparam("agreement"),
        _item.state == bindparam("state"),
        _item.number > bindparam("after"),
        _IS_FREE,
    )
    .order_by(_item.number)
    .limit(bindparam("limit"))
)
_SELECT_AGREEMENTS = select(_item.agreement, _item.state).where(_item.is_open, _item.agreement.is_not(None)).distinct()
_SELECT_HELD_AGREEMENTS = Prepared(
    select(_item.agreement)
    .where(_item.recipient == bindparam("recipient"), _item.is_open, _item.state == ItemState.HELD.value)
    .distinct()
)
_SELECT_CONTENT = (
    select(_content.number, _content.content, _message.document)
    .select_from(
        inbox_content.outerjoin(
            message, and_(_message.recipient == _content.recipient, _message.number == _content.number)
        )
    )
    .where(_content.recipient == bindparam("recipient"), _content.number.in_(bindparam("numbers", expanding=True)))
)
_LEASE = Prepared(
    update(inbox_item)
    .where(_item.recipient == bindparam("the_recipient"), _item.number == bindparam("the_number"))
    .values(
        lease=bindparam("lease"), leased_until=bindparam("leased_until"), handed_over_at=bindparam("handed_over_at")
    )
)
_MOVE = Prepared(
    update(inbox_item)
    .where(_item.recipient == bindparam("the_recipient"), _item.number == bindparam("the_number"))
    .values(
        state=bindparam("new_state"),
        is_open=bindparam("stays_open"),
        state_at=func.coalesce(bindparam("leaf"), _item.state_at),
    )
)
_SELECT_LEASED = select(_item.number, _item.type, _item.is_open, _item.lease, _item.leased_until).where(
    _item.recipient == bindparam("recipient"), _item.number.in_(bindparam("numbers", expanding=True))
)
_SELECT_NEXT_LAPSE = Prepared(
    select(func.min(_item.leased_until)).where(
        _item.recipient == bindparam("recipient"), _IS_WAITING, _item.leased_until > bindparam("now")
    )
)
_DELETE_CONTENT = Prepared(
    delete(inbox_content).where(
        _content.recipient == bindparam("the_recipient"), _content.number == bindparam("the_number")
    )
)
_SELECT_WITHDRAWN = Prepared(
    select(_message.id, _message.digest)
    .select_from(
        inbox_item.join(message, and_(_message.recipient == _item.recipient, _message.number == _item.withdraws))
    )
    .where(_item.recipient == bindparam("recipient"), _item.is_open, _item.withdraws.is_not(None))
    .order_by(_item.number)
    .limit(bindparam("limit"))
)
_SELECT_STATES = (
    select(_message.recipient, _message.digest, _item.state, _item.leased_until, _item.handed_over_at, _item.state_at)
    .select_from(message.join(inbox_item, _TO_MESSAGE))
    .where(_message.sender == bindparam("sender"), _message.id == bindparam("id"))
    .order_by(_message.recipient)
)
_SELECT_DOCUMENT = select(_message.document).where(
    _message.recipient == bindparam("recipient"), _message.number == bindparam("number")
)
_SELECT_REFERRED = (
    select(*_STORED_MESSAGE)
    .select_from(message.join(inbox_item, _TO_MESSAGE))
    .where(
        _message.sender.in_(bindparam("senders", expanding=True)),
        _message.id == bindparam("id"),
        _message.digest == bindparam("digest"),
    )
)
_HAS_SENT = (
    select(_message.number)
    .where(_message.sender == bindparam("sender"), _message.recipient == bindparam("recipient"))
    .limit(1)
)
_SELECT_BINDING = Prepared(
    select(inbox_binding.c.node, inbox_binding.c.last_lease).where(inbox_binding.c.agency == bindparam("agency"))
)
_REMEMBER_LEASE = Prepared(
    update(inbox_binding)
    .where(inbox_binding.c.agency == bindparam("of_agency"))
    .values(last_lease=bindparam("newest_lease"))
)


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """A message for one recipient. `handed_over_at` is the leaf of its newest hand-over, if any."""

    state: ItemState
    passage: Passage
    marking: Tlp
    recipient: str
    number: int
    sender: str
    id: str
    digest: str
    agreement: str
    kind: str
    size: int
    expires_at: datetime
    handed_over_at: int | None
    attachments: int
    attachment_bytes: int

    @property
    def reference(self) -> Reference:
        """Return how other documents name it."""
        return Reference(id=self.id, digest=self.digest)


@dataclass(frozen=True, slots=True)
class ReadyItem:
    """An item that can be leased now, with its message if it is one."""

    type: ItemType
    number: int
    size: int
    message: StoredMessage | None


@dataclass(frozen=True, slots=True)
class LeasedItem:
    """What an acknowledgement needs to know of an item."""

    number: int
    type: ItemType
    is_open: bool
    lease: str | None
    leased_until: datetime | None


@dataclass(frozen=True, slots=True)
class StoredState:
    """How far a message came for one recipient; the last two are indexes of leaves."""

    recipient: str
    digest: str
    state: ItemState
    leased_until: datetime | None
    handed_over_at: int | None
    state_at: int | None


@dataclass(frozen=True, slots=True)
class Binding:
    """Who collects an inbox, and the name of the newest lease it was given."""

    node: str
    last_lease: str | None


def insert_message(connection: Connection, row: dict[str, Any]) -> None:
    """Keep an accepted message for one recipient; the columns of `message` come in `row`."""
    _INSERT_MESSAGE.defer(connection, row)


def insert_content(connection: Connection, recipient: str, number: int, content: bytes) -> None:
    """Keep what is handed over with an item until it is settled."""
    _INSERT_CONTENT.defer(connection, {"recipient": recipient, "number": number, "content": content})


def insert_item(connection: Connection, row: dict[str, Any]) -> None:
    """Put one item into an inbox; the columns of `inbox_item` come in `row`, all of them."""
    _INSERT_ITEM.defer(connection, row)


def select_ready(connection: Connection, recipient: str, now: datetime, limit: int) -> list[ReadyItem]:
    """Return what waits and nobody has leased now, the most urgent first, then the oldest."""
    rows = _SELECT_READY.fetch(connection, {"recipient": recipient, "now": now, "limit": limit})
    return [_read_ready(*row) for row in rows]


def select_leased_items(
    connection: Connection, recipient: str, lease: str, now: datetime, limit: int
) -> list[ReadyItem]:
    """Return what is under a lease that lives and was not acknowledged, in the order in which it was handed over."""
    values = {"recipient": recipient, "lease": lease, "now": now, "limit": limit}
    rows = connection.execute(_SELECT_LEASED_ITEMS, values)
    return [_read_ready(*row) for row in rows]


def select_overdue(connection: Connection, now: datetime, limit: int) -> list[StoredMessage]:
    """Return open messages that nobody has leased and whose deadline has passed."""
    return [_read_message(*row) for row in connection.execute(_SELECT_OVERDUE, {"now": now, "limit": limit})]


def select_under_agreement(
    connection: Connection, agreement: str, state: ItemState, now: datetime, *, after: int, limit: int
) -> list[StoredMessage]:
    """Return open messages that cite an agreement's digest and nobody has leased, by number from behind `after`."""
    values = {"agreement": agreement, "state": state.value, "now": now, "after": after, "limit": limit}
    return [_read_message(*row) for row in connection.execute(_SELECT_UNDER_AGREEMENT, values)]


def select_agreements(connection: Connection) -> list[tuple[str, ItemState]]:
    """Return every agreement digest that open messages cite, with the states these are in."""
    return [(agreement, ItemState(state)) for agreement, state in connection.execute(_SELECT_AGREEMENTS)]


def select_held_agreements(connection: Connection, recipient: str) -> list[str]:
    """Return the agreement digests under which messages for one recipient are held."""
    return [agreement for (agreement,) in _SELECT_HELD_AGREEMENTS.fetch(connection, {"recipient": recipient})]


def select_content(
    connection: Connection, recipient: str, numbers: Iterable[int]
) -> dict[int, tuple[bytes, bytes | None]]:
    """Return by number what is handed over with items, and for a message its signed document."""
    rows = connection.execute(_SELECT_CONTENT, {"recipient": recipient, "numbers": list(numbers)})
    return {row.number: (row.content, row.document) for row in rows}


def lease_items(
    connection: Connection, recipient: str, lease: str, leased_until: datetime, leaves: dict[int, int | None]
) -> None:
    """Lease items by number; `leaves` holds the index of each one's hand-over leaf, None for what has none."""
    same = {"the_recipient": recipient, "lease": lease, "leased_until": leased_until}
    for number, leaf in leaves.items():
        _LEASE.defer(connection, {**same, "the_number": number, "handed_over_at": leaf})


def move_item(connection: Connection, recipient: str, number: int, state: ItemState, leaf: int | None) -> None:
    """Set an item's state and, if there is one, the leaf that made it."""
    values = {
        "the_recipient": recipient,
        "the_number": number,
        "new_state": state.value,
        "stays_open": state.is_open,
        "leaf": leaf,
    }
    _MOVE.defer(connection, values)


def select_leased(connection: Connection, recipient: str, numbers: Iterable[int]) -> list[LeasedItem]:
    """Return what is known of items an acknowledgement names."""
    rows = connection.execute(_SELECT_LEASED, {"recipient": recipient, "numbers": list(numbers)})
    return [LeasedItem(row.number, ItemType(row.type), row.is_open, row.lease, row.leased_until) for row in rows]


def select_next_lapse(connection: Connection, recipient: str, now: datetime) -> datetime | None:
    """Return when the next lease of an open item ends."""
    ((found,),) = _SELECT_NEXT_LAPSE.fetch(connection, {"recipient": recipient, "now": now})
    return cast(datetime | None, found)


def delete_content(connection: Connection, recipient: str, number: int) -> None:
    """Forget what would be handed over with an item."""
    _DELETE_CONTENT.defer(connection, {"the_recipient": recipient, "the_number": number})


def select_withdrawn(connection: Connection, recipient: str, limit: int) -> list[tuple[str, str]]:
    """Return id and digest of messages whose withdrawal is still in the inbox and which the recipient may hold."""
    rows = _SELECT_WITHDRAWN.fetch(connection, {"recipient": recipient, "limit": limit})
    return [(message_id, digest) for message_id, digest in rows]


def select_states(connection: Connection, sender: str, message_id: str) -> list[StoredState]:
    """Return how far a message came for each of its recipients; nothing for a message of somebody else."""
    rows = connection.execute(_SELECT_STATES, {"sender": sender, "id": message_id})
    return [StoredState(row[0], row[1], ItemState(row[2]), *row[3:]) for row in rows]


def select_referred(connection: Connection, senders: Iterable[str], reference: Reference) -> list[StoredMessage]:
    """Return a message that one of `senders` sent, once for each of its recipients; nothing if there is none."""
    values = {"senders": sorted(senders), "id": reference.id, "digest": reference.digest}
    return [_read_message(*row) for row in connection.execute(_SELECT_REFERRED, values)]


def select_document(connection: Connection, recipient: str, number: int) -> bytes:
    """Return the signed document of an accepted message."""
    found: bytes = connection.execute(_SELECT_DOCUMENT, {"recipient": recipient, "number": number}).scalar_one()
    return found


def has_sent(connection: Connection, sender: str, recipient: str) -> bool:
    """Return whether any message from one agency to another was ever accepted."""
    return connection.execute(_HAS_SENT, {"sender": sender, "recipient": recipient}).first() is not None


def select_binding(connection: Connection, agency: str) -> Binding | None:
    """Return the node an agency's inbox is bound to, and the name of its newest lease."""
    rows = _SELECT_BINDING.fetch(connection, {"agency": agency})
    return Binding(*rows[0]) if rows else None


def insert_binding(connection: Connection, agency: str, node: str, now: datetime) -> None:
    """Bind an agency's inbox to a node."""
    connection.execute(insert(inbox_binding).values(agency=agency, node=node, bound_at=now))


def remember_lease(connection: Connection, agency: str, lease: str) -> None:
    """Keep the name of an agency's newest lease."""
    _REMEMBER_LEASE.defer(connection, {"of_agency": agency, "newest_lease": lease})


def _read_ready(item_type: str, number: int, size: int, *message_columns: Any) -> ReadyItem:
    kind = ItemType(item_type)
    return ReadyItem(kind, number, size, _read_message(*message_columns) if kind is ItemType.MESSAGE else None)


def _read_message(state: str, passage: str, marking: str, *others: Any) -> StoredMessage:
    return StoredMessage(ItemState(state), Passage(passage), Tlp.from_code(marking), *others)
