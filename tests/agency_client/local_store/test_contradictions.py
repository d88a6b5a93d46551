"""A proof outlives the transaction that found it."""

import pytest

from agency_client.errors import NotFoundError
from agency_client.local_store.checkpoints import SignedCheckpoint, record_checkpoint
from agency_client.local_store.contradictions import (
    Contradiction,
    ContradictionKind,
    EquivocationError,
    has_log_contradiction,
    keep_contradiction,
    list_contradictions,
    load_contradiction,
)
from agency_client.local_store.engine import Store
from tests.agency_client.local_store.conftest import NOON

FIRST = SignedCheckpoint("exchange.example/1", 5, "root-a", b"note a", NOON)
SECOND = SignedCheckpoint("exchange.example/1", 5, "root-b", b"note b", NOON)


def test_two_signed_trees_of_one_size_are_kept_as_a_proof_once(store: Store) -> None:
    with store.write() as transaction:
        record_checkpoint(transaction, FIRST, checked_against=None)
    with pytest.raises(EquivocationError) as proof, store.write() as transaction:
        record_checkpoint(transaction, SECOND, checked_against=FIRST)
    keep_contradiction(store, proof.value, at=NOON)
    keep_contradiction(store, proof.value, at=NOON)
    with store.read() as snapshot:
        assert list_contradictions(snapshot) == [
            Contradiction(1, ContradictionKind.CHECKPOINT, "exchange.example/1", b"note a", b"note b", NOON)
        ]
        assert load_contradiction(snapshot, 1) == list_contradictions(snapshot)[0]
        assert has_log_contradiction(snapshot, "exchange.example/1")
        assert not has_log_contradiction(snapshot, "exchange.example/2")
        with pytest.raises(NotFoundError):
            load_contradiction(snapshot, 2)
        assert list_contradictions(snapshot, ContradictionKind.STATUS) == []
