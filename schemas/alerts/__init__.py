"""Alerts: the common part, and one module for each kind. Importing this package registers every kind."""

from schemas.alerts import (
    acknowledgement,
    correction,
    document_fraud,
    document_status,
    document_verification,
    facilitator,
    outcome,
    ping,
    withdrawal,
)
from schemas.alerts.base import Alert
from schemas.alerts.registry import kind_names, kind_of, parse_alert

__all__ = [
    "Alert",
    "acknowledgement",
    "correction",
    "document_fraud",
    "document_status",
    "document_verification",
    "facilitator",
    "kind_names",
    "kind_of",
    "outcome",
    "parse_alert",
    "ping",
    "withdrawal",
]
