"""What partners signed for this agency: verified, kept, and compared with what the broker has given.

A status is believed when the partner's receipt key signed it and, where it came through the exchange, its leaf is in
the log; one that came as a file (`agency_client.statuses.files`) has no leaf and works all the same. It announces how
far the partner's streams and chains go; what is missing here was withheld, or has not come yet.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from agency_client.agreements.pulling import pull_steps
from agency_client.epochs.places import compute_place
from agency_client.errors import ClientError
from agency_client.local_store.checkpoints import load_walk
from agency_client.local_store.contradictions import ContradictionKind, EquivocationError, keep_contradiction
from agency_client.local_store.engine import Snapshot, Transaction
from agency_client.local_store.inbound_streams import VoidedMessage, apply_announcement
from agency_client.local_store.inbox import load_by_digest
from agency_client.local_store.problems import Problem
from agency_client.local_store.settings import Setting, write_moment
from agency_client.local_store.statuses import (
    StoredStatus,
    list_status_partners,
    load_newest_partner_status,
    load_partner_status,
    record_announced_revocations,
    record_partner_status,
)
from agency_client.local_store.suspicions import Suspicion, list_suspicions, record_suspicion
from agency_client.local_store.trust import load_exchange
from agency_client.node import Node
from agency_client.statuses.asking_again import ask_again_for_steps
from agency_client.statuses.hidden import (
    find_hidden_keys,
    find_hidden_steps,
    list_hidden_agreements,
    list_hidden_revocations,
    read_status,
)
from agency_client.witness.evidence import verify_record_says
from agency_client.witness.gossip import note_sighting
from agency_client.witness.observer import LogError
from agency_client.witness.walker import walk_log
from keys.errors import KeyRevokedError, KeysError
from keys.signing import verify_document
from schemas.api import STATUSES_PATH, LoggedRecord, PartnerStatus, StatusesAnswer
from schemas.codec import CodecError
from schemas.envelope import MAX_CLOCK_AHEAD_SECONDS
from schemas.log.checkpoint import Checkpoint
from schemas.log.records import RecordType
from schemas.signed import DocumentType, KeyUse, SignedDocument, read_signatures
from schemas.status import MAX_STATUS_BYTES, Status, digest_status

_SLACK = timedelta(seconds=2 * MAX_CLOCK_AHEAD_SECONDS)


@dataclass(frozen=True, slots=True)
class VerifiedStatus:
    """A partner's status with everything checked that the status itself can show; `leaf` is None where it has none."""

    status: Status
    digest: str
    document: SignedDocument
    leaf: LoggedRecord | None


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something in a partner's status that does not fit what this node was given; kept as a suspicion."""

    agency: str
    code: str
    sentence: str


@dataclass(slots=True)
class StatusReport:
    """What pulling statuses found: partners with a new one, messages voided after they came, alarms and problems."""

    news: list[str] = field(default_factory=list)
    voided: list[VoidedMessage] = field(default_factory=list)
    alarms: list[Alarm] = field(default_factory=list)
    problems: dict[str, Problem] = field(default_factory=dict)


def pull_statuses(node: Node) -> StatusReport:
    """Take in the newest status of every partner; one that does not hold stops none of the others.

    Raises:
        OfflineError: the broker was not reached.
        LogError, EquivocationError: its checkpoint does not hold.
    """
    asked_at = node.clock.now()
    answer = node.connection.get(STATUSES_PATH, StatusesAnswer)
    checkpoint = node.observer.observe(answer.checkpoint)
    _learn_up_to(node, answer.statuses)
    report = StatusReport()
    for item in answer.statuses:
        _take_unverified(node, item, checkpoint, report)
    with node.store.write() as transaction:
        write_moment(transaction, Setting.STATUSES_ASKED, asked_at)
        _note_missing(node, transaction, answer, checkpoint, report)
    return report


def verify_partner_status(node: Node, unverified: PartnerStatus, checkpoint: Checkpoint) -> VerifiedStatus:
    """Verify one status. 1 its leaf is in the log. 2 the record is about it. 3 a trusted partner's receipt key signed.

    Raises:
        ClientError, KeysError, CodecError: naming what does not hold.
    """
    digest, leaf = digest_status(unverified.document.payload_bytes), unverified.leaf
    node.observer.verify_record(leaf, unverified.proof, checkpoint)
    expected = {"agency": unverified.agency, "partner": node.agency, "digest": digest}
    verify_record_says(leaf.record, RecordType.STATUS, expected)
    if leaf.record.time > node.clock.now() + _SLACK:
        raise LogError(f"the exchange dates status of {unverified.agency} ahead of now", fix="compare the clocks")
    status = verify_status_document(node, unverified.document, at=leaf)
    if status.agency != unverified.agency:
        raise LogError(f"the status under {unverified.agency} is another one: of {status.agency}")
    return VerifiedStatus(status, digest, unverified.document, leaf)


def verify_status_document(node: Node, document: SignedDocument, *, at: LoggedRecord | None) -> Status:
    """Verify that a pinned partner's receipt key signed a status for this agency.

    `at` is its leaf; None: its signer's keys are judged at the end of the log as it was read here, and now.

    Raises:
        ClientError, KeysError, CodecError: naming what does not hold.
    """
    status = Status.from_canonical(document.payload_bytes, max_bytes=MAX_STATUS_BYTES)
    if (status.exchange, status.partner) != (node.exchange, node.agency):
        raise LogError(f"the status is another one: of {status.agency} for {status.partner} on {status.exchange}")
    timeline = node.directory.trusted_timeline(status.agency)
    slots = read_signatures(document.payload, document.signatures, DocumentType.STATUS)
    kids = tuple(slot.header.kid for slot in slots)
    with node.store.read() as snapshot:
        walk, hidden = load_walk(snapshot, node.sheet.origin), list_hidden_revocations(snapshot, timeline)
    index, time = (0 if walk is None else walk.size, node.clock.now()) if at is None else (at.index, at.record.time)
    jwks = timeline.find_signing_keys(KeyUse.RECEIPT, kids, compute_place(node.sheet.origin, index), time)
    # What the log itself shows revoked was judged by place; what it does not show must not sign another word.
    if not hidden.isdisjoint(kids):
        raise KeyRevokedError(f"{status.agency} has said that it revoked the key that signed this status")
    verify_document(document, DocumentType.STATUS, jwks)
    return status


def take_status(node: Node, verified: VerifiedStatus, report: StatusReport) -> None:
    """Keep a verified status and apply what it announces; note what does not fit. An older one changes nothing.

    Raises:
        EquivocationError: together with one held before it proves two words of one signer.
        LogError: it is dated before one of a lower number.
    """
    status = verified.status
    with node.store.write() as transaction:
        newest = load_newest_partner_status(transaction, status.agency)
        _verify_follows(transaction, verified)
        _verify_time(status, newest)
        if newest is not None and status.seq < newest.seq:
            _note_older(node, transaction, verified, newest, report)
            return
        is_news = record_partner_status(transaction, _make_stored(node, verified))
        if is_news:
            report.news.append(status.agency)
            report.voided += _apply(transaction, status, node.clock.now())
            note_sighting(node, transaction, status.agency, status.checkpoint, at=status.time)
        timeline = node.directory.read_trusted_timeline(transaction, status.agency)
        for code, sentence in (*find_hidden_steps(transaction, status), *find_hidden_keys(transaction, timeline)):
            _raise_alarm(node, transaction, verified, report, code, sentence)
        if list_hidden_agreements(transaction, status.agency):
            ask_again_for_steps(transaction, node.clock.now(), is_news=is_news)


def describe_voided(node: Node, voided: Iterable[VoidedMessage]) -> list[Problem]:
    """Return what a person is told of each message that is here and whose number is voided for the first time."""
    problems = []
    with node.store.read() as snapshot:
        for item in voided:
            if item.is_new:
                message = load_by_digest(snapshot, item.digest)
                sentence = (
                    f"{message.sender} holds that its message {message.message_id} never arrived, and it is here: "
                    "a receipt tells it otherwise"
                )
                problems.append(Problem("voided-after-arrival", sentence))
    return problems


def _take_unverified(node: Node, item: PartnerStatus, checkpoint: Checkpoint, report: StatusReport) -> None:
    try:
        take_status(node, verify_partner_status(node, item, checkpoint), report)
    except EquivocationError as error:
        keep_contradiction(node.store, error, at=node.clock.now())
        report.problems[item.agency] = Problem(error.code, error.sentence)
    except (ClientError, KeysError, CodecError) as error:
        report.problems[item.agency] = Problem(error.code, str(error))


def _learn_up_to(node: Node, items: Sequence[PartnerStatus]) -> None:
    """Read what was logged up to the newest of these statuses: only what is missing after that was withheld."""
    if not items:
        return
    with node.store.read() as snapshot:
        walk = load_walk(snapshot, node.sheet.origin)
    if walk is None or walk.size <= max(item.leaf.index for item in items):
        walk_log(node)
    pull_steps(node)


def _verify_follows(transaction: Transaction, verified: VerifiedStatus) -> None:
    """Verify a status against those held beside it: two of one number, or two that do not continue, are a proof."""
    status, document = verified.status, verified.document.canonical()
    same = load_partner_status(transaction, status.agency, status.seq)
    before = load_partner_status(transaction, status.agency, status.seq - 1)
    after = load_partner_status(transaction, status.agency, status.seq + 1)
    if same is not None and same.digest != verified.digest:
        _raise_equivocation(f"{status.agency} signed two different statuses number {status.seq}", same, document)
    if before is not None and status.prev != before.digest:
        sentence = f"status {status.seq} of {status.agency} does not follow the status {before.seq} it signed before"
        _raise_equivocation(sentence, before, document)
    if after is not None and read_status(after.document).prev != verified.digest:
        sentence = f"status {after.seq} of {status.agency} does not follow the status {status.seq} it signed before"
        _raise_equivocation(sentence, after, document)


def _verify_time(status: Status, newest: StoredStatus | None) -> None:
    """Verify that a status is not older than one of a lower number: ages are counted from these times."""
    if newest is not None and newest.seq < status.seq and status.time < newest.signed_at:
        raise LogError(
            f"status {status.seq} of {status.agency} is dated {status.time:%Y-%m-%d %H:%M}, before the status "
            f"{newest.seq} that came before it",
            fix="call the partner's duty desk; let it compare its clock",
            code="status-dated-back",
        )


def _raise_equivocation(sentence: str, held: StoredStatus, document: bytes) -> None:
    documents = (held.document, document)
    raise EquivocationError(sentence, kind=ContradictionKind.STATUS, signer=held.partner, documents=documents)


def _note_older(
    node: Node, transaction: Transaction, verified: VerifiedStatus, newest: StoredStatus, report: StatusReport
) -> None:
    """Note why an older status is no news: shown again by the exchange, kept back by it, or merely an old file."""
    status = verified.status
    if verified.leaf is None:
        sentence = f"the file holds status {status.seq} of {status.agency}; {newest.seq} is here already"
        report.problems[status.agency] = Problem("status-older", sentence)
    elif _is_of_earlier_log(node, transaction, newest):
        sentence = (
            f"the exchange's new log has status {status.seq} of {status.agency} as its newest; {newest.seq} is here"
        )
        report.problems[status.agency] = Problem("status-withheld", sentence)
    elif newest.logged_at is None:
        sentence = f"the exchange gives us none newer than {status.seq} of {status.agency}; {newest.seq} came as a file"
        report.problems[status.agency] = Problem("status-withheld", sentence)
    else:
        sentence = f"the exchange shows status {status.seq} of {status.agency}; {newest.seq} was seen before"
        _raise_alarm(node, transaction, verified, report, "status-rolled-back", sentence)


def _note_missing(
    node: Node, transaction: Transaction, answer: StatusesAnswer, checkpoint: Checkpoint, report: StatusReport
) -> None:
    """Raise an alarm for each partner of whom the exchange has shown a status before and shows none now."""
    shown = {item.agency for item in answer.statuses}
    for agency in list_status_partners(transaction):
        newest = load_newest_partner_status(transaction, agency)
        if agency in shown or newest is None or newest.logged_at is None:
            continue
        if _is_of_earlier_log(node, transaction, newest):
            continue
        sentence = f"the exchange shows no status of {agency} any more; {newest.seq} was seen before"
        if all(item.sentence != sentence for item in list_suspicions(transaction, agency)):
            place = (node.sheet.origin, checkpoint.size)
            record, now = answer.checkpoint.encode(), node.clock.now()
            record_suspicion(transaction, Suspicion(*place, "status-missing", agency, sentence, record, now))
            report.alarms.append(Alarm(agency, "status-missing", sentence))


def _is_of_earlier_log(node: Node, snapshot: Snapshot, status: StoredStatus) -> bool:
    """Tell whether the log that had a status has ended since: the one that goes on from it may not have it yet."""
    log = load_exchange(snapshot, node.sheet.origin)
    opened_at = None if log is None else log.opened_at
    return status.logged_at is not None and opened_at is not None and status.logged_at < opened_at


def _make_stored(node: Node, verified: VerifiedStatus) -> StoredStatus:
    status, leaf = verified.status, verified.leaf
    return StoredStatus(
        partner=status.agency,
        seq=status.seq,
        digest=verified.digest,
        document=verified.document.canonical(),
        signed_at=status.time,
        recorded_at=node.clock.now(),
        logged_at=None if leaf is None else leaf.record.time,
    )


def _apply(transaction: Transaction, status: Status, now: datetime) -> list[VoidedMessage]:
    record_announced_revocations(transaction, status.agency, status.revoked, at=now)
    # A clock that runs ahead there must not put an alarm off here.
    at = min(status.time, now)
    return [
        affected
        for position in status.streams
        for affected in apply_announcement(
            transaction, status.agency, position.stream, last=position.last, voided=position.voided, at=at
        )
    ]


def _raise_alarm(
    node: Node, transaction: Transaction, verified: VerifiedStatus, report: StatusReport, code: str, sentence: str
) -> None:
    agency, leaf = verified.status.agency, verified.leaf
    # What came as a file has no place in the log: its number stands there, and the document itself beside it.
    place = verified.status.seq if leaf is None else leaf.index
    record = verified.document.canonical() if leaf is None else leaf.canonical()
    suspicion = Suspicion(node.sheet.origin, place, code, agency, sentence, record, node.clock.now())
    if record_suspicion(transaction, suspicion):
        report.alarms.append(Alarm(agency, code, sentence))
