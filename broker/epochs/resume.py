"""Go on with a restored database after all, because every witness shows that nothing was lost.

What this folder's broker signed last is a witness that nobody can be excused from, where the folder has stayed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from broker.audit.standing import Standing, Stop, StopReason, choose_stop
from broker.clock import Clock
from broker.composition import open_broker
from broker.epochs.errors import WrongStateError
from broker.epochs.reading import read_log, read_members, verify_unchanged
from broker.epochs.rules import verify_nothing_lost
from broker.exchange import Exchange, lift_stop, read_stop
from broker.settings import Settings
from broker.storage.failpoints import failpoint
from broker.storage.transaction import Transaction
from schemas.log.records import RecordType

MAX_NAMED = 8


@dataclass(frozen=True, slots=True)
class Resumed:
    """Who showed that nothing was lost, whom the operator answered for, and how many leaves the log has."""

    witnesses: tuple[str, ...]
    excused: tuple[str, ...]
    size: int


def resume(
    exchange: Exchange,
    settings: Settings,
    clock: Clock,
    unverified_notes: Sequence[tuple[str, bytes]],
    excused: frozenset[str],
) -> Resumed:
    """Let a restored log grow again, and write down on whose word. For whoever holds the exchange's lock.

    Raises:
        WrongStateError: it was not restored, or is known to be behind, or a broker learned that while this was judged.
        NotWitnessedError: somebody has not spoken, or shows that something was lost; or what was signed here does.
    """
    log = read_log(exchange)
    stop = choose_stop(read_stop(exchange.folder), log.stop)
    if stop is None or stop.reason is not StopReason.RESTORED:
        raise WrongStateError(f"there is nothing to resume: {_describe(stop)}")
    members = read_members(exchange)
    shown = log.compare(list(unverified_notes), stop)
    witnesses = tuple(verify_nothing_lost(shown, members.timelines, log.own, stop.since, excused))
    # Until its reason stands in the log, the stop stays; a crash in between leaves it, and the operator resumes again.
    with open_broker(exchange, settings, clock, standing=Standing(is_lifting=True), is_alone=True) as broker:
        with broker.database.read() as connection:
            verify_unchanged(connection, log.head)
        broker.writer.commit_and_wait(partial(_append_resumption, witnesses, sorted(excused)))
        failpoint("resume.recorded")
        size = broker.log.view.size
    lift_stop(exchange.folder)
    return Resumed(witnesses, tuple(sorted(excused)), size)


def _describe(stop: Stop | None) -> str:
    if stop is None:
        return "its log may grow"
    return f"{stop.sentence} (`broker rebase`)" if stop.reason is StopReason.BEHIND else stop.sentence


def _append_resumption(witnesses: Sequence[str], excused: Sequence[str], transaction: Transaction) -> None:
    transaction.append(
        RecordType.OPERATOR_ACTION,
        concerns=[],
        detail=f"resumed after a restore; nothing was lost by the word of {_name(witnesses)}; without {_name(excused)}",
    )


def _name(agencies: Sequence[str]) -> str:
    named = ", ".join(agencies[:MAX_NAMED]) or "nobody"
    return named if len(agencies) <= MAX_NAMED else f"{named} and {len(agencies) - MAX_NAMED} more"
