"""What an auditor may see of the log, and how its question is written down. Pure."""

from schemas.api import AuditQuery
from schemas.log.records import RECORD_ACTIONS, RecordType, Role

MAX_DETAIL_CHARACTERS = 300
_MAX_REASON_CHARACTERS = 160
_NO_FILTERS = frozenset({"reason", "limit"})


def find_scope(agency: str, role: Role) -> str | None:
    """Return the agency whose concerns bound what the caller sees; None where it sees all, as oversight does."""
    return None if role is Role.OVERSIGHT else agency


def list_types(query: AuditQuery) -> frozenset[RecordType] | None:
    """Return the record types a query's filters leave, or None when they leave all."""
    if query.types is None and query.action is None:
        return None
    types = frozenset(RecordType) if query.types is None else frozenset(query.types)
    return types if query.action is None else frozenset(one for one in types if RECORD_ACTIONS[one] is query.action)


def describe_query(query: AuditQuery) -> str:
    """Return the line that the log keeps of a query: its reason, then its filters."""
    filters = "; ".join(f"{name}={_spell(value)}" for name, value in query.to_wire().items() if name not in _NO_FILTERS)
    reason = query.reason[:_MAX_REASON_CHARACTERS]
    return (f"{reason} [{filters}]" if filters else query.reason)[:MAX_DETAIL_CHARACTERS]


def _spell(value: object) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)
