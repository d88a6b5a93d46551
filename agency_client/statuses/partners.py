"""What partners signed for this agency: verified, kept, and compared with what the broker has given.

A status is believed when its leaf is in the log and the partner's receipt key of that place signed it. It then
announces how far the partner's streams and chains go; what is missing here was withheld, or has not come yet.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from agency_client.agreements.pulling import pull_steps
from agency_client.errors import ClientError
from agency_client.local_store.agreements import load_chains
from agency_client.local_store.checkpoints import Sighting, load_newest_checkpoint, record_sighting
from agency_client.local_store.contradictions import ContradictionKind, EquivocationError, keep_contradiction
from agency_client.local_store.engine import Snapshot, Transaction
from agency_client.local_store.held_steps import list_held_steps
from agency_client.local_store.inbound_streams import VoidedMessage, apply_announcement
from agency_client.local_store.problems import Problem
from agency_client.local_store.settings import Setting, write_setting
from agency_client.local_store.statuses import StoredStatus, load_newest_partner_status, record_partner_status
from agency_client.local_store.suspicions import Suspicion, record_suspicion
from agency_client.node import Node
from agency_client.witness.evidence import verify_record_says
from agency_client.witness.observer import LogError
from keys.errors import KeysError
from keys.signing import verify_document
from schemas.api import CONSISTENCY_PATH, STATUSES_PATH, ConsistencyAnswer, PartnerStatus, StatusesAnswer
from schemas.codec import CodecError, b64u_decode
from schemas.envelope import SeenCheckpoint
from schemas.log.checkpoint import Checkpoint
from schemas.log.records import RecordType
from schemas.log.tree import LogProofError, verify_consistency
from schemas.signed import DocumentType, KeyUse, SignedDocument, read_signatures
from schemas.status import MAX_STATUS_BYTES, ChainHead, Status, digest_status


@dataclass(frozen=True, slots=True)
class VerifiedStatus:
    """A partner's status with everything checked that the status itself can show."""

    status: Status
    digest: str
    source: PartnerStatus


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
    answer = node.connection.get(STATUSES_PATH, StatusesAnswer)
    checkpoint = node.observer.observe(answer.checkpoint)
    if answer.statuses:
        # A status may speak of what was logged since the last pull: only what is missing after this one was withheld.
        pull_steps(node)
    report = StatusReport()
    for item in answer.statuses:
        try:
            take_status(node, verify_partner_status(node, item, checkpoint), report)
        except EquivocationError as error:
            keep_contradiction(node.store, error, at=node.clock.now())
            report.problems[item.agency] = Problem(error.code, error.sentence)
        except (ClientError, KeysError, CodecError) as error:
            report.problems[item.agency] = Problem(error.code, str(error))
    return report


def verify_partner_status(node: Node, unverified: PartnerStatus, checkpoint: Checkpoint) -> VerifiedStatus:
    """Verify one status. 1 its leaf is in the log. 2 the record is about it. 3 a trusted partner's receipt key signed.

    Raises:
        ClientError, KeysError, CodecError: naming what does not hold.
    """
    payload = unverified.document.payload_bytes
    digest, leaf = digest_status(payload), unverified.leaf
    node.observer.verify_record(leaf, unverified.proof, checkpoint)
    expected = {"agency": unverified.agency, "partner": node.agency, "digest": digest}
    verify_record_says(leaf.record, RecordType.STATUS, expected)
    status = Status.from_canonical(payload, max_bytes=MAX_STATUS_BYTES)
    if (status.exchange, status.agency, status.partner) != (node.exchange, unverified.agency, node.agency):
        raise LogError(f"the status under {unverified.agency} is another one: of {status.agency} for {status.partner}")
    timeline = node.directory.trusted_timeline(status.agency)
    slots = read_signatures(unverified.document.payload, unverified.document.signatures, DocumentType.STATUS)
    kids = [slot.header.kid for slot in slots]
    jwks = timeline.find_signing_keys(KeyUse.RECEIPT, kids, leaf.index, leaf.record.time)
    verify_document(unverified.document, DocumentType.STATUS, jwks)
    return VerifiedStatus(status, digest, unverified)


def take_status(node: Node, verified: VerifiedStatus, report: StatusReport) -> None:
    """Keep a verified status and apply what it announces; note what does not fit.

    Raises:
        EquivocationError: together with one held before it proves two words of one signer.
    """
    status, now = verified.status, node.clock.now()
    with node.store.write() as transaction:
        newest = load_newest_partner_status(transaction, status.agency)
        if newest is not None and status.seq < newest.seq:
            sentence = f"the exchange shows status {status.seq} of {status.agency}; {newest.seq} was seen before"
            _raise_alarm(node, transaction, verified, report, "status-rolled-back", sentence)
            return
        _verify_follows(verified, newest)
        document = verified.source.document.canonical()
        stored = StoredStatus(status.agency, status.seq, verified.digest, document, status.time, now)
        if record_partner_status(transaction, stored):
            report.news.append(status.agency)
            report.voided += _apply(transaction, status)
        for code, sentence in find_hidden_steps(transaction, status):
            _raise_alarm(node, transaction, verified, report, code, sentence)
        if list_hidden_agreements(transaction, status.agency):
            # What was passed over lies behind the place up to which steps were pulled: ask for all of them again.
            write_setting(transaction, Setting.STEPS_PULLED, "-1")
    _compare_checkpoint(node, verified, report)


def find_hidden_steps(snapshot: Snapshot, status: Status) -> Iterable[tuple[str, str]]:
    """Give what a status says of its signer's chains that does not fit the steps held here, as code and sentence."""
    for head in status.chains:
        chain = load_chains(snapshot, head.agreement).get(status.agency, [])
        held = [step for step in list_held_steps(snapshot, head.agreement) if step.agency == status.agency]
        if len(chain) >= head.party_seq:
            if chain[head.party_seq - 1].digest != head.head:
                yield "chain-differs", _describe_head(status, head, "another step is held here under this number")
        elif len(chain) + len(held) < head.party_seq:
            yield "step-hidden", _describe_head(status, head, f"{len(chain)} of them came through the exchange")


def load_announced_revocations(snapshot: Snapshot, agency: str) -> frozenset[str]:
    """Return the kids that a partner's newest status calls revoked: not to be believed, wherever the log is silent."""
    status = _load_newest_status(snapshot, agency)
    return frozenset() if status is None else frozenset(status.revoked)


def list_hidden_agreements(snapshot: Snapshot, agency: str) -> frozenset[str]:
    """Return the agreements in which a partner says it has signed more steps than are verified here.

    What is missing may narrow: until it comes, nothing new passes under them.
    """
    status = _load_newest_status(snapshot, agency)
    heads = () if status is None else status.chains
    return frozenset(
        head.agreement for head in heads if len(load_chains(snapshot, head.agreement).get(agency, ())) < head.party_seq
    )


def _load_newest_status(snapshot: Snapshot, agency: str) -> Status | None:
    newest = load_newest_partner_status(snapshot, agency)
    if newest is None:
        return None
    document = SignedDocument.from_canonical(newest.document)
    return Status.from_canonical(document.payload_bytes, max_bytes=MAX_STATUS_BYTES)


def _verify_follows(verified: VerifiedStatus, newest: StoredStatus | None) -> None:
    status = verified.status
    if newest is not None and status.seq == newest.seq + 1 and status.prev != newest.digest:
        raise EquivocationError(
            f"status {status.seq} of {status.agency} does not follow the status {newest.seq} it signed before",
            kind=ContradictionKind.STATUS,
            signer=status.agency,
            documents=(newest.document, verified.source.document.canonical()),
        )


def _apply(transaction: Transaction, status: Status) -> list[VoidedMessage]:
    seen = status.checkpoint
    record_sighting(transaction, Sighting(seen.origin, seen.size, seen.root, status.agency, status.time))
    return [
        affected
        for position in status.streams
        for affected in apply_announcement(
            transaction,
            status.agency,
            position.stream,
            last=position.last,
            voided=position.voided,
            at=status.time,
        )
    ]


def _compare_checkpoint(node: Node, verified: VerifiedStatus, report: StatusReport) -> None:
    """Ask for the proof that what the partner saw is the same log; a tree larger than any shown here is asked later."""
    seen = verified.status.checkpoint
    with node.store.read() as snapshot:
        newest = load_newest_checkpoint(snapshot, node.sheet.origin)
    if newest is None or seen.origin != newest.origin or seen.size > newest.size:
        return
    try:
        _verify_seen(node, seen, newest.size, newest.root)
    except LogProofError:
        sentence = f"{verified.status.agency} saw a tree of {seen.size} leaves that is no part of the one shown here"
        with node.store.write() as transaction:
            _raise_alarm(node, transaction, verified, report, "checkpoint-differs", sentence)


def _verify_seen(node: Node, seen: SeenCheckpoint, size: int, root: str) -> None:
    path: list[bytes] = []
    if seen.size < size:
        answer = node.connection.get(CONSISTENCY_PATH, ConsistencyAnswer, {"from": seen.size, "to": size})
        path = [b64u_decode(item) for item in answer.proof]
    verify_consistency(seen.size, size, b64u_decode(seen.root), b64u_decode(root), path)


def _raise_alarm(
    node: Node, transaction: Transaction, verified: VerifiedStatus, report: StatusReport, code: str, sentence: str
) -> None:
    agency, leaf = verified.status.agency, verified.source.leaf
    suspicion = Suspicion(node.sheet.origin, leaf.index, code, agency, sentence, leaf.canonical(), node.clock.now())
    if record_suspicion(transaction, suspicion):
        report.alarms.append(Alarm(agency, code, sentence))


def _describe_head(status: Status, head: ChainHead, found: str) -> str:
    return f"{status.agency} has signed {head.party_seq} steps of agreement {head.agreement}; {found}"
