"""Reading dead letters and needs from the exchange's store: by the serving broker, and by the operator's commands."""

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

from broker.attachments.contents import AttachmentContents
from broker.dead_letters.rules import Letters, Need, find_needs
from broker.dead_letters.store import count_letters, list_ended, list_held, list_kept_attachments, list_waiting
from broker.dead_letters.views import describe_care
from broker.directory.members import Members
from broker.storage.engine import Database

STATUS_REACH = timedelta(days=1)


def read_care(database: Database, members: Members, contents: AttachmentContents, now: datetime) -> dict[str, Any]:
    """Return what the status of an exchange says of the last day's dead letters, and of what needs an operator."""
    letters = read_letters(database, now - STATUS_REACH, limit=0)
    return describe_care(letters, read_needs(database, members, contents, now))


def read_letters(database: Database, since: datetime, limit: int) -> Letters:
    """Return what is held, and what expired or was returned from a moment on; at most `limit` of each are listed."""
    with database.read() as connection:
        counts = count_letters(connection, since)
        letters = (*list_held(connection, limit), *list_ended(connection, since, limit))
    return Letters(since, counts, letters)


def read_needs(database: Database, members: Members, contents: AttachmentContents, now: datetime) -> list[Need]:
    """Return what needs an operator; among it, attachments whose bytes are not there."""
    with database.read() as connection:
        waiting = list_waiting(connection)
        kept = list_kept_attachments(connection, now)
    stored = set(contents.list_keys())  # after the rows: what is accepted meanwhile is not taken for lost
    lost = Counter(key.sender for key in kept if key not in stored)
    return find_needs(members, waiting, lost, now)
