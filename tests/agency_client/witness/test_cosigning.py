"""This agency as a witness: it cosigns what it walked, once and only forward, and nothing it does not remember."""

from collections.abc import Iterator

import pytest

from agency_client.errors import VerificationFailedError
from agency_client.local_store.checkpoints import load_walk
from agency_client.local_store.contradictions import ContradictionKind, EquivocationError, keep_contradiction
from agency_client.local_store.cosignatures import OwnCosignature, load_own_cosignature
from agency_client.local_store.restored import RestoredNodeError, begin_restored_life
from agency_client.local_store.settings import clear_restored
from agency_client.node import Node
from agency_client.refusals import RefusalDetails, RefusedError
from agency_client.syncing.rounds import LOG, WITNESSES, run_round
from agency_client.witness.cosigning import cosign_newest, take_over_own_cosignature
from agency_client.witness.walker import refresh_checkpoint, walk_log
from keys.cosignatures import list_witness_keys, verify_cosignature
from keys.log_keys import verify_checkpoint
from schemas.api import CONSISTENCY_PATH, COSIGNATURES_PATH
from schemas.log.cosignature import format_witness_name
from schemas.log.records import RecordType
from schemas.log.tree import MerkleTree
from tests.support.bad_line import Refusing, tampered
from tests.support.lying_world import LyingWorld, lying_world


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LyingWorld]:
    """GB at an exchange in memory."""
    with lying_world(tmp_path_factory.mktemp("cosigning"), "GB") as world:
        yield world


@pytest.fixture
def alone(one: LyingWorld) -> LyingWorld:
    """The same, with a leaf more, and nothing cosigned or proven."""
    one.exchange.cosignatures.clear()
    grow(one)
    with one["GB"].store.write() as transaction:
        clear_restored(transaction)
        transaction.execute("DELETE FROM own_cosignature")
        transaction.execute("DELETE FROM contradiction")
    return one


def grow(world: LyingWorld, count: int = 1) -> None:
    for _ in range(count):
        world.exchange.append(RecordType.TOKENS_ISSUED, (), agency="GB", count=1)


def load_own(node: Node) -> OwnCosignature | None:
    with node.store.read() as snapshot:
        return load_own_cosignature(snapshot, node.sheet.origin)


def load_walked(node: Node) -> int:
    with node.store.read() as snapshot:
        walk = load_walk(snapshot, node.sheet.origin)
    return 0 if walk is None else walk.size


def test_what_was_walked_is_cosigned_under_the_logs_own_note(alone: LyingWorld) -> None:
    gb = alone["GB"]
    walk_log(gb)
    signed = cosign_newest(gb)
    assert signed is not None
    note = alone.exchange.cosignatures["GB"].encode()
    checkpoint = verify_checkpoint(note, gb.sheet.origin, gb.observer.keys)
    (key,) = list_witness_keys(gb.own_key_set().key_set)
    cosigned = verify_cosignature(note, format_witness_name(gb.exchange, "GB"), key)
    assert cosigned.checkpoint == checkpoint
    assert checkpoint.size == signed.size == load_walked(gb)


def test_nothing_is_cosigned_twice_and_nothing_that_was_not_walked(alone: LyingWorld) -> None:
    gb = alone["GB"]
    walk_log(gb)
    first = cosign_newest(gb)
    grow(alone)
    refresh_checkpoint(gb)
    assert first is not None
    assert cosign_newest(gb) is None
    walk_log(gb)
    second = cosign_newest(gb)
    assert second is not None
    assert second.size == first.size + 1


def test_what_the_exchange_did_not_take_is_handed_in_again_unchanged(alone: LyingWorld) -> None:
    gb = alone["GB"]
    walk_log(gb)
    busy = RefusedError("not now", RefusalDetails("cosignature-refused", 422, (), "note"))
    with tampered(gb, Refusing(COSIGNATURES_PATH, busy)):
        report = run_round(gb, [WITNESSES])
    assert [problem.code for problem in report.stages[0].problems] == ["cosignature-refused"]
    assert not report.has_failed
    kept = load_own(gb)
    assert kept is not None
    assert kept.handed_in_at is None
    cosign_newest(gb)
    assert alone.exchange.cosignatures["GB"].encode() == kept.note


def test_an_exchange_that_lost_its_leaves_is_shown_the_head_it_signed_for_them(alone: LyingWorld) -> None:
    gb, exchange = alone["GB"], alone.exchange
    walk_log(gb)
    signed = cosign_newest(gb)
    assert signed is not None
    records, tree = list(exchange.records), exchange.tree
    exchange.cosignatures.clear()
    exchange.records, exchange.tree = records[:-1], MerkleTree(tree.leaf_hash(n) for n in range(len(records) - 1))
    no_such_leaves = RefusedError("no such leaves", RefusalDetails("range-refused", 416, (), "to"))
    try:
        with tampered(gb, Refusing(CONSISTENCY_PATH, no_such_leaves)):
            report = run_round(gb, [LOG, WITNESSES])
    finally:
        exchange.records, exchange.tree = records, tree
    assert [stage.stage for stage in report.stages] == ["log"]
    assert report.has_failed
    assert exchange.cosignatures["GB"].encode() == signed.note


def test_a_log_with_two_proven_histories_is_cosigned_by_nobody(alone: LyingWorld) -> None:
    gb = alone["GB"]
    walk_log(gb)
    origin = gb.sheet.origin
    proof = EquivocationError("two", kind=ContradictionKind.CHECKPOINT, signer=origin, documents=(b"1", b"2"))
    keep_contradiction(gb.store, proof, at=gb.clock.now())
    assert cosign_newest(gb) is None
    assert load_own(gb) is None


def restore(node: Node) -> None:
    """Let a node forget what it cosigned, as one that came out of an older backup has."""
    with node.store.write() as transaction:
        begin_restored_life(transaction, backup="b", at=node.clock.now())
        transaction.execute("DELETE FROM own_cosignature")


def test_a_restored_node_learns_what_it_cosigned_before_it_cosigns(alone: LyingWorld) -> None:
    gb = alone["GB"]
    walk_log(gb)
    before = cosign_newest(gb)
    restore(gb)
    grow(alone)
    walk_log(gb)
    with pytest.raises(RestoredNodeError):
        cosign_newest(gb)
    take_over_own_cosignature(gb)
    taken = load_own(gb)
    assert taken is not None
    assert before is not None
    assert (taken.size, taken.root) == (before.size, before.root)
    assert cosign_newest(gb) is not None


def test_a_restored_node_that_is_shown_another_log_than_it_cosigned_has_the_proof(alone: LyingWorld) -> None:
    gb, exchange = alone["GB"], alone.exchange
    walk_log(gb)
    restore(gb)
    exchange.cosignatures["GB"] = exchange.sign_note(root=bytes(32))
    with pytest.raises(VerificationFailedError) as refused:
        take_over_own_cosignature(gb)
    assert refused.value.code == "own-cosignature-refused"
    with pytest.raises(RestoredNodeError):
        cosign_newest(gb)
