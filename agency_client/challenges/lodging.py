"""Lodge a challenge with who sent a report: for this agency, or for one further on that holds a copy.

A challenge follows the report, in every state of the agreement. It stands here at once, whether or not it can be
delivered, and nothing but `agency withdraw` ends it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from agency_client.errors import NotFoundError, UsageError
from agency_client.local_store.challenges import (
    STATUS_KIND,
    StoredChallenge,
    find_challenge,
    find_document_reference,
    has_ended,
    list_challenges,
)
from agency_client.local_store.inbox import InboxMessage, load_by_digest
from agency_client.local_store.onward import find_onward_copy
from agency_client.local_store.outbox import load_item
from agency_client.local_store.sent import SentMessage, find_message_by_digest
from agency_client.node import Node
from agency_client.reading.messages import find_readable, read_message
from agency_client.sending.answering import (
    VERB,
    Answer,
    AnswerReport,
    Author,
    Wire,
    answer_received,
)
from schemas.alerts.kinds.revocation_challenge import ChallengeDemand, ChallengeGround, RevocationChallenge
from schemas.alerts.registry import kind_of
from schemas.model import format_timestamp
from schemas.wording import with_article

ANSWER_WITHIN = timedelta(days=7)
"""By when the issuing state says what becomes of a challenge, where nothing else was named."""

CHALLENGE_KIND = "revocation-challenge"


@dataclass(frozen=True, slots=True)
class Grounds:
    """Why a report is challenged and what is asked; `court` and `court_reference` where one deals with it."""

    ground: ChallengeGround
    demands: tuple[ChallengeDemand, ...] = (ChallengeDemand.REVIEW,)
    words: str | None = None
    court: str | None = None
    court_reference: str | None = None

    def to_wire(self) -> Wire:
        """Return the members as a challenge has them."""
        named = {"words": self.words, "court": self.court, "court_reference": self.court_reference}
        said = {name: value for name, value in named.items() if value is not None}
        return {"ground": self.ground.value, "demands": [demand.value for demand in self.demands], **said}


def lodge(node: Node, message_id: str, author: Author, grounds: Grounds) -> AnswerReport:
    """Challenge a report that came here, once on each ground.

    Raises:
        UsageError: it is this agency's own, or no report of one document.
        NotFoundError, NotShownError, VerificationFailedError: as `reading.messages.read_message`.
    """
    with node.store.read() as snapshot:
        found = find_readable(snapshot, message_id)
    return _lodge(node, found, author, grounds, on_behalf_of="")


def lodge_for_partner(node: Node, challenge_id: str, author: Author) -> AnswerReport:
    """Challenge a report, that this agency passed on, with who sent it here: for the agency further on that asked.

    The grounds are that agency's; its words go on as they are.

    Raises:
        NotFoundError, UsageError: no such challenge came here, or it is of a report of this agency itself.
    """
    with node.store.read() as snapshot:
        received = find_readable(snapshot, challenge_id)
        stored = find_challenge(snapshot, received.digest)
        if stored is None or stored.is_own:
            raise NotFoundError(f"no challenge {challenge_id} came here", fix="see: agency challenge list")
        copy = find_onward_copy(snapshot, stored.target)
        held = None if copy is None else load_by_digest(snapshot, copy.held_digest)
    if held is None:
        raise UsageError(
            "it challenges a report of this agency itself", fix="answer it: agency challenge answer ID --status open"
        )
    details = _read_details(node, received.message_id, author)
    grounds = Grounds(details.ground, details.demands, details.words, details.court, details.court_reference)
    return _lodge(node, held, author, grounds, on_behalf_of=stored.lodger)


def _lodge(
    node: Node, found: InboxMessage | SentMessage, author: Author, grounds: Grounds, *, on_behalf_of: str
) -> AnswerReport:
    before = _find_before(node, found.digest, grounds.ground, on_behalf_of)
    if before is not None:
        with node.store.read() as snapshot:
            sent = find_message_by_digest(snapshot, before.digest)
            items = () if sent is None else (load_item(snapshot, sent.message_id),)
        return AnswerReport(CHALLENGE_KIND, "" if sent is None else sent.thread, items, is_repeated=True)
    now = node.clock.now()
    dates = {"lodged_on": now.date().isoformat(), "acknowledge_by": format_timestamp(now + ANSWER_WITHIN)}
    details = grounds.to_wire() | dates | ({"on_behalf_of": on_behalf_of} if on_behalf_of else {})

    def choose(stored: InboxMessage) -> Answer:
        if stored.kind != STATUS_KIND:
            raise UsageError(
                f"message {stored.message_id} is no report about a document: "
                f"it is {with_article(kind_of(stored.kind).label)}",
                fix="see: agency inbox --kind document-status",
            )
        return Answer(CHALLENGE_KIND, f"Challenged: {grounds.ground.label}", details, once=False)

    return answer_received(node, found.message_id, author, lambda read: choose(read.stored), choose)


def _find_before(node: Node, target: str, ground: ChallengeGround, on_behalf_of: str) -> StoredChallenge | None:
    with node.store.read() as snapshot:
        reference = find_document_reference(snapshot, target)
        known: Sequence[StoredChallenge] = [] if reference is None else list_challenges(snapshot, reference)
        same = (item for item in known if item.is_own and item.target == target and item.ground == ground.value)
        standing = (item for item in same if item.on_behalf_of == on_behalf_of and not has_ended(snapshot, item))
        return next(standing, None)


def _read_details(node: Node, message_id: str, author: Author) -> RevocationChallenge:
    read = read_message(node, message_id, reason=author.reason, case=author.case, verb=VERB)
    details = read.alert.details
    if not isinstance(details, RevocationChallenge):
        raise NotFoundError(f"message {message_id} is no challenge", fix="see: agency challenge list")
    return details
