"""Alerts of documents that their state reports stolen, lost, revoked or stolen while blank."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from agency_client.generating.dice import Dice
from agency_client.generating.documents import TYPES
from agency_client.generating.reserved import SPECIMEN_STATE, draw_document_number
from schemas.alerts.coded import DocumentType
from schemas.alerts.kinds.document_status import RevocationReason, StatusCode

STATUSES: Mapping[StatusCode, int] = {
    StatusCode.LOST: 56,
    StatusCode.STOLEN: 32,
    StatusCode.INVALID: 5,
    StatusCode.REVOKED: 4,
    StatusCode.STOLEN_BLANK: 2,
    StatusCode.MISAPPROPRIATED: 1,
}
"""Shares of a hundred. Assumed, as are the reasons."""
REASONS: Mapping[RevocationReason, int] = {
    RevocationReason.ISSUED_IN_ERROR: 40,
    RevocationReason.OBTAINED_BY_FRAUD: 30,
    RevocationReason.HOLDER_DECEASED: 20,
    RevocationReason.REPLACED: 10,
}
_NOT_ISSUED = frozenset({DocumentType.ENTRY_EXIT_STAMP, DocumentType.VISA})


def describe_status(dice: Dice, reported_at: datetime) -> dict[str, Any]:
    """Return what is particular in an alert of a document's status."""
    status = dice.weigh(STATUSES)
    type_ = dice.weigh({item: share for item, share in TYPES.items() if item not in _NOT_ISSUED})
    happened_on = reported_at.date() - timedelta(days=dice.below(60))
    details: dict[str, Any] = {
        "type": type_.value,
        "issuing_state": SPECIMEN_STATE,
        "status": status.value,
        "happened_on": happened_on.isoformat(),
        "national_reference": f"UTO-{dice.digits(8)}",
    }
    if status is StatusCode.STOLEN_BLANK:
        series, first = dice.letter(), dice.between(1_000_000, 8_000_000)
        details["blanks"] = [{"first": f"{series}{first}", "last": f"{series}{first + dice.between(9, 999)}"}]
    else:
        details["number"] = draw_document_number(dice)
    if status is StatusCode.REVOKED:
        details["revocation"] = {
            "reason": dice.weigh(REASONS).value,
            "ordered_by": "Passport Office of Utopia",
            "ordered_on": happened_on.isoformat(),
            "legal_reference": "Passport Act of Utopia, section 11",
            "can_be_challenged_at": "Administrative Court of Zenith",
        }
    return {"subject": f"{type_.label}, {status.label.lower()}", "details": details}
