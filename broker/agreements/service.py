"""Agreement steps: accepted in order, kept with their leaf, and given to the parties they are about."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from broker.access.caller import Caller
from broker.agreements.book import Agreements
from broker.agreements.live import AgreementBook
from broker.agreements.rules import SignedStep, read_step, verify_signed_step, verify_step_follows
from broker.agreements.store import StoredStep, insert_step, select_steps
from broker.audit.log import AuditLog, read_leaf
from broker.audit.log_view import LogView
from broker.audit.opening import find_opening
from broker.audit.refusals import RefusalRecorder
from broker.budget import MinuteBudget
from broker.clock import Clock
from broker.directory.live import Directory
from broker.storage.announcements import Topic
from broker.storage.engine import Database
from broker.storage.failpoints import failpoint
from broker.storage.fair_queue import Turn
from broker.storage.group_commit import GroupCommitWriter
from broker.storage.transaction import PendingLeaf, Transaction
from schemas.agreements.steps import ChainedStep, Step
from schemas.agreements.terms import Terms
from schemas.api import Evidence, LoggedRecord, LoggedStep, StepsAnswer
from schemas.codec import b64u_encode
from schemas.log.records import Record, RecordType, Role
from schemas.signed import SignedDocument

MAX_STEPS_PER_MINUTE = 600
MAX_PROPOSALS_PER_MINUTE = 240
"""Terms are kept for good, and shown to the other party: they are the largest thing a member can leave here."""
MAX_STEPS_PER_ANSWER = 256
MAX_ANSWER_BYTES = 4 << 20

StepListener = Callable[[Step, Terms], None]


@dataclass(frozen=True, slots=True)
class StepRange:
    """Which steps are asked for: those behind a leaf index, at most so many."""

    after_index: int = -1
    limit: int = MAX_STEPS_PER_ANSWER


class AgreementService:
    """The use cases of agreements."""

    def __init__(
        self,
        exchange: str,
        book: AgreementBook,
        directory: Directory,
        writer: GroupCommitWriter,
        database: Database,
        log: AuditLog,
        refusals: RefusalRecorder,
        clock: Clock,
    ) -> None:
        self._exchange = exchange
        self._book = book
        self._directory = directory
        self._writer = writer
        self._database = database
        self._log = log
        self._refusals = refusals
        self._clock = clock
        self._steps = MinuteBudget(MAX_STEPS_PER_MINUTE)
        self._proposals = MinuteBudget(MAX_PROPOSALS_PER_MINUTE)
        self._listeners: list[StepListener] = []

    def on_step(self, listener: StepListener) -> None:
        """Call `listener` with each step and its terms once it is durable: what waits may be judged anew."""
        self._listeners.append(listener)

    async def submit(self, caller: Caller, document: SignedDocument) -> tuple[Evidence, bool]:
        """Accept a step of the caller's; returns its evidence, and whether it is new.

        Raises:
            AgreementError, KeysError, CodecError: it is refused, and the refusal is in the log.
            RefusedError: the caller has handed in too many this minute.
            StoreError: it could not be stored.
        """
        async with self._refusals.recording(caller.actor):
            claimed = read_step(document)
        accepted = self._find_accepted(caller, claimed)
        if accepted is not None:
            return self._log.prove(accepted), False
        self._demand_budget(caller, claimed.step)
        facts = {"agreement": claimed.step.agreement, "digest": claimed.digest, "step": claimed.step.action.value}
        async with self._refusals.recording(caller.actor, concerns=self._list_parties(claimed.step), **facts):
            signed = await self._directory.judge(
                lambda members: verify_signed_step(
                    members, document, caller.agency, self._exchange, self._clock.now(), self._opening
                )
            )
            leaf, is_new = await self._writer.commit(
                lambda transaction: self._accept(transaction, caller, signed), Turn(caller.agency)
            )
        failpoint("step.before-answer")
        return self._log.prove(leaf), is_new

    def _demand_budget(self, caller: Caller, step: Step) -> None:
        now = self._clock.now()
        self._steps.demand(caller.agency, now, "steps")
        if step.terms is not None:
            self._proposals.demand(caller.agency, now, "proposals")

    def list_steps(self, caller: Caller, wanted: StepRange) -> StepsAnswer:
        """Return steps of the agreements the caller is party to, of all for oversight, oldest first, each proven."""
        view = self._log.view
        party = None if caller.role is Role.OVERSIGHT else caller.agency
        limit = min(wanted.limit, MAX_STEPS_PER_ANSWER)
        with self._database.read() as connection:
            rows = select_steps(connection, party, wanted.after_index, view.size, limit + 1)
        shown = _fit(rows[:limit])
        return StepsAnswer(
            steps=tuple(_show_step(row, view) for row in shown), more=len(shown) < len(rows), checkpoint=view.note
        )

    @cached_property
    def _opening(self) -> datetime | None:
        # Written before anything else is, and never again.
        with self._database.read() as connection:
            return find_opening(connection)

    def _accept(self, transaction: Transaction, caller: Caller, signed: SignedStep) -> tuple[PendingLeaf, bool]:
        agreements = self._book.as_of(transaction)
        known = _recall_accepted(transaction, agreements, signed)
        if known is not None:
            return known, False
        step = signed.step
        members = self._directory.as_of(transaction)
        terms = verify_step_follows(agreements, members, signed, transaction.now, self._opening)
        partner = terms.counterpart_of(step.agency)
        leaf = transaction.append(
            RecordType.AGREEMENT_STEP,
            concerns=[step.agency, partner],
            actor=caller.actor,
            agency=step.agency,
            partner=partner,
            agreement=step.agreement,
            version=terms.version,
            digest=signed.chained.digest,
            step=step.action.value,
        )
        insert_step(
            transaction.connection,
            leaf_index=leaf.index,
            agreement=step.agreement,
            agency=step.agency,
            partner=partner,
            party_seq=step.party_seq,
            digest=signed.chained.digest,
            document=signed.document.canonical(),
        )
        self._book.replace(transaction, leaf, agreements.add(leaf.index, signed.chained))
        transaction.announce_change(Topic.AGREEMENTS)
        transaction.after_commit(lambda: self._tell(step, terms))
        failpoint("step.stored")
        return leaf, True

    def _find_accepted(self, caller: Caller, claimed: ChainedStep) -> PendingLeaf | None:
        """Return the leaf of a step the caller was told of before, even if its key is no longer good.

        One that another broker has just accepted may not be under this one's newest checkpoint: the writer finds it.
        """
        index = self._book.current.leaf_by_step.get(claimed.digest)
        if index is None or claimed.step.agency != caller.agency or index >= self._log.view.size:
            return None
        with self._database.read() as connection:
            return read_leaf(connection, index)

    def _tell(self, step: Step, terms: Terms) -> None:
        for listener in self._listeners:
            listener(step, terms)

    def _list_parties(self, step: Step) -> list[str]:
        terms = step.terms or self._book.current.terms_by_digest.get(step.digest)
        return [agency for agency in terms.agencies if self._directory.current.get(agency)] if terms else []


def _recall_accepted(transaction: Transaction, agreements: Agreements, signed: SignedStep) -> PendingLeaf | None:
    index = agreements.leaf_by_step.get(signed.chained.digest)
    return None if index is None else transaction.recall(index)


def _fit(rows: list[StoredStep]) -> list[StoredStep]:
    """Return the first rows whose documents fit into one answer, at least one."""
    size = 0
    for number, row in enumerate(rows):
        size += len(row.document)
        if size > MAX_ANSWER_BYTES and number:
            return rows[:number]
    return rows


def _show_step(row: StoredStep, view: LogView) -> LoggedStep:
    return LoggedStep(
        document=SignedDocument.model_validate_json(row.document),
        leaf=LoggedRecord(
            index=row.leaf_index, record=Record.model_validate_json(row.record), salt=b64u_encode(row.salt)
        ),
        proof=view.prove_inclusion(row.leaf_index),
    )
