"""The few words about a sent message that lists show; kept as canonical JSON beside it and erased with its content."""

from dataclasses import dataclass
from typing import Any

from schemas.codec import decode_canonical, encode_canonical


@dataclass(frozen=True, slots=True)
class SentSummary:
    """`batch` is the same for all envelopes of one sending; `unchecked`: pushed past the client's own judgement.

    `override` is why it went although the recipient's status was too old, "" where nothing was overridden. `handling`
    is what may be done with it, in codes.
    """

    subject: str = ""
    batch: str = ""
    unchecked: bool = False
    override: str = ""
    handling: str = ""


def write_summary(summary: SentSummary) -> bytes:
    """Return a summary as it is stored."""
    members: dict[str, Any] = {"subject": summary.subject, "batch": summary.batch}
    said = {"unchecked": True} if summary.unchecked else {}
    told = {"override": summary.override, "handling": summary.handling}
    return encode_canonical(members | said | {name: value for name, value in told.items() if value})


def read_summary(stored: bytes | None) -> SentSummary:
    """Return a stored summary; an empty one where it was erased."""
    return SentSummary() if stored is None else SentSummary(**decode_canonical(stored))
