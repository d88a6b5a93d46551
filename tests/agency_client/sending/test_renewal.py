"""A refused message is sealed anew when what it needs has come, and waits in the outbox until then."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from agency_client.client import make_ping
from agency_client.local_store.inbox import InboxFilter, InboxState, list_messages
from agency_client.local_store.outbox import OutboxItem, OutboxState, load_item
from agency_client.local_store.sent import load_message
from agency_client.node import Node
from agency_client.own_keys.documents import load_own_key_sets
from agency_client.own_keys.encryption import prepare_encryption_keys
from agency_client.own_keys.publishing import publish_queued
from agency_client.own_keys.revoking import prepare_revocation
from agency_client.sending.delivery import deliver_messages
from agency_client.sending.flow import push_past_client, send_alert
from agency_client.sending.handing_in import DeliveryReport
from agency_client.syncing.rounds import LOG, STATUSES, run_round, sync_inbox
from schemas.signed import KeyUse
from tests.support.nodes import install_next_key_set
from tests.support.ruling_exchange import RulingWorld, ruling_world

DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RulingWorld]:
    with ruling_world(tmp_path_factory.mktemp("renewal"), "GB", "VN") as found:
        now = found.clock.now()
        found.agree("GB", "VN", "renewal", in_force_until=now + 300 * DAY, review_by=now + 200 * DAY)
        yield found


def queue(node: Node) -> str:
    """Queue a message that may be delivered for thirty days, whatever the age of its recipient's status."""
    draft = replace(make_ping(node, "VN", reason="a test of renewal"), delivery_days=30)
    return push_past_client(node, draft, deliver=False).legs[0].message_id


def publish_next_key_set(node: Node) -> None:
    """Let the roots sign a node's next key set, and publish it."""
    install_next_key_set(node)
    with node.store.read() as snapshot:
        digest = load_own_key_sets(snapshot, node.agency)[-1].digest
    publish_queued(node, digest)


def load(node: Node, message_id: str) -> OutboxItem:
    with node.store.read() as snapshot:
        return load_item(snapshot, message_id)


def deliver(node: Node, message_id: str) -> DeliveryReport:
    return deliver_messages(node, [message_id])


def verify_replaced_and_opened(world: RulingWorld, message_id: str, renewed: str) -> None:
    """Verify that the new envelope names the old one, and that it alone is opened at its recipient."""
    gb = world["GB"]
    with gb.store.read() as snapshot:
        old, new = load_message(snapshot, message_id), load_message(snapshot, renewed)
    assert (new.replaces, new.thread, new.expires_at) == (old.digest, old.thread, old.expires_at)
    found = sync_inbox(world["VN"])
    assert (found.counts["opened"], found.counts["unverifiable"]) == (1, 0)


def test_a_message_waits_for_a_recipient_whose_keys_have_ended_and_goes_when_it_has_one_again(
    world: RulingWorld,
) -> None:
    """A partner that was away for 45 days has no key; what was queued for it before must not end for that."""
    gb, vn = world["GB"], world["VN"]
    world.clock.ahead += 40 * DAY
    message_id = queue(gb)
    world.clock.ahead += 10 * DAY
    report = deliver(gb, message_id)
    assert report.waiting[message_id].code == "renewal-waits"
    assert (report.refused, report.renewed) == ({}, {})
    assert load(gb, message_id).state is OutboxState.QUEUED

    publish_queued(vn, prepare_encryption_keys(vn))
    report = deliver(gb, message_id)
    verify_replaced_and_opened(world, message_id, report.renewed[message_id])
    assert load(gb, message_id).state is OutboxState.REFUSED


def test_a_message_under_a_key_that_was_revoked_waits_for_the_next_key_set(world: RulingWorld) -> None:
    """A lost laptop at three in the morning: what was queued honestly goes out under the key that comes by day."""
    gb = world["GB"]
    message_id = queue(gb)
    publish_queued(gb, prepare_revocation(gb, [gb.signer(KeyUse.MESSAGE).kids[0]], "device-lost"))
    assert deliver(gb, message_id).waiting[message_id].code == "renewal-waits"
    world.clock.ahead += DAY
    assert deliver(gb, message_id).waiting[message_id].code == "renewal-waits"
    assert load(gb, message_id).state is OutboxState.QUEUED

    publish_next_key_set(gb)
    report = deliver(gb, message_id)
    verify_replaced_and_opened(world, message_id, report.renewed[message_id])


def test_a_message_that_may_not_go_just_now_waits_and_is_not_ended_by_the_change_of_keys(world: RulingWorld) -> None:
    """A partner's status may be old for a day; the key set that changed on that day must not cost a message."""
    gb = world["GB"]
    share_statuses(world)
    draft = replace(make_ping(gb, "VN", reason="a test of renewal"), delivery_days=30)
    message_id = send_alert(gb, draft, deliver=False).legs[0].message_id
    world.clock.ahead += 4 * DAY
    publish_next_key_set(gb)
    report = deliver(gb, message_id)
    assert "status" in report.waiting[message_id].sentence
    assert load(gb, message_id).state is OutboxState.QUEUED

    share_statuses(world)
    report = deliver(gb, message_id)
    verify_replaced_and_opened(world, message_id, report.renewed[message_id])


def test_past_its_deadline_a_waiting_message_ends_and_says_so(world: RulingWorld) -> None:
    gb = world["GB"]
    message_id = queue(gb)
    world.clock.ahead += 60 * DAY
    assert deliver(gb, message_id).refused[message_id].code == "deadline-passed"
    assert load(gb, message_id).state is OutboxState.CANCELLED
    with world["VN"].store.read() as snapshot:
        opened = list_messages(snapshot, InboxFilter(), limit=100)
    assert {item.state for item in opened} == {InboxState.OPENED}


def share_statuses(world: RulingWorld) -> None:
    """Let each node have a fresh status of the other."""
    for agency in ("VN", "GB", "VN"):
        run_round(world[agency], (LOG, STATUSES))
