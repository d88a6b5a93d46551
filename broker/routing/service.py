"""Accepting a message: load the facts, decide, commit, answer.

The signatures are verified before the transaction, since they cost most and cannot change; whether their key is still
in force, and everything else that can change, is judged inside the transaction that stores the message.
"""

from asyncio import gather
from collections.abc import Sequence
from datetime import datetime
from functools import partial

from broker.access.caller import Caller
from broker.agreements.live import AgreementBook
from broker.attachments.store import end_attachments, refer_to
from broker.audit.batches import Accepted, answer_each
from broker.audit.log import AuditLog
from broker.audit.refusals import RefusalRecorder
from broker.clock import Clock
from broker.directory.live import Directory
from broker.http.refusal import Refusal, RefusedError, find_refusal, refuse
from broker.inbox.allowance import RETRY_SECONDS
from broker.inbox.delivery import Inboxes, NewMessage
from broker.inbox.envelopes import cut_ciphertext
from broker.inbox.rules import Passage
from broker.inbox.store import StoredMessage
from broker.routing.loading import FactLoader, find_earlier
from broker.routing.rules import WITHDRAWAL_KIND, Decision, Facts, Reason, decide
from broker.routing.signatures import SignatureCheck, check_signatures
from broker.routing.store import count_accepted, forget_carried, select_standing
from broker.routing.submission import Submission, read_submission
from broker.storage.failpoints import failpoint
from broker.storage.group_commit import GroupCommitWriter, Operation
from broker.storage.transaction import PendingLeaf, Transaction
from schemas.api import Evidence
from schemas.batches import BatchAnswer
from schemas.envelope import HeaderRecipient
from schemas.log.records import RecordedRecipient, RecordType
from schemas.problems import ProblemReason

_DAY_SECONDS = 86_400


class _RefusedAgainError(Exception):
    """A decision against a message that stood already: raised, so that what stood stays as it was."""

    def __init__(self, decision: Decision) -> None:
        super().__init__("refused")
        self.decision = decision


class RoutingService:
    """The use case of sending."""

    def __init__(
        self,
        exchange: str,
        directory: Directory,
        agreements: AgreementBook,
        inboxes: Inboxes,
        writer: GroupCommitWriter,
        log: AuditLog,
        refusals: RefusalRecorder,
        clock: Clock,
    ) -> None:
        self._directory = directory
        self._inboxes = inboxes
        self._writer = writer
        self._log = log
        self._refusals = refusals
        self._clock = clock
        self._facts = FactLoader(exchange, directory, agreements, inboxes)

    async def accept(self, caller: Caller, unverified_data: bytes) -> tuple[Evidence, bool]:
        """Accept an envelope; return the evidence, and whether it is new. The same envelope again gets the same leaf.

        Raises:
            RefusedError, CodecError, EnvelopeError: it is refused, and the refusal is in the log.
            StoreError: it could not be stored; whether it was is known by handing it in again.
        """
        accepted = await self._take(caller, read_submission(caller, unverified_data))
        failpoint("accept.before-answer")
        return self._log.prove(accepted.leaf), accepted.is_new

    async def accept_each(self, caller: Caller, unverified_envelopes: Sequence[bytes]) -> BatchAnswer:
        """Accept envelopes, each on its own and in this order; answer each with what it would have got alone.

        All are read before the first is handed to the writer, so that they share a group commit, or as few as there is
        room in.
        """
        read = [read_submission(caller, data) for data in unverified_envelopes]
        outcomes = await gather(*(self._take(caller, item) for item in read), return_exceptions=True)
        failpoint("accept.before-answer")
        return answer_each(outcomes, self._log.view, self._writer.metrics)

    async def _take(self, caller: Caller, read: Submission | ValueError) -> Accepted:
        """Have what was read judged and stored, or raise why it is refused, once that is on record."""
        if isinstance(read, ValueError):
            refusal = find_refusal(read)
            if refusal is not None:
                await self._refusals.record(refusal, caller.agency, caller.actor)
            raise read
        try:
            outcome = await self._writer.prepare_and_commit(partial(self._check_signatures, read), read.turn)
        except _RefusedAgainError as error:
            outcome = error.decision
        if isinstance(outcome, Decision):
            refusal = make_refusal(outcome.reasons, self._clock.now())
            await self._record(refusal, read)
            raise RefusedError(refusal)
        return outcome

    def _check_signatures(self, submission: Submission) -> Operation[Accepted | Decision]:
        """Verify before the transaction what takes long; return what is left to do in it."""
        timeline = self._directory.current.get(submission.caller.agency)
        signatures = check_signatures(submission.parsed, timeline, self._clock.now())
        return partial(self._judge, submission, signatures)

    def _judge(
        self, submission: Submission, signatures: SignatureCheck, transaction: Transaction
    ) -> Accepted | Decision:
        """Decide inside the transaction, and store what is accepted."""
        standing = select_standing(transaction.connection, submission.caller.agency, submission.header.id)
        if standing is None or standing.digest != submission.parsed.digest:
            return self._decide(submission, signatures, None if standing is None else standing.digest, transaction)
        leaf = _recall(transaction, standing.number)
        if leaf.record.type is RecordType.MESSAGE_CARRIED:
            return self._accept_again(submission, signatures, leaf, transaction)
        return Accepted(leaf, is_new=False)

    def _accept_again(
        self, submission: Submission, signatures: SignatureCheck, carried: PendingLeaf, transaction: Transaction
    ) -> Accepted:
        """Accept what an earlier epoch handed over: its sender has no receipt for it, and its recipient knows it."""
        forget_carried(transaction.connection, submission.caller.agency, submission.reference.id, carried.record.time)
        outcome = self._decide(submission, signatures, None, transaction)
        if isinstance(outcome, Decision):
            raise _RefusedAgainError(outcome)
        return outcome

    def _decide(
        self,
        submission: Submission,
        signatures: SignatureCheck,
        other_digest: str | None,
        transaction: Transaction,
    ) -> Accepted | Decision:
        earlier = find_earlier(transaction, submission)
        facts = self._facts.load(transaction, submission, signatures, other_digest, earlier)
        decision = decide(facts)
        failpoint("accept.decided")
        if not decision.is_accepted:
            return decision
        leaf = self._store(transaction, submission, facts, decision.passages, earlier)
        failpoint("accept.stored")
        return Accepted(leaf, is_new=True)

    def _store(
        self,
        transaction: Transaction,
        submission: Submission,
        facts: Facts,
        passages: Sequence[Passage],
        earlier: Sequence[StoredMessage],
    ) -> PendingLeaf:
        """Write the leaf, and for each recipient the message, its place in the inbox and the day's count."""
        leaf = self._append_accepted(transaction, submission)
        refer_to(transaction.connection, facts.attachments, facts.header.expires_at)
        document = cut_ciphertext(submission.data, submission.parsed.envelope)
        for recipient, passage in zip(facts.recipients, passages, strict=True):
            to = recipient.header
            message = _make_message(submission, to, leaf, passage, document)
            if facts.header.routing.kind == WITHDRAWAL_KIND:
                message.withdraws = self._withdraw(transaction, submission, to.agency, earlier)
            self._inboxes.put_message(transaction, message)
            if passage is Passage.COVERED:
                day, before = transaction.now.toordinal(), recipient.accepted_today
                count_accepted(transaction.connection, facts.caller, to, day, before=before)
        return leaf

    def _append_accepted(self, transaction: Transaction, submission: Submission) -> PendingLeaf:
        header = submission.header
        recipients = tuple(RecordedRecipient(agency=to.agency, agreement=to.agreement) for to in header.recipients)
        return transaction.append(
            RecordType.MESSAGE_ACCEPTED,
            concerns=(header.sender.agency, *(to.agency for to in header.recipients)),
            actor=submission.caller.actor,
            message=submission.reference,
            agency=header.sender.agency,
            recipients=recipients,
            kind=header.routing.kind,
            marking=header.routing.marking,
            urgency=header.routing.urgency,
            size=len(submission.parsed.ciphertext),
            refers_to=header.refers_to,
        )

    def _withdraw(
        self, transaction: Transaction, submission: Submission, recipient: str, earlier: Sequence[StoredMessage]
    ) -> int | None:
        """Take the earlier message back from one recipient; return its number if it is too late for that."""
        item = next(row for row in earlier if row.recipient == recipient)
        may_be_held = self._inboxes.withdraw(transaction, item, submission.reference)
        end_attachments(transaction.connection, item.sender, item.id, transaction.now)
        return item.number if may_be_held else None

    async def _record(self, refusal: Refusal, submission: Submission) -> None:
        # The recipients are named in the record and do not concern it: they must not learn what was refused to others.
        header = submission.header
        await self._refusals.record(
            refusal,
            submission.caller.agency,
            submission.caller.actor,
            message=submission.reference,
            kind=header.routing.kind,
            partner=header.recipients[0].agency,
            recipients=tuple(RecordedRecipient(agency=to.agency, agreement=to.agreement) for to in header.recipients),
        )


def make_refusal(reasons: Sequence[Reason], now: datetime) -> Refusal:
    """Return the answer to a message with these reasons against it: the first one leads, all are told."""
    first = reasons[0]
    return Refusal(
        first.problem,
        "; ".join(reason.sentence for reason in reasons),
        first.field,
        tuple(ProblemReason(code=reason.code, sentence=reason.sentence[:500]) for reason in reasons),
        _find_retry_seconds(first.problem, now),
    )


def _find_retry_seconds(problem: str, now: datetime) -> int | None:
    if problem == "quota-exhausted":  # it is counted by days of UTC
        return _DAY_SECONDS - (now.hour * 60 + now.minute) * 60 - now.second
    return RETRY_SECONDS if problem == "inbox-full" else None


def _recall(transaction: Transaction, number: int) -> PendingLeaf:
    leaf = transaction.recall(number)
    if leaf is None:
        raise refuse("not-found", "the message was accepted before, and the record of it has been erased", field="id")
    return leaf


def _make_message(
    submission: Submission, recipient: HeaderRecipient, leaf: PendingLeaf, passage: Passage, document: bytes
) -> NewMessage:
    header, attachments = submission.header, submission.parsed.payload.attachments
    return NewMessage(
        recipient=recipient.agency,
        leaf=leaf,
        sender=header.sender.agency,
        reference=submission.reference,
        stream=recipient.stream,
        n=recipient.n,
        agreement=recipient.agreement,
        kind=header.routing.kind,
        marking=header.routing.marking,
        urgency=header.routing.urgency,
        passage=passage,
        expires_at=header.expires_at,
        document=document,
        ciphertext=submission.parsed.ciphertext,
        refers_to=None if header.refers_to is None else header.refers_to.digest,
        attachments=len(attachments),
        attachment_bytes=sum(item.size for item in attachments),
    )
