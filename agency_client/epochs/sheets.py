"""The sheets this agency has accepted, epoch after epoch: what an old signature of the exchange is verified with."""

from agency_client.local_store.engine import Snapshot
from agency_client.local_store.trust import load_exchange
from agency_client.witness.observer import LogError
from schemas.codec import CodecError
from schemas.key_documents import ExchangeSheet


def load_sheet(snapshot: Snapshot, origin: str) -> ExchangeSheet:
    """Return the sheet of a log that was accepted, now or before.

    Raises:
        LogError: no such log was ever accepted here, or the store is damaged there.
    """
    accepted = load_exchange(snapshot, origin)
    if accepted is None:
        raise LogError(f"the log {origin or 'without a name'} was never accepted on this node")
    try:
        return ExchangeSheet.from_canonical(accepted.sheet)
    except CodecError as error:
        raise LogError(f"the sheet of {origin} in the store is damaged: {error}", fix="restore the backup") from error
