"""What this node knows of a log beyond what the exchange showed it: signed notes it was handed, and what partners say.

A note that the log's keys signed counts like a head that the exchange showed. What a partner merely says it saw proves
nothing; two officers who are about to accept a new log must know of it all the same.
"""

from collections.abc import Iterable

from agency_client.local_store.checkpoints import SignedCheckpoint, load_newest_checkpoint
from agency_client.local_store.contradictions import has_log_contradiction
from agency_client.local_store.engine import Snapshot
from agency_client.local_store.sightings import list_sightings
from agency_client.local_store.suspicions import Suspicion, list_suspicions
from agency_client.witness.observer import read_log_keys
from keys.log_keys import LogSignatureError, verify_checkpoint
from schemas.codec import CodecError, b64u_encode
from schemas.envelope import SeenCheckpoint
from schemas.key_documents import ExchangeSheet


def load_largest_head(snapshot: Snapshot, sheet: ExchangeSheet) -> SignedCheckpoint | None:
    """Return the largest head of a log that its keys signed and this node holds, shown by the exchange or not."""
    newest = load_newest_checkpoint(snapshot, sheet.origin)
    found = [] if newest is None else [newest]
    found += [note for doubt in list_suspicions(snapshot, "") if (note := _read_note(doubt, sheet)) is not None]
    return max(found, key=lambda head: head.size, default=None)


def describe_doubts(snapshot: Snapshot, committed: SeenCheckpoint) -> Iterable[str]:
    """Give in words what speaks against a head that a new log says it goes on from."""
    if has_log_contradiction(snapshot, committed.origin):
        yield f"{committed.origin} is proven to have shown two histories: agency trust contradictions"
    for seen in list_sightings(snapshot, committed.origin):
        if seen.size > committed.size or (seen.size == committed.size and seen.root != committed.root):
            yield (
                f"{seen.seen_by} says it saw {seen.size:,} leaves of {seen.origin}, root {seen.root[:8]}, which the "
                "new log does not go on from: call its duty desk before anybody approves"
            )


def _read_note(doubt: Suspicion, sheet: ExchangeSheet) -> SignedCheckpoint | None:
    try:
        head = verify_checkpoint(doubt.record, sheet.origin, read_log_keys(sheet))
    except (LogSignatureError, CodecError):
        return None
    return SignedCheckpoint(head.origin, head.size, b64u_encode(head.root), doubt.record, doubt.found_at)
