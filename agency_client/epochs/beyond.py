"""What this node knows of a log beyond what the exchange showed it: signed notes it was handed, and what partners say.

A note that the log's keys signed counts like a head that the exchange showed. What a partner merely says it saw proves
nothing; two officers who are about to accept a new log must know of it all the same.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from agency_client.epochs.errors import EpochRefusedError
from agency_client.local_store.checkpoints import SignedCheckpoint, load_newest_checkpoint, load_walk
from agency_client.local_store.contradictions import has_log_contradiction
from agency_client.local_store.engine import Snapshot
from agency_client.local_store.sightings import list_sightings
from agency_client.local_store.suspicions import Suspicion, list_suspicions
from agency_client.witness.observer import read_log_keys
from keys.log_keys import LogSignatureError, verify_checkpoint
from schemas.codec import CodecError, b64u_encode
from schemas.envelope import MAX_CLOCK_AHEAD_SECONDS, SeenCheckpoint
from schemas.key_documents import ExchangeSheet

CLOCKS_APART = timedelta(seconds=2 * MAX_CLOCK_AHEAD_SECONDS)
"""How far two clocks that are both right enough may differ."""


def load_largest_head(snapshot: Snapshot, sheet: ExchangeSheet) -> SignedCheckpoint | None:
    """Return the largest head of a log that its keys signed and this node holds, shown by the exchange or not."""
    newest = load_newest_checkpoint(snapshot, sheet.origin)
    found = [] if newest is None else [newest]
    found += [note for doubt in list_suspicions(snapshot, "") if (note := _read_note(doubt, sheet)) is not None]
    return max(found, key=lambda head: head.size, default=None)


def describe_doubts(snapshot: Snapshot, committed: SeenCheckpoint, opened_at: datetime) -> Iterable[str]:
    """Give in words what speaks against a new log: against the head it goes on from, and when it says it was opened."""
    walk = load_walk(snapshot, committed.origin)
    if walk is not None and opened_at < walk.walked_at - CLOCKS_APART:
        yield (
            f"it says it was opened on {opened_at:%Y-%m-%d %H:%M} UTC, and this node read {committed.origin} on "
            f"{walk.walked_at:%Y-%m-%d %H:%M} UTC: what it dates between was not there"
        )
    if has_log_contradiction(snapshot, committed.origin):
        yield f"{committed.origin} is proven to have shown two histories: agency trust contradictions"
    for seen in list_sightings(snapshot, committed.origin):
        if seen.size > committed.size or (seen.size == committed.size and seen.root != committed.root):
            yield (
                f"{seen.seen_by} says it saw {seen.size:,} leaves of {seen.origin}, root {seen.root[:8]}, which the "
                "new log does not go on from: call its duty desk before anybody approves"
            )


def verify_opened(opened_at: datetime, now: datetime) -> None:
    """Verify that a log was not opened ahead of now: until then nothing in it could be believed.

    Raises:
        EpochRefusedError: it was.
    """
    if opened_at > now + CLOCKS_APART:
        raise EpochRefusedError(
            f"the new log says it was opened on {opened_at:%Y-%m-%d %H:%M} UTC, which lies ahead of now",
            fix="compare this node's clock, and ask the exchange's operator for a log with the true time",
            code="opened-ahead-of-now",
        )


def _read_note(doubt: Suspicion, sheet: ExchangeSheet) -> SignedCheckpoint | None:
    try:
        head = verify_checkpoint(doubt.record, sheet.origin, read_log_keys(sheet))
    except (LogSignatureError, CodecError):
        return None
    return SignedCheckpoint(head.origin, head.size, b64u_encode(head.root), doubt.record, doubt.found_at)
