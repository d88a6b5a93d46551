"""Send many drafts, each on its own: what is wrong with one holds up no other, and what was sent before is not again.

A load of drafts is sealed and queued, one transaction each, then handed in together. Whatever ends this half-way, what
was queued leaves with the next round, and the same drafts handed over once more are known again.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import islice
from typing import TypeVar

from agency_client.duties.quality import QualityDoubtedError
from agency_client.errors import ClientError, DeniedError, NotFoundError, UsageError
from agency_client.local_store.outbox import OutboxState
from agency_client.local_store.problems import Problem
from agency_client.local_store.sent_drafts import DraftMessage
from agency_client.node import KeySetUnusableError, Node
from agency_client.sending.delivery import deliver_messages
from agency_client.sending.draft import Draft
from agency_client.sending.flow import NotCoveredError, plan_alert, review_alert, send_alert
from agency_client.sending.once import SentBeforeError, load_messages, load_sent_before
from agency_client.statuses.signing import announce_narrowing
from schemas.batches import MAX_BATCH_MEMBERS

T = TypeVar("T")


class LineState(StrEnum):
    """What became of one draft."""

    SENT = "sent"
    QUEUED = "queued"
    SENT_BEFORE = "sent-before"
    WOULD_BE_SENT = "would-be-sent"
    NOT_SEALED = "not-sealed"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class DraftLine:
    """One draft with its number and name in what was handed over; or why it is none. The draft has an identity."""

    number: int
    name: str
    size: int
    draft: Draft | None = None
    problem: ClientError | None = None


@dataclass(frozen=True, slots=True)
class LineReport:
    """What became of one draft: its messages, and what kept it from being sealed or, by the exchange, from being taken.

    `is_wrong` tells a draft that is itself wrong from one that is not allowed.
    """

    line: DraftLine
    state: LineState
    messages: tuple[DraftMessage, ...] = ()
    problem: Problem | None = None
    fix: str = ""
    is_wrong: bool = False


@dataclass(slots=True)
class _Sealed:
    """A line after it was sealed, or after that failed."""

    line: DraftLine
    message_ids: list[str] = field(default_factory=list)
    is_repeated: bool = False
    error: ClientError | None = None


Tell = Callable[[LineReport], None]


def send_lines(node: Node, lines: Iterable[DraftLine], tell: Tell, *, at_once: int = MAX_BATCH_MEMBERS) -> None:
    """Send drafts, at most `at_once` with one call, and tell of each what became of it, in their order.

    Once the exchange is found to be away the rest is sealed and queued.

    Raises:
        SendingStoppedError, KeySetUnusableError, LogError: this node may send nothing.
    """
    is_away, remaining = False, iter(lines)
    try:
        while load := [_seal(node, line) for line in islice(remaining, at_once)]:
            if not is_away:
                is_away = deliver_messages(node, [item for sealed in load for item in sealed.message_ids]).is_stopped
            for sealed in load:
                tell(_report(node, sealed))
    finally:
        announce_narrowing(node)


def judge_lines(node: Node, lines: Iterable[DraftLine], tell: Tell) -> None:
    """Judge drafts as `send_lines` would, tell of each whether it would be sent, and do nothing."""
    for line in lines:
        tell(_judge(node, line))


def _seal(node: Node, line: DraftLine) -> _Sealed:
    if line.draft is None:
        return _Sealed(line, error=line.problem)
    try:
        report = send_alert(node, line.draft, deliver=False)
    except SentBeforeError as error:
        waiting = [found.message_id for found in error.messages if found.state in _WAITING]
        return _Sealed(line, waiting, is_repeated=True)
    except KeySetUnusableError:
        raise
    except (UsageError, NotFoundError, DeniedError) as error:
        return _Sealed(line, error=error)
    return _Sealed(line, [leg.message_id for leg in report.legs])


_WAITING = (OutboxState.QUEUED, OutboxState.IN_DOUBT)


def _report(node: Node, sealed: _Sealed) -> LineReport:
    if sealed.error is not None:
        return _report_error(sealed.line, sealed.error)
    with node.store.write() as transaction:
        messages = tuple(load_messages(transaction, _identity_of(sealed.line), at=node.clock.now()))
    states = {message.state for message in messages}
    problem = next((message.problem for message in messages if message.problem is not None), None)
    if sealed.is_repeated:
        state = LineState.SENT_BEFORE
    elif states & {OutboxState.REFUSED, OutboxState.CANCELLED}:
        state = LineState.REFUSED
    else:
        state = LineState.QUEUED if states & set(_WAITING) else LineState.SENT
    return LineReport(sealed.line, state, messages, problem)


def _judge(node: Node, line: DraftLine) -> LineReport:
    if line.draft is None:
        return _report_error(line, line.problem)
    with node.store.write() as transaction:
        before = load_sent_before(transaction, _identity_of(line), at=node.clock.now())
    if before:
        return LineReport(line, LineState.SENT_BEFORE, tuple(before))
    try:
        plan = plan_alert(node, line.draft)
        if not plan.is_allowed:
            raise NotCoveredError(plan)
        doubts = review_alert(node, line.draft, plan).unanswered
        if doubts:
            raise QualityDoubtedError(doubts)
    except (UsageError, NotFoundError, DeniedError) as error:
        return _report_error(line, error)
    return LineReport(line, LineState.WOULD_BE_SENT)


def _report_error(line: DraftLine, error: ClientError | None) -> LineReport:
    problem = None if error is None else Problem(error.code, error.sentence)
    is_wrong = isinstance(error, UsageError | NotFoundError)
    return LineReport(line, LineState.NOT_SEALED, (), problem, "" if error is None else error.fix, is_wrong)


def _identity_of(line: DraftLine) -> str:
    identity = None if line.draft is None else line.draft.identity
    if identity is None:
        raise ValueError("a draft of many has an identity: it is sent once")
    return identity
