"""Refusals as leaves: what a member tried and was refused, bounded so that nobody fills the log by being refused.

Only callers whose certificate is a member's come this far; an outsider's noise is counted (`broker.observability`),
never logged. A refusal is durable before it is answered, as everything else is.
"""

import re
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

from broker.budget import MinuteBudget
from broker.clock import Clock
from broker.http.refusal import Refusal, find_refusal
from broker.storage.fair_queue import Turn
from broker.storage.group_commit import GroupCommitWriter
from broker.storage.transaction import Transaction
from schemas.log.records import Actor, RecordType

MAX_RECORDED_PER_MINUTE = 60
MAX_DETAIL_CHARACTERS = 300
MAX_REASONS = 32
LIMIT_REACHED = "further-refusals-only-counted"

_NOT_RECORDED = frozenset(
    {
        "not-found", "range-refused", "lease-unknown", "too-many-requests", "member-busy", "request-timeout", "busy",
        "unavailable", "exchange-behind",
    }
)  # fmt: skip
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


class RefusalRecorder:
    """Wraps a use case so that its refusals become leaves."""

    def __init__(self, writer: GroupCommitWriter, clock: Clock, budget: MinuteBudget | None = None) -> None:
        self._writer = writer
        self._clock = clock
        self._budget = budget or MinuteBudget(MAX_RECORDED_PER_MINUTE)

    @asynccontextmanager
    async def recording(self, actor: Actor, *, concerns: Iterable[str] = (), **members: Any) -> AsyncIterator[None]:
        """Record a refusal that leaves the block, then let it go on to the caller.

        `members` are those of a `refused` record: partner, message, agreement, digest, kind, recipients, step.
        `concerns` are the agencies beside the actor's whose auditors may read it; an error may name more.
        """
        try:
            yield
        except Exception as error:
            refusal = find_refusal(error)
            if refusal is not None and refusal.slug not in _NOT_RECORDED:
                named = (*concerns, *getattr(error, "concerns", ()))
                await self.record(refusal, actor.agency, actor, concerns=named, **members)
            raise

    async def record(
        self, refusal: Refusal, agency: str, actor: Actor | None, *, concerns: Iterable[str] = (), **members: Any
    ) -> None:
        """Record one refusal, unless its member has had too many this minute; no actor where none was verified."""
        left = self._budget.spend(agency, int(self._clock.now().timestamp()) // 60)
        if left <= 0:
            return
        reasons = [reason.code for reason in refusal.reasons][: MAX_REASONS - 1]  # eight recipients can give fifty
        if left == 1:
            reasons.append(LIMIT_REACHED)

        def append(transaction: Transaction) -> None:
            transaction.append(
                RecordType.REFUSED,
                concerns=(agency, *concerns),
                actor=actor,
                problem=refusal.slug,
                reasons=tuple(reasons),
                detail=make_line(refusal.detail),
                agency=agency,
                **members,
            )

        await self._writer.commit(append, Turn(agency))


def make_line(text: str) -> str:
    """Return one printable line for a record, whatever was said."""
    return _UNPRINTABLE.sub(" ", text)[:MAX_DETAIL_CHARACTERS] or "-"
