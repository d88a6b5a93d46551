"""Epochs: an exchange has one log at a time, and a further one when an older database had to be put back.

The origin of a log is `{exchange}/{epoch}`, from 1 on. The first leaf of a later epoch names the last head of the one
before that any witness saw.
"""

import re
from datetime import datetime, timedelta

_EPOCH = re.compile(r"[1-9][0-9]{0,5}")

FIRST_EPOCH = 1
CARRIED_OVER_WITHIN = timedelta(days=30)
"""How long after a new log was opened what stood in the one before may still be logged in it once more."""


def format_origin(exchange: str, epoch: int) -> str:
    """Return the origin of an exchange's log in an epoch."""
    return f"{exchange}/{epoch}"


def read_epoch(unverified_origin: str, exchange: str) -> int:
    """Return the epoch that an origin of this exchange names; 0 for the log of anybody else."""
    name, separator, epoch = unverified_origin.rpartition("/")
    return int(epoch) if separator and name == exchange and _EPOCH.fullmatch(epoch) else 0


def is_carried_over(signed_at: datetime, logged_at: datetime, opened_at: datetime | None) -> bool:
    """Return whether a document may have stood in the log before: signed before this one was opened, logged soon.

    `opened_at` is the time of the first leaf of a log that goes on from an earlier one; None for the first log.
    """
    return opened_at is not None and signed_at <= opened_at <= logged_at <= opened_at + CARRIED_OVER_WITHIN
