"""Alerts: the common part, and one module for each kind. Importing this package registers every kind."""

from schemas.alerts import document_fraud
from schemas.alerts.base import Alert
from schemas.alerts.registry import kind_names, kind_of, parse_alert

__all__ = ["Alert", "document_fraud", "kind_names", "kind_of", "parse_alert"]
