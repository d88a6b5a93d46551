"""Ask the exchange for records as an auditor, and believe each one only by its proof.

The question and its reason stand in the agency's own access log before anything is asked, and in the exchange's log
before anything is answered. An agency's auditor is given what concerns the agency, an oversight body everything.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from agency_client.audit.purposes import LogPurpose
from agency_client.errors import NotFoundError, UsageError
from agency_client.local_store.access_log import append_entry
from agency_client.node import Node
from agency_client.witness.evidence import verify_record_says
from agency_client.witness.observer import LogError
from schemas.api import AUDIT_PATH, MAX_AUDIT_RECORDS, AuditAnswer, AuditQuery, LoggedRecord
from schemas.log.checkpoint import Checkpoint
from schemas.log.records import RECORD_ACTIONS, Action, Record, RecordType, Role
from schemas.model import DocumentError, format_timestamp

MAX_RECORDS = 1_000_000


@dataclass(frozen=True, slots=True)
class AuditOrder:
    """Who asks why, and for which of the purposes that a log may be read for.

    `filters` are members of `schemas.api.AuditQuery`; `limit` is how many records at most.
    """

    reason: str
    purpose: LogPurpose
    case: str | None = None
    filters: Mapping[str, Any] = field(default_factory=dict)
    limit: int = MAX_AUDIT_RECORDS
    verb: str = "audit-list"


@dataclass(frozen=True, slots=True)
class ProvenRecords:
    """Records that are shown to be in the log under one checkpoint, oldest first; `more`: the limit cut them off."""

    records: tuple[LoggedRecord, ...]
    checkpoint: Checkpoint | None
    note: str
    more: bool


def ask_records(node: Node, order: AuditOrder) -> ProvenRecords:
    """Return the records that match, each proven to be in the log.

    Raises:
        UsageError: the reason, the case or a filter is not of its form; the option is named, nothing is asked.
        LogError: an answer does not prove what it claims, or holds what was not asked for.
        RefusedError: this member has no auditor's role at the exchange.
    """
    _make_query(order, min(order.limit, MAX_AUDIT_RECORDS), None)
    note_asking(node, order)
    found: list[LoggedRecord] = []
    checkpoint: Checkpoint | None = None
    note, more, after = "", True, order.filters.get("after_index")
    while more and len(found) < order.limit:
        answer = _ask_page(node, order, min(order.limit - len(found), MAX_AUDIT_RECORDS), after)
        checkpoint, note, more = node.observer.observe(answer.checkpoint), answer.checkpoint, answer.more
        for logged, proof in zip(answer.records, answer.proofs, strict=True):
            verify_is_answer(logged, order.filters, after)
            node.observer.verify_record(logged, proof, checkpoint)
            found.append(logged)
            after = logged.index
        if not answer.records:
            break
    return ProvenRecords(tuple(found), checkpoint, note, more)


def ask_record(node: Node, index: int, *, reason: str, purpose: LogPurpose, case: str | None = None) -> ProvenRecords:
    """Return the one record at a leaf.

    Raises:
        NotFoundError: it does not concern this auditor, or there is none.
    """
    filters = {"after_index": index - 1} if index > 0 else {}
    found = ask_records(node, AuditOrder(reason, purpose, case, filters, limit=1, verb="audit-show"))
    if not found.records or found.records[0].index != index:
        raise NotFoundError(f"leaf {index} holds no record that you may see", fix="run: agency audit list")
    return found


def verify_is_answer(logged: LoggedRecord, filters: Mapping[str, Any], after: int | None) -> None:
    """Verify that a record is one that was asked for, and comes after the one before it.

    Raises:
        LogError: it is another; the filter is named.
    """
    if after is not None and logged.index <= after:
        raise LogError(f"records after leaf {after} were asked for, and leaf {logged.index} came")
    record = logged.record
    for name, wanted in filters.items():
        if name != "after_index" and not _matches(record, name, wanted):
            raise LogError(f"leaf {logged.index} is not what was asked for by {name}")


def choose_role(node: Node) -> Role:
    """Return the role in which this member asks: an agency as its auditor, others as what they are."""
    return Role.AUDITOR if node.role is Role.NODE else node.role


def _matches(record: Record, name: str, wanted: Any) -> bool:
    if name == "types":
        return record.type in {RecordType(item) for item in wanted}
    if name == "action":
        return RECORD_ACTIONS[record.type] is Action(wanted)
    if name == "since":
        return bool(record.time >= wanted)
    if name == "until":
        return bool(record.time <= wanted)
    if name == "message":
        return wanted in {item.id for item in (record.message, record.refers_to) if item is not None}
    if name == "partner":
        return wanted == record.partner or wanted in {item.agency for item in record.recipients or ()}
    if name in ("actor", "node"):
        actor = record.actor
        return actor is not None and wanted == (actor.agency if name == "actor" else actor.node)
    return bool(getattr(record, name) == wanted)


def _ask_page(node: Node, order: AuditOrder, limit: int, after: int | None) -> AuditAnswer:
    query = _make_query(order, limit, after)
    answer = node.connect(choose_role(node)).post(AUDIT_PATH, query.canonical(), AuditAnswer)
    verify_record_says(answer.query.record, RecordType.AUDIT_QUERY, {"agency": node.agency})
    if len(answer.records) > limit:
        raise LogError(f"{limit} records were asked for, and {len(answer.records)} came")
    return answer


def _make_query(order: AuditOrder, limit: int, after: int | None) -> AuditQuery:
    members: dict[str, Any] = {"reason": order.reason, "limit": limit, **_spell(order.filters)}
    if order.case is not None:
        members["case"] = order.case
    if after is not None:
        members["after_index"] = after
    try:
        return AuditQuery.from_wire(members)
    except DocumentError as error:
        option = error.field.split(".")[0].replace("_", "-")
        raise UsageError(f"--{option}: {error.problem}", fix="run: agency audit --help") from error


def _spell(filters: Mapping[str, Any]) -> dict[str, Any]:
    return {name: format_timestamp(value) if name in ("since", "until") else value for name, value in filters.items()}


def note_asking(node: Node, order: AuditOrder) -> None:
    """Put on record who reads the log why and for which purpose; before anything of it is read."""
    partner, message = order.filters.get("partner"), order.filters.get("message")
    note = node.note_access(
        Action.CONSULTATION,
        order.verb,
        order.reason,
        case=order.case,
        partner=partner,
        message=message,
        purpose=order.purpose.value,
    )
    with node.store.write() as transaction:
        append_entry(transaction, note)
