"""Statuses: sign for each partner how far everything stands that a broker could hide, and bring them to the exchange.

A status is due every six hours, and at once when something narrowed (`local_store.statuses.request_status`). What
partners sign is read by `agency_client.statuses.partners`; how old one may become is `statuses.freshness`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from agency_client.agreements.chains import read_step
from agency_client.errors import ClientError
from agency_client.local_store.access_log import (
    SignedHead,
    find_chain_end,
    load_newest_signed_head,
    record_signed_head,
)
from agency_client.local_store.agreements import load_chains
from agency_client.local_store.checkpoints import load_newest_checkpoint
from agency_client.local_store.dispatch import (
    Dispatch,
    DispatchKind,
    drop_overtaken,
    queue_document,
    record_dispatch_failed,
    replace_dispatch_body,
)
from agency_client.local_store.engine import Snapshot, Transaction
from agency_client.local_store.problems import Problem
from agency_client.local_store.restored import demand_not_restored
from agency_client.local_store.statuses import (
    StoredStatus,
    list_due_statuses,
    load_newest_own_status,
    next_status_place,
    note_own_status_logged,
    record_own_status,
    request_status,
)
from agency_client.local_store.streams import StreamState, list_partners, list_stream_states
from agency_client.node import Node
from agency_client.own_keys.documents import load_revoked_kids
from agency_client.sending.facts import load_shelf
from agency_client.syncing.submitting import Route, next_attempt_after, submit_due
from agency_client.witness.observer import LogError
from keys.signing import sign_document
from schemas.agreements.steps import NARROWING_ACTIONS
from schemas.api import ACCESS_LOG_HEADS_PATH, STATUSES_PATH, AccessLogHead, LoggedRecord
from schemas.codec import hash_text
from schemas.envelope import SeenCheckpoint
from schemas.key_documents import AgencyClass
from schemas.log.records import RecordType
from schemas.signed import DocumentType, KeyUse, SignedDocument, read_signatures
from schemas.status import ChainHead, Status, StreamPosition, digest_status

STATUS_EVERY = timedelta(hours=6)
HEAD_EVERY = timedelta(hours=1)
MAX_TOLD_STREAMS, MAX_TOLD_CHAINS = 64, 256
MAX_TOLD_VOIDED, MAX_TOLD_VOIDED_A_STREAM = 8_000, 4_096
"""What fits into a status; the oldest is left out, and stood in the statuses before."""
_KEY_PROBLEMS = frozenset({"key-revoked", "key-set-not-current", "key-set-refused", "signature-refused"})


@dataclass(slots=True)
class SigningReport:
    """Which partners got a status, which could not and why, and whether the access log's head was signed."""

    signed: list[str] = field(default_factory=list)
    problems: dict[str, Problem] = field(default_factory=dict)
    signed_head: bool = False


def sign_due_statuses(node: Node) -> SigningReport:
    """Sign and queue a status for every partner that is due, and the access log's head when an hour has passed."""
    report = SigningReport()
    if node.own_key_set().key_set.agency_class is AgencyClass.AGENCY:
        with node.store.read() as snapshot:
            due = find_due_partners(node, snapshot)
        for partner in due:
            try:
                sign_status(node, partner)
            except ClientError as error:
                report.problems[partner] = Problem(error.code, error.sentence)
            else:
                report.signed.append(partner)
    report.signed_head = sign_access_log_head(node)
    return report


def announce_narrowing(node: Node) -> None:
    """Sign the statuses that something narrowing asked for and hand them in now; what cannot go waits for a round."""
    with node.store.read() as snapshot:
        is_asked = bool(list_due_statuses(snapshot))
    if not is_asked:
        return
    try:
        sign_due_statuses(node)
        submit_due(node, STATUS_ROUTES)
    except ClientError:
        return  # They stay due, or queued: `agency sync` says what stands in the way.


def request_everywhere(node: Node, transaction: Transaction, reason: str) -> None:
    """Let a status for every partner fall due."""
    for partner in _list_all_partners(node, transaction):
        request_status(transaction, partner, reason=reason, at=node.clock.now())


def find_due_partners(node: Node, snapshot: Snapshot) -> list[str]:
    """Return the partners that must get a status now: asked for, never given, or six hours old."""
    now = node.clock.now()
    asked = [due.partner for due in list_due_statuses(snapshot)]
    ageing = [partner for partner in _list_all_partners(node, snapshot) if _is_old(snapshot, partner, now)]
    return [agency for agency in dict.fromkeys([*asked, *ageing]) if node.directory.read_timeline(snapshot, agency)]


def sign_status(node: Node, partner: str) -> Status:
    """Sign the next status for a partner, record it and queue it, in one transaction.

    Raises:
        RestoredNodeError: this node may not know which number comes next.
        KeySetUnusableError, LogError: it cannot sign, or has not seen the log.
    """
    now = node.clock.now()
    with node.store.write() as transaction:
        demand_not_restored(transaction, "statuses")
        status = _write_status(node, transaction, partner, now)
        payload = status.canonical()
        signer = node.read_signer(transaction, KeyUse.RECEIPT)
        document = sign_document(payload, DocumentType.STATUS, [signer]).canonical()
        digest = digest_status(payload)
        record_own_status(transaction, StoredStatus(partner, status.seq, digest, document, status.time, now))
        kind = DispatchKind.STATUS
        queue_document(transaction, digest=digest, kind=kind, body=document, partner=partner, at=now)
    return status


def limit_streams(states: Iterable[StreamState]) -> list[StreamState]:
    """Return the streams of a status, oldest first, as far as it has room: the newest streams and numbers go before."""
    room, kept = MAX_TOLD_VOIDED, list[StreamState]()
    for state in list(states)[: -MAX_TOLD_STREAMS - 1 : -1]:
        told = state.voided[-min(room, MAX_TOLD_VOIDED_A_STREAM) :] if room else ()
        room -= len(told)
        kept.append(replace(state, voided=told))
    return kept[::-1]


def sign_access_log_head(node: Node) -> bool:
    """Sign and queue the head of this agency's access log, if it grew and an hour has passed; return whether it did."""
    now = node.clock.now()
    with node.store.write() as transaction:
        end, newest = find_chain_end(transaction), load_newest_signed_head(transaction)
        if end is None or (newest is not None and (newest.n == end.count or now - newest.signed_at < HEAD_EVERY)):
            return False
        head = AccessLogHead(
            v=1,
            exchange=node.exchange,
            agency=node.agency,
            node=node.name,
            count=end.count,
            head=end.head,
            time=now,
        )
        payload = head.canonical()
        signer = node.read_signer(transaction, KeyUse.RECEIPT)
        document = sign_document(payload, DocumentType.ACCESS_LOG_HEAD, [signer]).canonical()
        digest = hash_text("access-log-head", payload)
        record_signed_head(transaction, SignedHead(end.count, digest, document, now))
        queue_document(transaction, digest=digest, kind=DispatchKind.ACCESS_LOG_HEAD, body=document, at=now)
    return True


def _write_status(node: Node, snapshot: Snapshot, partner: str, now: datetime) -> Status:
    seq, prev = next_status_place(snapshot, partner)
    newest, before = load_newest_checkpoint(snapshot, node.sheet.origin), load_newest_own_status(snapshot, partner)
    if newest is None:
        raise LogError("this node has not seen the log yet", fix="run: agency sync")
    heads, left_out = limit_chains(_list_chain_heads(node, snapshot, partner))
    return Status(
        v=1,
        exchange=node.exchange,
        agency=node.agency,
        partner=partner,
        seq=seq,
        prev=prev,
        # A clock that was set back must not break the chain: its times never go back.
        time=now if before is None else max(now, before.signed_at),
        keyset=node.read_own_key_set(snapshot).key_set.seq,
        revoked=tuple(sorted(load_revoked_kids(snapshot, node.agency))),
        chains=heads,
        chains_left_out=left_out or None,
        streams=tuple(
            StreamPosition(stream=state.stream, last=state.last, voided=state.voided)
            for state in limit_streams(list_stream_states(snapshot, partner))
        ),
        checkpoint=SeenCheckpoint(origin=newest.origin, size=newest.size, root=newest.root),
    )


def limit_chains(heads: Iterable[tuple[datetime, ChainHead]]) -> tuple[tuple[ChainHead, ...], int]:
    """Return the heads of a status as far as it has room, and how many are left out: what was signed last goes before.

    So a step that narrows is named, however many agreements there are.
    """
    found = sorted(heads, key=lambda head: (head[0], head[1].agreement))
    kept = sorted(found[-MAX_TOLD_CHAINS:], key=lambda head: head[1].agreement)
    return tuple(head for _, head in kept), len(found) - len(kept)


def _list_chain_heads(node: Node, snapshot: Snapshot, partner: str) -> Iterable[tuple[datetime, ChainHead]]:
    # A step that widens may still be refused, and then never was; one that narrows stands, whatever the exchange does.
    shared = {view.terms.id for view in load_shelf(node, snapshot).list_views(partner) if view.terms is not None}
    for agreement in sorted(shared):
        chain = load_chains(snapshot, agreement).get(node.agency, [])
        standing = [step for step in chain if step.leaf is not None or read_step(step).step.action in NARROWING_ACTIONS]
        if standing:
            newest = standing[-1]
            head = ChainHead(agreement=agreement, party_seq=newest.party_seq, head=newest.digest)
            yield newest.recorded_at, head


def _list_all_partners(node: Node, snapshot: Snapshot) -> list[str]:
    return sorted({*load_shelf(node, snapshot).list_partners(), *list_partners(snapshot)})


def _is_old(snapshot: Snapshot, partner: str, now: datetime) -> bool:
    newest = load_newest_own_status(snapshot, partner)
    return newest is None or now - newest.recorded_at >= STATUS_EVERY


def _describe_status(node: Node, item: Dispatch) -> Mapping[str, object]:
    return {"agency": node.agency, "partner": item.partner, "digest": item.digest}


def _describe_head(node: Node, item: Dispatch) -> Mapping[str, object]:
    return {"agency": node.agency, "digest": item.digest}


def _note_head_logged(transaction: Transaction, item: Dispatch, leaf: LoggedRecord) -> None:
    drop_overtaken(transaction, item.digest)


def _note_status_logged(transaction: Transaction, item: Dispatch, leaf: LoggedRecord) -> None:
    note_own_status_logged(transaction, item.digest, at=leaf.record.time)
    drop_overtaken(transaction, item.digest)


def _keep_waiting(node: Node, item: Dispatch, error: ClientError) -> None:
    """Try a refused status or head again, until it or a later one is taken: its refusal may pass.

    Where another receipt key has taken the place of the one that signed, the very same words are signed by that one.
    """
    now = node.clock.now()
    later = next_attempt_after(item.attempts, now, error)
    with node.store.write() as transaction:
        if error.code in _KEY_PROBLEMS and _sign_again(node, transaction, item, now):
            return
        problem = Problem(error.code, error.sentence)
        record_dispatch_failed(transaction, item.digest, problem, at=now, next_attempt_at=later)


def _sign_again(node: Node, transaction: Transaction, item: Dispatch, now: datetime) -> bool:
    """Sign a document that waits with the receipt key of now; return False where that is the key that signed it."""
    document = SignedDocument.from_canonical(item.body)
    document_type = DocumentType.STATUS if item.kind is DispatchKind.STATUS else DocumentType.ACCESS_LOG_HEAD
    slots = read_signatures(document.payload, document.signatures, document_type)
    signer = node.read_signer(transaction, KeyUse.RECEIPT)
    if tuple(slot.header.kid for slot in slots) == signer.kids:
        return False
    fresh = sign_document(document.payload_bytes, document_type, [signer])
    replace_dispatch_body(transaction, item.digest, fresh.canonical(), at=now)
    return True


STATUS_ROUTES: dict[DispatchKind, Route] = {
    DispatchKind.STATUS: Route(STATUSES_PATH, RecordType.STATUS, _describe_status, _note_status_logged, _keep_waiting),
    DispatchKind.ACCESS_LOG_HEAD: Route(
        ACCESS_LOG_HEADS_PATH, RecordType.ACCESS_LOG_HEAD, _describe_head, _note_head_logged, _keep_waiting
    ),
}
"""Where statuses and access-log heads are handed in (`agency_client.syncing.submitting`)."""
