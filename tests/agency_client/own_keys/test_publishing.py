"""What the exchange does not take is handed in until it does, by whichever rotation key counts then, and once."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from agency_client.local_store.contradictions import list_contradictions
from agency_client.local_store.dispatch import DispatchKind, DispatchState, list_dispatches
from agency_client.node import Node
from agency_client.own_keys.documents import load_own_encryption_keys, load_own_key_sets
from agency_client.own_keys.encryption import load_verified_encryption_keys, prepare_encryption_keys
from agency_client.own_keys.publishing import publish_due, publish_queued, sign_waiting_anew
from agency_client.own_keys.revoking import prepare_revocation
from agency_client.witness.walker import walk_log
from keys.encryption_keys import sign_encryption_keys
from schemas.api import ENCRYPTION_KEYS_PATH, REVOCATIONS_PATH
from schemas.key_documents import digest_key_document
from schemas.log.records import RecordType
from schemas.signed import DocumentType, EncryptionUse, KeyUse, SignedDocument, read_signatures
from tests.support.nodes import install_next_key_set
from tests.support.ruling_exchange import RulingWorld, ruling_world


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RulingWorld]:
    """Five agencies: each test publishes for one of its own, and VN reads."""
    with ruling_world(tmp_path_factory.mktemp("publishing"), "GB", "BE", "AL", "FR", "VN") as found:
        yield found


def replace_key_set(node: Node) -> None:
    """Publish the node's next key set and let the node read it."""
    install_next_key_set(node)
    with node.store.read() as snapshot:
        digest = load_own_key_sets(snapshot, node.agency)[-1].digest
    publish_queued(node, digest)


def list_signers(document: SignedDocument, document_type: DocumentType) -> tuple[str, ...]:
    return tuple(slot.header.kid for slot in read_signatures(document.payload, document.signatures, document_type))


def test_a_refused_document_waits_and_its_chain_goes_on_when_the_exchange_gives_in(world: RulingWorld) -> None:
    gb = world["GB"]
    world.exchange.refused_paths.add(ENCRYPTION_KEYS_PATH)
    digests = []
    for _ in range(2):
        digests.append(prepare_encryption_keys(gb))
        assert set(publish_due(gb).refused) == set(digests)
        world.clock.ahead += timedelta(days=1)
    with gb.store.read() as snapshot:
        assert list_dispatches(snapshot, DispatchState.REFUSED) == []
    world.exchange.refused_paths.clear()
    assert publish_due(gb).logged == digests
    walk_log(gb)
    with gb.store.read() as snapshot:
        assert all(item.is_logged for item in load_own_encryption_keys(snapshot, "GB"))


def test_a_document_whose_keys_ended_while_it_waited_is_published_and_the_next_one_follows_it(
    world: RulingWorld,
) -> None:
    be, vn = world["BE"], world["VN"]
    waiting = prepare_encryption_keys(be)
    world.clock.ahead += timedelta(days=60)
    following = prepare_encryption_keys(be)
    assert publish_due(be).logged == [waiting, following]
    walk_log(vn)
    newest = vn.directory.load_timeline("BE").newest_encryption_keys
    assert newest is not None
    assert newest.choose_key(EncryptionUse.ENCRYPTION, vn.clock.now()) is not None


def test_what_waited_over_a_new_key_set_is_signed_by_its_rotation_key_and_keeps_its_words(world: RulingWorld) -> None:
    gb, vn = world["GB"], world["VN"]
    keys = prepare_encryption_keys(gb)
    old = gb.signer(KeyUse.ROTATION).kids
    message = gb.signer(KeyUse.MESSAGE).kids
    revocation = prepare_revocation(gb, [message[0]], reason="device-lost")
    assert sign_waiting_anew(gb) == 0
    replace_key_set(gb)
    new = gb.signer(KeyUse.ROTATION).kids
    assert new != old

    assert set(publish_due(gb).logged) == {keys, revocation}
    shown = {item.record.digest: item.record for item in world.exchange.records}
    for digest, document_type in (
        (keys, DocumentType.ENCRYPTION_KEYS),
        (revocation, DocumentType.REVOCATION),
    ):
        document = shown[digest].document
        assert document is not None
        assert list_signers(document, document_type) == new
    for node in (gb, vn):
        walk_log(node)
        timeline = node.directory.load_timeline("GB")
        assert timeline.newest_encryption_keys is not None
        assert timeline.newest_encryption_keys.digest == keys
        assert timeline.list_revoked_kids() == {*message}
    with gb.store.read() as snapshot:
        assert load_verified_encryption_keys(gb, snapshot) is not None
        assert list_dispatches(snapshot) == []


def test_without_any_rotation_key_what_waits_stays_as_it_is(world: RulingWorld) -> None:
    al = world["AL"]
    prepare_encryption_keys(al)
    prepare_revocation(al, [al.signer(KeyUse.ROTATION).kids[0]], reason="key-stolen")
    assert sign_waiting_anew(al) == 0
    world.exchange.refused_paths |= {ENCRYPTION_KEYS_PATH, REVOCATIONS_PATH}
    refused = publish_due(al).refused
    world.exchange.refused_paths.clear()
    assert len(refused) == 2
    with al.store.read() as snapshot:
        assert {item.kind for item in list_dispatches(snapshot)} == {
            DispatchKind.ENCRYPTION_KEYS,
            DispatchKind.REVOCATION,
        }


def test_a_chain_goes_on_from_what_the_log_has_when_a_thief_of_the_rotation_key_was_quicker(
    world: RulingWorld,
) -> None:
    """The exchange takes the thief's document and not ours: ours is given up, the proof kept, and the next follows."""
    fr, vn = world["FR"], world["VN"]
    ours = prepare_encryption_keys(fr)
    with fr.store.read() as snapshot:
        logged, waiting = load_own_encryption_keys(snapshot, "FR")
    fresh = waiting.encryption_keys.keys[0]
    theirs = fresh.model_copy(update={"expires_at": fresh.expires_at - timedelta(days=1)})
    stolen = waiting.encryption_keys.model_copy(update={"keys": (theirs,)})
    document = sign_encryption_keys(stolen, fr.signer(KeyUse.ROTATION))
    digest = digest_key_document(DocumentType.ENCRYPTION_KEYS, document.payload_bytes)
    world.exchange.append(RecordType.ENCRYPTION_KEYS, ("FR",), agency="FR", digest=digest, document=document)

    report = walk_log(fr)
    assert "not-ours" in {item.code for item in report.suspicions}
    with fr.store.read() as snapshot:
        assert [item.signer for item in list_contradictions(snapshot)] == ["FR"]
        assert [item.digest for item in load_own_encryption_keys(snapshot, "FR")] == [logged.digest, digest]
    following = prepare_encryption_keys(fr)
    assert publish_due(fr).logged == [following]
    assert ours != following
    for node in (fr, vn):
        walk_log(node)
    newest = vn.directory.load_timeline("FR").newest_encryption_keys
    assert newest is not None
    assert newest.digest == following
