"""Compare what the features have stored with the log: each row with the leaf that put it there, each leaf with its row.

The log alone is proven to members. What the broker acts on stands in tables beside it, and whoever edits those leaves
the log whole: a message taken out of an inbox, a step out of a chain, a count set back. This finds it, from the leaves
alone; run it after `verify_stored_log`. It finds no edit of what no leaf tells: tokens, leases, who collects an inbox.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from hashlib import sha256
from typing import Any

from sqlalchemy import ColumnElement, Connection, FromClause, Row, Table, and_, exists, func, not_, select

from broker.agreements.tables import agreement_step
from broker.audit.log_store import select_hashes
from broker.audit.tables import log_leaf
from broker.audit.verification import LogReport
from broker.inbox.rules import ItemState, ItemType, Passage
from broker.inbox.tables import inbox_content, inbox_item, message
from broker.receipts.tables import receipt
from broker.routing.tables import quota_day
from broker.statuses.tables import access_log_head, status
from broker.witnesses.store import StoredCosignature, select_all_cosignatures
from broker.witnesses.tables import cosignature
from keys.cosignatures import find_cosigner, list_witness_keys, verify_cosignature
from keys.errors import KeysError
from keys.key_sets import read_key_set
from keys.log_keys import LogPublicKeys, verify_checkpoint
from schemas.agreements.steps import digest_step
from schemas.codec import CodecError, b64u_decode, b64u_encode
from schemas.envelope import Header, Payload, compute_envelope_digest
from schemas.jwk import AkpJwk
from schemas.key_documents import ExchangeSheet
from schemas.log.cosignature import format_witness_name
from schemas.log.records import Record, RecordType
from schemas.log.tree import Frontier
from schemas.receipts import SealedReceipt
from schemas.signed import SignedDocument
from schemas.status import digest_status

_ROWS_AT_ONCE = 200
_leaf = log_leaf.c

_OUTCOMES = {
    ItemState.HELD: RecordType.MESSAGE_HELD,
    ItemState.RETURNED: RecordType.MESSAGE_RETURNED,
    ItemState.WITHDRAWN: RecordType.MESSAGE_WITHDRAWN,
    ItemState.EXPIRED: RecordType.MESSAGE_EXPIRED,
}
_PASSING = (RecordType.MESSAGE_RELEASED,)
_HAND_OVERS = frozenset({RecordType.MESSAGE_HANDED_OVER, RecordType.MESSAGE_CARRIED})
_MOVES = frozenset({*_OUTCOMES.values(), *_PASSING})
_STORED = (RecordType.MESSAGE_ACCEPTED, RecordType.MESSAGE_CARRIED)
_ITEM_LEAVES = {
    ItemType.MESSAGE: frozenset(_STORED),
    ItemType.RECEIPT: frozenset({RecordType.RECEIPT}),
    ItemType.OUTCOME: _MOVES,
}
_Found = tuple[Row[Any], Record]
_Check = Callable[[Connection, LogReport], None]


def verify_stored_state(connection: Connection, sheet: ExchangeSheet, report: LogReport) -> None:
    """Add to the report everything stored that the log does not say, and everything it says that is not stored."""
    checks: list[tuple[Table, _Check]] = [(cosignature, partial(_check_cosignatures, sheet)), *_CHECKS]
    for table, check in checks:
        try:
            with connection.begin_nested():  # a statement that fails would take what follows with it
                check(connection, report)
        except Exception:  # noqa: BLE001 - an edit can put anything anywhere, and every other table is still checked
            report.add(f"the table {table.name} holds values of another form")


def _check_steps(connection: Connection, report: LogReport) -> None:
    for row, record in _list(connection, agreement_step, agreement_step.c.leaf_index, report):
        said = (RecordType.AGREEMENT_STEP, record.agency, record.partner, record.agreement, record.digest)
        stored = (record.type, row.agency, row.partner, row.agreement, row.digest)
        if said != stored or digest_step(_read_payload(row.document)) != row.digest:
            report.add("the agreement step stored under it is not the one it records", row.leaf_index)
    _find_missing(connection, agreement_step, {RecordType.AGREEMENT_STEP}, _is_at(agreement_step.c.leaf_index), report)


def _check_messages(connection: Connection, report: LogReport) -> None:
    for row, record in _list(connection, message, message.c.number, report):
        if _is_other_message(row, record):
            report.add(f"the message stored under it for {row.recipient} is not the one it records", row.number)
    later = message.alias()  # what was carried into this epoch and handed in once more stands under its new leaf alone
    is_superseded = exists().where(
        later.c.id == _leaf.message, later.c.sender == _leaf.agency, later.c.number > _leaf.leaf_index
    )
    is_carried = _leaf.record_type == RecordType.MESSAGE_CARRIED.value
    rows = (
        select(_leaf.leaf_index, _leaf.record, func.aggregate_strings(message.c.recipient, ",").label("stored"))
        .outerjoin(message, message.c.number == _leaf.leaf_index)
        .where(_leaf.record_type.in_([one.value for one in _STORED]), _leaf.record.is_not(None))
        .where(not_(and_(is_carried, is_superseded)))
        .group_by(_leaf.leaf_index)
    )
    for row in _stream(connection, rows):
        named = {to.agency for to in Record.from_canonical(row.record).recipients or ()}
        for agency in sorted(named - set((row.stored or "").split(","))):
            report.add(f"it records a message for {agency} that is not stored", row.leaf_index)


def _is_other_message(row: Row[Any], record: Record) -> bool:
    if record.type not in _STORED or record.message is None or record.marking is None:
        return True
    recipients = {to.agency: to.agreement for to in record.recipients or ()}
    said = (record.message.id, record.message.digest, record.agency, record.kind, record.marking.value, record.size)
    return (
        said != (row.id, row.digest, row.sender, row.kind, row.marking, row.size)
        or recipients.get(row.recipient) != row.agreement
        or compute_envelope_digest(_read_payload(row.document)) != row.digest
        or _is_described_otherwise(row)
    )


def _is_described_otherwise(row: Row[Any]) -> bool:
    payload = Payload.from_canonical(_read_payload(row.document))
    named, refers_to = payload.attachments, Header.from_canonical(b64u_decode(payload.header)).refers_to
    if row.refers_to != (None if refers_to is None else refers_to.digest):
        return True
    return (row.attachments, row.attachment_bytes) != (len(named), sum(item.size for item in named))


def _check_items(connection: Connection, report: LogReport) -> None:
    for row, record in _list(connection, inbox_item, inbox_item.c.number, report):
        owners = {record.partner, *(to.agency for to in record.recipients or ())}
        if row.type == ItemType.OUTCOME:
            owners = {record.agency}
        if record.type not in _ITEM_LEAVES[ItemType(row.type)] or row.recipient not in owners:
            report.add(f"the inbox of {row.recipient} holds something else under it than it records", row.number)
    _find_missing(connection, inbox_item, {RecordType.RECEIPT, *_MOVES}, _is_at(inbox_item.c.number), report)
    _check_message_states(connection, report)
    _check_receipt_contents(connection, report)


def _check_message_states(connection: Connection, report: LogReport) -> None:
    """Judge each message's state by the newest leaves about it, and what waits by what was signed."""
    is_same = and_(inbox_item.c.recipient == message.c.recipient, inbox_item.c.number == message.c.number)
    move = _newest_about_message(_MOVES)
    statement = (
        select(
            message.c.number, message.c.recipient, message.c.document, inbox_content.c.content, inbox_item.c.state,
            inbox_item.c.is_open, inbox_item.c.state_at, inbox_item.c.handed_over_at, move.label("moved_at"),
            _newest_about_message(_HAND_OVERS).label("last_hand_over"),
        )
        .select_from(
            message.outerjoin(inbox_item, is_same).outerjoin(
                inbox_content,
                and_(inbox_content.c.recipient == message.c.recipient, inbox_content.c.number == message.c.number),
            )
        )
        .order_by(message.c.number)
    )  # fmt: skip
    for row in _stream(connection, statement):
        if row.state is None:
            report.add(f"its message is missing in the inbox of {row.recipient}", row.number)
            continue
        if (row.state_at, row.handed_over_at) != (row.moved_at, row.last_hand_over) or not _is_state_true(
            connection, row
        ):
            report.add(f"where its message for {row.recipient} stands is not what the log says", row.number)
        if row.is_open and _is_other_content(row):
            report.add(f"what waits for {row.recipient} is not the ciphertext that was signed", row.number)


def _is_state_true(connection: Connection, row: Row[Any]) -> bool:
    state = ItemState(row.state)
    moved_by = None
    if row.moved_at is not None:
        found = connection.execute(select(_leaf.record_type).where(_leaf.leaf_index == row.moved_at)).scalar_one()
        moved_by = RecordType(found)
    if bool(row.is_open) != state.is_open:
        return False
    if state in _OUTCOMES:
        return moved_by is _OUTCOMES[state]
    if state is ItemState.HANDED_OVER:  # a message held after its hand-over stays so when it is withdrawn
        return row.last_hand_over is not None and moved_by in (None, *_PASSING, RecordType.MESSAGE_HELD)
    return state is ItemState.WAITING and moved_by in (None, *_PASSING)


def _is_other_content(row: Row[Any]) -> bool:
    signed = Payload.from_canonical(_read_payload(row.document)).body.sha256
    return row.content is None or b64u_encode(sha256(row.content).digest()) != signed


def _check_receipt_contents(connection: Connection, report: LogReport) -> None:
    statement = (
        select(inbox_item.c.number, inbox_item.c.recipient, inbox_content.c.content, _leaf.record)
        .select_from(
            inbox_item.join(log_leaf, _leaf.leaf_index == inbox_item.c.number).outerjoin(
                inbox_content,
                and_(
                    inbox_content.c.recipient == inbox_item.c.recipient, inbox_content.c.number == inbox_item.c.number
                ),
            )
        )
        .where(inbox_item.c.is_open, inbox_item.c.type == ItemType.RECEIPT.value, _leaf.record.is_not(None))
    )
    for row in _stream(connection, statement):
        wanted = Record.from_canonical(row.record).digest
        if row.content is None or SealedReceipt.from_canonical(row.content).digest != wanted:
            report.add(f"the receipt that waits for {row.recipient} is not the one it records", row.number)


def _check_receipts(connection: Connection, report: LogReport) -> None:
    for row, record in _list(connection, receipt, receipt.c.leaf_index, report):
        if (record.type, record.agency, record.digest) != (RecordType.RECEIPT, row.from_agency, row.digest):
            report.add("the receipt remembered under it is not the one it records", row.leaf_index)
    _find_missing(connection, receipt, {RecordType.RECEIPT}, _is_at(receipt.c.leaf_index), report)


def _check_statuses(connection: Connection, report: LogReport) -> None:
    for row, record in _list(connection, status, status.c.leaf_index, report):
        said = (record.type, record.agency, record.partner, record.digest)
        stored = (RecordType.STATUS, row.agency, row.partner, row.digest)
        if said != stored or digest_status(_read_payload(row.document)) != row.digest:
            report.add("the status stored under it is not the one it records", row.leaf_index)
    is_newer = and_(
        status.c.agency == _leaf.agency, status.c.partner == _leaf.partner, status.c.leaf_index >= _leaf.leaf_index
    )
    _find_missing(connection, status, {RecordType.STATUS}, is_newer, report)


def _check_heads(connection: Connection, report: LogReport) -> None:
    for row, record in _list(connection, access_log_head, access_log_head.c.leaf_index, report):
        agency, node, count, _, digest, leaf_index = tuple(row)[:6]  # `count` is a method of every row
        said = (record.type, record.agency, record.actor and record.actor.node, record.digest, record.count)
        if said != (RecordType.ACCESS_LOG_HEAD, agency, node, digest, count):
            report.add("the access log's head stored under it is not the one it records", leaf_index)
    is_newer = and_(
        access_log_head.c.agency == _leaf.agency,
        access_log_head.c.node == _leaf.node,
        access_log_head.c.leaf_index >= _leaf.leaf_index,
    )
    _find_missing(connection, access_log_head, {RecordType.ACCESS_LOG_HEAD}, is_newer, report)


def _check_quotas(connection: Connection, report: LogReport) -> None:
    counted = {tuple(row)[:4]: row.accepted for row in connection.execute(select(quota_day))}
    statement = (
        select(message.c.recipient, message.c.sender, message.c.agreement, _leaf.time)
        .join(log_leaf, _leaf.leaf_index == message.c.number)
        .where(message.c.passage == Passage.COVERED.value)
    )
    accepted = Counter(
        (row.recipient, row.sender, row.agreement, row.time.toordinal()) for row in _stream(connection, statement)
    )
    for recipient, sender, agreement, _ in sorted(
        key for key in counted.keys() | accepted.keys() if counted.get(key, 0) != accepted[key]
    ):
        report.add(f"what {sender} sent {recipient} under the agreement {agreement} is counted otherwise than it was")


def _check_cosignatures(sheet: ExchangeSheet, connection: Connection, report: LogReport) -> None:
    """Judge each by the keys that the log's own records give its agency, and by the root of the leaves it covers.

    One that was taken away, or put back to an older one, no leaf tells of; the agency that signed it knows.
    """
    rows = select_all_cosignatures(connection)
    roots = _compute_roots(connection, {row.size for row in rows})
    keys = LogPublicKeys(sheet.log_keys.ed25519.public_bytes, sheet.log_keys.ml_dsa.public_bytes)
    for row in rows:
        try:
            is_true = _is_cosignature_true(connection, row, sheet, keys, roots.get(row.size))
        except (CodecError, KeysError):
            is_true = False
        if not is_true:
            report.add(f"the cosignature stored of {row.agency} is not one of {row.agency} over this log")


def _is_cosignature_true(
    connection: Connection, row: StoredCosignature, sheet: ExchangeSheet, keys: LogPublicKeys, root: bytes | None
) -> bool:
    checkpoint = verify_checkpoint(row.note, sheet.origin, keys)
    name = format_witness_name(sheet.name, row.agency)
    cosigned = verify_cosignature(row.note, name, find_cosigner(row.note, name, _list_keys(connection, row.agency)))
    return (cosigned.checkpoint.size, cosigned.timestamp, checkpoint.root) == (row.size, row.timestamp, root)


def _list_keys(connection: Connection, agency: str) -> Iterator[AkpJwk]:
    """Yield every witness key that the log names for an agency, in force or not: it was when it signed."""
    statement = select(_leaf.record).where(
        _leaf.record_type == RecordType.KEY_SET.value, _leaf.agency == agency, _leaf.record.is_not(None)
    )
    for (data,) in connection.execute(statement):
        document = Record.from_canonical(data).document
        if document is not None:
            yield from list_witness_keys(read_key_set(document))


def _compute_roots(connection: Connection, sizes: set[int]) -> dict[int, bytes]:
    frontier, roots = Frontier(), {}
    for leaf_hash in select_hashes(connection, 0) if sizes else ():
        if len(frontier) in sizes:
            roots[len(frontier)] = frontier.root()
        frontier.append(leaf_hash)
    if len(frontier) in sizes:
        roots[len(frontier)] = frontier.root()
    return roots


_CHECKS: tuple[tuple[Table, _Check], ...] = (
    (agreement_step, _check_steps),
    (message, _check_messages),
    (inbox_item, _check_items),
    (receipt, _check_receipts),
    (status, _check_statuses),
    (access_log_head, _check_heads),
    (quota_day, _check_quotas),
)


def _list(connection: Connection, table: Table, index: ColumnElement[int], report: LogReport) -> Iterator[_Found]:
    """Yield each row with the record of its leaf; rows whose record has been erased cannot be judged."""
    statement = (
        select(table, _leaf.record.label("leaf_record"), _leaf.leaf_hash.label("found"))
        .outerjoin(log_leaf, _leaf.leaf_index == index)
        .order_by(index)
    )
    for row in _stream(connection, statement):
        if row.found is None:
            report.add(f"a row of {table.name} names a leaf that the log does not have")
        elif row.leaf_record is not None:
            yield row, Record.from_canonical(row.leaf_record)


def _find_missing(
    connection: Connection, table: Table, types: set[RecordType], is_stored: ColumnElement[bool], report: LogReport
) -> None:
    statement = (
        select(_leaf.leaf_index, _leaf.record_type)
        .select_from(_join_outer(table, is_stored))
        .where(_leaf.record_type.in_(sorted(one.value for one in types)), table.primary_key.columns[0].is_(None))
        .order_by(_leaf.leaf_index)
    )
    for row in _stream(connection, statement):
        report.add(f"it records a {row.record_type}, and {table.name} has no row of it", row.leaf_index)


def _join_outer(table: Table, is_stored: ColumnElement[bool]) -> FromClause:
    return log_leaf.outerjoin(table, is_stored)


def _is_at(index: ColumnElement[int]) -> ColumnElement[bool]:
    return index == _leaf.leaf_index


def _newest_about_message(types: "frozenset[RecordType] | set[RecordType]") -> Any:
    return (
        select(func.max(_leaf.leaf_index))
        .where(
            _leaf.message == message.c.id,
            _leaf.agency == message.c.sender,
            _leaf.partner == message.c.recipient,
            _leaf.leaf_index >= message.c.number,
            _leaf.record_type.in_(sorted(one.value for one in types)),
        )
        .correlate(message)
        .scalar_subquery()
    )


def _stream(connection: Connection, statement: Any) -> Iterator[Row[Any]]:
    yield from connection.execute(statement.execution_options(yield_per=_ROWS_AT_ONCE))


def _read_payload(document: bytes) -> bytes:
    return SignedDocument.from_canonical(document).payload_bytes
