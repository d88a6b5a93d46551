"""Drafts that a default agreement of `tests.support.nodes` covers, made of the published examples."""

from datetime import datetime
from itertools import count
from typing import Any

from agency_client.clock import SystemClock
from agency_client.sending.composing import make_template
from agency_client.sending.draft import Draft
from schemas.envelope import Reference
from schemas.markings import Purpose

_NUMBERS = count(1)
_TIMES = frozenset({"reply_due", "review_date", "retain_until"})


def make_draft(
    *recipients: str,
    kind: str = "document-fraud",
    refers_to: Reference | None = None,
    written_at: datetime | None = None,
    **changes: Any,
) -> Draft:
    """Return a draft of the filled example of a kind, about another message where one is given.

    It asks for no times of its own: those of the examples lie around the day they were written. It is written now, or
    at the moment given, and no other is like it, so that neither its age nor an equal one before it raises a doubt.
    """
    written = make_template(kind, written_at or SystemClock().now()) | {"own_reference": f"TEST-{next(_NUMBERS)}"}
    alert = {name: value for name, value in written.items() if name not in _TIMES}
    if refers_to is not None:
        alert["in_reply_to"] = refers_to.to_wire()
    usual: dict[str, Any] = {
        "purpose": Purpose.DOCUMENT_INTEGRITY,
        "necessity": "The bearer is expected at the recipient's border tonight.",
        "reason": "case 74/08",
        "recipients": recipients,
    }
    return Draft(alert, **usual | changes)
