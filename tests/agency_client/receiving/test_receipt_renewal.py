"""Receipts that wait while keys change reach their reader under keys that count, and are believed there."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from agency_client.local_store.dispatch import DispatchKind, list_dispatches
from agency_client.local_store.sent import DeliveryFact, list_facts
from agency_client.local_store.suspicions import list_suspicions
from agency_client.node import Node
from agency_client.own_keys.documents import load_own_key_sets
from agency_client.own_keys.encryption import prepare_encryption_keys
from agency_client.own_keys.ending import destroy_ended_keys
from agency_client.own_keys.publishing import publish_queued
from agency_client.own_keys.revoking import prepare_revocation
from agency_client.receiving.flow import receive
from agency_client.receiving.own_receipts import send_due_receipts, sign_owed_receipts
from agency_client.receiving.receipt_renewal import renew_waiting_receipts
from agency_client.sending.flow import push_past_client
from agency_client.witness.walker import walk_log
from schemas.api import RECEIPTS_PATH
from schemas.log.records import RecordType
from schemas.receipts import SealedReceipt
from schemas.signed import KeyUse
from tests.support.drafts import make_draft
from tests.support.nodes import install_next_key_set
from tests.support.ruling_exchange import RulingWorld, ruling_world

DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RulingWorld]:
    with ruling_world(tmp_path_factory.mktemp("receipts"), "GB", "VN") as found:
        now = found.clock.now()
        found.agree("GB", "VN", "receipts", in_force_until=now + 300 * DAY, review_by=now + 200 * DAY)
        yield found


def send_and_owe(world: RulingWorld) -> str:
    """Let GB send a message, and VN open it and sign receipts that have not left yet."""
    gb, vn = world["GB"], world["VN"]
    walk_log(gb)
    (leg,) = push_past_client(gb, make_draft("VN", kind="ping")).legs
    receive(vn)
    assert sign_owed_receipts(vn).signed >= 2
    return leg.message_id


def replace_key_set(node: Node) -> None:
    install_next_key_set(node)
    with node.store.read() as snapshot:
        digest = load_own_key_sets(snapshot, node.agency)[-1].digest
    publish_queued(node, digest)


def list_waiting(node: Node) -> list[SealedReceipt]:
    with node.store.read() as snapshot:
        waiting = list_dispatches(snapshot)
    return [SealedReceipt.from_canonical(item.body) for item in waiting if item.kind is DispatchKind.RECEIPT]


def verify_believed(world: RulingWorld, message_id: str) -> None:
    """Verify that GB takes what VN handed in for proof, and doubts nothing."""
    gb = world["GB"]
    report = receive(gb)
    assert (report.receipts >= 2, report.problems) == (True, [])
    with gb.store.read() as snapshot:
        facts = {item.fact for item in list_facts(snapshot, message_id, "VN")}
        assert list_suspicions(snapshot) == []
    assert {DeliveryFact.HANDED_OVER, DeliveryFact.VERIFIED} <= facts


def test_what_waited_over_a_new_key_set_is_signed_by_its_receipt_key(world: RulingWorld) -> None:
    vn = world["VN"]
    message_id = send_and_owe(world)
    digests = {receipt.digest for receipt in list_waiting(vn)}
    assert renew_waiting_receipts(vn) == 0, "nothing has changed yet"
    replace_key_set(vn)
    world.clock.ahead += DAY
    assert renew_waiting_receipts(vn) == len(digests)
    assert {receipt.digest for receipt in list_waiting(vn)} == digests, "the words stay"
    assert renew_waiting_receipts(vn) == 0, "once is enough"
    assert send_due_receipts(vn).handed_in == len(digests)
    verify_believed(world, message_id)


def test_what_waited_beyond_its_readers_key_is_sealed_for_the_next_one(world: RulingWorld) -> None:
    """VN was cut off for months; GB has destroyed the keys of then, and reads the receipts all the same."""
    gb, vn = world["GB"], world["VN"]
    message_id = send_and_owe(world)
    before = {receipt.recipient.kid for receipt in list_waiting(vn)}
    world.clock.ahead += 80 * DAY
    for node in (gb, vn):
        publish_queued(node, prepare_encryption_keys(node))
    receive(gb)
    assert before & {key.kid for key in destroy_ended_keys(gb)}
    walk_log(vn)
    assert renew_waiting_receipts(vn)
    assert before.isdisjoint({receipt.recipient.kid for receipt in list_waiting(vn)})
    assert send_due_receipts(vn).handed_in
    verify_believed(world, message_id)


def test_a_receipt_that_crosses_the_key_set_of_its_signer_is_believed(world: RulingWorld) -> None:
    """Another process publishes the key set between the look at the keys and the hand-in: the log has the set first."""
    vn = world["VN"]
    message_id = send_and_owe(world)
    assert renew_waiting_receipts(vn) == 0
    replace_key_set(vn)
    assert send_due_receipts(vn).handed_in
    types = [item.record.type for item in world.exchange.records]
    last_set = max(at for at, found in enumerate(types) if found is RecordType.KEY_SET)
    assert RecordType.RECEIPT in types[last_set:]
    walk_log(world["GB"])
    verify_believed(world, message_id)


def test_an_installed_key_set_that_the_log_may_have_is_looked_for_before_a_receipt_leaves(world: RulingWorld) -> None:
    """The answer to the publication was lost: which receipt key counts stands in the log alone."""
    vn = world["VN"]
    message_id = send_and_owe(world)
    install_next_key_set(vn)
    with vn.store.read() as snapshot:
        installed = load_own_key_sets(snapshot, "VN")[-1]
    world.exchange.append(
        RecordType.KEY_SET, ("VN",), agency="VN", digest=installed.digest, document=installed.document
    )
    world.clock.ahead += DAY
    assert renew_waiting_receipts(vn)
    assert send_due_receipts(vn).handed_in
    walk_log(world["GB"])
    verify_believed(world, message_id)


def test_where_no_better_key_is_there_a_receipt_waits_and_is_not_given_up(world: RulingWorld) -> None:
    gb, vn = world["GB"], world["VN"]
    message_id = send_and_owe(world)
    world.clock.ahead += 80 * DAY  # GB's key has ended, and is not even a recent one.
    walk_log(vn)
    assert renew_waiting_receipts(vn) == 0
    report = send_due_receipts(vn)
    assert (report.handed_in, {problem.code for problem in report.problems}) == (0, {"encryption-key-not-current"})
    assert list_waiting(vn)
    publish_queued(gb, prepare_encryption_keys(gb))
    walk_log(vn)
    world.clock.ahead += DAY
    assert renew_waiting_receipts(vn)
    assert send_due_receipts(vn).handed_in
    verify_believed(world, message_id)


def test_without_a_receipt_key_of_its_own_a_node_leaves_them_as_they_are(world: RulingWorld) -> None:
    vn = world["VN"]
    publish_queued(vn, prepare_encryption_keys(vn))
    send_and_owe(world)
    replace_key_set(vn)
    publish_queued(vn, prepare_revocation(vn, [vn.signer(KeyUse.RECEIPT).kids[0]], "device-lost"))
    before = list_waiting(vn)
    world.exchange.refused_paths.add(RECEIPTS_PATH)
    assert renew_waiting_receipts(vn) == 0
    assert list_waiting(vn) == before
