"""Whether the log may grow: a broker that finds itself behind what it signed appends and signs nothing more.

Two reasons stop it. `restored`: its operator put a backup back and has not decided yet. `behind`: somebody showed a
head that this log's own keys signed and that its database does not have, so an older database was put back, or the
keys were stolen; the note is kept as evidence. Either ends by the operator's hand alone (`broker resume`, `broker
rebase`), and outlives a restart: it lies in a file beside the database, and not in it, because databases are put back.

Set on the writer's thread, before anything of the same batch is committed, it is true for everything signed later.
"""

from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from typing import Literal

import structlog

from schemas.api import Note
from schemas.log.checkpoint import Checkpoint, parse_checkpoint
from schemas.log.epoch import read_epoch
from schemas.log.note import parse_note
from schemas.model import AgencyId, Timestamp, WireModel

_log = structlog.get_logger(__name__)


class StopReason(StrEnum):
    """Why the log may not grow."""

    RESTORED = "restored"
    BEHIND = "behind"


_SENTENCES = {
    StopReason.RESTORED: (
        "this exchange was put back from a backup and takes nothing until its operator knows whether anything was lost"
    ),
    StopReason.BEHIND: (
        "this exchange has lost a part of its log, as one of its witnesses showed, and has stopped; its operator must "
        "open a new log"
    ),
}


class Stop(WireModel):
    """That the log stopped, since when and why; `note` is what shows it to be behind, `witness` who handed it in."""

    v: Literal[1]
    reason: StopReason
    since: Timestamp
    note: Note | None = None
    witness: AgencyId | None = None

    @property
    def sentence(self) -> str:
        """Return why, for a person."""
        return _SENTENCES[self.reason]

    @property
    def shown(self) -> Checkpoint | None:
        """Return the head that the log should have and does not."""
        return None if self.note is None else parse_checkpoint(parse_note(self.note.encode()).text)


class ExchangeStoppedError(Exception):
    """The log may not grow; reading goes on."""

    code = "exchange-behind"

    def __init__(self, stop: Stop) -> None:
        super().__init__(stop.sentence)


class Standing:
    """The one place that knows whether the log may grow. `keep` makes a stop durable before it returns."""

    def __init__(self, stop: Stop | None = None, keep: Callable[[Stop], None] = lambda _stop: None) -> None:
        self._stop = stop
        self._keep = keep

    @property
    def stop(self) -> Stop | None:
        """Return why the log may not grow, or nothing."""
        return self._stop

    @property
    def problem(self) -> str | None:
        """Return why the log may not grow as a sentence, or nothing."""
        return None if self._stop is None else self._stop.sentence

    def verify_open(self) -> None:
        """Verify that the log may grow.

        Raises:
            ExchangeStoppedError: it may not.
        """
        if self._stop is not None:
            raise ExchangeStoppedError(self._stop)

    def fall_behind(self, note: bytes, witness: str, now: datetime) -> ExchangeStoppedError:
        """Stop for good, keep the note that shows why, and return the error to raise. For the writer's thread."""
        stop = Stop(v=1, reason=StopReason.BEHIND, since=now, note=note.decode(), witness=witness)
        known = self._stop
        if known is None or known.reason is StopReason.RESTORED or _is_further(stop, known):
            self._stop = stop  # before the disk is asked: a full one must not let the log go on
            _log.critical("exchange-behind", epoch=_place_of(stop)[0], size=_place_of(stop)[1], witness=witness)
            self._keep(stop)
        return ExchangeStoppedError(stop)


def _is_further(stop: Stop, known: Stop) -> bool:
    return _place_of(stop) > _place_of(known)


def _place_of(stop: Stop) -> tuple[int, int]:
    """Return epoch and size of the head that shows the log to be behind."""
    shown = stop.shown
    return (0, 0) if shown is None else (read_epoch(shown.origin, shown.origin.rpartition("/")[0]), shown.size)
