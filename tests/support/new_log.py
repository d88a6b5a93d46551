"""Let an exchange in memory begin a new log: what it still has is written once more, in the order it had."""

from collections.abc import Callable, Iterable

from agency_client.epochs.accepting import Acceptance, approve_new_log, examine_new_log
from agency_client.local_store.outbox import OutboxItem, load_item
from agency_client.node import Node
from agency_client.profiles.joining import accept_sheet
from agency_client.receiving.own_receipts import send_due_receipts, sign_owed_receipts
from agency_client.sending.delivery import deliver_due
from agency_client.syncing.rounds import sync_agreements, sync_keys, sync_log, wake_outbox
from schemas.api import LoggedRecord
from schemas.codec import b64u_encode
from schemas.envelope import SeenCheckpoint
from schemas.key_documents import ExchangeSheet, compute_exchange_anchor
from schemas.log.epoch import format_origin, read_epoch
from schemas.log.records import Record, RecordType
from schemas.log.tree import MerkleTree
from tests.support.lying_exchange import LyingExchange

_KEPT = (RecordType.KEY_SET, RecordType.ENCRYPTION_KEYS, RecordType.REVOCATION)


def see_head(exchange: LyingExchange, size: int | None = None) -> SeenCheckpoint:
    """Return a head of the present log."""
    size = len(exchange.records) if size is None else size
    return SeenCheckpoint(origin=exchange.sheet.origin, size=size, root=b64u_encode(exchange.tree.root(size)))


def begin_new_log(
    exchange: LyingExchange,
    committed: SeenCheckpoint | None = None,
    *,
    skips: int = 0,
    forgets: Callable[[Record], bool] = lambda record: False,
) -> ExchangeSheet:
    """Let the exchange open its next log with what it does not forget; inboxes are empty. Return the new sheet."""
    committed = committed or see_head(exchange)
    old, steps = exchange.records, exchange.steps
    epoch = read_epoch(exchange.sheet.origin, exchange.name) + 1 + skips
    exchange.sheet = exchange.sheet.model_copy(update={"origin": format_origin(exchange.name, epoch)})
    exchange.records, exchange.tree, exchange.steps = [], MerkleTree(), []
    exchange.inboxes.clear()
    exchange.append(RecordType.EXCHANGE_OPENED, (), detail="opened anew", checkpoint=committed)
    by_leaf = {leaf.index: document for document, leaf in steps}
    for logged in (item for item in old if not forgets(item.record)):
        if logged.record.type in _KEPT or logged.index in by_leaf:
            leaf = write_again(exchange, logged)
            if logged.index in by_leaf:
                exchange.steps.append((by_leaf[logged.index], leaf))
    return exchange.sheet


def write_again(exchange: LyingExchange, logged: LoggedRecord) -> LoggedRecord:
    """Write a record of an earlier log into the present one, at the time of now."""
    record = logged.record
    members = {name: getattr(record, name) for name in type(record).model_fields}
    told = {name: value for name, value in members.items() if value is not None}
    for name in ("v", "type", "time", "concerns"):
        del told[name]
    return exchange.append(record.type, record.concerns, **told)


def accept_by(node: Node, sheet: ExchangeSheet, officers: Iterable[str], reason: str = "paper compared") -> Acceptance:
    """Let officers approve a sheet one after the other, on one node; return what the last one's came to."""
    return [_approve(node, sheet, officer, reason) for officer in officers][-1]


def _approve(node: Node, sheet: ExchangeSheet, officer: str, reason: str) -> Acceptance:
    accepted, usual = accept_sheet(sheet, compute_exchange_anchor(sheet)), node.officer
    node.officer = officer
    try:
        return approve_new_log(node, examine_new_log(node, accepted), reason)
    finally:
        node.officer = usual


def turn_to(node: Node, sheet: ExchangeSheet) -> None:
    """Let a node that is open already speak under the log it has accepted, as one made anew would."""
    node.sheet = sheet
    node.__dict__.pop("observer", None)


def move_on(exchange: LyingExchange, *nodes: Node, **changes: object) -> ExchangeSheet:
    """Let an exchange begin a new log and every node accept it; return the new sheet."""
    sheet = begin_new_log(exchange, **changes)  # type: ignore[arg-type]
    for node in nodes:
        accept_by(node, sheet, ("a.eriksson", "b.jansen"))
        turn_to(node, sheet)
    return sheet


def look_up(node: Node, message_id: str) -> OutboxItem:
    with node.store.read() as snapshot:
        return load_item(snapshot, message_id)


def learn(*nodes: Node) -> None:
    """Let nodes read the log, and hand in what it lacks of theirs."""
    for node in nodes:
        sync_log(node)
        sync_keys(node)
        sync_agreements(node)


def answer(node: Node) -> None:
    """Let a node hand in the receipts it owes."""
    sign_owed_receipts(node)
    send_due_receipts(node)


def deliver(node: Node) -> list[str]:
    wake_outbox(node)
    return deliver_due(node).taken


def forget_of(agency: str, *types: RecordType, last: int = 1) -> Callable[[Record], bool]:
    """Return what lets an exchange forget everything of an agency of these types but so many first records."""
    seen: list[Record] = []

    def forgets(record: Record) -> bool:
        if record.agency != agency or record.type not in types:
            return False
        seen.append(record)
        return len(seen) > last

    return forgets
