"""A year of two always-on nodes under a set clock: every key is replaced many times, and no message is lost by it.

In memory, with a broker's real rules for keys, envelopes, receipts and clocks (`tests.support.ruling_exchange`). A node
is restarted, goes away for months, has a wrong clock, or meets an exchange that will not publish its keys.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from agency_client.client import make_ping
from agency_client.local_store.inbox import InboxFilter, InboxState, list_messages
from agency_client.local_store.outbox import OutboxState, list_outbox
from agency_client.local_store.sent import load_message
from agency_client.local_store.suspicions import list_suspicions
from agency_client.node import Node
from agency_client.own_keys.documents import load_own_encryption_keys, load_own_key_sets
from agency_client.own_keys.ending import find_last_deadline
from agency_client.sending.flow import send_alert
from agency_client.syncing.rounds import INBOX, KEYS, LOG, OUTBOX, RECEIPTS, STATUSES, RoundReport, run_round
from schemas.api import ENCRYPTION_KEYS_PATH
from schemas.key_documents import EncryptionKey
from schemas.signed import EncryptionUse
from tests.support.lying_world import find_encryption_key
from tests.support.nodes import install_next_key_set
from tests.support.ruling_exchange import RulingWorld, ruling_world

STAGES = (LOG, KEYS, STATUSES, OUTBOX, INBOX, RECEIPTS)
DAY, SECOND = timedelta(days=1), timedelta(seconds=1)
STEP_DAYS = 5
VN_AWAY = (*range(40, 60), *range(200, 265))
UNWILLING = range(100, 130)
WRONG_CLOCK, NEW_KEY_SETS, LAST_DAY = 160, 305, 400


@dataclass
class Year:
    """The two nodes, and what they have sent each other: message id → sender."""

    world: RulingWorld
    sent: dict[str, str] = field(default_factory=dict)

    def live(self, agency: str) -> RoundReport:
        """Let a node run a round, and look at its keys afterwards."""
        report = run_round(self.world[agency], STAGES)
        for key in list_published(self.world[agency]):
            if self.world.clock.now() < find_last_deadline(key):
                assert self.world[agency].keys.has_key(EncryptionUse.ENCRYPTION, key.kid), "ended before its deadline"
        return report

    def send_both_ways(self) -> None:
        """Queue a message each way under the keys of now; both leave in a later round."""
        self.share_statuses()
        for sender, recipient in (("GB", "VN"), ("VN", "GB")):
            node = self.world[sender]
            draft = replace(make_ping(node, recipient, reason="a year of keys"), delivery_days=30)
            (leg,) = send_alert(node, draft, deliver=False).legs
            self.sent[leg.message_id] = sender

    def share_statuses(self) -> None:
        """Let each have a status of the other that is fresh, as nodes do every six hours."""
        for agency in ("GB", "VN", "GB"):
            run_round(self.world[agency], (STATUSES,))

    def show_wrong_time(self, agency: str) -> None:
        """Set a host's clock half a year ahead for two rounds: it gets no answer, draws no key and destroys none."""
        node = self.world[agency]
        before = node.keys.list_keys(), list_published(node)
        self.world.skews[agency] = 180 * DAY
        for _ in range(2):
            assert self.live(agency).stages[-1].failure is not None
        del self.world.skews[agency]
        assert (node.keys.list_keys(), list_published(node)) == before


def list_published(node: Node) -> list[EncryptionKey]:
    """Return every encryption key that a node has ever published, or tries to."""
    with node.store.read() as snapshot:
        documents = load_own_encryption_keys(snapshot, node.agency)
    return [key for item in documents for key in item.encryption_keys.keys]


def list_states(node: Node) -> list[tuple[str, InboxState]]:
    with node.store.read() as snapshot:
        return [(item.message_id, item.state) for item in list_messages(snapshot, InboxFilter(), limit=10_000)]


@pytest.fixture
def year(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Year]:
    with ruling_world(tmp_path_factory.mktemp("year"), "GB", "VN") as world:
        now = world.clock.now()
        world.agree("GB", "VN", "year", in_force_until=now + 900 * DAY, review_by=now + 800 * DAY)
        yield Year(world)


@pytest.mark.torture
def test_a_year_goes_by_without_a_ceremony_for_encryption_keys_and_no_message_is_lost(year: Year) -> None:
    for day in range(0, LAST_DAY, STEP_DAYS):
        year.world.exchange.refused_paths = {ENCRYPTION_KEYS_PATH} if day in UNWILLING else set()
        present = ["GB"] if day in VN_AWAY else ["GB", "VN"]
        if day == WRONG_CLOCK:
            year.show_wrong_time("VN")
        if day == NEW_KEY_SETS:
            year.share_statuses()
            install_next_key_set(year.world["GB"])
            install_next_key_set(year.world["VN"])
        for agency in present:
            if day % 25 == 0:
                year.world.restart(agency)
            year.live(agency)
        if day % 20 == 0 and len(present) == 2:
            year.send_both_ways()
        year.world.clock.ahead += STEP_DAYS * DAY
    for agency in ("GB", "VN", "GB", "VN"):
        year.live(agency)

    verify_nothing_lost(year)
    for agency in ("GB", "VN"):
        verify_keys_went_on(year.world[agency])


def verify_nothing_lost(year: Year) -> None:
    """Verify that of each message exactly one envelope was taken and opened, the others only replaced by it."""
    here = {agency: list_states(year.world[agency]) for agency in ("GB", "VN")}
    for agency, states in here.items():
        assert {state for _, state in states} == {InboxState.OPENED}, agency
    renewed = 0
    for message_id, sender in year.sent.items():
        node, recipient = year.world[sender], "VN" if sender == "GB" else "GB"
        last = follow_replacements(node, message_id)
        renewed += last != message_id
        assert [found for found, _ in here[recipient]].count(last) == 1
    assert sum(map(len, here.values())) == len(year.sent) >= 20
    assert renewed, "some waited while keys changed"
    for agency in ("GB", "VN"):
        with year.world[agency].store.read() as snapshot:
            assert list_outbox(snapshot, states=(OutboxState.QUEUED, OutboxState.IN_DOUBT, OutboxState.CANCELLED)) == []
            assert list_suspicions(snapshot) == []


def follow_replacements(node: Node, message_id: str) -> str:
    """Return the id of the envelope that stands in the place of a message at last."""
    with node.store.read() as snapshot:
        following = {
            load_message(snapshot, item.message_id).replaces: item.message_id
            for item in list_outbox(snapshot, states=tuple(OutboxState))
        }
        while (found := following.get(load_message(snapshot, message_id).digest)) is not None:
            message_id = found
    return message_id


def verify_keys_went_on(node: Node) -> None:
    """Verify that a key was drawn every month, each document follows the one before, and old keys are gone."""
    with node.store.read() as snapshot:
        documents = load_own_encryption_keys(snapshot, node.agency)
        assert load_own_key_sets(snapshot, node.agency)[-1].key_set.seq == 2
    assert [item.encryption_keys.seq for item in documents] == list(range(1, len(documents) + 1))
    assert all(item.is_logged for item in documents)
    assert len(documents) >= (LAST_DAY - len(VN_AWAY)) // 35
    now = node.clock.now()
    assert any(key.expires_at > now + 10 * DAY for key in documents[-1].encryption_keys.keys)
    kept = {key.kid for key in node.keys.list_keys() if key.use is EncryptionUse.ENCRYPTION}
    assert kept == {key.kid for key in list_published(node) if now < find_last_deadline(key)}


def test_a_message_sealed_in_the_last_second_of_a_key_opens_in_the_last_second_of_its_deadline(year: Year) -> None:
    world, vn = year.world, year.world["VN"]
    year.live("VN")
    kid, jwk = find_encryption_key(vn)
    (key,) = (item for item in list_published(vn) if item.kid == kid)
    last_second = key.expires_at - SECOND
    world.clock.ahead += last_second - world.clock.now()
    terms = world.agree("GB", "VN", "last", in_force_until=last_second + 90 * DAY, review_by=last_second + 80 * DAY)
    sealed = world.craft("GB", "VN", terms, key=(kid, jwk), expires_at=last_second + 30 * DAY)
    world.deliver(sealed, "VN")

    for moment in (last_second + 15 * DAY, last_second + 30 * DAY - SECOND):
        world.clock.ahead += moment - world.clock.now()
        run_round(vn, (LOG, KEYS))  # The always-on node publishes, and destroys what has ended.
    assert vn.keys.has_key(EncryptionUse.ENCRYPTION, kid)
    assert world.receive("VN", sealed).state is InboxState.OPENED

    world.clock.ahead += 2 * SECOND
    year.live("VN")
    assert vn.keys.has_key(EncryptionUse.ENCRYPTION, kid), "the inbox was not looked into since its deadline"
    year.live("VN")
    assert not vn.keys.has_key(EncryptionUse.ENCRYPTION, kid)
