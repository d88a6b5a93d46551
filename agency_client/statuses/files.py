"""A status as a file: the way around an exchange that keeps statuses back, or that nobody reaches.

A file adds no trust: the same receipt key must have signed, for this agency, and what it narrows works at once. It has
no leaf, so nobody else can be shown that the exchange had it, and the time in it is its signer's word alone: its age
counts from that time or from when it came, whichever is earlier. Steps travel by `agency_client.agreements.files`.
"""

from dataclasses import dataclass
from typing import Literal

from agency_client.agreements.chains import load_all
from agency_client.errors import NotFoundError, UsageError, VerificationFailedError
from agency_client.local_store.access_log import append_entry
from agency_client.local_store.contradictions import EquivocationError, keep_contradiction
from agency_client.local_store.engine import Snapshot
from agency_client.local_store.statuses import load_newest_own_status
from agency_client.node import Node
from agency_client.statuses.partners import StatusReport, VerifiedStatus, take_status, verify_status_document
from agency_client.statuses.signing import find_due_partners, sign_status
from keys.errors import KeysError
from schemas.codec import CodecError
from schemas.log.records import Action
from schemas.model import ExchangeName, WireModel
from schemas.signed import SignedDocument
from schemas.status import Status, digest_status

MAX_FILE_BYTES = 256 * 1024


class StatusFile(WireModel):
    """One signed status, as it would go to the exchange."""

    v: Literal[1]
    exchange: ExchangeName
    status: SignedDocument


@dataclass(frozen=True, slots=True)
class ExportedStatus:
    """A status to carry: the file, its number, whether the log has it, and agreements with steps that it lacks."""

    file: StatusFile
    seq: int
    is_logged: bool
    unlogged_agreements: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ImportedStatus:
    """What a file came to: its status, what it changed here; `is_new`: it is newer than all that was here."""

    status: Status
    report: StatusReport

    @property
    def is_new(self) -> bool:
        """Return whether it is now the partner's newest."""
        return self.status.agency in self.report.news


def export_status(node: Node, partner: str) -> ExportedStatus:
    """Return this node's newest status for a partner, freshly signed where one is due. It is on record.

    Raises:
        NotFoundError: the log names no such agency.
        UsageError: it is this agency itself.
        RestoredNodeError, KeySetUnusableError, LogError: one is due and cannot be signed.
    """
    if partner == node.agency:
        raise UsageError(f"{partner} is this agency itself; a status is for a partner")
    with node.store.read() as snapshot:
        if node.directory.read_timeline(snapshot, partner) is None:
            raise NotFoundError(f"the log names no member {partner}", fix="check the id; then run: agency sync")
        is_due = partner in find_due_partners(node, snapshot) or load_newest_own_status(snapshot, partner) is None
    if is_due:
        sign_status(node, partner)
    with node.store.write() as transaction:
        newest = load_newest_own_status(transaction, partner)
        assert newest is not None  # noqa: S101 - one was signed above where none was here
        if not newest.document:
            raise NotFoundError(
                f"status {newest.seq} for {partner} was signed before this node was restored", fix="run: agency sync"
            )
        note = node.note_access(Action.AGREEMENTS, "status-export", f"status {newest.seq}", partner=partner)
        append_entry(transaction, note)
        agreements = _list_unlogged(transaction, node.agency, partner)
    file = StatusFile(v=1, exchange=node.exchange, status=SignedDocument.from_canonical(newest.document))
    return ExportedStatus(file, newest.seq, newest.logged_at is not None, agreements)


def read_status_file(unverified_data: bytes) -> StatusFile:
    """Return a file of a status; nothing of it is verified.

    Raises:
        VerificationFailedError: it is no such file.
    """
    try:
        return StatusFile.from_canonical(unverified_data, max_bytes=MAX_FILE_BYTES)
    except CodecError as error:
        raise VerificationFailedError(f"this is no file of a status: {error}") from error


def import_status(node: Node, file: StatusFile) -> ImportedStatus:
    """Verify a partner's status from a file and take it in like one from the exchange. It is on record.

    Raises:
        VerificationFailedError: it does not hold, or is for another agency or exchange.
        NotPinnedError, NotFoundError, AnchorMismatchError: its signer is not trusted.
        EquivocationError: together with one that is here it proves two words of one signer; the proof has been kept.
    """
    document = file.status
    try:
        status = verify_status_document(node, document, at=None)
    except (KeysError, CodecError) as error:
        raise VerificationFailedError(f"the status in the file does not hold: {error}", code=error.code) from error
    report = StatusReport()
    try:
        take_status(node, VerifiedStatus(status, digest_status(document.payload_bytes), document, None), report)
    except EquivocationError as error:
        keep_contradiction(node.store, error, at=node.clock.now())
        raise
    with node.store.write() as transaction:
        note = node.note_access(Action.AGREEMENTS, "status-import", f"status {status.seq}", partner=status.agency)
        append_entry(transaction, note)
    return ImportedStatus(status, report)


def _list_unlogged(snapshot: Snapshot, agency: str, partner: str) -> tuple[str, ...]:
    """Return the agreements with a partner of which an own step is not in the log: a status does not speak of it."""
    found = []
    for agreement in load_all(snapshot):
        parties = {party for terms in agreement.list_terms().values() for party in terms.agencies}
        if partner in parties and any(step.leaf is None for step in agreement.stored.get(agency, ())):
            found.append(agreement.id)
    return tuple(found)
