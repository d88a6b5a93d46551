"""One order over the leaves of all epochs of an exchange: a place. Pure.

A document stands where it was logged first. When an exchange begins a new log it writes the key documents and steps it
still has once more; for a node that knew them nothing moves, and what it knew and the new log has forgotten stays where
it was: before everything in the new log. In the first epoch a leaf's place is its index.
"""

from collections.abc import Mapping
from datetime import datetime

from schemas.api import LoggedRecord
from schemas.log.epoch import is_carried_over

LEAVES_AN_EPOCH = 1 << 33
"""More than any log will hold; a million epochs of it still fit below 2^53."""

Openings = Mapping[int, datetime]
"""When a log that goes on from an earlier one was opened, by its epoch."""


def compute_place(origin: str, index: int) -> int:
    """Return the place of a leaf, from the origin of its log (`name/epoch`) and its index there."""
    return (number_epoch(origin) - 1) * LEAVES_AN_EPOCH + index


def number_epoch(origin: str) -> int:
    """Return the number of the epoch that an accepted origin names."""
    return int(origin.rpartition("/")[2])


def move_to_place(logged: LoggedRecord, origin: str) -> LoggedRecord:
    """Return a record whose index is its place over all epochs, as timelines are built from."""
    return logged.model_copy(update={"index": compute_place(origin, logged.index)})


def find_moment(place: int, logged_at: datetime, issued_at: datetime, openings: Openings) -> datetime:
    """Return the moment at which a key document that its leaf dates is judged.

    What was issued before its log was opened may have been logged in the one before: it is judged by its own time,
    since the keys of that time may have ended.
    """
    opened_at = openings.get(place // LEAVES_AN_EPOCH + 1)
    return issued_at if is_carried_over(issued_at, logged_at, opened_at) else logged_at
