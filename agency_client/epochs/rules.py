"""Whether a new log of the exchange goes on from what this node saw of the old one. Pure: sheets, records, heads in.

Left to the caller: that the first leaf stands in the new log under the new sheet's keys
(`agency_client.epochs.accepting`), and that the sheet is the one on paper (`agency_client.profiles.joining`). That the
larger log of a commitment begins with the smaller one seen here cannot be checked by anybody who lacks the old leaves.
"""

from dataclasses import dataclass

from agency_client.epochs.errors import EpochRefusedError
from agency_client.epochs.places import number_epoch
from schemas.envelope import SeenCheckpoint
from schemas.key_documents import ExchangeSheet
from schemas.log.epoch import format_origin
from schemas.log.records import Record, RecordType

_BEHIND_FIX = (
    "give the exchange's operator the newest note that this node holds (agency trust checkpoint -o FILE); "
    "it must begin its new log from that"
)


@dataclass(frozen=True, slots=True)
class EpochFacts:
    """The sheet accepted now, the one offered, the first record of its log, and the newest head seen of the old log."""

    accepted: ExchangeSheet
    offered: ExchangeSheet
    opening: Record
    held: SeenCheckpoint | None


@dataclass(frozen=True, slots=True)
class EpochJudgement:
    """A new log that may be accepted: which epochs were passed over, and what to tell the officers of it."""

    skipped: tuple[str, ...]
    sentences: tuple[str, ...]


def judge_epoch(facts: EpochFacts, *, past_skipped: bool) -> EpochJudgement:
    """Judge whether a new log may take the old one's place; `past_skipped`: the officers know that one was passed over.

    1. It is of the same exchange and a later epoch. 2. Its first record opens it and commits to a head of the log
    before. 3. Of the log accepted here, that head has at least the leaves that this node saw, and the same root where
    it has as many.

    Raises:
        EpochRefusedError: naming what does not hold.
    """
    skipped = _verify_later(facts)
    committed = _read_commitment(facts.opening)
    _verify_predecessor(facts, committed)
    if skipped and not past_skipped:
        raise EpochRefusedError(
            f"between {facts.accepted.origin} and {facts.offered.origin} lie logs that were never accepted here: "
            f"{', '.join(skipped)}; nothing shows that they went on from what this node saw",
            fix="compare with partners what they saw; to accept it all the same: --past-skipped",
            code="epoch-skipped",
        )
    if skipped:
        return EpochJudgement(skipped, (f"passed over, and compared with nothing: {', '.join(skipped)}",))
    return EpochJudgement((), (_compare_heads(facts, committed),))


def _verify_later(facts: EpochFacts) -> tuple[str, ...]:
    accepted, offered = facts.accepted, facts.offered
    if offered.name != accepted.name:
        raise EpochRefusedError(
            f"the sheet is of {offered.name}, this node belongs to {accepted.name}", code="other-exchange"
        )
    before, after = number_epoch(accepted.origin), number_epoch(offered.origin)
    if after <= before:
        raise EpochRefusedError(
            f"{offered.origin} is no later log than {accepted.origin}, which is accepted here", code="epoch-not-later"
        )
    return tuple(format_origin(offered.name, epoch) for epoch in range(before + 1, after))


def _read_commitment(opening: Record) -> SeenCheckpoint:
    if opening.type is not RecordType.EXCHANGE_OPENED:
        raise EpochRefusedError(f"the new log begins with a record of the type {opening.type.value}", code="no-opening")
    if opening.checkpoint is None:
        raise EpochRefusedError("the new log commits to no head of the log before it", code="no-commitment")
    return opening.checkpoint


def _verify_predecessor(facts: EpochFacts, committed: SeenCheckpoint) -> None:
    expected = format_origin(facts.offered.name, number_epoch(facts.offered.origin) - 1)
    if committed.origin != expected:
        raise EpochRefusedError(
            f"the new log commits to a head of {committed.origin}, expected is one of {expected}",
            code="other-predecessor",
        )


def _compare_heads(facts: EpochFacts, committed: SeenCheckpoint) -> str:
    held = facts.held
    if held is None:
        return f"it commits to {committed.size:,} leaves; this node never saw the old log, and compares nothing"
    if committed.size < held.size:
        raise EpochRefusedError(
            f"the exchange commits to {committed.size:,} leaves, this node holds its signature over {held.size:,}: "
            "what it accepted in between would be lost unseen",
            fix=_BEHIND_FIX,
            code="epoch-behind",
        )
    if committed.size > held.size:
        return (
            f"it commits to {committed.size:,} leaves, this node saw {held.size:,}: that these are the first of those "
            "cannot be checked without the old log"
        )
    if committed.root != held.root:
        raise EpochRefusedError(
            f"the exchange commits to another history of {held.size:,} leaves than the one it signed for this node",
            fix="call the partners' duty desks, and compare what they saw; accept nothing",
            code="epoch-forked",
        )
    return f"it commits to exactly what this node saw last, {held.size:,} leaves"
