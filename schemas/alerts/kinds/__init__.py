"""The kinds of alert, one module for each. Importing this package registers every kind."""

from schemas.alerts.kinds import (
    acknowledgement,
    breach_notice,
    correction,
    document_fraud,
    document_status,
    document_verification,
    facilitator,
    misused_identity,
    outcome,
    ping,
    release_decision,
    release_request,
    restriction,
    victim_safeguarding,
    withdrawal,
)

__all__ = [
    "acknowledgement",
    "breach_notice",
    "correction",
    "document_fraud",
    "document_status",
    "document_verification",
    "facilitator",
    "misused_identity",
    "outcome",
    "ping",
    "release_decision",
    "release_request",
    "restriction",
    "victim_safeguarding",
    "withdrawal",
]
