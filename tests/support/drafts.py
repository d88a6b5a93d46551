"""Drafts that a default agreement of `tests.support.nodes` covers, made of the published examples."""

from typing import Any

from agency_client.sending.composing import make_template
from agency_client.sending.draft import Draft
from schemas.envelope import Reference
from schemas.markings import Purpose


def make_draft(
    *recipients: str, kind: str = "document-fraud", refers_to: Reference | None = None, **changes: Any
) -> Draft:
    """Return a draft of the filled example of a kind, about another message where one is given."""
    alert = make_template(kind)
    if refers_to is not None:
        alert["in_reply_to"] = refers_to.to_wire()
    usual: dict[str, Any] = {
        "purpose": Purpose.DOCUMENT_INTEGRITY,
        "necessity": "The bearer is expected at the recipient's border tonight.",
        "reason": "case 74/08",
        "recipients": recipients,
    }
    return Draft(alert, **usual | changes)
