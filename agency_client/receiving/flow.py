"""One look into the inbox, from the lease to the receipts: what `agency sync` runs again and again.

Messages are stored and acknowledged first; then the log is walked and the agreement steps are pulled, so that
everything is judged by what was known at least up to each message; withdrawals come before what they take back.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from agency_client.agreements.pulling import pull_steps
from agency_client.local_store.inbox import InboxState, list_unfinished, load_by_digest
from agency_client.local_store.problems import Problem
from agency_client.local_store.settings import Setting, write_moment
from agency_client.node import Node
from agency_client.receiving.leasing import (
    Leased,
    acknowledge_stored,
    close_leases,
    lease_items,
    list_open_leases,
)
from agency_client.receiving.opening import Finding, process_message
from agency_client.receiving.outcomes import take_in_outcomes
from agency_client.receiving.partner_receipts import take_in_receipts
from agency_client.receiving.rules import WITHDRAWAL_KIND
from agency_client.receiving.verification import Horizon
from agency_client.witness.walker import walk_log

MAX_LEASES = 32
"""How many leases one look takes at most; what is left waits for the next."""

Learn = Callable[[Node], Horizon]


@dataclass(slots=True)
class ReceiveReport:
    """What one look into the inbox came to. `findings` are the messages that were judged, in the order of the log.

    `is_emptied`: the exchange said that nothing more is there.
    """

    stored: int = 0
    repeated: int = 0
    acknowledged: int = 0
    receipts: int = 0
    outcomes: int = 0
    findings: list[Finding] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    is_emptied: bool = False

    def count(self, state: InboxState) -> int:
        """Return how many messages ended in a state."""
        return sum(finding.state is state for finding in self.findings)


def receive(node: Node, *, wait_seconds: int = 0, learn: Learn | None = None) -> ReceiveReport:
    """Collect what has come, waiting at most so long for the first of it, and judge everything that is new here.

    `learn` brings this node's knowledge up to date and says how far it reaches; by default the log is walked and the
    agreement steps are pulled.

    Raises:
        OfflineError: the broker was not reached; what is stored is taken up next time.
        LogError, EquivocationError: the broker's answers do not hold.
    """
    report, asked_at = ReceiveReport(), node.clock.now()
    acknowledge_stored(node)
    leases = _collect(node, wait_seconds, report)
    if leases or _has_unfinished(node):
        _take_in(node, leases, report, learn or learn_everything)
    close_leases(node)
    if report.is_emptied:
        # Nothing was left at that moment: what is missing since then is not merely on its way.
        with node.store.write() as transaction:
            write_moment(transaction, Setting.INBOX_EMPTIED, asked_at)
    return report


def _take_in(node: Node, leases: list[Leased], report: ReceiveReport, learn: Learn) -> None:
    horizon = learn(node)
    for leased in leases:
        _take_in_small_items(node, leased, report)
    report.acknowledged += acknowledge_stored(node)
    hinted = frozenset(reference.digest for leased in leases for reference in leased.answer.withdrawn)
    judge_new_messages(node, horizon, report, hinted=hinted)


def learn_everything(node: Node) -> Horizon:
    """Walk the log and pull the agreement steps, both beyond everything leased so far."""
    seen = node.observer.read_seen().size
    pull_steps(node)
    return Horizon(walked=walk_log(node).size, steps=seen)


def judge_new_messages(
    node: Node, horizon: Horizon, report: ReceiveReport, *, hinted: frozenset[str] = frozenset()
) -> None:
    """Verify and open every message that is new here, withdrawals first.

    `hinted` are messages that the exchange says were taken back: one whose withdrawal has not come yet waits.
    """
    for digest in _list_new(node):
        report.findings.append(process_message(node, digest, horizon, awaited=hinted))


def _collect(node: Node, wait_seconds: int, report: ReceiveReport) -> list[Leased]:
    leases: list[Leased] = []
    lost = list_open_leases(node)
    while len(leases) < MAX_LEASES:
        again = lost.pop() if lost else None
        waits = not leases and not lost
        leased = lease_items(node, again=again, wait_seconds=wait_seconds if waits else 0)
        if leased.is_empty and lost:
            continue
        if leased.is_empty:
            report.is_emptied = True
            break
        leases.append(leased)
        report.stored += len(leased.stored)
        report.repeated += len(leased.repeated)
        report.problems += leased.problems
        report.acknowledged += acknowledge_stored(node)
        if not leased.answer.more and not lost:
            report.is_emptied = True
            break
    return leases


def _take_in_small_items(node: Node, leased: Leased, report: ReceiveReport) -> None:
    taken, problems = take_in_receipts(node, leased)
    report.receipts += taken
    report.problems += problems
    outcomes, suspicions = take_in_outcomes(node, leased)
    report.outcomes += outcomes
    report.problems += [Problem(suspicion.code, suspicion.sentence) for suspicion in suspicions]


def _list_new(node: Node) -> list[str]:
    with node.store.read() as snapshot:
        found = [load_by_digest(snapshot, digest) for digest in list_unfinished(snapshot, (InboxState.NEW,))]
    return [message.digest for message in sorted(found, key=lambda item: item.kind != WITHDRAWAL_KIND)]


def _has_unfinished(node: Node) -> bool:
    with node.store.read() as snapshot:
        return bool(list_unfinished(snapshot))
