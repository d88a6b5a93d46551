"""Answer a challenge of a report of one's own: tell every agency that has the report how it stands, and who lodged it.

The answer is the report once more, whole, with what became of the challenge: it goes to everyone the report went to, so
that nobody goes on relying on what is disputed. Who lodged the challenge gets an acknowledgement as well, which passes
in every state of the agreement. Doing the same again sends nothing twice. Of a report that was taken back nothing goes
again, and what was corrected in one does not come back.
"""

from dataclasses import dataclass

from agency_client.errors import DeniedError, NotFoundError, UsageError
from agency_client.local_store.challenges import STATUS_KIND, StoredChallenge, find_challenge, list_told
from agency_client.local_store.engine import Snapshot
from agency_client.local_store.onward import find_onward_copy
from agency_client.local_store.outbox import OutboxItem, load_item
from agency_client.local_store.sent import find_message_by_digest, list_deliveries
from agency_client.node import Node
from agency_client.reading.messages import ReadOwnMessage, find_readable, read_message
from agency_client.sending.answering import VERB, AnswerReport, Author, Wire, acknowledge
from agency_client.sending.draft import Draft
from agency_client.sending.facts import load_originals
from agency_client.sending.flow import send_alert
from agency_client.sending.plan import Original
from schemas.alerts.kinds.document_status import ChallengeState
from schemas.envelope import Reference
from schemas.markings import Tlp, Urgency
from schemas.model import format_timestamp

_NOT_REPEATED = frozenset({"in_reply_to", "supersedes", "quality", "reply_due", "data_as_of", "unit", "officer"})


@dataclass(frozen=True, slots=True)
class ChallengeAnswer:
    """What became of a challenge: before whom it is or was, and why it was decided so."""

    state: ChallengeState
    at: str
    decided_on: str | None = None
    words: str | None = None


@dataclass(frozen=True, slots=True)
class ChallengeReport:
    """What an answer became: the report sent once more to each agency, and the acknowledgement.

    `untold` are the agencies to which no agreement lets the report go any more, each with the sentence why.
    """

    items: tuple[OutboxItem, ...]
    acknowledgement: AnswerReport
    untold: tuple[tuple[str, str], ...] = ()


def answer_challenge(node: Node, challenge_id: str, author: Author, answer: ChallengeAnswer) -> ChallengeReport:
    """Tell everyone that has a report of this agency how its challenge stands.

    Raises:
        NotFoundError: no such challenge came here, or the report's content was erased.
        UsageError: it is of a report that this agency only passed on, or has restricted; or the answer is not complete.
    """
    challenge, target = _find_challenged(node, challenge_id)
    read = read_message(node, target.id, reason=author.reason, case=author.case, verb=VERB)
    if not isinstance(read, ReadOwnMessage):
        raise NotFoundError(f"the report {target.id} is not this agency's own", fix="see: agency challenge list")
    if read.standing.is_withdrawn or read.standing.is_to_be_erased:
        return ChallengeReport((), acknowledge(node, challenge_id, author, words=answer.words))
    if read.standing.is_restricted:
        raise UsageError(
            f"the report {target.id} is restricted, and what is sent anew would stand without that",
            fix=f"lift the restriction first: agency restrict {target.id} --lift",
        )
    alert = _write_report(node, read, challenge, author, answer)
    with node.store.read() as snapshot:
        originals = load_originals(node, snapshot, target, STATUS_KIND, follows_everywhere=True)
        told = {item.partner: _find_told(snapshot, challenge, item.partner, answer.state) for item in originals}
    items, untold = [item for item in told.values() if item is not None], []
    for original in originals:
        if told[original.partner] is not None or original.has_ended:
            continue
        try:
            items += _send(node, read, alert, original, author)
        except DeniedError as error:
            untold.append((original.partner, error.sentence))
    acknowledgement = acknowledge(node, challenge_id, author, words=answer.words)
    return ChallengeReport(tuple(items), acknowledgement, tuple(untold))


def _find_challenged(node: Node, challenge_id: str) -> tuple[StoredChallenge, Reference]:
    with node.store.read() as snapshot:
        stored = find_challenge(snapshot, find_readable(snapshot, challenge_id).digest)
        sent = None if stored is None else find_message_by_digest(snapshot, stored.target)
        if stored is None or stored.is_own or sent is None:
            raise NotFoundError(f"no challenge {challenge_id} came here", fix="see: agency challenge list")
        if find_onward_copy(snapshot, stored.target) is not None:
            raise UsageError(
                "the report is another state's: this agency only passed it on",
                fix="lodge it there for your partner: agency challenge lodge --for ID",
            )
    return stored, Reference(id=sent.message_id, digest=sent.digest)


def _write_report(
    node: Node, read: ReadOwnMessage, challenge: StoredChallenge, author: Author, answer: ChallengeAnswer
) -> Wire:
    said = {"decided_on": answer.decided_on, "words": answer.words}
    told = {"lodged_on": challenge.lodged_on, "lodged_with": answer.at, "status": answer.state.value}
    told |= {name: value for name, value in said.items() if value is not None}
    said_now = read.alert if read.corrected is None else read.corrected.alert
    wire = {name: value for name, value in said_now.to_wire().items() if name not in _NOT_REPEATED}
    return {
        **wire,
        "unit": author.unit,
        "officer": author.pseudonym,
        "subject": f"{answer.state.label}: {said_now.subject}"[:120],
        "data_as_of": format_timestamp(node.clock.now()),
        "details": {**wire["details"], "challenge": told},
    }


def _send(node: Node, read: ReadOwnMessage, alert: Wire, original: Original, author: Author) -> list[OutboxItem]:
    draft = Draft(
        alert={**alert, "supersedes": original.reference.to_wire()},
        purpose=read.message.purpose,
        necessity=f"The report {original.reference.id} is challenged; whoever has it must know how it stands.",
        reason=author.reason,
        recipients=(original.partner,),
        marking=Tlp.from_code(read.stored.marking),
        urgency=Urgency.from_code(read.stored.urgency),
        case=author.case,
    )
    return list(send_alert(node, draft).items)


def _find_told(
    snapshot: Snapshot, challenge: StoredChallenge, partner: str, state: ChallengeState
) -> OutboxItem | None:
    """Return the message by which a partner was told of this state already, after the challenge came."""
    for told in list_told(snapshot, challenge.reference):
        sent = find_message_by_digest(snapshot, told.digest) if told.is_own else None
        if sent is None or told.state != state.value or told.said_at < challenge.said_at:
            continue
        if partner in {delivery.recipient for delivery in list_deliveries(snapshot, sent.message_id)}:
            return load_item(snapshot, sent.message_id)
    return None
