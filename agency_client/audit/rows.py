"""One list of what happened: the exchange's records and the agency's own access log, in the order of time. Pure.

The exchange knows agencies, nodes and roles; only the agency's own log knows officers and reasons. A row says where it
comes from.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from agency_client.local_store.access_chain import AccessEntry
from schemas.api import LoggedRecord
from schemas.log.records import Record


class Source(StrEnum):
    """Who wrote a row down."""

    EXCHANGE = "exchange"
    AGENCY = "agency"


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One line for the auditor. `place` is the leaf's index, or the entry's number in the own log."""

    source: Source
    place: int
    time: datetime
    who: str
    action: str
    what: str
    about: str
    partner: str
    message: str
    outcome: str
    reason: str


def make_rows(records: Iterable[LoggedRecord], entries: Iterable[AccessEntry]) -> list[AuditRow]:
    """Return both as rows, by time; what happened in one second stands in the order of its own log."""
    rows = [*map(_describe_record, records), *map(_describe_entry, entries)]
    return sorted(rows, key=lambda row: (row.time, row.source is Source.EXCHANGE, row.place))


def describe_subject(record: Record) -> str:
    """Return in a few words what a record is about."""
    parts = [
        record.kind,
        f"{record.step} of agreement {record.agreement[:8]}" if record.step and record.agreement else None,
        f"receipt {record.receipt_type.value}" if record.receipt_type else None,
        f"refused: {record.problem}" if record.problem else None,
        f"{record.count} in all" if record.count is not None else None,
        record.detail,
    ]
    return "; ".join(part for part in parts if part)


def _describe_record(logged: LoggedRecord) -> AuditRow:
    record, actor = logged.record, logged.record.actor
    recipients = ", ".join(item.agency for item in record.recipients or ())
    return AuditRow(
        source=Source.EXCHANGE,
        place=logged.index,
        time=record.time,
        who=f"{actor.agency}/{actor.node} ({actor.role.value})" if actor else "the exchange",
        action=record.action.value,
        what=record.type.value,
        about=describe_subject(record),
        partner=" → ".join(part for part in (record.agency, record.partner or recipients) if part),
        message=record.message.id if record.message else "",
        outcome=", ".join(record.reasons or ()),
        reason="",
    )


def _describe_entry(entry: AccessEntry) -> AuditRow:
    return AuditRow(
        source=Source.AGENCY,
        place=entry.n,
        time=entry.time,
        who=f"officer {entry.officer}",
        action=entry.action.value,
        what=entry.verb,
        about="; ".join(_describe_access(entry)),
        partner=entry.partner or "",
        message=entry.message or "",
        outcome=entry.outcome,
        reason=entry.reason,
    )


def _describe_access(entry: AccessEntry) -> Iterable[str]:
    if entry.case:
        yield f"case {entry.case}"
    if entry.purpose:
        yield entry.purpose
    if entry.query:
        yield f"asked for {entry.query}"
