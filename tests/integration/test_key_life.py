"""Every key of an agency is replaced while messages travel, over a real broker and TLS: nothing is lost, nothing twice.

The nodes here are the ones of a program that lives on: they are made once, and notice by themselves what became of
their keys.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from agency_client.agreements.pulling import pull_steps
from agency_client.client import make_ping
from agency_client.local_store.contradictions import list_contradictions
from agency_client.local_store.inbox import InboxFilter, InboxState, list_messages
from agency_client.local_store.outbox import OutboxState, load_item
from agency_client.local_store.sent import DeliveryFact, list_facts
from agency_client.local_store.suspicions import list_suspicions
from agency_client.node import Node
from agency_client.own_keys.documents import load_own_key_sets
from agency_client.own_keys.encryption import prepare_encryption_keys
from agency_client.own_keys.key_sets import install_key_set, prepare_key_set
from agency_client.own_keys.publishing import publish_queued
from agency_client.profiles.session import open_profile
from agency_client.receiving.leasing import lease_items
from agency_client.receiving.own_receipts import sign_owed_receipts
from agency_client.sending.flow import send_alert
from agency_client.syncing.following import StopSwitch, follow
from agency_client.syncing.rounds import sync_inbox, sync_once
from keys.key_sets import sign_key_set
from schemas.agreements.steps import StepAction
from schemas.agreements.terms import Terms
from schemas.signed import KeyUse
from tests.support.exchange import running_exchange
from tests.support.nodes import agree, joined_nodes, make_root_signers, take_step

PATIENCE_SECONDS = 90
pytestmark = pytest.mark.long


@dataclass
class Traffic:
    """The nodes, and what was sent: message id → sender and recipient."""

    nodes: dict[str, Node]
    terms: Terms
    sent: dict[str, tuple[str, str]] = field(default_factory=dict)

    def send(self, sender: str, recipient: str, *, deliver: bool = True) -> str:
        """Send a message, or queue one."""
        node = self.nodes[sender]
        draft = make_ping(node, recipient, reason="a life of keys")
        (leg,) = send_alert(node, draft, deliver=deliver).legs
        self.sent[leg.message_id] = (sender, recipient)
        return leg.message_id

    def find_last(self, message_id: str) -> str:
        """Return the id of the envelope that stands in a message's place at last."""
        node = self.nodes[self.sent[message_id][0]]
        with node.store.read() as snapshot:
            while True:
                row = snapshot.fetch_one(
                    "SELECT message_id FROM sent_message WHERE replaces ="
                    " (SELECT digest FROM sent_message WHERE message_id = ?)",
                    message_id,
                )
                if row is None:
                    return message_id
                message_id = row["message_id"]

    def is_settled(self, message_id: str) -> bool:
        """Return whether its recipient has signed that it has and verified a message."""
        sender, recipient = self.sent[message_id]
        last = self.find_last(message_id)
        with self.nodes[sender].store.read() as snapshot:
            facts = {item.fact for item in list_facts(snapshot, last, recipient)}
            is_settled = load_item(snapshot, last).state is OutboxState.SETTLED
        return is_settled and {DeliveryFact.HANDED_OVER, DeliveryFact.VERIFIED} <= facts

    def verify_all_settled(self) -> None:
        """Verify that each message was opened once, and receipted; that nobody doubts anything."""
        for message_id, (_, recipient) in self.sent.items():
            assert self.is_settled(message_id), message_id
            with self.nodes[recipient].store.read() as snapshot:
                found = list_messages(snapshot, InboxFilter(), limit=1000)
            last = self.find_last(message_id)
            assert [item.state for item in found if item.message_id == last] == [InboxState.OPENED]
            assert {item.state for item in found} == {InboxState.OPENED}
            opened = [item for item in found if item.message_id in {*self.sent, *map(self.find_last, self.sent)}]
            assert len(opened) == sum(to == recipient for _, to in self.sent.values()), "nothing came twice"
        for node in self.nodes.values():
            with node.store.read() as snapshot:
                assert list_suspicions(snapshot) == []
                assert list_contradictions(snapshot) == []


def replace_key_set(node: Node, *, new_tls_keys: bool = False) -> None:
    """Let the roots sign new keys of each use, publish them, and let the old ones go."""
    before = {use: node.signer(use).kids for use in KeyUse}
    key_set = prepare_key_set(node, new_tls_keys=new_tls_keys)
    installed = install_key_set(node, sign_key_set(key_set, make_root_signers(node.agency)[:2]))
    publish_queued(node, installed.digest)
    assert all(node.signer(use).kids != kids for use, kids in before.items())


def replace_encryption_keys(node: Node) -> None:
    """Publish two fresh encryption keys, so that the document names none of the old ones."""
    for _ in range(2):
        publish_queued(node, prepare_encryption_keys(node))


CHANGES: tuple[Callable[[Node], None], ...] = (
    replace_encryption_keys,
    replace_key_set,
    lambda node: replace_key_set(node, new_tls_keys=True),
)


@pytest.fixture(scope="module")
def traffic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Traffic]:
    folder: Path = tmp_path_factory.mktemp("life")
    with running_exchange(folder) as exchange, joined_nodes(exchange, folder, "GB", "VN", "BE") as nodes:
        terms = agree(nodes["GB"], nodes["VN"])
        agree(nodes["GB"], nodes["BE"], "third")
        for node in nodes.values():
            pull_steps(node)
        yield Traffic(nodes, terms)


def sync(traffic: Traffic, *agencies: str) -> None:
    """Let nodes run rounds until what waits has come over and been receipted."""
    for agency in agencies * 3:
        report = sync_once(traffic.nodes[agency])
        assert not [stage for stage in report.stages if stage.failure or stage.alarms], report


@pytest.mark.parametrize("change", CHANGES, ids=["encryption", "key-set", "key-set-and-tls"])
@pytest.mark.parametrize("agency", ["GB", "VN"])
def test_a_change_of_keys_finds_messages_at_every_stage_and_loses_none(
    traffic: Traffic, agency: str, change: Callable[[Node], None]
) -> None:
    """Queued, accepted, leased and unopened, opened and not receipted: in both directions, at the moment of the change.

    BE is away all the while; what was sealed for it before waits at the exchange.
    """
    nodes = traffic.nodes
    sync(traffic, "GB", "VN")
    traffic.send("GB", "BE")
    for sender, recipient in (("GB", "VN"), ("VN", "GB")):
        traffic.send(sender, recipient)
        sync_inbox(nodes[recipient])
        sign_owed_receipts(nodes[recipient])  # signed and sealed under the keys of before, and not handed in
        traffic.send(sender, recipient)
        lease_items(nodes[recipient])  # stored, and opened by nobody
        traffic.send(sender, recipient)  # waits at the exchange
        traffic.send(sender, recipient, deliver=False)  # waits at home

    change(nodes[agency])
    for sender, recipient in (("GB", "VN"), ("VN", "GB")):
        traffic.send(sender, recipient)
    sync(traffic, "GB", "VN")
    for message_id, (_, recipient) in traffic.sent.items():
        assert recipient == "BE" or traffic.is_settled(message_id)


def test_agreement_chains_go_on_under_the_keys_that_came(traffic: Traffic) -> None:
    gb, vn = traffic.nodes["GB"], traffic.nodes["VN"]
    take_step(gb, traffic.terms, StepAction.SUSPEND, reason="between two key sets")
    replace_key_set(gb)
    take_step(gb, traffic.terms, StepAction.RESUME, reason="under the next one")
    sync(traffic, "GB", "VN")
    traffic.send("VN", "GB")
    sync(traffic, "VN", "GB")
    with vn.store.read() as snapshot:
        steps = snapshot.fetch_value(
            "SELECT count(*) FROM agreement_step WHERE agreement = ? AND party = 'GB' AND leaf IS NOT NULL",
            traffic.terms.id,
        )
    assert steps == 4


def test_a_partner_that_was_away_over_all_of_it_opens_everything_and_goes_on(traffic: Traffic) -> None:
    gb = traffic.nodes["GB"]
    for change in CHANGES:
        traffic.send("GB", "BE")
        change(gb)
    sync(traffic, "BE", "GB")
    traffic.send("BE", "GB")
    traffic.send("GB", "BE")
    sync(traffic, "GB", "BE", "VN")
    traffic.verify_all_settled()
    with gb.store.read() as snapshot:
        sets = load_own_key_sets(snapshot, "GB")
    assert len(sets) >= 3
    assert all(own.is_logged for own in sets)
    listed = traffic.nodes["BE"].directory.trusted_timeline("GB")
    assert listed.newest_key_set.key_set == sets[-1].key_set, "followed by the log, without another pin"


def test_always_on_nodes_bring_traffic_over_while_their_keys_change_under_them(traffic: Traffic) -> None:
    """Two processes a node, as on a host: one follows, the other sends and installs what the roots have signed.

    The exchange hangs up on a connection whose certificate was replaced, in the midst of an answer too: what that
    answer held must be asked for again, and not wait until its lease of a minute ends.
    """
    with following(traffic, "GB", "VN"):
        for change in CHANGES:
            for agency in ("GB", "VN"):
                traffic.send("GB", "VN")
                traffic.send("VN", "GB", deliver=False)
                change(traffic.nodes[agency])
                traffic.send("GB", "VN", deliver=False)
        wait_until(lambda: all(map(traffic.is_settled, traffic.sent)))
    traffic.verify_all_settled()


@contextmanager
def following(traffic: Traffic, *agencies: str) -> Iterator[None]:
    """Let nodes follow, each in a thread with a store and a node of its own."""
    stop, threads = StopSwitch(), []
    for agency in agencies:
        node = traffic.nodes[agency]
        passphrase = node.profile.folder.parent.parent / "passphrase"
        opened = open_profile(node.profile, environment={}, passphrase_file=passphrase)
        arguments = (opened, node.clock, lambda report: None, stop)
        threads.append(threading.Thread(target=follow, args=arguments, kwargs={"wait_seconds": 1}))
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.turn()
        for thread in threads:
            thread.join(PATIENCE_SECONDS)
            assert not thread.is_alive()


def wait_until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.2)
