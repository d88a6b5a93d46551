"""Alerts: the common part, and the kinds in `kinds`. Importing this package registers every kind."""

from schemas.alerts import kinds
from schemas.alerts.base import Alert
from schemas.alerts.registry import kind_names, kind_of, notice_kinds, parse_alert

__all__ = [
    "Alert",
    "kind_names",
    "kind_of",
    "kinds",
    "notice_kinds",
    "parse_alert",
]
