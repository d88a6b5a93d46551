"""Whether the log may grow: a broker that finds itself behind what it signed appends and signs nothing more.

Three reasons stop it. `restored`: its operator put a backup back and has not decided yet. `behind`: somebody showed a
head that this log's own keys signed and that its database does not have, so an older database was put back, or the
keys were stolen; the note is kept as evidence. Either ends by the operator's hand alone (`broker resume`, `broker
rebase`), and outlives a restart: it lies in a file beside the database, and not in it, because databases are put back.
`rebased`: in a database that brokers share, that another log goes on after this one; it never ends.

Set on the writer's thread, before anything of the same batch is committed, it is true for everything signed later.
"""

from collections.abc import Callable
from datetime import UTC, datetime
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
    REBASED = "rebased"


_SENTENCES = {
    StopReason.RESTORED: (
        "this exchange was put back from a backup and takes nothing until its operator knows whether anything was lost"
    ),
    StopReason.BEHIND: (
        "this exchange has lost a part of its log, {shown_by}, and has stopped; its operator must open a new log"
    ),
    StopReason.REBASED: "another log goes on after this one: this broker needs the new sheet and keys (`broker join`)",
}


class Stop(WireModel):
    """That the log stopped, since when and why; `note` is what shows it to be behind, `witness` who handed it in.

    No witness did where this broker had signed the note itself.
    """

    v: Literal[1]
    reason: StopReason
    since: Timestamp
    note: Note | None = None
    witness: AgencyId | None = None

    @property
    def sentence(self) -> str:
        """Return why, for a person."""
        shown_by = "as what it signed itself shows" if self.witness is None else "as one of its witnesses showed"
        return _SENTENCES[self.reason].format(shown_by=shown_by)

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
    """The one place that knows whether the log may grow. `keep` makes a stop durable before it returns.

    Two may say that it may not: this broker's own folder, and the database that it shares with others. With
    `is_lifting` what the database says is ended instead: for whoever ends a stop, with every broker locked out.
    """

    def __init__(
        self,
        stop: Stop | None = None,
        keep: Callable[[Stop], None] = lambda _stop: None,
        *,
        is_lifting: bool = False,
    ) -> None:
        self._own = stop
        self._keep = keep
        self._is_lifting = is_lifting
        self._stored: bytes | None = None
        self._shared: Stop | None = None

    @property
    def stop(self) -> Stop | None:
        """Return why the log may not grow, or nothing."""
        return choose_stop(self._own, self._shared)

    @property
    def wanted(self) -> bytes | None:
        """Return what the database should say from now on; nothing where the log may grow."""
        stop = choose_stop(self._shared, self._own)
        return self._stored if stop is None or stop is self._shared else stop.canonical()

    def follow(self, stored: bytes | None) -> None:
        """Take in what the database says, as it stands under the head's lock. For the writer's thread.

        That the log is behind is kept here too: the database may be put back again.

        Raises:
            CodecError: it cannot be read; then nobody knows, and nothing is signed.
        """
        if self._is_lifting or stored == self._stored:
            return
        shared = None if stored is None else Stop.from_canonical(stored)
        self._stored, self._shared = stored, shared
        if shared is not None and shared is self.stop and shared.reason is StopReason.BEHIND:
            _log.critical("exchange-stopped-by-another-broker", reason=shared.reason.value)
            self._own = shared
            self._keep(shared)

    @property
    def problem(self) -> str | None:
        """Return why the log may not grow as a sentence, or nothing."""
        stop = self.stop
        return None if stop is None else stop.sentence

    def verify_open(self) -> None:
        """Verify that the log may grow.

        Raises:
            ExchangeStoppedError: it may not.
        """
        stop = self.stop
        if stop is not None:
            raise ExchangeStoppedError(stop)

    def fall_behind(self, note: bytes, witness: str | None, now: datetime) -> ExchangeStoppedError:
        """Stop for good, keep the note that shows why, and return the error to raise. For the writer's thread."""
        stop = Stop(v=1, reason=StopReason.BEHIND, since=now, note=note.decode(), witness=witness)
        if choose_stop(self.stop, stop) is stop:
            self._own = stop  # before the disk is asked: a full one must not let the log go on
            _log.critical("exchange-behind", epoch=_place_of(stop)[0], size=_place_of(stop)[1], witness=witness)
            self._keep(stop)
        return ExchangeStoppedError(stop)


def choose_stop(known: Stop | None, other: Stop | None) -> Stop | None:
    """Return the one that counts: being behind before being restored, then the further head, then the later moment."""
    if known is None or other is None:
        return known or other
    return other if _rank(other) > _rank(known) else known


def _rank(stop: Stop) -> tuple[bool, tuple[int, int], datetime]:
    is_behind = stop.reason is StopReason.BEHIND
    return is_behind, _place_of(stop), datetime.min.replace(tzinfo=UTC) if is_behind else stop.since


def _place_of(stop: Stop) -> tuple[int, int]:
    """Return epoch and size of the head that shows the log to be behind."""
    shown = stop.shown
    return (0, 0) if shown is None else (read_epoch(shown.origin, shown.origin.rpartition("/")[0]), shown.size)
