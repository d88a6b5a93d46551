"""Compare what partners say they saw of the log with what this node is shown: so a split view is found.

Every message and every status carries the newest head its sender saw. A head that does not fit is an alarm and no
proof: a hostile partner could say so to stop this node. The proof is the signed note itself, which two agencies give
each other past the exchange (`agency_client.witness.comparing`).
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from agency_client.errors import VerificationFailedError
from agency_client.local_store.checkpoints import SignedCheckpoint, load_checkpoint
from agency_client.local_store.engine import Transaction
from agency_client.local_store.problems import Problem
from agency_client.local_store.sightings import (
    Sighting,
    SightingState,
    list_longest_ahead,
    list_newest_pending,
    record_sighting,
    settle_sighting,
)
from agency_client.local_store.suspicions import Suspicion, record_suspicion
from agency_client.local_store.trust import load_exchange
from agency_client.node import Node
from schemas.codec import b64u_decode
from schemas.envelope import SeenCheckpoint
from schemas.log.tree import LogProofError, verify_consistency

PATIENCE = timedelta(minutes=15)
"""How long the exchange may show a partner more of the log than this node: answers cross, and some nodes are slow."""


@dataclass(slots=True)
class GossipReport:
    """What comparing came to: how many heads fitted, alarms that are new, and what could not be compared."""

    fitting: int = 0
    alarms: list[Problem] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def note_sighting(node: Node, transaction: Transaction, agency: str, seen: SeenCheckpoint, *, at: datetime) -> None:
    """Keep what a partner says it saw, `at` by its own clock; it is compared at the end of the round."""
    record_sighting(transaction, Sighting(seen.origin, seen.size, seen.root, agency, at, node.clock.now()))


def compare_sightings(node: Node) -> GossipReport:
    """Compare the newest claim of each partner that was not compared yet; ask for one proof a partner at most.

    Of claims ahead of this node the oldest is judged by its age: a partner that keeps seeing more puts no alarm off.

    Raises:
        OfflineError: the exchange was not reached; what was not compared waits.
    """
    report, newest = GossipReport(), node.observer.load_newest()
    place = (node.sheet.origin, 0 if newest is None else newest.size)
    with node.store.read() as snapshot:
        pending = [*list_newest_pending(snapshot, *place), *list_longest_ahead(snapshot, *place)]
    for sighting in pending:
        _compare(node, newest, sighting, report)
    return report


def _compare(node: Node, newest: SignedCheckpoint | None, sighting: Sighting, report: GossipReport) -> None:
    if sighting.origin != node.sheet.origin:
        _compare_elsewhere(node, sighting, report)
    elif newest is None or sighting.size > newest.size:
        _judge_larger(node, sighting, 0 if newest is None else newest.size, report)
    else:
        try:
            fits = _is_part(node, sighting, newest)
        except VerificationFailedError as error:
            report.problems.append(Problem(error.code, f"what {sighting.seen_by} saw: {error.sentence}"))
            return
        _settle(node, sighting, report, fits=fits)


def _is_part(node: Node, sighting: Sighting, newest: SignedCheckpoint) -> bool:
    """Return whether a claimed head is part of the log shown here; what is held here is compared without asking."""
    with node.store.read() as snapshot:
        held = load_checkpoint(snapshot, sighting.origin, sighting.size)
    if held is not None:
        return held.root == sighting.root
    path = node.observer.fetch_consistency(sighting.size, newest.size) if sighting.size else []
    try:
        verify_consistency(sighting.size, newest.size, b64u_decode(sighting.root), b64u_decode(newest.root), path)
    except LogProofError:
        return False
    return True


def _compare_elsewhere(node: Node, sighting: Sighting, report: GossipReport) -> None:
    """Compare a head of another epoch: with what was seen of it, where this node accepted that epoch once."""
    with node.store.read() as snapshot:
        is_known = load_exchange(snapshot, sighting.origin) is not None
        held = load_checkpoint(snapshot, sighting.origin, sighting.size)
    if is_known:
        _settle(node, sighting, report, fits=held is None or held.root == sighting.root)
        return
    sentence = f"{sighting.seen_by} speaks of the log {sighting.origin}, which this node has not accepted"
    report.problems.append(Problem("other-epoch", sentence))


def _judge_larger(node: Node, sighting: Sighting, size: int, report: GossipReport) -> None:
    if node.clock.now() - sighting.heard_at < PATIENCE:
        return
    sentence = (
        f"the exchange shows {sighting.seen_by} {sighting.size:,} leaves and us {size:,}: call its duty desk, let it"
        f" write its note (agency trust checkpoint -o FILE) and compare it here (agency trust compare FILE)"
    )
    _raise_alarm(node, sighting, "log-shown-shorter", sentence, report)


def _settle(node: Node, sighting: Sighting, report: GossipReport, *, fits: bool) -> None:
    with node.store.write() as transaction:
        settle_sighting(transaction, sighting, SightingState.FITS if fits else SightingState.DIFFERS)
    if fits:
        report.fitting += 1
        return
    sentence = (
        f"{sighting.seen_by} says it saw a log of {sighting.size:,} leaves that is not the one shown here: call its"
        f" duty desk, let it write its note of that size (agency trust checkpoint --size {sighting.size} -o FILE)"
        f" and compare it here (agency trust compare FILE)"
    )
    _raise_alarm(node, sighting, "checkpoint-differs", sentence, report)


def _raise_alarm(node: Node, sighting: Sighting, code: str, sentence: str, report: GossipReport) -> None:
    claim = SeenCheckpoint(origin=sighting.origin, size=sighting.size, root=sighting.root).canonical()
    found = Suspicion(sighting.origin, sighting.size, code, sighting.seen_by, sentence, claim, node.clock.now())
    with node.store.write() as transaction:
        if record_suspicion(transaction, found):
            report.alarms.append(Problem(code, sentence))
