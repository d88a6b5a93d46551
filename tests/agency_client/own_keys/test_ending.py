"""Replaced signing keys end when the quorum has seen what took their place; before, only if nobody may use them."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from agency_client.node import Node
from agency_client.own_keys.documents import load_own_key_sets
from agency_client.own_keys.ending import destroy_ended_keys, is_replacement_unwitnessed, list_ended_keys
from agency_client.own_keys.publishing import publish_queued
from agency_client.own_keys.revoking import prepare_revocation
from schemas.signed import KeyUse
from tests.support.lying_world import LyingWorld, lying_world
from tests.support.nodes import install_next_key_set
from tests.support.witnesses import see_together


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LyingWorld]:
    """GB and VN; GB has published its second key set, which nobody else has seen."""
    with lying_world(tmp_path_factory.mktemp("ending"), "GB", "VN") as found:
        gb = found["GB"]
        install_next_key_set(gb)
        with gb.store.read() as snapshot:
            digest = load_own_key_sets(snapshot, "GB")[-1].digest
        publish_queued(gb, digest)
        yield found


@pytest.fixture
def gb(world: LyingWorld) -> Iterator[Node]:
    """GB, none of whose new keys a witness has seen."""
    node = world["GB"]
    with node.store.write() as transaction:
        transaction.execute("DELETE FROM partner_head")
    yield node
    world.clock.ahead = timedelta()


def is_waiting(node: Node) -> bool:
    with node.store.read() as snapshot:
        return is_replacement_unwitnessed(node, snapshot)


def test_keys_of_an_expired_set_are_not_waited_with(world: LyingWorld, gb: Node) -> None:
    assert list_ended_keys(gb) == []
    world.clock.ahead = timedelta(days=366)
    assert {key.use for key in list_ended_keys(gb)} >= set(KeyUse)


def test_a_revoked_key_is_not_waited_with(gb: Node) -> None:
    with gb.store.read() as snapshot:
        (old,) = load_own_key_sets(snapshot, "GB")[0].list_signing_kids(KeyUse.MESSAGE, frozenset())
    publish_queued(gb, prepare_revocation(gb, [old[0]], reason="device-lost"))
    assert [(key.use, key.kid) for key in list_ended_keys(gb)] == [(KeyUse.MESSAGE, old[0])]


def test_old_keys_are_kept_until_the_witnesses_have_seen_the_new_ones(world: LyingWorld, gb: Node) -> None:
    assert is_waiting(gb)
    see_together(*world.nodes.values())
    assert not is_waiting(gb)
    assert {key.use for key in destroy_ended_keys(gb)} == set(KeyUse)
    assert list_ended_keys(gb) == []
