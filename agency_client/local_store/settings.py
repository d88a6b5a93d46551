"""The few facts about this node that belong to the store itself, not to the profile's text file."""

from datetime import datetime
from enum import StrEnum

from agency_client.errors import ConflictError
from agency_client.local_store.engine import Snapshot, Transaction, read_moment


class Setting(StrEnum):
    """The names of the settings; values are text."""

    AGENCY = "agency"
    NODE = "node"
    EXCHANGE = "exchange"
    STEPS_PULLED = "steps-pulled"
    STEPS_MISSED_SINCE = "steps-missed-since"
    STEPS_ASKED_AGAIN = "steps-asked-again"
    STATUSES_ASKED = "statuses-asked"
    INBOX_EMPTIED = "inbox-emptied"
    LEASES_OPEN = "leases-open"
    ACCESS_LOG_DAYS = "access-log-days"
    RESTORED_AT = "restored-at"
    RESTORED_BACKUP = "restored-backup"
    RESTORED_DONE = "restored-done"


def read_setting(snapshot: Snapshot, name: Setting) -> str | None:
    """Return a setting's value, or None."""
    value: str | None = snapshot.fetch_value("SELECT value FROM setting WHERE name = ?", name)
    return value


def write_setting(transaction: Transaction, name: Setting, value: str) -> None:
    """Set or replace a setting."""
    transaction.execute(
        "INSERT INTO setting (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        name,
        value,
    )


def write_moment(transaction: Transaction, name: Setting, moment: datetime) -> None:
    """Set a setting that is a moment."""
    write_setting(transaction, name, str(int(moment.timestamp())))


def read_moment_setting(snapshot: Snapshot, name: Setting) -> datetime | None:
    """Return a setting that is a moment, or None."""
    value = read_setting(snapshot, name)
    return None if value is None else read_moment(int(value))


def fix_setting(transaction: Transaction, name: Setting, value: str) -> None:
    """Set what may be set once and never changes, such as the agency a store belongs to.

    Raises:
        ConflictError: it has another value already.
    """
    present = read_setting(transaction, name)
    if present not in (None, value):
        raise ConflictError(f"this store belongs to {name} {present}, not {value}", fix="use another profile")
    write_setting(transaction, name, value)


def drop_setting(transaction: Transaction, name: Setting) -> None:
    """Forget a setting."""
    transaction.execute("DELETE FROM setting WHERE name = ?", name)


def mark_restored(transaction: Transaction, *, backup: str, at: datetime) -> None:
    """Record that this store came out of a backup: what it may do is limited until a person clears it."""
    write_setting(transaction, Setting.RESTORED_AT, str(int(at.timestamp())))
    write_setting(transaction, Setting.RESTORED_BACKUP, backup)


def clear_restored(transaction: Transaction) -> None:
    """Record that everything a restored node owes was done."""
    for name in (Setting.RESTORED_AT, Setting.RESTORED_BACKUP, Setting.RESTORED_DONE):
        transaction.execute("DELETE FROM setting WHERE name = ?", name)
