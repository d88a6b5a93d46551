"""A broker's inner parts on a real database, with members and agreements that signed for themselves; no HTTP, no TLS.

Everything is real but the clock, which is set by hand, and the ids of leases, which count.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from copy import copy
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Self, TypeVar

from broker.access.caller import Caller
from broker.agreements.live import make_agreement_book
from broker.agreements.service import AgreementService
from broker.attachments.contents import AttachmentContents
from broker.attachments.files import AttachmentFiles
from broker.attachments.pieces import AttachmentPieces
from broker.attachments.rules import Allowance
from broker.attachments.service import AttachmentService
from broker.attachments.sweep import AttachmentSweeper
from broker.attachments.turns import Turns
from broker.audit.log import AuditLog
from broker.audit.refusals import RefusalRecorder
from broker.audit.standing import Standing, Stop
from broker.audit.verification import verify_stored_log
from broker.budget import MinuteBudget
from broker.directory.live import make_directory
from broker.directory.service import DirectoryService
from broker.inbox.delivery import Inboxes
from broker.inbox.service import InboxService
from broker.inbox.sweep import Sweeper
from broker.inbox.waiters import Waiters
from broker.receipts.service import ReceiptService
from broker.retention.purging import Purger
from broker.routing.service import RoutingService
from broker.statuses.service import StatusService
from broker.storage.engine import Database
from broker.storage.group_commit import GroupCommitWriter
from broker.stored_state import verify_stored_state
from broker.witnesses.rules import OwnLog
from broker.witnesses.service import WitnessService
from keys.cosignatures import cosign_checkpoint
from keys.sealing import SealedMessage
from keys.signing import sign_document
from schemas.agreements.steps import Step, StepAction, digest_step
from schemas.agreements.terms import Party, Terms
from schemas.api import (
    AcknowledgeRequest,
    CosignatureAnswer,
    Evidence,
    LeaseAnswer,
    LeaseRequest,
    MessageItem,
    MessageStatesAnswer,
    OutcomeItem,
    ReceiptItem,
)
from schemas.envelope import Reference
from schemas.key_documents import AgencyClass, ExchangeSheet
from schemas.log.checkpoint import parse_checkpoint
from schemas.log.cosignature import attach_cosignature, format_witness_name
from schemas.log.note import parse_note
from schemas.log.records import Record, RecordType, Role
from schemas.signed import DocumentType, KeyUse, SignedDocument
from tests.broker.ports import ORIGIN, ManualClock, make_log, make_sheet, make_signer, make_store, open_store
from tests.broker.proofs import verify_evidence, verify_item
from tests.strategies.agreements import make_terms
from tests.support.engines import SQLITE
from tests.support.members import EXCHANGE, Member, make_member
from tests.support.messages import make_id, make_message, seal

GB, VN, BE = "GB-HO", "VN-IMM", "BE-OE"
OVERSIGHT = "XA-AUDIT"
ROOM_BYTES = 1 << 30

T = TypeVar("T")


class Bench:
    """One exchange. `run` drives what is asynchronous; `restart` begins anew on the same database."""

    def __init__(
        self,
        folder: Path,
        *agencies: str,
        refusals_per_minute: int = 10_000,
        make: Callable[[Path], Database] = make_store,
    ) -> None:
        self.folder = folder
        self.clock = ManualClock()
        self.database = make(folder)
        self.leases = 0
        self.refusals_per_minute = refusals_per_minute
        self.allowance = Allowance(max_unreferenced=8, max_attachments=100, max_stored_bytes=1 << 20, reserved_bytes=0)
        self.members: dict[str, Member] = {}
        self.sent: dict[str, SealedMessage] = {}
        self._numbers: dict[tuple[str, str], int] = {}
        self._steps: dict[tuple[str, str], list[str]] = {}
        self.runner = asyncio.Runner()
        self.stop: Stop | None = None
        self._beside: list[Database] = []
        self._compose()
        for agency in agencies or (GB, VN):
            self.enrol(agency)

    def _open_contents(self) -> AttachmentContents:
        """Return the bytes of attachments as they are kept beside this engine."""
        if self.database.writing.dialect.name == SQLITE:
            return AttachmentFiles(self.folder / "attachments")
        self._beside.append(open_store(self.folder, beside=2))
        return AttachmentPieces(self._beside[-1], ROOM_BYTES)

    def _compose(self) -> None:
        self.standing = Standing(self.stop, self._keep_stop)
        self.log: AuditLog = make_log(self.database, self.clock, standing=self.standing)
        self.directory = make_directory(EXCHANGE, self.database)
        self.book = make_agreement_book()
        self.directory.load(self.database)
        self.book.load(self.database)
        self.writer = GroupCommitWriter(self.database, self.log)
        self.writer.start()
        refusals = RefusalRecorder(self.writer, self.clock, MinuteBudget(self.refusals_per_minute))
        self.directory_service = DirectoryService(EXCHANGE, self.directory, self.writer, self.log, refusals, self.clock)
        self.agreements = AgreementService(
            EXCHANGE, self.book, self.directory, self.writer, self.database, self.log, refusals, self.clock
        )
        self.inboxes = Inboxes(self.book, Waiters())
        self.inbox = InboxService(
            self.inboxes,
            self.directory,
            self.writer,
            self.database,
            self.log,
            refusals,
            self.clock,
            self._make_lease_id,
        )
        self.purger = Purger(self.writer, self.database, self.clock)
        self.files, turns = self._open_contents(), Turns()
        self.attachments = AttachmentService(
            self.files, self.allowance, self.book, self.writer, self.database, self.clock, turns
        )
        attachments = AttachmentSweeper(self.files, self.writer, self.database, turns)
        self.sweeper = Sweeper(self.inboxes, self.writer, self.database, self.purger, attachments)
        self.routing = RoutingService(
            EXCHANGE, self.directory, self.book, self.inboxes, self.writer, self.log, refusals, self.clock
        )
        self.receipts = ReceiptService(EXCHANGE, self.directory, self.inboxes, self.writer, self.log, refusals)
        self.statuses = StatusService(
            EXCHANGE, self.directory, self.writer, self.database, self.log, refusals, self.clock
        )
        self.witnesses = WitnessService(
            OwnLog(EXCHANGE, ORIGIN, make_signer().public),
            self.directory,
            self.writer,
            self.database,
            self.log,
            self.standing,
            refusals,
            self.clock,
        )

    def _keep_stop(self, stop: Stop) -> None:
        self.stop = stop

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run something asynchronous to its end."""
        return self.runner.run(coroutine)

    def restart(self) -> None:
        """End the writer and begin anew on the same database, as a broker that was stopped does."""
        self.writer.close()
        self._compose()

    def open_another(self) -> Self:
        """Return another broker on the same database; it hears of nothing, and its writer is the caller's to close."""
        another = copy(self)
        another._compose()
        return another

    @contextmanager
    def at_rest(self) -> Iterator[None]:
        """Stop, let the block do something to the database's file, and begin anew on what it left."""
        self.writer.close()
        self.database.close()
        yield
        self.database = open_store(self.folder)
        self._compose()

    def close(self) -> None:
        """End everything."""
        self.writer.close()
        self.runner.close()
        for database in (self.database, *self._beside):  # a later test of a shared bench may have opened them again
            database.close()

    @property
    def now(self) -> datetime:
        """The moment on the clock."""
        return self.clock.now()

    def caller(self, agency: str, *, node: str = "node-1", role: Role = Role.NODE) -> Caller:
        """Return a caller as certificate and token would make it."""
        member = self.members.get(agency)
        kid = member.signers[KeyUse.REQUEST].kids[0] if member else None
        authority = member.verified.ca_thumbprint if member else None
        return Caller(agency, node, role, bytes(32), self.now + timedelta(minutes=5), kid, authority)

    def enrol(self, agency: str, *, agency_class: AgencyClass = AgencyClass.AGENCY) -> Member:
        """Enrol a member by its signed key set, and publish its encryption keys."""
        member = make_member(agency, agency_class=agency_class)
        self.members[agency] = member
        self.directory_service.enrol_and_wait([member.verified.document])
        document = member.encryption.document
        self.run(self.directory_service.submit(self.caller(agency), document, DocumentType.ENCRYPTION_KEYS))
        return member

    def agree(self, first: str = GB, second: str = VN, **changes: Any) -> Terms:
        """Let two agencies propose, accept and confirm terms, which are in force from now on."""
        terms = self.draft(first, second, **changes)
        proposer, accepter = terms.agencies
        self.step(proposer, terms, StepAction.PROPOSE)
        self.step(accepter, terms, StepAction.ACCEPT, confirm_by=self.now + timedelta(days=7))
        self.step(proposer, terms, StepAction.CONFIRM)
        return terms

    def draft(self, first: str = GB, second: str = VN, **changes: Any) -> Terms:
        """Return terms between two agencies with their real anchors."""
        first, second = sorted((first, second))
        parties = tuple(Party(agency=agency, anchor=self.members[agency].anchor) for agency in (first, second))
        own = {"exchange": EXCHANGE, "id": make_id(("agreement", first, second)), "parties": parties}
        return make_terms(first, second, **own | changes)

    def step(self, agency: str, terms: Terms, action: StepAction, **members: Any) -> Evidence:
        """Let a party sign its next step of an agreement and hand it in."""
        document = self.sign_step(agency, terms, action, **members)
        return self.run(self.agreements.submit(self.caller(agency), document))[0]

    def sign_step(self, agency: str, terms: Terms, action: StepAction, **members: Any) -> SignedDocument:
        """Return the next step of a party's chain, signed by its agreement key."""
        chain = self._steps.setdefault((terms.id, agency), [])
        step = Step(
            v=1,
            exchange=EXCHANGE,
            agreement=terms.id,
            digest=terms.digest(),
            agency=agency,
            party_seq=len(chain) + 1,
            party_prev=chain[-1] if chain else None,
            action=action,
            time=self.now,
            terms=terms if action is StepAction.PROPOSE else None,
            **members,
        )
        chain.append(digest_step(step.canonical()))
        signer = self.members[agency].signers[KeyUse.AGREEMENT]
        return sign_document(step.canonical(), DocumentType.AGREEMENT_STEP, [signer])

    def seal(self, sender: str, recipient: str, terms: Terms | str, name: object, **changes: Any) -> SealedMessage:
        """Return a sealed message; its number is the next of the stream unless `n` says otherwise."""
        number = changes.pop("n", None)
        if number is None:
            number = self._numbers[sender, recipient] = self._numbers.get((sender, recipient), 0) + 1
        message = make_message(
            self.members[sender],
            self.members[recipient],
            name=name,
            agreement=terms if isinstance(terms, str) else terms.digest(),
            n=number,
            **{"issued_at": self.now, **changes},
        )
        return seal(message, self.members[sender], self.members[recipient])

    def send(self, sender: str, recipient: str, terms: Terms, name: object, **changes: Any) -> Evidence:
        """Seal a message and send it; it must be accepted as a new one."""
        sealed = self.seal(sender, recipient, terms, name, **changes)
        self.sent[sealed.header.id] = sealed
        evidence, is_new = self.submit(sender, sealed)
        assert is_new
        self.verify(evidence)
        return evidence

    def submit(self, caller: str, sealed: SealedMessage) -> tuple[Evidence, bool]:
        """Hand in a sealed message as somebody."""
        return self.run(self.routing.accept(self.caller(caller), sealed.envelope.canonical()))

    def reference(self, name: object) -> Reference:
        """Return how others refer to a message sent by this name."""
        sealed = self.sent[make_id(name)]
        return Reference(id=sealed.header.id, digest=sealed.digest)

    def lease(self, agency: str, *, wait: int = 0, max_items: int = 64, node: str = "node-1") -> LeaseAnswer:
        """Lease what waits for an agency, and verify every proof in the answer."""
        request = LeaseRequest(wait_seconds=wait, max_items=max_items)
        answer = self.run(self.inbox.lease(self.caller(agency, node=node), request))
        for item in answer.items:
            verify_item(item, answer.checkpoint)
        return answer

    def acknowledge(self, agency: str, answer: LeaseAnswer, *numbers: int) -> int:
        """Acknowledge items of a lease, all of them if none is named."""
        chosen = numbers or tuple(item.number for item in answer.items)
        assert answer.lease is not None
        request = AcknowledgeRequest(lease=answer.lease, numbers=chosen)
        return self.run(self.inbox.acknowledge(self.caller(agency), request)).settled

    def cosign(self, agency: str, note: str | None = None, at: datetime | None = None) -> str:
        """Return a note of the log, the newest by default, with an agency's cosignature under it."""
        note = note or self.log.view.note
        checkpoint = parse_checkpoint(parse_note(note.encode()).text)
        key = self.members[agency].signers[KeyUse.WITNESS].keys[0]
        line = cosign_checkpoint(checkpoint, format_witness_name(EXCHANGE, agency), key, at or self.now)
        return attach_cosignature(note.encode(), line).decode()

    def witness(self, agency: str, note: str | None = None) -> CosignatureAnswer:
        """Let an agency cosign a note and hand it in."""
        return self.run(self.witnesses.submit(self.caller(agency), self.cosign(agency, note)))

    def sweep(self) -> None:
        """Let the inbox see to deadlines and agreements."""
        self.run(self.sweeper.sweep())

    def states(self, sender: str, name: object) -> MessageStatesAnswer:
        """Ask how far a message has come."""
        return self.run(self.inbox.find_states(self.caller(sender), make_id(name)))

    def state(self, sender: str, name: object) -> str:
        """Return how far a message has come for its only recipient."""
        (found,) = self.states(sender, name).states
        return found.state

    def records(self, *types: RecordType) -> list[Record]:
        """Return the log's records of these types that are kept, in order."""
        kept = "SELECT record FROM log_leaf WHERE record IS NOT NULL ORDER BY leaf_index"
        with self.database.read() as connection:
            rows = connection.exec_driver_sql(kept).scalars().all()
        records = [Record.model_validate_json(row) for row in rows]
        return [record for record in records if record.type in types]

    def fates(self, name: object) -> list[str]:
        """Return the types of all records about a message, in order."""
        return [
            record.type.value
            for record in self.records(*RecordType)
            if record.message is not None and record.message.id == make_id(name)
        ]

    @property
    def sheet(self) -> ExchangeSheet:
        """Return the exchange's sheet, as far as its log's keys."""
        return make_sheet()

    def verify_log(self) -> None:
        """Recompute the stored log from its leaves, and hold the tables against it, as the operator's command does."""
        with self.database.read() as connection:
            report = verify_stored_log(connection, self.sheet, lambda _done, _of: None)
            verify_stored_state(connection, self.sheet, report)
        assert report.findings == []

    def verify(self, evidence: Evidence) -> None:
        """Verify evidence as a client would."""
        verify_evidence(evidence)

    def _make_lease_id(self) -> str:
        self.leases += 1
        return make_id(("lease", self.leases))


def messages_of(answer: LeaseAnswer) -> list[MessageItem]:
    """Return the messages of a lease."""
    return [item for item in answer.items if isinstance(item, MessageItem)]


def ids_of(answer: LeaseAnswer) -> list[str]:
    """Return the ids of the messages of a lease, in its order."""
    return [item.accepted.record.message.id for item in messages_of(answer) if item.accepted.record.message]


def outcomes_of(answer: LeaseAnswer) -> list[tuple[str, str]]:
    """Return type and message id of the outcomes of a lease."""
    return [
        (item.leaf.record.type.value, item.leaf.record.message.id)
        for item in answer.items
        if isinstance(item, OutcomeItem) and item.leaf.record.message
    ]


def receipts_of(answer: LeaseAnswer) -> list[ReceiptItem]:
    """Return the receipts of a lease."""
    return [item for item in answer.items if isinstance(item, ReceiptItem)]
