"""Epochs: an exchange has one log at a time, and a further one when an older database had to be put back.

The origin of a log is `{exchange}/{epoch}`, from 1 on. The first leaf of a later epoch names the last head of the one
before that any witness saw.
"""

import re

_EPOCH = re.compile(r"[1-9][0-9]{0,5}")

FIRST_EPOCH = 1


def format_origin(exchange: str, epoch: int) -> str:
    """Return the origin of an exchange's log in an epoch."""
    return f"{exchange}/{epoch}"


def read_epoch(unverified_origin: str, exchange: str) -> int:
    """Return the epoch that an origin of this exchange names; 0 for the log of anybody else."""
    name, separator, epoch = unverified_origin.rpartition("/")
    return int(epoch) if separator and name == exchange and _EPOCH.fullmatch(epoch) else 0
