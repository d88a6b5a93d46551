"""Pull the steps that the log has: verify each one's proof and signature, record it, and hold what must wait.

How far steps were pulled is saved with them. A step that cannot be believed yet (an anchor not pinned, a predecessor
missing) is held and looked at again at every pull; it never counts until it is verified.
"""

from dataclasses import dataclass, field, replace

from agency_client.agreements.chains import parse_step
from agency_client.agreements.signing import make_stored
from agency_client.agreements.verifying import Moment, StepRefusedError, verify_step
from agency_client.epochs.places import compute_place
from agency_client.errors import ClientError, VerificationFailedError
from agency_client.local_store.agreements import add_step_leaf, load_chains, record_step, retract_step
from agency_client.local_store.checkpoints import load_walk
from agency_client.local_store.contradictions import EquivocationError, keep_contradiction
from agency_client.local_store.dispatch import record_dispatch_refused
from agency_client.local_store.engine import Transaction
from agency_client.local_store.held_steps import HeldStep, hold_step, list_held_steps, release_step
from agency_client.local_store.problems import Problem
from agency_client.local_store.restored import is_behind, note_caught_up
from agency_client.local_store.settings import Setting, read_setting, write_setting
from agency_client.local_store.trust import load_exchange
from agency_client.node import Node
from agency_client.witness.evidence import verify_record_says
from agency_client.witness.observer import LogError
from agency_client.witness.walker import walk_log
from schemas.agreements.steps import Step, digest_step, is_step_in_time
from schemas.api import STEPS_PATH, LoggedStep, StepsAnswer
from schemas.codec import CodecError
from schemas.log.checkpoint import Checkpoint
from schemas.log.records import RecordType


class ForeignStepError(VerificationFailedError):
    """A step in our own name that this node did not sign."""

    default_code = "not-ours"


@dataclass(slots=True)
class PullReport:
    """What a pull brought: new verified steps, steps that wait and why, and proofs that a party said two things."""

    new: list[Step] = field(default_factory=list)
    held: list[HeldStep] = field(default_factory=list)
    contradictions: list[EquivocationError] = field(default_factory=list)


def pull_steps(node: Node) -> PullReport:
    """Bring this node's steps of all its agreements up to the log.

    Raises:
        OfflineError: the broker was not reached; what was pulled before stands.
        LogError, EquivocationError: the broker's answer does not prove what it claims.
    """
    report = PullReport()
    more = True
    while more:
        answer = node.connection.get(STEPS_PATH, StepsAnswer, {"after": _read_cursor(node)})
        checkpoint = node.observer.observe(answer.checkpoint)
        _walk_up_to(node, answer)
        for logged in answer.steps:
            _verify_in_log(node, logged, checkpoint)
        _take_over(node, answer.steps, report)
        more = answer.more and bool(answer.steps)
    _try_held_again(node, report)
    if all(held.agency != node.agency for held in report.held):
        with node.store.write() as transaction:
            note_caught_up(transaction, "steps")
    return report


def _read_cursor(node: Node) -> int:
    with node.store.read() as snapshot:
        return int(read_setting(snapshot, Setting.STEPS_PULLED) or -1)


def _walk_up_to(node: Node, answer: StepsAnswer) -> None:
    """Walk the log past the newest step of an answer: its keys are judged by what stands before it."""
    with node.store.read() as snapshot:
        walk = load_walk(snapshot, node.sheet.origin)
    walked = 0 if walk is None else walk.size
    if any(step.leaf.index >= walked for step in answer.steps):
        walk_log(node)


def _verify_in_log(node: Node, logged: LoggedStep, checkpoint: Checkpoint) -> None:
    """Verify that a step's record stands in the log, and is about this very document."""
    try:
        chained = parse_step(logged.document)
    except CodecError as error:
        raise LogError(f"leaf {logged.leaf.index}: the step shown is of another form: {error}") from error
    step = chained.step
    expected = {
        "agency": step.agency,
        "agreement": step.agreement,
        "digest": chained.digest,
        "step": step.action.value,
    }
    if step.agency != node.agency:
        expected["partner"] = node.agency
    verify_record_says(logged.leaf.record, RecordType.AGREEMENT_STEP, expected)
    node.observer.verify_record(logged.leaf, logged.proof, checkpoint)


def _take_over(node: Node, steps: tuple[LoggedStep, ...], report: PullReport) -> None:
    if not steps:
        return
    before = _read_cursor(node)
    found: list[EquivocationError] = []
    with node.store.write() as transaction:
        for logged in steps:
            if logged.leaf.index <= before:
                raise LogError(f"steps behind leaf {before} were asked for, and leaf {logged.leaf.index} came")
            _take_over_one(node, transaction, logged, report, found)
        write_setting(transaction, Setting.STEPS_PULLED, str(max(logged.leaf.index for logged in steps)))
    _keep(node, report, found)


def _try_held_again(node: Node, report: PullReport) -> None:
    found: list[EquivocationError] = []
    report.held.clear()
    with node.store.write() as transaction:
        for held in list_held_steps(transaction):
            _take_over_one(node, transaction, LoggedStep.from_canonical(held.logged_step), report, found)
        report.held = list_held_steps(transaction)
    _keep(node, report, found)


def _take_over_one(
    node: Node, transaction: Transaction, logged: LoggedStep, report: PullReport, found: list[EquivocationError]
) -> None:
    digest = digest_step(logged.document.payload_bytes)
    if transaction.fetch_one("SELECT 1 FROM agreement_step WHERE digest = ?", digest) is not None:
        add_step_leaf(transaction, digest, logged.leaf.canonical(), node.sheet.origin)
        release_step(transaction, logged.leaf.index)
        return
    try:
        step = _verify_and_record(node, transaction, logged)
    except EquivocationError as error:
        found.append(error)
        _hold(node, transaction, logged, error)
    except ClientError as error:
        _hold(node, transaction, logged, error)
    else:
        report.new.append(step)
        release_step(transaction, logged.leaf.index)


def _verify_and_record(node: Node, transaction: Transaction, logged: LoggedStep) -> Step:
    origin, leaf = node.sheet.origin, logged.leaf
    log = load_exchange(transaction, origin)
    opened_at = None if log is None else log.opened_at
    at = Moment(compute_place(origin, leaf.index), leaf.record.time, opened_at)
    chained = verify_step(node, transaction, logged.document, at)
    if chained.step.agency == node.agency:
        if not is_behind(transaction, "steps"):
            raise ForeignStepError(
                f"the log has a step {chained.step.action.value} in our name that this node did not sign",
                fix="find out who holds our agreement key; then: agency keys revoke",
            )
        _give_way(node, transaction, chained.step)
    if not is_step_in_time(chained.step, at.time, opened_at=opened_at):
        raise StepRefusedError(f"the step is dated {chained.step.time:%Y-%m-%d %H:%M} and was logged at another time")
    stored = make_stored(chained.step, chained.digest, logged.document, node.clock.now())
    record_step(transaction, replace(stored, leaf=leaf.canonical(), origin=origin))
    return chained.step


def _give_way(node: Node, transaction: Transaction, logged: Step) -> None:
    """Take back what a restored node had signed for this place and not handed in: another step was signed there since.

    Nobody has seen what goes; the backup alone remembered it.
    """
    chain = load_chains(transaction, logged.agreement).get(node.agency, [])
    problem = Problem("superseded", "another step was signed in its place after the backup was made")
    for stored in reversed(chain):
        if stored.party_seq < logged.party_seq or stored.leaf is not None:
            return
        retract_step(transaction, stored.digest)
        record_dispatch_refused(transaction, stored.digest, problem, at=node.clock.now())


def _hold(node: Node, transaction: Transaction, logged: LoggedStep, error: ClientError) -> None:
    record = logged.leaf.record
    hold_step(
        transaction,
        HeldStep(
            leaf_index=logged.leaf.index,
            agreement=record.agreement or "",
            agency=record.agency or "",
            code=error.code,
            sentence=error.sentence,
            logged_step=logged.canonical(),
            found_at=node.clock.now(),
        ),
    )


def _keep(node: Node, report: PullReport, found: list[EquivocationError]) -> None:
    for error in found:
        keep_contradiction(node.store, error, at=node.clock.now())
    report.contradictions += found
