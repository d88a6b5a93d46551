"""Where a message comes from that was passed on, in the lines at its banner and for a program. Pure."""

from collections.abc import Iterator
from typing import Any

from agency_client.receiving.provenance import VerifiedProvenance
from agency_client.terminal.output import Tone


def list_origin_lines(origin: VerifiedProvenance | None) -> Iterator[tuple[str, Tone]]:
    """Give the lines that stand below the banner; none for a message of its sender's own."""
    if origin is None:
        return
    yield f"PASSED ON {origin.spell_way()}; the text is that of {origin.originator}, to the letter", Tone.STRONG
    if not origin.original.is_pinned:
        words = f"originator not pinned here: the keys of {origin.originator} are those that the log publishes"
        yield words, Tone.CAUTION
    if origin.is_disputed:
        words = f"{origin.originator} has since revoked a key that signed this, from an earlier moment"
        yield f"DISPUTED: {words}", Tone.BAD
    if origin.decision is not None and origin.decision.conditions is not None:
        for line in origin.decision.conditions.split("\n"):
            yield f"condition of {origin.originator}: {line}", Tone.CAUTION


def describe_origin(origin: VerifiedProvenance | None) -> dict[str, Any] | None:
    """Return the same for a program; None for a message of its sender's own."""
    if origin is None:
        return None
    decision = origin.decision
    return {
        "originator": origin.originator,
        "original": origin.reference.to_wire(),
        "path": [*origin.path, origin.recipient],
        "right": origin.right.value,
        "consent": None if origin.consent is None else origin.consent.disclosed.digest,
        "conditions": None if decision is None else decision.conditions,
        "valid_until": None if decision is None else decision.valid_until,
        "originator_pinned": origin.original.is_pinned,
        "disputed": origin.is_disputed,
        "originally_sent_at": origin.original.header.issued_at,
    }
