"""Content is read only after its access-log entry is on disk, and what was erased does not come back."""

from dataclasses import replace
from datetime import timedelta

import pytest

from agency_client.errors import ConflictError, NotFoundError, UsageError
from agency_client.local_store import content
from agency_client.local_store.access_log import AccessNote, find_chain_end, list_entries
from agency_client.local_store.content import (
    drop_sealed_bytes,
    erase_content,
    find_erasure,
    has_content,
    keep_content,
    limit_retention,
    list_content_ends,
    list_sealed_bytes,
    read_content,
)
from agency_client.local_store.engine import Snapshot, Store, Transaction
from agency_client.local_store.evidence_terms import EvidenceTerm, record_terms
from keys.container import WrongPassphraseError
from schemas.log.records import Action
from tests.agency_client.local_store.conftest import KEY, MINUTE, NOON, enqueue, make_digest, make_id, name_streams

M = b'{"alert":{"holder":"ERIKSSON<<ANNA<MARIA"}}'
READING = AccessNote(NOON, "a.eriksson", Action.CONSULTATION, "read", "case UTO-74-08", message=make_id(1))
ERASURE = AccessNote(NOON, "(retention)", Action.ERASURE, "erase", "retention ended", message=make_id(1))


def keep(transaction: Transaction, number: int = 1, **changes: object) -> None:
    members: dict[str, object] = {"key": bytes(32), "nonce": bytes(12), "at": NOON, "retain_until": NOON + MINUTE}
    keep_content(transaction, make_digest(number), M, **(members | changes))  # type: ignore[arg-type]


def list_ended(snapshot: Snapshot) -> list[str]:
    """Return whose content has come to its end a minute after noon."""
    return [found.digest for found in list_content_ends(snapshot, until=NOON + MINUTE)]


def test_the_entry_is_on_disk_before_the_plaintext_exists(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    with store.write() as transaction:
        keep(transaction)
    other_process = Store(store.path, KEY)
    counted = []

    def look_then_open(*args: object, **kwargs: object) -> bytes:
        with other_process.read() as snapshot:
            counted.append(len(list_entries(snapshot)))
        return M

    monkeypatch.setattr(content, "open_with_key", look_then_open)
    read_content(store, make_digest(1), READING)
    other_process.close()
    assert counted == [1]


def test_the_exact_bytes_come_back(store: Store) -> None:
    with store.write() as transaction:
        keep(transaction)
        assert has_content(transaction, make_digest(1))
    assert read_content(store, make_digest(1), READING) == M
    with store.read() as snapshot:
        assert [(entry.officer, entry.message) for entry in list_entries(snapshot)] == [("a.eriksson", make_id(1))]


def test_no_plaintext_without_an_entry(store: Store) -> None:
    with store.write() as transaction:
        keep(transaction)
    with pytest.raises(UsageError, match="reason"):
        read_content(store, make_digest(1), replace(READING, reason="two\nlines"))


def test_each_message_is_encrypted_under_a_key_of_its_own(store: Store) -> None:
    with store.write() as transaction:
        keep(transaction, 1, key=b"a" * 32)
        keep(transaction, 2, key=b"b" * 32)
        sealed = [row["sealed"] for row in transaction.fetch_all("SELECT sealed FROM content")]
        assert not any(b"ERIKSSON" in item for item in sealed)
        transaction.execute("UPDATE content_key SET key = ? WHERE digest = ?", b"a" * 32, make_digest(2))
    with pytest.raises(WrongPassphraseError):
        read_content(store, make_digest(2), READING)


def test_what_was_never_opened_is_not_here_and_leaves_no_entry(store: Store) -> None:
    with pytest.raises(NotFoundError, match="has not been opened"):
        read_content(store, make_digest(1), READING)
    with store.read() as snapshot:
        assert find_chain_end(snapshot) is None


def test_erasure_destroys_key_content_and_summary_and_is_recorded(store: Store) -> None:
    with store.write() as transaction:
        enqueue(transaction, 1, make_stream=name_streams())
        keep(transaction)
    with store.write() as transaction:
        assert erase_content(transaction, make_digest(1), ERASURE)
        assert not erase_content(transaction, make_digest(1), ERASURE)
    with store.read() as snapshot:
        assert snapshot.fetch_one("SELECT 1 FROM content_key") is None
        assert snapshot.fetch_value("SELECT summary FROM sent_message") is None
        assert snapshot.fetch_value("SELECT evidence FROM sent_message"), "the evidence stays"
        assert {entry.action for entry in list_entries(snapshot)} == {Action.ERASURE}
        erasure = find_erasure(snapshot, make_digest(1))
    assert erasure is not None
    assert (erasure.erased_at, erasure.reason, erasure.code) == (NOON, "retention ended", "retention-ended")
    with pytest.raises(NotFoundError, match="erased on 2026-11-21: retention ended"):
        read_content(store, make_digest(1), READING)


def test_what_was_erased_is_not_kept_again(store: Store) -> None:
    with store.write() as transaction:
        erase_content(transaction, make_digest(1), ERASURE)
        with pytest.raises(ConflictError, match="was erased"):
            keep(transaction)


def test_keeping_twice_keeps_the_first(store: Store) -> None:
    with store.write() as transaction:
        keep(transaction)
        keep(transaction, key=b"b" * 32)
    assert read_content(store, make_digest(1), READING) == M


def test_retention_ends_and_only_ever_moves_forward(store: Store) -> None:
    with store.write() as transaction:
        keep(transaction, 1)
        keep(transaction, 2, retain_until=None)
        keep(transaction, 3, retain_until=NOON + 9 * MINUTE)
        assert list_ended(transaction) == [make_digest(1)]
        limit_retention(transaction, make_digest(2), NOON)
        limit_retention(transaction, make_digest(1), NOON + 99 * MINUTE)
        assert list_ended(transaction) == [make_digest(2), make_digest(1)]


def test_content_without_a_term_of_its_own_ends_with_its_evidence(store: Store) -> None:
    with store.write() as transaction:
        keep(transaction, 2, retain_until=None)
        assert list_ended(transaction) == []
        record_terms(transaction, [EvidenceTerm(make_digest(2), NOON, None, None)])
        assert list_ended(transaction) == [make_digest(2)]


def test_a_list_names_the_message_and_the_other_agency(store: Store) -> None:
    with store.write() as transaction:
        enqueue(transaction, 1, make_stream=name_streams())
        keep(transaction)
        (found,) = list_content_ends(transaction, until=NOON + MINUTE)
    assert (found.direction, found.message_id, found.partner) == ("out", make_id(1), "VN-IMM")
    assert found.ends_at == NOON + MINUTE


def test_sealed_bytes_are_listed_once_nobody_delivers_them_any_more(store: Store) -> None:
    deadline = NOON + timedelta(days=7)
    with store.write() as transaction:
        enqueue(transaction, 1, make_stream=name_streams())
        assert list_sealed_bytes(transaction, deadline_by=deadline) == [], "it still waits to be sent"
        transaction.execute("UPDATE outbox SET state = 'taken'")
        assert list_sealed_bytes(transaction, deadline_by=deadline - MINUTE) == []
        assert [found.digest for found in list_sealed_bytes(transaction, deadline_by=deadline)] == [make_digest(1)]
        drop_sealed_bytes(transaction, make_digest(1))
        assert list_sealed_bytes(transaction, deadline_by=deadline) == []
        assert transaction.fetch_value("SELECT state FROM outbox") == "taken"
