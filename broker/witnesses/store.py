"""The SQL of cosignatures."""

from collections.abc import Collection
from dataclasses import asdict, dataclass

from sqlalchemy import Connection, insert, select, update

from broker.witnesses.tables import cosignature

_SELECT = select(cosignature.c.agency, cosignature.c.size, cosignature.c.timestamp, cosignature.c.note)


@dataclass(frozen=True, slots=True)
class StoredCosignature:
    """The newest checkpoint an agency cosigned: its size, when (POSIX seconds), and the note with the line."""

    agency: str
    size: int
    timestamp: int
    note: bytes

    @property
    def age(self) -> tuple[int, int]:
        """Return what makes one newer than another: the log's size, then the moment."""
        return self.size, self.timestamp


def select_cosignature(connection: Connection, agency: str) -> StoredCosignature | None:
    """Return the newest cosignature of an agency."""
    row = connection.execute(_SELECT.where(cosignature.c.agency == agency)).one_or_none()
    return None if row is None else StoredCosignature(*row)


def select_cosignatures(connection: Connection, agencies: Collection[str]) -> list[StoredCosignature]:
    """Return the newest cosignature of each of some agencies that has one, by agency."""
    found = _SELECT.where(cosignature.c.agency.in_(sorted(agencies))).order_by(cosignature.c.agency)
    return [StoredCosignature(*row) for row in connection.execute(found)]


def select_all_cosignatures(connection: Connection) -> list[StoredCosignature]:
    """Return the newest cosignature of every agency, by agency."""
    return [StoredCosignature(*row) for row in connection.execute(_SELECT.order_by(cosignature.c.agency))]


def put_cosignature(connection: Connection, new: StoredCosignature, *, is_first: bool) -> None:
    """Let a cosignature take the place of the one before it."""
    if is_first:
        connection.execute(insert(cosignature).values(asdict(new)))
    else:
        connection.execute(update(cosignature).where(cosignature.c.agency == new.agency).values(asdict(new)))
