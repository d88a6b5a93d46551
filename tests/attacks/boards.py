"""What an exchange that lies shows of statuses, how VN signs and GB takes them, and how GB then sees VN."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from agency_client.clock import SystemClock
from agency_client.node import Node
from agency_client.sending.flow import plan_alert
from agency_client.statuses.files import StatusFile, import_status
from agency_client.statuses.freshness import StatusAge
from agency_client.statuses.partners import StatusReport, pull_statuses
from agency_client.statuses.signing import sign_status
from agency_client.statuses.standing import list_ages
from keys.signing import sign_document
from schemas.api import STATUSES_PATH, LoggedRecord, PartnerStatus, StatusesAnswer
from schemas.log.records import RecordType
from schemas.signed import DocumentType, KeyUse, SignedDocument
from schemas.status import Status, digest_status
from tests.support.drafts import make_draft
from tests.support.lying_world import LyingWorld

GB, VN = "GB", "VN"


@dataclass
class Board:
    """What the exchange shows of statuses: by itself nothing; a test puts up whatever it likes."""

    world: LyingWorld
    shown: list[tuple[SignedDocument, LoggedRecord]] = field(default_factory=list)

    def put_up(self, document: SignedDocument) -> LoggedRecord:
        """Log a status now, and show it in the place of what was shown before."""
        digest = digest_status(document.payload_bytes)
        leaf = self.world.exchange.append(RecordType.STATUS, (VN, GB), agency=VN, partner=GB, digest=digest)
        self.shown = [(document, leaf)]
        return leaf

    def answer(self, true: Any) -> Any:
        """Return what a node is answered that asks for statuses."""
        if not isinstance(true, StatusesAnswer):
            return true
        prove = self.world.exchange.prove
        statuses = tuple(
            PartnerStatus(agency=VN, document=document, leaf=leaf, proof=prove(leaf.index))
            for document, leaf in self.shown
        )
        return StatusesAnswer(statuses=statuses, checkpoint=self.world.exchange.sign_note())


def put_up_board(world: LyingWorld) -> Board:
    """Let the exchange show of statuses what a test puts up."""
    board = Board(world)
    world.exchange.tamper[STATUSES_PATH] = board.answer
    return board


def forget(world: LyingWorld) -> None:
    """Leave everything as on the first day: no status, no message, no finding, no agreement; the exchange is honest."""
    world.clock.ahead = timedelta()
    world.exchange.tamper.clear()
    world.exchange.inboxes.clear()
    world.exchange.steps.clear()
    world.numbers.clear()
    for node in world.nodes.values():
        with node.store.write() as transaction:
            for table in (
                "status", "status_due", "announced_revocation", "told_gap", "suspicious_record", "contradiction",
                "agreement_step", "held_step", "lease_item", "inbound_number", "inbound_stream",
            ):  # fmt: skip
                transaction.execute(f"DELETE FROM {table}")  # noqa: S608 - names from code only
            transaction.execute("DELETE FROM setting WHERE name IN ('statuses-asked', 'inbox-emptied')")
            transaction.execute("DELETE FROM setting WHERE name IN ('steps-missed-since', 'steps-asked-again')")
            transaction.execute("DELETE FROM inbox_message")
            now = int(SystemClock().now().timestamp())  # a test may have looked at the log in days to come
            transaction.execute("UPDATE checkpoint SET seen_at = min(seen_at, ?)", now)
            transaction.execute("DELETE FROM key_document WHERE type = 'bilateral-revocation'")


def sign(node: Node, **changes: Any) -> SignedDocument:
    """Let VN sign its next status for GB, with what a test changes in it."""
    status = sign_status(node, GB)
    return sign_by(node, status.model_copy(update=changes)) if changes else load_signed(node, status)


def sign_by(node: Node, status: Status) -> SignedDocument:
    """Return a status under the true signature of a node."""
    return sign_document(status.canonical(), DocumentType.STATUS, [node.signer(KeyUse.RECEIPT)])


def load_signed(node: Node, status: Status) -> SignedDocument:
    """Return the signed document of an own status."""
    with node.store.read() as snapshot:
        found = snapshot.fetch_value(
            "SELECT document FROM status WHERE direction = 'out' AND partner = ? AND seq = ?", GB, status.seq
        )
    return SignedDocument.from_canonical(found)


def look(world: LyingWorld) -> StatusAge:
    """Return how VN stands at GB."""
    return list_ages(world[GB], [VN])[VN]


def pull(world: LyingWorld) -> StatusReport:
    """Let GB ask for statuses."""
    return pull_statuses(world[GB])


def may_send(world: LyingWorld, **changes: Any) -> bool:
    """Return whether GB may send VN something new."""
    return plan_alert(world[GB], make_draft(VN, **changes)).is_allowed


def carry(world: LyingWorld, document: SignedDocument) -> StatusReport:
    """Give GB a status of VN as a file."""
    return import_status(world[GB], StatusFile(v=1, exchange=world[GB].exchange, status=document)).report
