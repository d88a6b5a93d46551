"""The SQL of accepting a message: what stands already, and the day's count."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, and_, bindparam, delete, func, insert, select, update

from broker.inbox.rules import Passage
from broker.inbox.tables import inbox_item, message
from broker.routing.tables import quota_day
from broker.storage.prepared import Prepared
from schemas.envelope import HeaderRecipient

_SELECT_STANDING = Prepared(
    select(message.c.number, message.c.digest)
    .where(message.c.sender == bindparam("sender"), message.c.id == bindparam("id"))
    .limit(1)
)
_SELECT_NUMBER_USER = (
    select(message.c.id)
    .where(
        message.c.sender == bindparam("sender"),
        message.c.recipient == bindparam("recipient"),
        message.c.stream == bindparam("stream"),
        message.c.n == bindparam("n"),
    )
    .scalar_subquery()
)
_THIS_DAY = and_(
    quota_day.c.recipient == bindparam("recipient"),
    quota_day.c.sender == bindparam("sender"),
    quota_day.c.agreement == bindparam("agreement"),
    quota_day.c.day == bindparam("day"),
)
_SELECT_USED = Prepared(
    select(
        _SELECT_NUMBER_USER.label("number_used_by"),
        select(quota_day.c.accepted).where(_THIS_DAY).scalar_subquery().label("accepted_today"),
    )
)
_COUNT_FOLLOW_UPS = select(func.count()).where(
    message.c.sender == bindparam("sender"),
    message.c.refers_to == bindparam("refers_to"),
    message.c.refers_to.is_not(None),
    message.c.kind == bindparam("kind"),
    message.c.recipient == bindparam("recipient"),
)
_SELECT_PLACES = select(message.c.recipient, message.c.number, message.c.agreement, message.c.passage)
_INSERT_DAY = Prepared(insert(quota_day))
_COUNT_ONE_MORE = Prepared(
    update(quota_day)
    .where(
        quota_day.c.recipient == bindparam("the_recipient"),
        quota_day.c.sender == bindparam("the_sender"),
        quota_day.c.agreement == bindparam("the_agreement"),
        quota_day.c.day == bindparam("the_day"),
    )
    .values(accepted=quota_day.c.accepted + 1)
)


@dataclass(frozen=True, slots=True)
class Predecessor:
    """What stands under an id already: the leaf of its acceptance, and its digest."""

    number: int
    digest: str


@dataclass(frozen=True, slots=True)
class Used:
    """The id of the message that has used a stream's number, and how many messages the day has seen."""

    number_used_by: str | None
    accepted_today: int


def select_standing(connection: Connection, sender: str, message_id: str) -> Predecessor | None:
    """Return what an agency has sent under an id, if anything."""
    rows = _SELECT_STANDING.fetch(connection, {"sender": sender, "id": message_id})
    return Predecessor(*rows[0]) if rows else None


def select_used(connection: Connection, sender: str, recipient: HeaderRecipient, day: int) -> Used:
    """Return what of a recipient's numbers and of its quota is used, before a message to it."""
    values = {
        "sender": sender,
        "recipient": recipient.agency,
        "stream": recipient.stream,
        "n": recipient.n,
        "agreement": recipient.agreement,
        "day": day,
    }
    ((used_by, accepted),) = _SELECT_USED.fetch(connection, values)
    return Used(used_by, accepted or 0)


def count_follow_ups(connection: Connection, sender: str, recipient: str, kind: str, refers_to: str) -> int:
    """Return how many messages of a kind one agency sent another about the message with a digest."""
    values = {"sender": sender, "recipient": recipient, "kind": kind, "refers_to": refers_to}
    found: int = connection.execute(_COUNT_FOLLOW_UPS, values).scalar_one()
    return found


def count_accepted(connection: Connection, sender: str, recipient: HeaderRecipient, day: int, *, before: int) -> None:
    """Count one message more; `before` is the count that stands, 0 for none."""
    if before:
        values = {"the_recipient": recipient.agency, "the_sender": sender}
        _COUNT_ONE_MORE.defer(connection, {**values, "the_agreement": recipient.agreement, "the_day": day})
    else:
        values = {"recipient": recipient.agency, "sender": sender, "agreement": recipient.agreement}
        _INSERT_DAY.defer(connection, {**values, "day": day, "accepted": 1})


def forget_carried(connection: Connection, sender: str, message_id: str, carried_at: datetime) -> None:
    """Take away what an earlier epoch left of a message, and what of it counts in the quota of the day it was carried.

    It is about to be accepted as if it had never been.
    """
    is_it = and_(message.c.sender == sender, message.c.id == message_id)
    for recipient, number, agreement, passage in connection.execute(_SELECT_PLACES.where(is_it)).all():
        place = (inbox_item.c.recipient == recipient, inbox_item.c.number == number)
        connection.execute(delete(inbox_item).where(*place))
        if passage == Passage.COVERED.value:
            count_one_less(connection, (recipient, sender, agreement, carried_at.toordinal()))
    connection.execute(delete(message).where(is_it))


def count_one_less(connection: Connection, day: tuple[str, str, str, int]) -> None:
    """Take a message out of the count of a day, named by recipient, sender, agreement and the day's number."""
    columns = (quota_day.c.recipient, quota_day.c.sender, quota_day.c.agreement, quota_day.c.day)
    is_day = and_(*(column == value for column, value in zip(columns, day, strict=True)))
    connection.execute(update(quota_day).where(is_day).values(accepted=quota_day.c.accepted - 1))
    connection.execute(delete(quota_day).where(is_day, quota_day.c.accepted <= 0))
