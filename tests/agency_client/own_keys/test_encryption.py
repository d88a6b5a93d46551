"""Encryption keys: two alive at most, renewed before they end, destroyed when nothing can need them any more."""

from datetime import timedelta

import pytest

from agency_client.errors import DeniedError
from agency_client.local_store.compartment import begin_compartment, confirm_compartment
from agency_client.local_store.dispatch import DispatchKind, list_dispatches
from agency_client.local_store.restored import RestoredNodeError, begin_restored_life
from agency_client.local_store.settings import Setting, write_moment
from agency_client.node import Node, NotInstalledError
from agency_client.own_keys.documents import load_own_encryption_keys
from agency_client.own_keys.encryption import (
    _choose_kept,
    is_rotation_due,
    list_due_uses,
    list_uses,
    load_verified_encryption_keys,
    prepare_encryption_keys,
)
from agency_client.own_keys.ending import destroy_ended_keys, list_overdue_opening_keys
from agency_client.own_keys.listing import list_own_keys
from agency_client.own_keys.revoking import prepare_revocation
from agency_client.profiles.key_store import KeyMissingError
from agency_client.profiles.tls_identity import CLOCK_SLACK
from agency_client.safeguarding.compartment import Compartment
from schemas.key_documents import EncryptionKeys
from schemas.signed import EncryptionUse, KeyUse
from tests.support.log_simulator import FixedClock
from tests.support.members import START, make_member


def load_documents(node: Node) -> list[EncryptionKeys]:
    with node.store.read() as snapshot:
        assert load_verified_encryption_keys(node, snapshot) is not None
        return [item.encryption_keys for item in load_own_encryption_keys(snapshot, node.agency)]


def test_a_clock_that_was_set_back_does_not_end_the_chain(node: Node, clock: FixedClock) -> None:
    prepare_encryption_keys(node)
    clock.moment -= timedelta(hours=1)

    prepare_encryption_keys(node)

    first, second = load_documents(node)
    assert second.issued_at == first.issued_at


def test_each_document_continues_the_chain_and_keeps_the_key_before(node: Node, clock: FixedClock) -> None:
    assert is_rotation_due(node)
    for day in (0, 20, 40):
        clock.moment = START + timedelta(days=day)
        prepare_encryption_keys(node)
        assert not is_rotation_due(node)
    first, second, third = load_documents(node)
    assert [document.seq for document in (first, second, third)] == [1, 2, 3]
    assert [len(document.keys) for document in (first, second, third)] == [1, 2, 2]
    assert second.keys[1] == first.keys[0]
    assert third.keys[1] == second.keys[0]
    assert {key.use for document in (first, second, third) for key in document.keys} == {EncryptionUse.ENCRYPTION}
    for key in third.keys:
        assert node.opening_key(key.kid).kid == key.kid
    with node.store.read() as snapshot:
        assert [item.kind for item in list_dispatches(snapshot)] == [DispatchKind.ENCRYPTION_KEYS] * 3


def test_a_key_is_renewed_fifteen_days_before_its_end(node: Node, clock: FixedClock) -> None:
    prepare_encryption_keys(node)
    clock.moment = START + timedelta(days=29)
    assert not is_rotation_due(node)
    clock.moment = START + timedelta(days=31)
    assert is_rotation_due(node)


def test_a_key_for_victims_is_renewed_beside_the_other_without_anybody_opening_the_compartment(
    node: Node, clock: FixedClock
) -> None:
    assert list_due_uses(node) == (EncryptionUse.ENCRYPTION,)
    with pytest.raises(NotInstalledError, match="no safeguarding compartment"):
        prepare_encryption_keys(node, tuple(EncryptionUse))
    prepare_encryption_keys(node)
    compartment = Compartment(b"c" * 32)
    with node.store.write() as transaction:
        begin_compartment(transaction, compartment.public_key.canonical(), by="care", at=clock.now())
        assert list_uses(transaction) == (EncryptionUse.ENCRYPTION,)
        confirm_compartment(transaction, by="other", at=clock.now())
    for day, due in ((0, (EncryptionUse.SAFEGUARDING,)), (31, tuple(EncryptionUse)), (62, tuple(EncryptionUse))):
        clock.moment = START + timedelta(days=day)
        assert list_due_uses(node) == due
        prepare_encryption_keys(node, due)
    newest = load_documents(node)[-1]
    uses = [key.use for key in newest.keys]
    assert [uses.count(use) for use in EncryptionUse] == [2, 2]
    kid = next(key.kid for key in newest.keys if key.use is EncryptionUse.SAFEGUARDING)
    assert node.keys.load_compartment_key(kid, compartment.root).kid == kid
    with pytest.raises(KeyMissingError):
        node.opening_key(kid)


def test_an_opening_key_outlives_the_last_message_and_then_is_destroyed(node: Node, clock: FixedClock) -> None:
    prepare_encryption_keys(node)
    (kid,) = (key.kid for key in load_documents(node)[0].keys)
    last_deadline = START - CLOCK_SLACK + timedelta(days=75)
    clock.moment = last_deadline - timedelta(seconds=1)
    note_emptied(node)
    assert destroy_ended_keys(node) == []
    clock.moment = last_deadline
    note_emptied(node)
    assert [key.kid for key in destroy_ended_keys(node)] == [kid]
    assert destroy_ended_keys(node) == []
    with pytest.raises(KeyMissingError):
        node.opening_key(kid)
    (listed,) = (key for key in list_own_keys(node) if key.use == "encryption")
    assert (listed.state, listed.is_here, listed.is_logged) == ("expired", False, False)


def test_the_clock_alone_ends_no_opening_key(node: Node, clock: FixedClock) -> None:
    """A host's clock that jumps ahead, a node that was away: what the exchange still has for it can be opened."""
    prepare_encryption_keys(node)
    (kid,) = (key.kid for key in load_documents(node)[0].keys)
    note_emptied(node)
    clock.moment = START + timedelta(days=400)
    assert destroy_ended_keys(node) == []
    with node.store.read() as snapshot:
        assert [key.kid for key in list_overdue_opening_keys(node, snapshot)] == [kid]
    note_emptied(node)
    assert [key.kid for key in destroy_ended_keys(node)] == [kid]
    with node.store.read() as snapshot:
        assert list_overdue_opening_keys(node, snapshot) == []


def note_emptied(node: Node) -> None:
    """Note what `receive` notes when the exchange has shown an empty inbox."""
    with node.store.write() as transaction:
        write_moment(transaction, Setting.INBOX_EMPTIED, node.clock.now())


def test_without_a_rotation_key_nothing_is_drawn(node: Node) -> None:
    prepare_revocation(node, [node.signer(KeyUse.ROTATION).kids[0]], "key-stolen")
    before = node.keys.list_keys()
    with pytest.raises(DeniedError):
        prepare_encryption_keys(node)
    assert node.keys.list_keys() == before


def test_a_restored_node_publishes_nothing_before_it_has_caught_up(node: Node) -> None:
    with node.store.write() as transaction:
        begin_restored_life(transaction, backup="a backup", at=START)
    with pytest.raises(RestoredNodeError):
        prepare_encryption_keys(node)


def test_of_two_keys_that_end_in_one_second_the_newer_stays() -> None:
    member = make_member("GB")
    (older,) = member.encryption.encryption_keys.keys
    newer = older.model_copy(update={"jwk": make_member("BE").opening_key.jwk})
    document = member.encryption.encryption_keys.model_copy(update={"keys": (newer, older)})
    assert list(_choose_kept(document, (EncryptionUse.ENCRYPTION,), START)) == [newer]
    assert list(_choose_kept(document, (EncryptionUse.ENCRYPTION,), older.expires_at)) == []
    assert list(_choose_kept(None, (EncryptionUse.ENCRYPTION,), START)) == []
