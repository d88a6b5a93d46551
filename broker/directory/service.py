"""Key documents: handed in by their member, entered by the operator, and read by everybody."""

from collections.abc import Callable, Sequence

from broker.access.caller import Caller
from broker.audit.log import AuditLog
from broker.audit.refusals import RefusalRecorder
from broker.budget import MinuteBudget
from broker.clock import Clock
from broker.directory.enrolment import Enrolment, enrol
from broker.directory.live import Directory
from broker.directory.members import Members, VerifiedKeyDocument
from broker.directory.rules import RECORD_TYPES, find_leaf_of, verify_submission
from broker.storage.announcements import Topic
from broker.storage.fair_queue import Turn
from broker.storage.group_commit import GroupCommitWriter
from broker.storage.transaction import PendingLeaf, Transaction
from keys.timeline import MemberTimeline
from schemas.api import Evidence, Member, MembersAnswer
from schemas.key_documents import digest_key_document
from schemas.signed import DocumentType, SignedDocument

MAX_KEY_DOCUMENTS_PER_MINUTE = 300
MAX_MEMBERS_PER_ANSWER = 100

AuthoritiesListener = Callable[[], None]


class DirectoryService:
    """The use cases of the directory."""

    def __init__(
        self,
        exchange: str,
        directory: Directory,
        writer: GroupCommitWriter,
        log: AuditLog,
        refusals: RefusalRecorder,
        clock: Clock,
    ) -> None:
        self._exchange = exchange
        self._directory = directory
        self._writer = writer
        self._log = log
        self._refusals = refusals
        self._clock = clock
        self._budget = MinuteBudget(MAX_KEY_DOCUMENTS_PER_MINUTE)
        self._listeners: list[AuthoritiesListener] = []

    def on_authorities_changed(self, listener: AuthoritiesListener) -> None:
        """Call `listener` after each commit that changed which CAs members have."""
        self._listeners.append(listener)

    async def submit(
        self, caller: Caller, document: SignedDocument, document_type: DocumentType
    ) -> tuple[Evidence, bool]:
        """Accept a key document of the caller's; returns its evidence, and whether it is new.

        Raises:
            DirectoryError, KeysError, CodecError: it is refused, and the refusal is in the log.
            RefusedError: the caller has handed in too many this minute.
            StoreError: it could not be stored.
        """
        digest = digest_key_document(document_type, document.payload_bytes)
        if find_leaf_of(self._directory.current, caller.agency, document_type, digest) is None:
            self._budget.demand(caller.agency, self._clock.now(), "key documents")
        async with self._refusals.recording(caller.actor, digest=digest, kind=RECORD_TYPES[document_type].value):
            # Off the event loop: a key set takes some twenty signatures, which release the interpreter's lock.
            members, verified = await self._directory.judge(
                lambda members: (members, self._verify_new(members, caller, document, document_type, digest)),
                in_thread=True,
            )
            leaf, is_new = await self._writer.commit(
                lambda transaction: self._accept(transaction, caller, document, document_type, members, verified),
                Turn(caller.agency),
            )
        return self._log.prove(leaf), is_new

    async def enrol(self, documents: Sequence[SignedDocument]) -> Enrolment:
        """Enter a member, or more key sets of one, by the operator's hand.

        Raises:
            DirectoryError, KeysError, CodecError: it is refused.
            StoreError: it could not be stored.
        """
        return await self._writer.commit(lambda transaction: self._enrol(transaction, documents))

    def enrol_and_wait(self, documents: Sequence[SignedDocument]) -> Enrolment:
        """Do what `enrol` does where no event loop runs."""
        return self._writer.commit_and_wait(lambda transaction: self._enrol(transaction, documents))

    def list_members(self, after: str = "", limit: int = MAX_MEMBERS_PER_ANSWER) -> MembersAnswer:
        """Return the members behind an id with their newest documents, by id, under the newest checkpoint."""
        view, members = self._log.view, self._directory.current
        behind = [agency for agency in sorted(members.timelines) if agency > after]
        shown = behind[: min(limit, MAX_MEMBERS_PER_ANSWER)]
        return MembersAnswer(
            members=tuple(_show_member(members.timelines[agency]) for agency in shown),
            more=len(shown) < len(behind),
            checkpoint=view.note,
        )

    def _verify_new(
        self, members: Members, caller: Caller, document: SignedDocument, document_type: DocumentType, digest: str
    ) -> VerifiedKeyDocument | None:
        """Return the document verified; nothing of one that was accepted before, which may not be good now."""
        if find_leaf_of(members, caller.agency, document_type, digest) is not None:
            return None
        return verify_submission(members, document, document_type, caller.agency, self._exchange, self._clock.now())

    def _accept(
        self,
        transaction: Transaction,
        caller: Caller,
        document: SignedDocument,
        document_type: DocumentType,
        seen: Members,
        verified: VerifiedKeyDocument | None,
    ) -> tuple[PendingLeaf, bool]:
        members, now = self._directory.as_of(transaction), transaction.now
        digest = digest_key_document(document_type, document.payload_bytes)
        known = _recall_accepted(transaction, members, caller.agency, document_type, digest)
        if known is not None:
            return known, False
        if verified is None or members.timelines != seen.timelines:
            verified = verify_submission(members, document, document_type, caller.agency, self._exchange, now)
        leaf = transaction.append(
            RECORD_TYPES[document_type],
            concerns=[caller.agency],
            actor=caller.actor,
            agency=caller.agency,
            document=document,
            digest=digest,
        )
        self._publish(transaction, leaf, members, members.add(leaf.index, verified))
        return leaf, True

    def _enrol(self, transaction: Transaction, documents: Sequence[SignedDocument]) -> Enrolment:
        before = self._directory.as_of(transaction)
        enrolment, after, leaf = enrol(transaction, before, documents, self._exchange)
        if leaf is not None:
            self._publish(transaction, leaf, before, after)
        return enrolment

    def _publish(self, transaction: Transaction, leaf: PendingLeaf, before: Members, after: Members) -> None:
        self._directory.replace(transaction, leaf, after)
        transaction.announce_change(Topic.KEYS)
        if after.authorities != before.authorities:
            for listener in self._listeners:
                transaction.after_commit(listener)


def _recall_accepted(
    transaction: Transaction, members: Members, agency: str, document_type: DocumentType, digest: str
) -> PendingLeaf | None:
    index = find_leaf_of(members, agency, document_type, digest)
    return None if index is None else transaction.recall(index)


def _show_member(timeline: MemberTimeline) -> Member:
    encryption = timeline.newest_encryption_keys
    return Member(
        agency=timeline.agency,
        key_set=timeline.newest_key_set.document,
        encryption_keys=encryption.document if encryption else None,
        revocations=tuple(verified.document for _, verified in timeline.revocations),
    )
