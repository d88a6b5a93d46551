"""How a delivery stands follows from the facts alone, and a late word is marked late."""

from dataclasses import replace

import pytest

from agency_client.errors import ConflictError, NotFoundError
from agency_client.local_store.engine import Store
from agency_client.local_store.sent import (
    DeliveryFact,
    RecordedFact,
    compute_delivery_state,
    find_message_by_digest,
    is_settled,
    list_deliveries,
    list_facts,
    list_messages,
    load_message,
    record_fact,
)
from tests.agency_client.local_store.conftest import (
    MINUTE,
    NOON,
    enqueue,
    make_digest,
    make_id,
    make_sent_message,
    name_streams,
)


def order(*facts: DeliveryFact) -> list[RecordedFact]:
    return [RecordedFact(fact, NOON) for fact in facts]


@pytest.mark.parametrize(
    ("facts", "expected", "settled"),
    [
        ((), None, False),
        ((DeliveryFact.TAKEN_BY_BROKER,), DeliveryFact.TAKEN_BY_BROKER, False),
        ((DeliveryFact.HELD, DeliveryFact.TAKEN_BY_BROKER), DeliveryFact.HELD, False),
        ((DeliveryFact.TAKEN_BY_BROKER, DeliveryFact.HELD, DeliveryFact.RELEASED), DeliveryFact.RELEASED, False),
        ((DeliveryFact.HELD, DeliveryFact.RELEASED, DeliveryFact.HELD), DeliveryFact.HELD, False),
        ((DeliveryFact.TAKEN_BY_BROKER, DeliveryFact.RETURNED), DeliveryFact.RETURNED, True),
        ((DeliveryFact.OPENED, DeliveryFact.HANDED_OVER, DeliveryFact.VERIFIED), DeliveryFact.OPENED, True),
        ((DeliveryFact.RETURNED, DeliveryFact.HANDED_OVER), DeliveryFact.HANDED_OVER, True),
        ((DeliveryFact.ANSWERED, DeliveryFact.ERASED), DeliveryFact.ERASED, True),
    ],
)
def test_what_the_recipient_signed_outweighs_what_the_broker_said(
    facts: tuple[DeliveryFact, ...], expected: DeliveryFact | None, settled: bool
) -> None:
    state = compute_delivery_state(order(*facts))
    assert (state and state.fact) == expected
    assert is_settled(order(*facts)) is settled


def test_every_fact_says_something_about_a_delivery() -> None:
    assert {state.fact for fact in DeliveryFact if (state := compute_delivery_state(order(fact)))} == set(DeliveryFact)


def test_a_receipt_after_an_end_is_kept_and_marked_late(store: Store) -> None:
    with store.write() as transaction:
        enqueue(transaction, 1, make_stream=name_streams())
        assert record_fact(transaction, make_id(1), "VN-IMM", RecordedFact(DeliveryFact.EXPIRED, NOON))
        late = RecordedFact(DeliveryFact.HANDED_OVER, NOON + MINUTE, evidence=make_digest(9))
        assert record_fact(transaction, make_id(1), "VN-IMM", late)
        assert not record_fact(transaction, make_id(1), "VN-IMM", late)
        assert list_facts(transaction, make_id(1), "VN-IMM") == [
            RecordedFact(DeliveryFact.EXPIRED, NOON),
            replace(late, late=True),
        ]


def test_a_sent_message_is_found_by_id_by_its_beginning_and_by_digest(store: Store) -> None:
    make_stream = name_streams()
    with store.write() as transaction:
        deliveries = enqueue(transaction, 1, make_stream=make_stream)
        enqueue(transaction, 12, make_stream=make_stream, at=NOON + MINUTE)
        assert load_message(transaction, make_id(1)) == make_sent_message(1)
        assert find_message_by_digest(transaction, make_digest(1)) == make_sent_message(1)
        assert find_message_by_digest(transaction, make_digest(2)) is None
        assert list_deliveries(transaction, make_id(1)) == deliveries
        assert [item.message_id for item in list_messages(transaction)] == [make_id(12), make_id(1)]
        assert list_messages(transaction, thread=make_id(901)) == []
        with pytest.raises(ConflictError, match="several"):
            load_message(transaction, "0000")
        for unknown in ("", "ffff", "%"):
            with pytest.raises(NotFoundError):
                load_message(transaction, unknown)
