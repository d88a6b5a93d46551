"""References of persons in the store: found under any key, erased with the message, useless without the store's key."""

from pathlib import Path

from agency_client.local_store.engine import Store
from agency_client.local_store.subjects import (
    FoundReference,
    compute_mark,
    erase_references,
    find_references,
    keep_references,
    list_following,
    make_request_reference,
)
from schemas.alerts.subjects import SubjectKey, SubjectKeyType, make_document_key, make_name_keys
from tests.agency_client.local_store.conftest import NOON, make_digest, make_store

PASSPORT = make_document_key("UTO", "L898902C3", "holder")
(NAME,) = make_name_keys("Anna Maria Eriksson", "1974-08-12", "suspect")


def keep(store: Store, number: int, *keys: SubjectKey) -> None:
    """Keep the references of one message."""
    with store.write() as transaction:
        keep_references(transaction, make_digest(number), keys, at=NOON)


def find(store: Store, *keys: SubjectKey) -> list[FoundReference]:
    """Return what keys lead to."""
    with store.read() as snapshot:
        return find_references(snapshot, keys)


def test_a_store_without_references_finds_nobody(store: Store) -> None:
    assert find(store, PASSPORT) == []


def test_a_person_is_found_under_each_key_and_role(store: Store) -> None:
    keep(store, 1, PASSPORT, NAME)
    keep(store, 2, PASSPORT)
    keep(store, 2, PASSPORT)
    assert {(item.digest, item.role) for item in find(store, PASSPORT)} == {
        (make_digest(1), "holder"),
        (make_digest(2), "holder"),
    }
    assert [item.role for item in find(store, NAME)] == ["suspect"]
    assert find(store, make_document_key("GBR", "L898902C3")) == []


def test_one_text_is_no_key_of_another_type(store: Store) -> None:
    keep(store, 1, PASSPORT)
    assert find(store, SubjectKey(SubjectKeyType.IDENTIFIER, PASSPORT.value, "holder")) == []


def test_references_of_a_message_are_erased_together(store: Store) -> None:
    keep(store, 1, PASSPORT, NAME)
    keep(store, 2, NAME)
    with store.write() as transaction:
        assert erase_references(transaction, make_digest(1)) == 2
    assert find(store, PASSPORT) == []
    assert [item.digest for item in find(store, NAME)] == [make_digest(2)]


def test_another_store_gives_another_reference_of_the_same_person(store: Store, tmp_path: Path) -> None:
    other = make_store(tmp_path / "other.db")
    try:
        names = []
        for each in (store, other):
            with each.write() as transaction:
                names.append(make_request_reference(transaction, PASSPORT.value, at=NOON))
                assert make_request_reference(transaction, PASSPORT.value, at=NOON) == names[-1]
        assert names[0] != names[1]
    finally:
        other.close()


def test_a_mark_tells_equal_content_from_other(store: Store) -> None:
    with store.write() as transaction:
        marks = [compute_mark(transaction, "content", text, at=NOON) for text in ("a", "a", "b")]
    assert marks[0] == marks[1] != marks[2]


def test_nothing_follows_a_message_that_nobody_refers_to(store: Store) -> None:
    with store.read() as snapshot:
        assert list_following(snapshot, [make_digest(1)]) == []
