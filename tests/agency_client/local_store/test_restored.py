"""A restored store is marked, its streams are closed, and what must wait is refused until it has caught up."""

import pytest

from agency_client.local_store.engine import Store
from agency_client.local_store.outbox import OutboxState, load_item
from agency_client.local_store.restored import (
    LIMITS,
    RestoredNodeError,
    begin_restored_life,
    demand_not_restored,
    find_restored_at,
)
from agency_client.local_store.settings import clear_restored
from tests.agency_client.local_store.conftest import MINUTE, NOON, enqueue, make_id, name_streams


def test_what_waited_is_asked_for_before_it_is_sent_again(store: Store) -> None:
    make_stream = name_streams()
    with store.write() as transaction:
        before = enqueue(transaction, 1, make_stream=make_stream)
        begin_restored_life(transaction, backup="abc", at=NOON + MINUTE)
        after = enqueue(transaction, 2, make_stream=make_stream, at=NOON + MINUTE)
        assert load_item(transaction, make_id(1)).state is OutboxState.IN_DOUBT
        assert load_item(transaction, make_id(1)).envelope == b"sealed 1"
        assert (before[0].n, after[0].n) == (1, 1)
        assert before[0].stream != after[0].stream


@pytest.mark.parametrize("code", [limit.code for limit in LIMITS])
def test_nothing_that_stands_in_a_chain_is_signed_until_the_mark_is_cleared(store: Store, code: str) -> None:
    with store.write() as transaction:
        demand_not_restored(transaction, code)
        assert find_restored_at(transaction) is None
        begin_restored_life(transaction, backup="abc", at=NOON)
        assert find_restored_at(transaction) == NOON
        with pytest.raises(RestoredNodeError) as refused:
            demand_not_restored(transaction, code)
        assert (refused.value.exit_code, refused.value.code) == (5, "restored-node")
        clear_restored(transaction)
        demand_not_restored(transaction, code)
