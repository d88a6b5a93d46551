"""New TLS keys wait until the exchange has the key set that names them; then they take over, whatever was lost."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from agency_client.connection import BrokerConnection
from agency_client.errors import ClientError
from agency_client.node import Node
from agency_client.node_identity import NodeIdentity
from agency_client.own_keys.key_sets import install_key_set, prepare_key_set
from agency_client.own_keys.publishing import publish_queued
from agency_client.profiles.key_store import KeyStore, TlsUse
from agency_client.profiles.tls_identity import (
    draw_next_authority,
    get_certificate_path,
    issue_authority,
    load_tls_identity,
    name_present_authority,
    read_authority_name,
    take_over_authority,
)
from agency_client.refusals import NotSentError, UnansweredError
from agency_client.witness.walker import refresh_checkpoint, walk_log
from keys.certificates import find_issuer
from keys.generation import generate_bytes
from keys.key_sets import sign_key_set
from schemas.api import CHECKPOINT_PATH, KEY_SETS_PATH, CheckpointAnswer
from schemas.codec import b64u_decode
from tests.support.bad_line import LostAnswer, tampered
from tests.support.exchange import running_exchange
from tests.support.nodes import joined_nodes, make_root_signers, reconnect


@pytest.fixture(scope="module")
def gb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """Give a node of a real exchange."""
    folder: Path = tmp_path_factory.mktemp("exchange")
    with running_exchange(folder) as exchange, joined_nodes(exchange, folder, "GB") as nodes:
        yield nodes["GB"]


def install_with_new_keys(node: Node) -> str:
    """Let the roots sign a key set with a new CA, install it, and return its digest."""
    key_set = prepare_key_set(node, new_tls_keys=True)
    assert prepare_key_set(node, new_tls_keys=True).tls_ca != "", "asked again it names the same CA"
    signed = sign_key_set(key_set, make_root_signers(node.agency)[:2])
    return install_key_set(node, signed).digest


def call_as(node: Node, identity: NodeIdentity) -> None:
    """Ask the exchange for something under an identity, and under no other."""
    url = node.profile.settings.broker_url
    connection = BrokerConnection(url, node.sheet, identity, node.clock, node.role)
    try:
        connection.get(CHECKPOINT_PATH, CheckpointAnswer)
    finally:
        connection.close()


def keep_only_first(identity: NodeIdentity) -> NodeIdentity:
    """Return who calls as a thief would who has one certificate."""
    return NodeIdentity(identity.agency, identity.node, identity.tls, identity.request_seed)


def test_a_thief_of_the_old_tls_keys_is_shut_out_by_the_key_set_that_names_new_ones(gb: Node) -> None:
    stolen = keep_only_first(gb.identify())
    call_as(gb, stolen)
    digest = install_with_new_keys(gb)
    reconnect(gb)
    publish_queued(gb, digest)
    reconnect(gb)
    refresh_checkpoint(gb)
    with pytest.raises((UnansweredError, NotSentError)):
        call_as(gb, stolen)
    identity = gb.identify()
    assert identity.other_tls is None, "the new keys have taken over"
    assert identity.tls.seed != stolen.tls.seed
    assert name_present_authority(gb.keys) == read_authority_name(b64u_decode(gb.own_key_set().key_set.tls_ca))


def test_the_node_comes_back_though_the_answer_to_the_new_key_set_was_lost(gb: Node) -> None:
    digest = install_with_new_keys(gb)
    reconnect(gb)
    with tampered(gb, LostAnswer(KEY_SETS_PATH)), pytest.raises(ClientError):
        publish_queued(gb, digest)
    reconnect(gb)
    assert gb.identify().other_tls is not None, "nobody here can tell which one counts"
    publish_queued(gb, digest)
    walk_log(gb)
    reconnect(gb)
    assert gb.identify().other_tls is None
    refresh_checkpoint(gb)


@pytest.fixture
def keys(gb: Node, tmp_path: Path) -> KeyStore:
    """Give a folder of keys with TLS keys in it."""
    folder = tmp_path / "keys"
    folder.mkdir(mode=0o700)
    keys = KeyStore(folder, generate_bytes(32))
    for use in TlsUse:
        keys.make_tls_key(use, gb.clock.now())
    return keys


def test_taking_over_may_be_broken_off_and_done_again(gb: Node, keys: KeyStore) -> None:
    now, profile = gb.clock.now(), gb.profile
    name = draw_next_authority(keys, now)
    assert draw_next_authority(keys, now) == name
    waiting = load_tls_identity(keys, profile, now, name)
    # As if the power went after the first step: the node's key has moved, the CA's has not.
    keys.keep_tls_seed(TlsUse.NODE, "", keys.load_seed(TlsUse.NODE, name), now)
    assert name_present_authority(keys) != name
    take_over_authority(keys, profile, name, now)
    assert name_present_authority(keys) == name
    assert [key.kid for key in keys.list_keys()] == ["", ""]
    taken = load_tls_identity(keys, profile, now)
    assert taken.seed == waiting.seed
    take_over_authority(keys, profile, name, now)
    assert load_tls_identity(keys, profile, now) == taken, "another process of the node came to it later"
    authority = issue_authority(keys, now)
    assert find_issuer(taken.certificate, {b64u_decode(name): ("GB", authority)}) == "GB"
    get_certificate_path(profile).unlink()


def test_a_certificate_that_waits_is_renewed_like_any_other(gb: Node, keys: KeyStore) -> None:
    now = gb.clock.now()
    name = draw_next_authority(keys, now)
    first = load_tls_identity(keys, gb.profile, now, name)
    assert load_tls_identity(keys, gb.profile, now, name) == first
    assert load_tls_identity(keys, gb.profile, now + timedelta(days=61), name) != first
    get_certificate_path(gb.profile, name).unlink()
