"""Accept a new log of the exchange: examined, approved by two officers, and begun in one transaction.

Each officer types the anchor from the exchange's new paper, and each examines the log anew; what the two approve is
the very same sheet and the very same first leaf.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from agency_client.connection import BrokerConnection
from agency_client.epochs.beginning import begin_new_log
from agency_client.epochs.beyond import describe_doubts, load_largest_head, verify_opened
from agency_client.epochs.errors import EpochRefusedError
from agency_client.epochs.rules import EpochFacts, EpochJudgement, judge_epoch
from agency_client.errors import ConflictError
from agency_client.local_store.access_log import append_entry
from agency_client.local_store.approvals import (
    PERSONS,
    Approval,
    ApprovalEnd,
    ApprovalKind,
    end_approvals,
    give_approval,
)
from agency_client.local_store.checkpoints import SignedCheckpoint, load_newest_checkpoint
from agency_client.local_store.contradictions import ContradictionKind, EquivocationError, keep_contradiction
from agency_client.local_store.engine import Snapshot
from agency_client.local_store.restored import find_restored_at
from agency_client.local_store.suspicions import Suspicion, record_suspicion
from agency_client.local_store.trust import load_origin
from agency_client.node import Node
from agency_client.profiles.joining import AcceptedSheet
from agency_client.profiles.private_files import write_private_file
from agency_client.witness.observer import LogError, hash_logged_record, read_log_keys
from keys.log_keys import LogSignatureError, WrongOriginError, verify_checkpoint
from schemas.api import CONSISTENCY_PATH, LEAVES_PATH, ConsistencyAnswer, Evidence, LeavesAnswer, LoggedRecord
from schemas.codec import CodecError, b64u_decode, hash_text
from schemas.envelope import SeenCheckpoint
from schemas.key_documents import ExchangeSheet
from schemas.log.checkpoint import Checkpoint
from schemas.log.records import Action
from schemas.log.tree import LogProofError, verify_inclusion

_RESTORED = (
    "this node was restored from a backup and has not caught up: what it signed after that backup, and the new log "
    "does not show, nobody can tell it"
)


@dataclass(frozen=True, slots=True)
class ProposedLog:
    """A new log that was examined and may be accepted. `opening` is the evidence of its first leaf.

    `held` is the newest head this node saw of the old log; `subject` names exactly what is approved.
    """

    accepted: AcceptedSheet
    opening: Evidence
    checkpoint: Checkpoint
    held: SignedCheckpoint | None
    judgement: EpochJudgement
    subject: str

    @property
    def sheet(self) -> ExchangeSheet:
        """Return the new sheet."""
        return self.accepted.sheet

    @property
    def committed(self) -> SeenCheckpoint:
        """Return the head of the log before that the first leaf commits to."""
        committed = self.opening.leaf.record.checkpoint
        assert committed is not None  # noqa: S101 - `judge_epoch` lets no other be proposed
        return committed


@dataclass(frozen=True, slots=True)
class Acceptance:
    """What one officer's approval came to: who has approved by now, and whether the new log counts."""

    approvals: tuple[Approval, ...]
    is_begun: bool


def examine_new_log(node: Node, accepted: AcceptedSheet, *, past_skipped: bool = False) -> ProposedLog:
    """Examine the log of a sheet that was compared with its paper; nothing is changed but evidence kept.

    Raises:
        EpochRefusedError: it does not go on from what this node saw; what shows that has been kept.
        LogError: the exchange does not prove its first leaf.
        OfflineError: it was not reached.
    """
    sheet = accepted.sheet
    with node.store.read() as snapshot:
        held = load_newest_checkpoint(snapshot, node.sheet.origin)
        largest = load_largest_head(snapshot, node.sheet)
    opening, checkpoint = fetch_opening(node, sheet)
    verify_opened(opening.leaf.record.time, node.clock.now())
    judgement = _judge(node, sheet, opening, largest, past_skipped=past_skipped)
    with node.store.read() as snapshot:
        judgement = _add_warnings(snapshot, judgement, opening)
    subject = hash_text("approval", accepted.anchor.encode(), hash_logged_record(opening.leaf))
    return ProposedLog(accepted, opening, checkpoint, held, judgement, subject)


def approve_new_log(node: Node, proposed: ProposedLog, reason: str) -> Acceptance:
    """Approve a log in this officer's name, on record; with the second person's approval it counts from now on.

    Raises:
        ConflictError: another process has accepted a log, or has seen a newer head, since it was examined.
        UsageError: the reason is empty.
    """
    now, sheet, kind = node.clock.now(), proposed.sheet, ApprovalKind.NEW_LOG
    what = f"{node.sheet.origin} gives way to {sheet.origin}"
    with node.store.write() as transaction:
        _demand_unchanged(node, transaction, proposed)
        approvals = give_approval(
            transaction, kind, proposed.subject, what=what, officer=node.officer, reason=reason, at=now
        )
        append_entry(transaction, node.note_access(Action.KEYS, "exchange-approve", reason))
        is_begun = len(approvals) >= PERSONS
        if is_begun:
            end_approvals(transaction, kind, proposed.subject, ApprovalEnd.USED, by=node.officer, at=now)
            names = tuple(approval.officer for approval in approvals)
            begin_new_log(node, transaction, proposed.accepted, proposed.opening, approved_by=names)
    if is_begun:
        write_private_file(node.profile.exchange_path, sheet.canonical(), replace=True)
    return Acceptance(tuple(approvals), is_begun)


def fetch_opening(node: Node, sheet: ExchangeSheet) -> tuple[Evidence, Checkpoint]:
    """Fetch the first leaf of a log and verify that it is, under the keys of its sheet.

    Raises:
        EpochRefusedError: the exchange speaks under another origin.
        LogError: the leaf is not proven.
        OfflineError: the exchange was not reached.
    """
    connection = _connect(node, sheet)
    answer = connection.get(LEAVES_PATH, LeavesAnswer, {"start": 0, "end": 1})
    checkpoint = _verify_head(answer.checkpoint, sheet)
    leaf = _read_first(answer)
    proof: Sequence[str] = ()
    if checkpoint.size > 1:
        # From one leaf to all: the same hashes prove the first leaf to be in the tree (RFC 9162 §2.1.3, §2.1.4).
        query = {"from": 1, "to": checkpoint.size}
        proof = connection.get(CONSISTENCY_PATH, ConsistencyAnswer, query).proof
    try:
        path = [b64u_decode(item) for item in proof]
        verify_inclusion(hash_logged_record(leaf), 0, checkpoint.size, path, checkpoint.root)
    except (LogProofError, ValueError) as error:
        raise LogError(f"the first leaf of {sheet.origin} is not shown to be in its log: {error}") from error
    return Evidence(leaf=leaf, proof=tuple(proof), checkpoint=answer.checkpoint), checkpoint


def _connect(node: Node, sheet: ExchangeSheet) -> BrokerConnection:
    if sheet.tls_ca == node.sheet.tls_ca:
        return node.connection
    return BrokerConnection(node.profile.settings.broker_url, sheet, node.identify(), node.clock, node.role)


def _verify_head(unverified_note: str, sheet: ExchangeSheet) -> Checkpoint:
    try:
        return verify_checkpoint(unverified_note.encode(), sheet.origin, read_log_keys(sheet))
    except WrongOriginError as error:
        raise EpochRefusedError(
            f"the exchange answers under {error.claimed}, the sheet is of {sheet.origin}",
            fix="ask its operator which sheet counts, and whether the new log has been begun",
            code="other-origin",
        ) from error
    except (LogSignatureError, CodecError) as error:
        raise LogError(f"the checkpoint is not one of {sheet.origin}: {error}") from error


def _read_first(answer: LeavesAnswer) -> LoggedRecord:
    if answer.start != 0 or len(answer.leaves) != 1:
        raise LogError("the first leaf was asked for, and others came")
    (leaf,) = answer.leaves
    if leaf.record is None or leaf.salt is None or not leaf.record.is_public:
        raise EpochRefusedError("the record of the new log's first leaf is not shown to all", code="no-opening")
    return LoggedRecord(index=0, record=leaf.record, salt=leaf.salt)


def _judge(
    node: Node, sheet: ExchangeSheet, opening: Evidence, held: SignedCheckpoint | None, *, past_skipped: bool
) -> EpochJudgement:
    seen = None if held is None else SeenCheckpoint(origin=held.origin, size=held.size, root=held.root)
    try:
        facts = EpochFacts(node.sheet, sheet, opening.leaf.record, seen)
        return judge_epoch(facts, past_skipped=past_skipped)
    except EpochRefusedError as error:
        _keep_evidence(node, sheet, opening, held, error)
        raise


def _keep_evidence(
    node: Node, sheet: ExchangeSheet, opening: Evidence, held: SignedCheckpoint | None, error: EpochRefusedError
) -> None:
    now = node.clock.now()
    if error.code == "epoch-forked" and held is not None:
        documents = (held.note, opening.canonical())
        kind = ContradictionKind.CHECKPOINT
        proof = EquivocationError(error.sentence, kind=kind, signer=held.origin, documents=documents)
        keep_contradiction(node.store, proof, at=now)
    elif error.code in ("epoch-behind", "other-predecessor", "no-commitment", "no-opening"):
        doubt = Suspicion(sheet.origin, 0, error.code, "", error.sentence, opening.leaf.canonical(), now)
        with node.store.write() as transaction:
            record_suspicion(transaction, doubt)


def _add_warnings(snapshot: Snapshot, judgement: EpochJudgement, opening: Evidence) -> EpochJudgement:
    committed = opening.leaf.record.checkpoint
    doubts = [] if committed is None else list(describe_doubts(snapshot, committed, opening.leaf.record.time))
    if find_restored_at(snapshot) is not None:
        doubts.append(_RESTORED)
    return EpochJudgement(judgement.skipped, (*judgement.sentences, *doubts))


def _demand_unchanged(node: Node, snapshot: Snapshot, proposed: ProposedLog) -> None:
    if load_origin(snapshot) != node.sheet.origin:
        raise ConflictError("another process has accepted a new log meanwhile", fix="see: agency exchange show")
    if load_newest_checkpoint(snapshot, node.sheet.origin) != proposed.held:
        raise ConflictError("another process has seen a newer head of the old log meanwhile", fix="run it again")
