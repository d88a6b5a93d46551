"""Pins and the exchange change only by hand; a second document for one place is a proof, not an update."""

from dataclasses import replace

import pytest

from agency_client.errors import ConflictError
from agency_client.local_store.contradictions import ContradictionKind, EquivocationError
from agency_client.local_store.engine import Store
from agency_client.local_store.trust import (
    KeyDocument,
    accept_exchange,
    find_placed,
    list_exchanges,
    list_known_agencies,
    list_pins,
    list_unshown,
    load_exchange,
    load_key_chain,
    load_pin,
    mark_shown,
    note_opened,
    pin_agency,
    record_key_document,
)
from tests.agency_client.local_store.conftest import MINUTE, NOON, make_digest

KEY_SET = KeyDocument(make_digest(1), "VN-IMM", "bilateral-key-set", 1, b"key set 1", None, NOON)


def test_a_pin_is_kept_and_the_same_again_changes_nothing(store: Store) -> None:
    with store.write() as transaction:
        pin_agency(transaction, "VN-IMM", "anchor-1", by="a.eriksson", at=NOON)
        pin_agency(transaction, "VN-IMM", "anchor-1", by="somebody else", at=NOON + MINUTE)
        pin = load_pin(transaction, "VN-IMM")
    assert pin is not None
    assert (pin.anchor, pin.pinned_by, pin.pinned_at) == ("anchor-1", "a.eriksson", NOON)


def test_another_anchor_needs_a_person_who_says_so_and_the_old_one_stays_on_record(store: Store) -> None:
    with store.write() as transaction:
        pin_agency(transaction, "VN-IMM", "anchor-1", by="a.eriksson", at=NOON)
        with pytest.raises(ConflictError, match="another anchor"):
            pin_agency(transaction, "VN-IMM", "anchor-2", by="a.eriksson", at=NOON)
        pin_agency(transaction, "VN-IMM", "anchor-2", by="a.eriksson", at=NOON + MINUTE, replacing=True)
        assert [(pin.anchor, pin.retired_at) for pin in list_pins(transaction)] == [
            ("anchor-1", NOON + MINUTE),
            ("anchor-2", None),
        ]
        pin_agency(transaction, "VN-IMM", "anchor-1", by="a.eriksson", at=NOON + 2 * MINUTE, replacing=True)
        pin = load_pin(transaction, "VN-IMM")
    assert pin is not None
    assert pin.anchor == "anchor-1"


def test_an_agency_without_a_pin_has_none(store: Store) -> None:
    with store.read() as snapshot:
        assert load_pin(snapshot, "BE-IMM") is None


def accept(store: Store, origin: str, anchor: str, minutes: int) -> None:
    with store.write() as transaction:
        accept_exchange(
            transaction,
            origin=origin,
            name="exchange.example",
            anchor=anchor,
            sheet=b"sheet",
            by="a.eriksson",
            at=NOON + minutes * MINUTE,
        )


def test_a_new_epoch_retires_the_old_one_which_stays_known(store: Store) -> None:
    accept(store, "exchange.example/1", "a1", 0)
    accept(store, "exchange.example/1", "a1", 1)
    accept(store, "exchange.example/2", "a2", 2)
    with store.read() as snapshot:
        current, old = load_exchange(snapshot), load_exchange(snapshot, "exchange.example/1")
    assert current is not None
    assert old is not None
    assert (current.origin, current.retired_at) == ("exchange.example/2", None)
    assert (old.accepted_at, old.retired_at) == (NOON, NOON + 2 * MINUTE)


def test_an_epoch_never_changes_its_keys(store: Store) -> None:
    accept(store, "exchange.example/1", "a1", 0)
    with pytest.raises(ConflictError, match="other keys"):
        accept(store, "exchange.example/1", "a2", 1)


def test_there_is_no_exchange_before_one_was_accepted(store: Store) -> None:
    with store.read() as snapshot:
        assert load_exchange(snapshot) is None


def test_key_documents_form_chains_and_a_leaf_may_come_later(store: Store) -> None:
    second = replace(KEY_SET, digest=make_digest(2), seq=2, document=b"key set 2")
    with store.write() as transaction:
        assert record_key_document(transaction, second)
        assert record_key_document(transaction, KEY_SET)
        assert not record_key_document(transaction, replace(KEY_SET, leaf=b"leaf 7"))
        assert not record_key_document(transaction, replace(KEY_SET, leaf=b"another leaf"))
        chain = load_key_chain(transaction, "VN-IMM", "bilateral-key-set")
        assert list_known_agencies(transaction) == ["VN-IMM"]
    assert chain == [replace(KEY_SET, leaf=b"leaf 7"), second]


def test_two_key_sets_with_one_number_are_a_proof_and_neither_replaces_the_other(store: Store) -> None:
    with store.write() as transaction:
        record_key_document(transaction, KEY_SET)
    other = replace(KEY_SET, digest=make_digest(9), document=b"another key set 1")
    with pytest.raises(EquivocationError) as proof, store.write() as transaction:
        record_key_document(transaction, other)
    assert (proof.value.kind, proof.value.signer) == (ContradictionKind.KEY_DOCUMENT, "VN-IMM")
    assert proof.value.documents == (b"key set 1", b"another key set 1")
    with store.read() as snapshot:
        assert load_key_chain(snapshot, "VN-IMM", "bilateral-key-set") == [KEY_SET]


def test_revocations_have_no_number_and_never_collide(store: Store) -> None:
    first = KeyDocument(make_digest(3), "VN-IMM", "bilateral-revocation", None, b"r1", None, NOON)
    second = replace(first, digest=make_digest(4), document=b"r2", verified_at=NOON + MINUTE)
    with store.write() as transaction:
        assert record_key_document(transaction, second)
        assert record_key_document(transaction, first)
        assert load_key_chain(transaction, "VN-IMM", "bilateral-revocation") == [first, second]


def test_a_document_keeps_its_first_place_and_says_which_log_has_it_now(store: Store) -> None:
    accept(store, "exchange.example/1", "a1", 0)
    first, second = "exchange.example/1", "exchange.example/2"
    with store.write() as transaction:
        record_key_document(transaction, KEY_SET)
        assert find_placed(transaction, KEY_SET.digest) is None
        record_key_document(transaction, replace(KEY_SET, leaf=b"leaf 7", origin=first))
        assert list_unshown(transaction, "VN-IMM") == []
    accept(store, second, "a2", 1)
    with store.write() as transaction:
        assert [item.digest for item in list_unshown(transaction, "VN-IMM")] == [KEY_SET.digest]
        assert list_unshown(transaction, "GB-IE") == []
        mark_shown(transaction, KEY_SET.digest, second)
        assert list_unshown(transaction, "VN-IMM") == []
        found = find_placed(transaction, KEY_SET.digest)
    assert found is not None
    assert (found.leaf, found.origin, found.shown_in) == (b"leaf 7", first, second)


def test_when_a_later_log_was_opened_is_noted_once(store: Store) -> None:
    accept(store, "exchange.example/2", "a2", 0)
    with store.write() as transaction:
        note_opened(transaction, "exchange.example/2", NOON)
        note_opened(transaction, "exchange.example/2", NOON + MINUTE)
        (found,) = list_exchanges(transaction)
    assert found.opened_at == NOON
