"""What a restored node owes before it signs again: learn from the log what it signed after its backup was made.

Key documents come back with the walk, steps with `agreements.pulling`; here the numbers of its own statuses, and the
end of it. An exchange that hides a record of ours cannot be seen through from here; one that shows another's can. A
log that was begun anew since shows no statuses of before: their numbers are passed over, more than can have been given.
"""

from collections.abc import Iterable

from agency_client.audit.asking import MAX_RECORDS, AuditOrder, ask_records
from agency_client.audit.purposes import LogPurpose
from agency_client.epochs.places import number_epoch
from agency_client.errors import VerificationFailedError
from agency_client.local_store.dispatch import DispatchState, load_dispatch
from agency_client.local_store.engine import Snapshot, Transaction
from agency_client.local_store.restored import find_restored_at, is_behind, note_caught_up
from agency_client.local_store.settings import clear_restored
from agency_client.local_store.statuses import (
    StoredStatus,
    list_own_partners,
    load_newest_own_status,
    pass_over_statuses,
    record_own_status,
    request_status,
)
from agency_client.node import Node
from schemas.api import LoggedRecord
from schemas.key_documents import AgencyClass
from schemas.log.epoch import FIRST_EPOCH
from schemas.log.records import RecordType

PASSED_OVER = 1 << 20
"""More statuses than a node signs for one partner in its life: four a day, and one for each narrowing step."""
_REASON = "restored from a backup: which statuses this agency has signed"


class OwnStatusError(VerificationFailedError):
    """The log does not show a status that this node handed in: what came after it cannot be numbered."""

    default_code = "own-status-missing"


def is_anything_behind(node: Node, code: str | None = None) -> bool:
    """Return whether this node was restored and waits to catch up, with all or with one of `restored.LIMITS`."""
    with node.store.read() as snapshot:
        return find_restored_at(snapshot) is not None if code is None else is_behind(snapshot, code)


def take_over_own_statuses(node: Node) -> int:
    """Record the place of every own status that the log proves and the backup lacks; return how many there were.

    The documents are gone with the lost disk; numbers and digests are what the next status needs. It falls due at once.

    Raises:
        OwnStatusError: the log lacks one that was handed in.
        LogError: what the exchange shows is not proven.
        OfflineError, RefusedError: it cannot be asked now.
    """
    filters = {"types": [RecordType.STATUS.value], "agency": node.agency}
    found = ask_records(
        node, AuditOrder(_REASON, LogPurpose.INTEGRITY, filters=filters, limit=MAX_RECORDS, verb="restore-statuses")
    )
    by_partner: dict[str, list[LoggedRecord]] = {}
    for logged in found.records:
        by_partner.setdefault(logged.record.partner or "", []).append(logged)
    taken = 0
    with node.store.write() as transaction:
        if number_epoch(node.sheet.origin) > FIRST_EPOCH:
            for partner in list_own_partners(transaction):
                by_partner.setdefault(partner, [])
        for partner, records in by_partner.items():
            taken += _take_over(node, transaction, partner, records)
        note_caught_up(transaction, "statuses")
    return taken


def end_restored_life(node: Node) -> bool:
    """Clear the mark if every chain this node signs is complete again; return whether it was cleared."""
    is_agency = node.own_key_set().key_set.agency_class is AgencyClass.AGENCY
    codes = ("keys", "cosignatures", "steps", "statuses") if is_agency else ("keys", "cosignatures")
    with node.store.write() as transaction:
        if any(is_behind(transaction, code) for code in codes):
            return False
        clear_restored(transaction)
    return True


def _take_over(node: Node, transaction: Transaction, partner: str, records: list[LoggedRecord]) -> int:
    if number_epoch(node.sheet.origin) > FIRST_EPOCH and not _goes_on(transaction, partner, records):
        return _pass_over(node, transaction, partner, records)
    seq, missing = _find_missing(transaction, partner, records)
    for logged in missing:
        seq, time = seq + 1, logged.record.time
        record_own_status(transaction, StoredStatus(partner, seq, logged.record.digest or "", b"", time, time))
    request_status(transaction, partner, reason="restored from a backup", at=node.clock.now())
    return len(missing)


def _goes_on(snapshot: Snapshot, partner: str, records: list[LoggedRecord]) -> bool:
    """Tell whether the present log shows the newest status known here, so that what follows it can be counted."""
    newest = load_newest_own_status(snapshot, partner)
    return newest is not None and newest.digest in {logged.record.digest for logged in records}


def _pass_over(node: Node, transaction: Transaction, partner: str, records: list[LoggedRecord]) -> int:
    """Number what comes next behind all that an earlier log may have had; its reader takes gaps, but no repetition."""
    newest, last = load_newest_own_status(transaction, partner), records[-1].record if records else None
    known = newest.seq if newest is not None else 0
    digest = last.digest if last is not None else newest.digest if newest is not None else None
    time = last.time if last is not None else newest.signed_at if newest is not None else node.clock.now()
    pass_over_statuses(transaction, StoredStatus(partner, known + PASSED_OVER, digest or "", b"", time, time))
    request_status(transaction, partner, reason="restored from a backup", at=node.clock.now())
    return len(records)


def _find_missing(snapshot: Snapshot, partner: str, records: Iterable[LoggedRecord]) -> tuple[int, list[LoggedRecord]]:
    """Return the number of the newest status known here, and the records of those after it, oldest first."""
    newest, after = load_newest_own_status(snapshot, partner), list(records)
    if newest is None:
        return 0, after
    digests = [logged.record.digest for logged in after]
    if newest.digest in digests:
        return newest.seq, after[digests.index(newest.digest) + 1 :]
    queued = load_dispatch(snapshot, newest.digest)
    if queued is not None and queued.state is DispatchState.WAITING:
        return newest.seq, []  # Nothing that follows it can be in the log: it goes first.
    raise OwnStatusError(f"the log does not show status {newest.seq} for {partner}, which this node handed in")
