"""Alerts: the common part, and one module for each kind. Importing this package registers every kind."""

from schemas.alerts import (
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
    withdrawal,
)
from schemas.alerts.base import Alert
from schemas.alerts.registry import kind_names, kind_of, notice_kinds, parse_alert

__all__ = [
    "Alert",
    "acknowledgement",
    "breach_notice",
    "correction",
    "document_fraud",
    "document_status",
    "document_verification",
    "facilitator",
    "kind_names",
    "kind_of",
    "misused_identity",
    "notice_kinds",
    "outcome",
    "parse_alert",
    "ping",
    "release_decision",
    "release_request",
    "restriction",
    "withdrawal",
]
