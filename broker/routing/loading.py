"""What the decision over a message must know, read inside the transaction that stores it. Decides nothing."""

from collections.abc import Sequence

from broker.agreements.book import Agreements
from broker.agreements.live import AgreementBook
from broker.attachments.store import load_named
from broker.directory.live import Directory
from broker.directory.members import Members
from broker.inbox.delivery import Inboxes
from broker.inbox.store import StoredMessage, select_referred
from broker.routing.rows import list_covering_clauses
from broker.routing.rules import EarlierMessage, Facts, Progress, RecipientFacts
from broker.routing.signatures import SignatureCheck, recheck_keys
from broker.routing.store import count_follow_ups, select_used
from broker.routing.submission import Submission
from broker.routing.views import RecentViews
from broker.storage.transaction import Transaction
from keys.errors import KeyNotInForceError
from schemas.attachments import measure_content
from schemas.codec import MAX_INTEGER
from schemas.envelope import HeaderRecipient
from schemas.key_documents import EncryptionKey


def find_earlier(transaction: Transaction, submission: Submission) -> Sequence[StoredMessage]:
    """Return what is kept of the message that this one follows up: a row for each that it went to."""
    if submission.follows is None:
        return ()
    senders = {submission.caller.agency, *(recipient.agency for recipient in submission.header.recipients)}
    return select_referred(transaction.connection, senders, submission.follows)


class FactLoader:
    """Reads what is so at the moment of a transaction. For the writer's thread."""

    def __init__(self, exchange: str, directory: Directory, agreements: AgreementBook, inboxes: Inboxes) -> None:
        self._exchange = exchange
        self._directory = directory
        self._agreements = agreements
        self._inboxes = inboxes
        self._views = RecentViews()

    def load(
        self,
        transaction: Transaction,
        submission: Submission,
        signatures: SignatureCheck,
        other_digest: str | None,
        earlier: Sequence[StoredMessage],
    ) -> Facts:
        """Return the facts about a message; `other_digest` is another's under its id, `earlier` what it follows up."""
        members = self._directory.as_of(transaction)
        agreements = self._agreements.as_of(transaction)
        caller, parsed, header = submission.caller.agency, submission.parsed, submission.header
        return Facts(
            caller=caller,
            exchange=self._exchange,
            now=transaction.now,
            header=header,
            size_bytes=measure_content(parsed.payload),
            attachments=load_named(transaction.connection, caller, header.id, parsed.payload.attachments),
            signature_problem=recheck_keys(signatures, parsed, members.get(caller), transaction.now),
            other_digest=other_digest,
            is_aftercare=submission.is_aftercare,
            earlier=_describe_earlier(transaction, earlier, agreements),
            recipients=tuple(
                self._load_recipient(transaction, submission, recipient, members, agreements)
                for recipient in header.recipients
            ),
        )

    def _load_recipient(
        self,
        transaction: Transaction,
        submission: Submission,
        recipient: HeaderRecipient,
        members: Members,
        agreements: Agreements,
    ) -> RecipientFacts:
        timeline, sender = members.get(recipient.agency), submission.header.sender.agency
        used = select_used(transaction.connection, sender, recipient, transaction.now.toordinal())
        return RecipientFacts(
            header=recipient,
            agency_class=timeline.agency_class if timeline else None,
            encryption_key=_find_encryption_key(transaction, members, recipient),
            agreement=self._views.find(agreements, recipient.agreement, transaction.now),
            accepted_today=used.accepted_today,
            number_used_by=used.number_used_by,
            said_before=_count_said(transaction, submission, recipient.agency),
            has_room=self._inboxes.rooms.has_room(
                transaction, recipient.agency, len(submission.parsed.ciphertext), is_pressing=submission.is_pressing
            ),
        )


def _count_said(transaction: Transaction, submission: Submission, recipient: str) -> int:
    """Return how many messages of this one's kind its sender has sent about the message that it follows."""
    if submission.follows is None:
        return 0
    about = (submission.header.routing.kind, submission.follows.digest)
    return count_follow_ups(transaction.connection, submission.header.sender.agency, recipient, *about)


def _find_encryption_key(
    transaction: Transaction, members: Members, recipient: HeaderRecipient
) -> EncryptionKey | None:
    timeline = members.get(recipient.agency)
    if timeline is None:
        return None
    try:
        return timeline.find_encryption_key(recipient.kid, MAX_INTEGER, transaction.now)
    except KeyNotInForceError:
        return None


def _describe_earlier(
    transaction: Transaction, rows: Sequence[StoredMessage], agreements: Agreements
) -> EarlierMessage | None:
    if not rows:
        return None
    earlier = rows[0]
    progress = {row.recipient: _find_progress(row) for row in rows if row.sender == earlier.sender}
    agreement = agreements.find(earlier.agreement).terms.id
    clauses = list_covering_clauses(transaction.connection, agreements, earlier)
    return EarlierMessage(earlier.digest, agreement, earlier.sender, progress, earlier.marking, clauses)


def _find_progress(row: StoredMessage) -> Progress:
    if row.handed_over_at is not None:
        return Progress.HANDED_OVER
    return Progress.UNDER_WAY if row.state.is_open else Progress.ENDED
