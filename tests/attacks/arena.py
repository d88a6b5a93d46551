"""Where the attacks of a hostile broker take place: a real one over TLS, two real nodes, and a member at its side."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from agency_client.errors import ClientError
from agency_client.local_store.checkpoints import load_walk
from agency_client.local_store.contradictions import Contradiction, ContradictionKind, list_contradictions
from agency_client.local_store.inbox import InboxMessage, InboxState, load_by_digest
from agency_client.local_store.sent import list_deliveries
from agency_client.local_store.statuses import request_status
from agency_client.local_store.streams import StreamNumber
from agency_client.local_store.suspicions import list_suspicions
from agency_client.node import Node
from agency_client.own_keys.encryption import prepare_encryption_keys
from agency_client.own_keys.key_sets import get_own_anchor
from agency_client.own_keys.publishing import publish_queued
from agency_client.reading.messages import ReadMessage, read_message
from agency_client.sending.flow import send_alert
from agency_client.sending.seal import SealedLeg
from agency_client.sending.views import SentLine, list_waiting
from agency_client.syncing.rounds import RoundReport, sync_once
from agency_client.trust import pin_partner
from agency_client.witness.walker import walk_log
from keys.sealing import SealedMessage
from schemas.agreements.terms import Terms
from schemas.api import MESSAGES_PATH, Evidence
from tests.hostile.exchange import HostileExchange, hostile_exchange
from tests.support.drafts import make_draft
from tests.support.lying_world import World
from tests.support.nodes import MovableClock, make_node

GB, VN, BE = "GB", "VN", "BE"
LEASE = timedelta(seconds=61)


@dataclass(kw_only=True)
class Arena(World):
    """A hostile exchange, honest at first, with nodes that are pinned with each other."""

    exchange: HostileExchange
    folder: Path

    @contextmanager
    def lying(self, *switches: str) -> Iterator[None]:
        """Let the broker lie for as long as the block runs, and make sure that it did."""
        with self.exchange.lying(*switches):
            yield

    def send(self, terms: Terms, sender: str = GB, recipient: str = VN) -> SealedLeg:
        """Send an alert under an agreement; return its one leg."""
        report = send_alert(self[sender], make_draft(recipient, agreement=terms.digest()))
        return report.legs[0]

    def sync(self, agency: str) -> RoundReport:
        """Run a whole round of a node."""
        return sync_once(self[agency])

    def join(self, agency: str, *, meets: bool = True) -> Node:
        """Let another agency join, which a test may use up; unless it is to wait, GB, VN and it pin each other."""
        node = self.nodes[agency] = make_node(self.exchange, self.folder, agency, clock=self.clock)
        publish_queued(node, prepare_encryption_keys(node))
        if meets:
            self.introduce(node)
        return node

    def introduce(self, node: Node) -> None:
        """Let GB, VN and another node pin each other."""
        meet(node, self[GB], self[VN])
        for other in (self[GB], self[VN]):
            meet(other, node)

    def witness(self) -> None:
        """Let every node cosign what it has walked, and learn what the others have."""
        for agency in (GB, VN, BE, GB, VN):
            self.sync(agency)

    def hand_in(self, sender: str, sealed: SealedMessage) -> None:
        """Hand in a crafted message."""
        self[sender].connection.post(MESSAGES_PATH, sealed.envelope.canonical(), Evidence)

    def let_lease_end(self) -> None:
        """Let both clocks pass the end of every lease."""
        self.clock.ahead += LEASE
        self.exchange.move_clock(self.clock.ahead.total_seconds())

    def waiting(self, agency: str) -> list[SentLine]:
        """Return what waits in a node's outbox, or for its recipients to sign for it."""
        return list_waiting(self[agency])

    def find(self, agency: str, digest: str) -> InboxMessage | None:
        """Return a message as a node's store holds it, if it does."""
        with self[agency].store.read() as snapshot:
            row = snapshot.fetch_one("SELECT 1 FROM inbox_message WHERE digest = ?", digest)
        return None if row is None else self.load(agency, digest)

    def load(self, agency: str, digest: str) -> InboxMessage:
        """Return a message as a node's store holds it."""
        with self[agency].store.read() as snapshot:
            return load_by_digest(snapshot, digest)

    def list_digests(self, agency: str) -> set[str]:
        """Return every message that a node's inbox holds."""
        with self[agency].store.read() as snapshot:
            return {row[0] for row in snapshot.fetch_all("SELECT digest FROM inbox_message")}

    def read_number(self, sender: str, message_id: str) -> StreamNumber:
        """Return the place of a sent message in the stream to its one recipient."""
        with self[sender].store.read() as snapshot:
            (delivery,) = list_deliveries(snapshot, message_id)
        return delivery.number

    def count_walked(self, agency: str) -> int:
        """Return how many leaves of the log a node has read and believed."""
        with self[agency].store.read() as snapshot:
            walk = load_walk(snapshot, self[agency].sheet.origin)
        return 0 if walk is None else walk.size

    def list_proofs(self, agency: str) -> list[Contradiction]:
        """Return the proofs a node keeps that its exchange showed two histories."""
        with self[agency].store.read() as snapshot:
            return list_contradictions(snapshot, ContradictionKind.CHECKPOINT)

    def has_doubt(self, agency: str, code: str, words: str) -> bool:
        """Return whether a node keeps something that it does not believe, for this reason ("": any), in these words."""
        with self[agency].store.read() as snapshot:
            return any(code in ("", found.code) and words in found.sentence for found in list_suspicions(snapshot))

    def demand_service(self, terms: Terms) -> None:
        """Demand that a message passes from GB to VN, is read, and is receipted back to its sender."""
        leg = self.send(terms)
        self.collect(VN)
        assert self.load(VN, leg.digest).state is InboxState.OPENED
        assert isinstance(read_message(self[VN], leg.message_id, reason="is the service honest again"), ReadMessage)


@contextmanager
def make_arena(folder: Path) -> Iterator[Arena]:
    """Run an exchange whose operator is the enemy, with three nodes: GB, VN, and BE who may be at its side."""
    clock = MovableClock()
    with hostile_exchange(folder) as exchange:
        nodes = {agency: make_node(exchange, folder, agency, clock=clock) for agency in (GB, VN, BE)}
        try:
            for node in nodes.values():
                publish_queued(node, prepare_encryption_keys(node))
            for node in nodes.values():
                meet(node, *nodes.values())
            yield Arena(clock=clock, nodes=nodes, exchange=exchange, folder=folder)
        finally:
            for node in nodes.values():
                node.close()


def meet(node: Node, *others: Node) -> None:
    """Let a node read the log and pin the others."""
    walk_log(node)
    for other in others:
        if other.agency != node.agency:
            pin_partner(node, other.agency, get_own_anchor(other))


def forgive(arena: Arena) -> None:
    """Forget proofs against the exchange, which would stop all sending. Clocks go on: leaves never go back in time."""
    for node in arena.nodes.values():
        with node.store.write() as transaction:
            transaction.execute("DELETE FROM contradiction")


def speak(arena: Arena, signer: str, reader: str) -> RoundReport:
    """Let a node sign a status of now for a partner, and hand it in."""
    with arena[signer].store.write() as transaction:
        request_status(transaction, reader, reason="for a test", at=arena.clock.now())
    return arena.sync(signer)


def list_codes(report: RoundReport) -> set[str]:
    """Return every alarm and problem of a round, and what ended a stage of it."""
    found = [(*stage.alarms, *stage.problems, *filter(None, [stage.failure])) for stage in report.stages]
    return {problem.code for problems in found for problem in problems}


def demand_unseen(arena: Arena, agency: str, digest: str, message_id: str) -> None:
    """Demand that nothing of a message can be seen: no summary in the inbox, no content in the store, no page."""
    found = arena.load(agency, digest)
    assert (found.summary, found.thread) == (None, None)
    with arena[agency].store.read() as snapshot:
        assert snapshot.fetch_one("SELECT 1 FROM content WHERE digest = ?", digest) is None
    with pytest.raises(ClientError):
        read_message(arena[agency], message_id, reason="what does it say")
