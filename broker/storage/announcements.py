"""What a batch did that other brokers on the same database must hear of: gathered by its operations, told once.

An announcement only says that something is there to be read. It carries no decision and none waits for it: whoever
decides reads the database under the log's lock. Lost, late or forged, it costs a look and time, never an answer; so
what cannot be read counts as "look at everything". Each says how long the log is since: what grows without a word is
noticed.
"""

from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal, Protocol

from sqlalchemy import Connection

from schemas.codec import CodecError
from schemas.model import AgencyId, Size, Uuid, WireModel

MAX_BYTES = 7999
"""What PostgreSQL takes in one notification."""


class Topic(StrEnum):
    """What every broker keeps in memory, and reads anew when another one has changed it."""

    KEYS = "keys"
    AGREEMENTS = "agreements"


@dataclass(slots=True)
class News:
    """What changed, and whose inboxes got something."""

    topics: set[Topic] = field(default_factory=set)
    inboxes: set[str] = field(default_factory=set)

    def __bool__(self) -> bool:
        """Return whether there is anything to tell."""
        return bool(self.topics or self.inboxes)

    def add(self, other: "News") -> None:
        """Take in what another one says."""
        self.topics |= other.topics
        self.inboxes |= other.inboxes


class Announcement(WireModel):
    """News as it travels: by which broker, and how many leaves the log has since; without `inboxes`, all of them."""

    v: Literal[1]
    broker: Uuid
    size: Size
    topics: tuple[Topic, ...]
    inboxes: tuple[AgencyId, ...] | None = None


class Announcing(Protocol):
    """Tells other brokers what a batch did; its own learns that where its answers are given."""

    def announce(self, connection: Connection, news: News, size: int) -> None:
        """Tell `news` if, and as soon as, the transaction of `connection` is committed; the log then has `size`."""
        ...

    def doubt(self) -> None:
        """Say that nobody knows whether the last batch was committed, and that nobody here was told of it."""
        ...


class Hearing(Protocol):
    """One session that hears announcements."""

    def wait(self, seconds: float) -> Iterable[str]:
        """Return what was announced, as soon as anything was; nothing after so many seconds.

        Raises:
            HearingLostError: the session is gone, and announcements may be with it.
        """
        ...


class Channel(Announcing, Protocol):
    """How the brokers on one database reach each other."""

    def listen(self) -> AbstractContextManager[Hearing]:
        """Lend a session that hears what is committed from now on.

        Raises:
            HearingLostError: there is none to be had.
        """
        ...

    def take_doubt(self) -> bool:
        """Return whether there was a doubt since this was asked last."""
        ...


class HearingLostError(Exception):
    """Nothing can be heard: what was announced meanwhile must be looked for."""


class NobodyElse:
    """Where one broker alone has the database: there is nobody to tell."""

    def announce(self, connection: Connection, news: News, size: int) -> None:
        """Tell nobody."""

    def doubt(self) -> None:
        """Tell nobody."""


def write_announcement(broker: str, news: News, size: int) -> str:
    """Return news as text of at most `MAX_BYTES`: where the inboxes are too many, they go unnamed."""
    topics = tuple(sorted(news.topics))
    named = Announcement(v=1, broker=broker, size=size, topics=topics, inboxes=tuple(sorted(news.inboxes)))
    data = named.canonical()
    if len(data) > MAX_BYTES:
        data = Announcement(v=1, broker=broker, size=size, topics=topics).canonical()
    return data.decode("ascii")


def read_announcement(unverified_text: str) -> Announcement | None:
    """Return an announcement; nothing if it is of another form, and then everything must be looked at."""
    try:
        return Announcement.from_canonical(unverified_text.encode("utf-8", "surrogatepass"), max_bytes=MAX_BYTES)
    except CodecError:
        return None
