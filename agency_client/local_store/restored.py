"""What a node that came out of a backup may not do yet: it does not know what it signed after the backup was made.

Two documents under one number would prove it dishonest, and a stream number given out twice would be refused. Flows ask
`demand_not_restored` before they sign what stands in a chain. Each of these waits only for its own part
(`note_caught_up`), so that narrowing is possible first; a round (`agency_client.syncing.rounds`) that did all
clears the mark.
"""

from dataclasses import dataclass
from datetime import datetime

from agency_client.errors import DeniedError
from agency_client.local_store.engine import Snapshot, Transaction, read_moment
from agency_client.local_store.settings import Setting, clear_restored, mark_restored, read_setting, write_setting
from agency_client.local_store.streams import close_streams


@dataclass(frozen=True, slots=True)
class RestoredLimit:
    """One thing that must wait, by a stable code, and what ends the waiting."""

    code: str
    sentence: str


LIMITS = (
    RestoredLimit("statuses", "it signs no status before it knows the last number it gave each partner"),
    RestoredLimit("steps", "it signs no agreement step before its own chains are complete again from the exchange"),
    RestoredLimit("keys", "it publishes no key document before its own key documents are complete again"),
    RestoredLimit("cosignatures", "it cosigns no checkpoint before it knows the newest one it has cosigned"),
    RestoredLimit("outbox", "messages that waited are asked for at the broker before they are sent again"),
    RestoredLimit("erasures", "content erased since the backup is back: none is read before the erasures are repeated"),
    RestoredLimit(
        "access-log", "entries since the backup are gone here; their signed heads stay in the exchange's log"
    ),
)


class RestoredNodeError(DeniedError):
    """The node was restored and has not caught up; what was asked must wait."""

    default_code = "restored-node"


def begin_restored_life(transaction: Transaction, *, backup: str, at: datetime) -> None:
    """Mark a store that was just restored, close its streams, and let everything that waited be asked for first.

    All agreement steps are asked for again, from the log's beginning.
    """
    clear_restored(transaction)
    mark_restored(transaction, backup=backup, at=at)
    write_setting(transaction, Setting.STEPS_PULLED, "-1")
    close_streams(transaction, at=at)
    transaction.execute(
        "UPDATE outbox SET state = 'in-doubt', next_attempt_at = ?, changed_at = ? WHERE state = 'queued'", at, at
    )


def find_restored_at(snapshot: Snapshot) -> datetime | None:
    """Return when the store was restored, None when it never was or has caught up."""
    found = read_setting(snapshot, Setting.RESTORED_AT)
    return None if found is None else read_moment(int(found))


def is_behind(snapshot: Snapshot, code: str) -> bool:
    """Return whether the store was restored and this part of it has not caught up; `code` is one of `LIMITS`."""
    return find_restored_at(snapshot) is not None and code not in _read_done(snapshot)


def note_caught_up(transaction: Transaction, code: str) -> None:
    """Record that one part of a restored store is complete again; elsewhere it changes nothing."""
    if is_behind(transaction, code):
        write_setting(transaction, Setting.RESTORED_DONE, " ".join([*_read_done(transaction), code]))


def demand_not_restored(snapshot: Snapshot, code: str) -> None:
    """Refuse what must wait on a restored node; `code` is one of `LIMITS`.

    Raises:
        RestoredNodeError: the node has not caught up with it.
    """
    limit = next(limit for limit in LIMITS if limit.code == code)
    if is_behind(snapshot, code):
        raise RestoredNodeError(f"this node was restored from a backup: {limit.sentence}", fix="run: agency sync")


def _read_done(snapshot: Snapshot) -> list[str]:
    return (read_setting(snapshot, Setting.RESTORED_DONE) or "").split()
