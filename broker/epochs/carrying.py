"""Write a new log's beginning: everything members published and signed, verified once more, and what was delivered.

Key documents and agreement steps are judged by the rules that judge them when they are handed in, in the order and at
the time of their old leaves: keys that have ended since were good then. What waits and was never handed over is left
behind with its numbers: its senders, who hold no receipt for it, hand it in again. Nothing here reads files or time.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import Connection, Row

from broker.agreements.book import Agreements
from broker.agreements.rules import verify_signed_step, verify_step_follows
from broker.agreements.store import insert_step
from broker.audit.opening import find_opening
from broker.directory.members import Members
from broker.directory.rules import (
    RECORD_TYPES,
    read_key_document,
    verify_next_encryption_keys,
    verify_next_key_set,
    verify_next_revocation,
)
from broker.epochs.errors import CarryingError
from broker.epochs.store import (
    OldRecord,
    count_carried,
    insert_handed_over,
    insert_quotas,
    insert_rows,
    select_copied,
    select_handed_over,
    select_open_receipts,
    select_records,
)
from broker.inbox.delivery import Inboxes
from broker.inbox.rules import Passage
from broker.receipts.store import insert_receipt
from broker.storage.failpoints import failpoint
from broker.storage.group_commit import GroupCommitWriter
from broker.storage.transaction import Transaction
from schemas.envelope import Reference
from schemas.log.epoch import is_carried_over
from schemas.log.records import Record, RecordedRecipient, RecordType
from schemas.markings import Tlp
from schemas.signed import SignedDocument

PAGE_ROWS = 500
DOCUMENT_TYPES = {record_type: document_type for document_type, record_type in RECORD_TYPES.items()}

Progress = Callable[[int, int], None]
T = TypeVar("T")


@dataclass(slots=True)
class Carried:
    """What a new log was given of the old one's content."""

    members: Members = field(default_factory=Members)
    agreements: Agreements = field(default_factory=Agreements)
    counts: Counter[str] = field(default_factory=Counter)
    quotas: Counter[tuple[str, str, str]] = field(default_factory=Counter)


class Carrier:
    """Carries the content of an old database into a new log, page by page through the new log's writer."""

    def __init__(self, exchange: str, old: Connection, writer: GroupCommitWriter, inboxes: Inboxes) -> None:
        self._exchange = exchange
        self._old = old
        self._writer = writer
        self._inboxes = inboxes
        self._opening = find_opening(old)
        self._carried = Carried()
        self._progress: Progress = lambda _done, _total: None
        self._done = self._total = 0

    def carry_all(self, progress: Progress) -> Carried:
        """Carry everything over; `progress` is told how much was done, and of how much.

        Raises:
            CarryingError: something the old database holds does not verify, and which leaf.
        """
        self._progress, self._total = progress, count_carried(self._old)
        self._carry_pages(select_records(self._old), self._write_record)
        self._carry_pages(select_handed_over(self._old), self._write_message)
        self._carry_pages(select_open_receipts(self._old), self._write_receipt)
        self._writer.commit_and_wait(self._write_rest)
        return self._carried

    def _carry_pages(self, rows: Iterator[T], write: Callable[[T, Transaction], None]) -> None:
        while page := list(islice(rows, PAGE_ROWS)):
            self._writer.commit_and_wait(partial(_write_page, page, write))
            failpoint("rebase.page")
            self._done += len(page)
            self._progress(self._done, self._total)

    def _write_record(self, old: OldRecord, transaction: Transaction) -> None:
        try:
            if old.record.type is RecordType.AGREEMENT_STEP:
                self._write_step(old, transaction)
            else:
                self._write_public(old.record, transaction)
        except ValueError as error:  # every refusal of directory, agreements and keys is one
            raise CarryingError(f"the old log does not verify: {error}", old.index) from error
        self._carried.counts[old.record.type.value] += 1

    def _write_public(self, record: Record, transaction: Transaction) -> None:
        members = {"agency": record.agency, "digest": record.digest}
        if record.type is RecordType.MEMBER_ENROLLED:
            transaction.append(record.type, concerns=record.concerns, **members)
            return
        document = record.document
        assert document is not None  # noqa: S101 - a record of these types has one
        verified = self._verify_key_document(record, document)
        leaf = transaction.append(record.type, concerns=record.concerns, document=document, **members)
        self._carried.members = self._carried.members.add(leaf.index, verified)

    def _verify_key_document(self, record: Record, document: SignedDocument) -> Any:
        known, now = self._carried.members, self._find_moment(record, document)
        if record.type is RecordType.KEY_SET:
            timeline = known.get(record.agency or "")
            previous = timeline.newest_key_set if timeline else None
            return verify_next_key_set(known, document, previous, self._exchange, now)
        if record.type is RecordType.ENCRYPTION_KEYS:
            return verify_next_encryption_keys(known, document, now)
        return verify_next_revocation(known, document)

    def _find_moment(self, record: Record, document: SignedDocument) -> datetime:
        """Return when a key document was handed in first: its own time where the old log had carried it over itself."""
        issued_at = read_key_document(document, DOCUMENT_TYPES[record.type]).issued_at
        return issued_at if is_carried_over(issued_at, record.time, self._opening) else record.time

    def _write_step(self, old: OldRecord, transaction: Transaction) -> None:
        record, carried = old.record, self._carried
        if old.step is None or record.agency is None:
            raise ValueError("the agreement step is not stored")
        document = SignedDocument.from_canonical(old.step)
        signed = verify_signed_step(
            carried.members, document, record.agency, self._exchange, record.time, self._opening
        )
        terms = verify_step_follows(carried.agreements, carried.members, signed, record.time, self._opening)
        partner = terms.counterpart_of(record.agency)
        leaf = transaction.append(
            RecordType.AGREEMENT_STEP,
            concerns=(record.agency, partner),
            agency=record.agency,
            partner=partner,
            agreement=signed.step.agreement,
            version=terms.version,
            digest=signed.chained.digest,
            step=signed.step.action.value,
        )
        insert_step(
            transaction.connection,
            leaf_index=leaf.index,
            agreement=signed.step.agreement,
            agency=record.agency,
            partner=partner,
            party_seq=signed.step.party_seq,
            digest=signed.chained.digest,
            document=old.step,
        )
        carried.agreements = carried.agreements.add(leaf.index, signed.chained)

    def _write_message(self, row: Row[Any], transaction: Transaction) -> None:
        leaf = transaction.append(
            RecordType.MESSAGE_CARRIED,
            concerns=(row.sender, row.recipient),
            message=Reference(id=row.id, digest=row.digest),
            agency=row.sender,
            partner=row.recipient,
            recipients=(RecordedRecipient(agency=row.recipient, agreement=row.agreement),),
            kind=row.kind,
            marking=Tlp.from_code(row.marking),
            size=row.size,
        )
        counts_today = row.passage == Passage.COVERED.value and row.accepted_at.date() == transaction.now.date()
        passage = Passage.COVERED if counts_today else Passage.CARRIED
        insert_handed_over(transaction.connection, row, leaf.index, passage.value)
        self._carried.counts[RecordType.MESSAGE_CARRIED.value] += 1
        if counts_today:
            self._carried.quotas[row.recipient, row.sender, row.agreement] += 1

    def _write_receipt(self, found: tuple[str, Record, bytes], transaction: Transaction) -> None:
        recipient, record, sealed = found
        leaf = transaction.append(
            RecordType.RECEIPT,
            concerns=record.concerns,
            agency=record.agency,
            partner=record.partner,
            digest=record.digest,
            receipt_type=record.receipt_type,
        )
        assert record.agency is not None and record.digest is not None  # noqa: PT018, S101 - a receipt's record has both
        evidence_until = self._inboxes.find_receipt_end(transaction, record.agency, recipient)
        insert_receipt(transaction.connection, record.agency, record.digest, leaf.index, evidence_until)
        self._inboxes.put_receipt(transaction, recipient, leaf, sealed)
        self._carried.counts[RecordType.RECEIPT.value] += 1

    def _write_rest(self, transaction: Transaction) -> None:
        insert_quotas(transaction.connection, dict(self._carried.quotas), transaction.now.toordinal())
        for table, rows in select_copied(self._old):
            insert_rows(transaction.connection, table, rows)


def _write_page(page: Iterable[T], write: Callable[[T, Transaction], None], transaction: Transaction) -> None:
    for item in page:
        write(item, transaction)
