"""One round of everything a node does with the exchange, from its log to receipts, in stages (`choose_stages`).

Each stage stands by itself: what fails in one is reported, and the others go on. Only when the broker is not there at
all, or its log does not prove itself, is the rest left for later. Running rounds for ever is the business
of `agency_client.syncing.following`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from agency_client.aftercare.relaying import relay_notices
from agency_client.agreements.flows import sign_due_withdrawals
from agency_client.agreements.pulling import PullReport, pull_steps
from agency_client.agreements.submitting import submit_due_steps
from agency_client.epochs.errors import NewLogError
from agency_client.epochs.handing_in import has_missing_steps, queue_missing_keys, queue_missing_steps
from agency_client.errors import ClientError, NotAuthenticatedError
from agency_client.local_store.contradictions import EquivocationError
from agency_client.local_store.dispatch import retry_documents_now
from agency_client.local_store.inbox import InboxState
from agency_client.local_store.outbox import retry_now
from agency_client.local_store.problems import Problem
from agency_client.local_store.restored import note_caught_up
from agency_client.node import Node
from agency_client.onward.forwarding import forward_decisions
from agency_client.own_keys.encryption import list_due_uses, prepare_encryption_keys
from agency_client.own_keys.ending import destroy_ended_keys
from agency_client.own_keys.publishing import publish_due
from agency_client.profiles.profile import hold_lock
from agency_client.receiving.flow import receive
from agency_client.receiving.own_receipts import send_due_receipts, sign_owed_receipts
from agency_client.receiving.receipt_renewal import renew_waiting_receipts
from agency_client.refusals import ExchangeStoppedError, NotSentError
from agency_client.retention.ledger import NO_LEDGER
from agency_client.retention.running import run_retention
from agency_client.sending.delivery import deliver_due
from agency_client.statuses.partners import describe_voided, pull_statuses
from agency_client.statuses.signing import STATUS_ROUTES, sign_due_statuses
from agency_client.statuses.watching import spell_closed, watch_partners
from agency_client.syncing.catching_up import end_restored_life, is_anything_behind, take_over_own_statuses
from agency_client.syncing.submitting import SubmitReport, submit_due
from agency_client.terminal.exit_codes import ExitCode
from agency_client.witness.collecting import CollectReport, collect_heads
from agency_client.witness.comparing import compare_hidden_notes
from agency_client.witness.cosigning import cosign_newest, show_held_head, take_over_own_cosignature
from agency_client.witness.gossip import compare_sightings
from agency_client.witness.observer import LogError
from agency_client.witness.walker import refresh_checkpoint, walk_log
from schemas.key_documents import AgencyClass

CAUGHT_UP = "restored"
LOCK = "sync"
LOCK_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class StageReport:
    """What one stage did: counts by name, problems of single items, and the failure that ended it, if one did.

    `notes` are sentences of what is well again.
    """

    stage: str
    counts: Mapping[str, int] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    alarms: tuple[Problem, ...] = ()
    failure: Problem | None = None
    exit_code: ExitCode = ExitCode.OK
    notes: tuple[str, ...] = ()

    @property
    def is_quiet(self) -> bool:
        """Return whether there is nothing to tell of it."""
        is_well = not self.problems and not self.alarms and self.failure is None
        return is_well and not any(self.counts.values()) and not self.notes


@dataclass(frozen=True, slots=True)
class RoundReport:
    """What one round did, stage by stage."""

    stages: tuple[StageReport, ...]

    @property
    def exit_code(self) -> ExitCode:
        """Return how a process that ran this round ends: what failed verification weighs most, then being offline."""
        codes = {stage.exit_code for stage in self.stages}
        if ExitCode.VERIFICATION_FAILED in codes:
            return ExitCode.VERIFICATION_FAILED
        return next((code for code in _WEIGHT if code in codes), ExitCode.OK)

    @property
    def has_failed(self) -> bool:
        """Return whether some stage did not come to its end."""
        return any(stage.failure is not None for stage in self.stages)

    @property
    def is_quiet(self) -> bool:
        """Return whether there is nothing to tell of it."""
        return all(stage.is_quiet for stage in self.stages)


_ENDS_THE_ROUND = (NotSentError, NotAuthenticatedError, NewLogError, ExchangeStoppedError)
_WEIGHT = (
    ExitCode.OFFLINE_QUEUED,
    ExitCode.NOT_AUTHENTICATED,
    ExitCode.CONFLICT,
    ExitCode.DENIED,
    ExitCode.NOT_FOUND,
    ExitCode.FAILED,
)


@dataclass(frozen=True, slots=True)
class Stage:
    """One part of a round: its name, and what runs it."""

    name: str
    run: Callable[[Node], StageReport]
    is_footing: bool = False
    """Whether nothing more is asked or sent in a round in which it failed verification."""


def run_round(node: Node, stages: Sequence[Stage] | None = None) -> RoundReport:
    """Run the stages in order, each whatever became of the others; by default all that this member's class has.

    A log that does not prove itself ends the round: what its exchange refuses or answers then must move nothing. So
    does a new log that nobody has accepted here.
    """
    reports: list[StageReport] = []
    for stage in stages if stages is not None else choose_stages(node):
        try:
            reports.append(stage.run(node))
        except ClientError as error:
            failure = Problem(error.code, error.sentence)
            reports.append(StageReport(stage.name, failure=failure, exit_code=error.exit_code))
            if isinstance(error, _ENDS_THE_ROUND):
                break
            if stage.is_footing and error.exit_code is ExitCode.VERIFICATION_FAILED:
                reports[-1] = replace(reports[-1], problems=(_NOTHING_SENT,))
                break
    if _has_caught_up(node, reports):
        reports.append(StageReport(CAUGHT_UP, {"complete": 1}))
    return RoundReport(tuple(reports))


def sync_once(node: Node) -> RoundReport:
    """Run one round as the only process of this profile that does, and try everything in the outbox now.

    Raises:
        ConflictError: another process is at it, such as `agency sync --follow`.
    """
    with hold_lock(node.profile, LOCK, wait_seconds=LOCK_SECONDS):
        wake_outbox(node)
        return run_round(node)


def wake_outbox(node: Node) -> None:
    """Make every queued message and document due: the broker may be there again."""
    with node.store.write() as transaction:
        retry_now(transaction, at=node.clock.now())
        retry_documents_now(transaction, at=node.clock.now())


def choose_stages(node: Node) -> tuple[Stage, ...]:
    """Return the stages of this member's class: only agencies have agreements, messages and statuses.

    What must end ends first: nothing the exchange does or fails to do keeps it.
    """
    if node.own_key_set().key_set.agency_class is not AgencyClass.AGENCY:
        return (RETENTION, LOG, WITNESSES, KEYS)
    return (RETENTION, LOG, WITNESSES, KEYS, AGREEMENTS, STATUSES, OUTBOX, INBOX, AFTERCARE, GOSSIP, RECEIPTS, PARTNERS)


def sync_retention(node: Node) -> StageReport:
    """Erase what has come to its end; senders are told by the receipts of this round."""
    report = run_retention(node)
    doubts = (Problem("clock-in-doubt", report.plan.doubt),) if report.plan.doubt else ()
    if report.repeated is None:
        return _report("retention", report.erased, doubts)
    problems = doubts if report.repeated.is_complete else (NO_LEDGER, *doubts)
    return _report("retention", {**report.erased, "repeated": report.repeated.erased}, problems)


def sync_log(node: Node) -> StageReport:
    """Walk the log up to its newest checkpoint; one that does not prove itself is shown what it signed before."""
    try:
        walked = walk_log(node)
    except (LogError, EquivocationError):
        show_held_head(node)
        raise
    with node.store.write() as transaction:
        note_caught_up(transaction, "keys")
    alarms = tuple(Problem(item.code, item.sentence) for item in walked.suspicions)
    counts = {"leaves": walked.leaves, "key_documents": len(walked.documents)}
    return _report("log", counts, alarms=alarms)


def sync_witnesses(node: Node) -> StageReport:
    """Cosign what was walked, and learn what partners cosigned; a restored node learns first what it has cosigned.

    What is not witnessed is marked and waits; nothing here keeps the rest of a round from going on but a proof that
    the log has two histories.
    """
    problems: list[Problem] = []
    with _noting(problems):
        if is_anything_behind(node, "cosignatures"):
            take_over_own_cosignature(node)
    cosigned, collected = None, CollectReport()
    with _noting(problems):
        cosigned = cosign_newest(node)
    with _noting(problems):
        collected = collect_heads(node)
    counts = {"cosigned": int(cosigned is not None), "partners_heads": len(collected.news)}
    return _report("witnesses", counts, (*problems, *collected.problems.values()))


def sync_gossip(node: Node) -> StageReport:
    """Compare what partners say they saw of the log, and notes that were hidden here once, with what is shown here."""
    compare_hidden_notes(node)
    found = compare_sightings(node)
    return _report("gossip", {}, found.problems, found.alarms)


def sync_keys(node: Node) -> StageReport:
    """Publish this agency's key documents, renew its encryption key before it ends, destroy keys that have ended."""
    is_agency = node.own_key_set().key_set.agency_class is AgencyClass.AGENCY
    due = list_due_uses(node) if is_agency else ()
    if due:
        prepare_encryption_keys(node, due)
    queue_missing_keys(node)
    handed_in = publish_due(node)
    if handed_in.logged:
        walk_log(node)
    destroyed = len(destroy_ended_keys(node))
    counts = {"encryption_keys_made": len(due), "published": len(handed_in.logged), "keys_destroyed": destroyed}
    return _report("keys", counts, _list_problems(handed_in))


def sync_agreements(node: Node) -> StageReport:
    """Hand in own steps, pull the partners' steps, and only then take back what was not confirmed in time."""
    pulls_first = is_anything_behind(node, "steps") or has_missing_steps(node)
    first = pull_steps(node) if pulls_first else PullReport()
    queue_missing_steps(node)
    handed_in = submit_due_steps(node)
    pulled = pull_steps(node)
    withdrawn = sign_due_withdrawals(node)
    if withdrawn:
        submit_due_steps(node)
    held = tuple(Problem(item.code, item.sentence) for item in pulled.held)
    alarms = tuple(Problem(error.code, error.sentence) for error in (*first.contradictions, *pulled.contradictions))
    new = len(first.new) + len(pulled.new)
    counts = {"steps_handed_in": len(handed_in.logged), "steps_new": new, "withdrawn": len(withdrawn)}
    return _report("agreements", counts, (*_list_problems(handed_in), *held), alarms)


def sync_statuses(node: Node) -> StageReport:
    """Sign what is due, hand it in, and read what partners signed; a restored node learns first what it signed."""
    if is_anything_behind(node, "statuses"):
        take_over_own_statuses(node)
    signed = sign_due_statuses(node)
    handed_in = submit_due(node, STATUS_ROUTES)
    pulled = pull_statuses(node)
    alarms = [Problem(alarm.code, alarm.sentence) for alarm in pulled.alarms]
    alarms += describe_voided(node, pulled.voided)
    problems = (*signed.problems.values(), *_list_problems(handed_in), *pulled.problems.values())
    counts = {"signed": len(signed.signed), "handed_in": len(handed_in.logged), "new": len(pulled.news)}
    return _report("statuses", counts, problems, tuple(alarms))


def sync_outbox(node: Node, *, upload_bytes: int | None = None) -> StageReport:
    """Deliver what is due, uploading at most `upload_bytes` of attachments."""
    delivered = deliver_due(node, upload_bytes=upload_bytes)
    problems = (*delivered.waiting.values(), *delivered.refused.values())
    counts = {
        "delivered": len(delivered.taken),
        "waiting": len(delivered.waiting),
        "refused": len(delivered.refused),
        "sealed_again": len(delivered.renewed),
        "uploaded_bytes": delivered.uploaded_bytes,
    }
    return _report("outbox", counts, problems)


def sync_inbox(node: Node, *, wait_seconds: int = 0) -> StageReport:
    """Collect, verify and open what has come; wait at most so long for the first of it."""
    received = receive(node, wait_seconds=wait_seconds)
    counts = {
        "received": received.stored,
        "opened": received.count(InboxState.OPENED),
        "unverifiable": received.count(InboxState.UNVERIFIABLE),
        "refused": received.count(InboxState.REFUSED),
        "withdrawn": received.count(InboxState.WITHDRAWN),
        "receipts": received.receipts,
        "outcomes": received.outcomes,
    }
    return _report("inbox", counts, tuple(received.problems))


def sync_aftercare(node: Node) -> StageReport:
    """Pass notices on to whoever got a copy from here, decisions to who asked for them, and report back."""
    relayed, decided = relay_notices(node), forward_decisions(node)
    passed_on = len(relayed.relayed) + len(decided.forwarded)
    counts = {"passed_on": passed_on, "reported": len(relayed.reported)}
    return _report("aftercare", counts, [*relayed.problems, *decided.problems])


def sync_receipts(node: Node) -> StageReport:
    """Sign the receipts that are owed, and hand them in; what waited while keys changed is renewed before."""
    signed = sign_owed_receipts(node)
    renew_waiting_receipts(node)
    handed_in = send_due_receipts(node)
    counts = {"signed": signed.signed, "handed_in": handed_in.handed_in}
    return _report("receipts", counts, (*signed.problems, *handed_in.problems))


def announce(node: Node) -> StageReport:
    """Sign the statuses that are due and hand them in: what narrowed is not kept from a partner by a long poll."""
    signed = sign_due_statuses(node)
    handed_in = submit_due(node, STATUS_ROUTES)
    counts = {"signed": len(signed.signed), "handed_in": len(handed_in.logged)}
    return _report("announcing", counts, (*signed.problems.values(), *_list_problems(handed_in)))


def sync_partners(node: Node) -> StageReport:
    """Look every partner over: old statuses, missing numbers. An alarm of a gap is for a person, and fails nothing."""
    watched = watch_partners(node)
    alarms = tuple(
        Problem(alarm.code, f"{alarm.sentence}; {watched.say_whom_to_call(alarm.gap.sender)}")
        for alarm in watched.alarms
    )
    problems = tuple(
        Problem(f"status-{age.state.value}", f"{age.sentence}; {watched.say_whom_to_call(age.agency)}")
        for age in watched.ages
    )
    notes = tuple(spell_closed(told) for told in watched.closed)
    return StageReport("partners", {}, problems, alarms, notes=notes)


def sync_checkpoint(node: Node) -> StageReport:
    """Let the log prove itself up to its newest checkpoint, without reading it."""
    refresh_checkpoint(node)
    return _report("log", {})


RETENTION = Stage("retention", sync_retention)
LOG = Stage("log", sync_log, is_footing=True)
CHECKPOINT = Stage("log", sync_checkpoint, is_footing=True)
"""What goes out by itself is sent only after this."""
WITNESSES = Stage("witnesses", sync_witnesses, is_footing=True)
KEYS = Stage("keys", sync_keys)
AGREEMENTS = Stage("agreements", sync_agreements)
STATUSES = Stage("statuses", sync_statuses)
OUTBOX = Stage("outbox", sync_outbox)
INBOX = Stage("inbox", sync_inbox)
AFTERCARE = Stage("aftercare", sync_aftercare)
GOSSIP = Stage("gossip", sync_gossip)
RECEIPTS = Stage("receipts", sync_receipts)
PARTNERS = Stage("partners", sync_partners)
ANNOUNCING = Stage("announcing", announce)
"""Beside the outbox in the always-on process; a whole round has it in `STATUSES`."""


_NOTHING_SENT = Problem("nothing-sent", "the exchange's log does not prove itself: nothing was sent, all of it is kept")


@contextmanager
def _noting(problems: list[Problem]) -> Iterator[None]:
    """Note what fails in a part of a stage, unless it proves two histories or shows that the broker is away."""
    try:
        yield
    except (EquivocationError, *_ENDS_THE_ROUND):
        raise
    except ClientError as error:
        problems.append(Problem(error.code, error.sentence))


def _has_caught_up(node: Node, reports: Sequence[StageReport]) -> bool:
    """End a restored node's waiting after a round that did all it owed; return whether it was this round."""
    if not is_anything_behind(node):
        return False
    owed = {stage.name for stage in choose_stages(node)} - {OUTBOX.name, RECEIPTS.name}
    return owed <= {report.stage for report in reports if report.failure is None} and end_restored_life(node)


def _report(
    stage: str, counts: Mapping[str, int], problems: Sequence[Problem] = (), alarms: Sequence[Problem] = ()
) -> StageReport:
    code = ExitCode.VERIFICATION_FAILED if alarms else ExitCode.OK
    return StageReport(stage, counts, tuple(problems), tuple(alarms), exit_code=code)


def _list_problems(report: SubmitReport) -> tuple[Problem, ...]:
    return tuple(Problem(error.code, error.sentence) for error in (*report.waiting.values(), *report.refused.values()))
