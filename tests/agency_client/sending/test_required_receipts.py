"""A demanded receipt is missing from when it could have come, late when its time is over, and never owed in vain."""

from datetime import UTC, datetime, timedelta

import pytest

from agency_client.local_store.sent import DeliveryFact, RecordedFact
from agency_client.sending.required_receipts import (
    NODE_GIVEN_WITHIN,
    OFFICER_GIVEN_WITHIN,
    Demands,
    MissingReceipt,
    find_answer_due,
    find_missing_receipts,
)

SENT = datetime(2026, 11, 21, 12, tzinfo=UTC)
NOW = SENT + timedelta(hours=30)
ALL = ("handed-over", "verified", "opened", "accepted", "acted", "refused", "unverifiable", "erased")
KEPT_UNTIL = SENT + timedelta(days=30)


def know(*facts: DeliveryFact) -> list[RecordedFact]:
    """Return facts that became known an hour after each other."""
    return [RecordedFact(fact, SENT + timedelta(hours=hours)) for hours, fact in enumerate(facts)]


def find(*facts: DeliveryFact, receipts: tuple[str, ...] = ALL, minutes: int | None = None) -> list[MissingReceipt]:
    return find_missing_receipts(Demands(receipts, minutes, KEPT_UNTIL), know(*facts), NOW)


TAKEN, HANDED, VERIFIED = DeliveryFact.TAKEN_BY_BROKER, DeliveryFact.HANDED_OVER, DeliveryFact.VERIFIED
OPENED, ACTED = DeliveryFact.OPENED, DeliveryFact.ACTED


def test_nothing_is_owed_before_the_exchange_took_the_message() -> None:
    assert find() == []


def test_what_was_not_demanded_is_never_missing() -> None:
    assert find(TAKEN, receipts=()) == []
    assert [item.type for item in find(TAKEN, receipts=("verified",))] == [VERIFIED]


def test_each_is_owed_since_the_last_step_known_before_it() -> None:
    found = {item.type: item.since for item in find(TAKEN, HANDED, VERIFIED)}

    assert found == {
        OPENED: SENT + timedelta(hours=2),
        DeliveryFact.ACCEPTED: SENT + timedelta(hours=2),
        ACTED: SENT + timedelta(hours=2),
    }
    assert {item.type: item.since for item in find(TAKEN)}[HANDED] == SENT


def test_what_a_node_signs_is_late_after_a_day_and_what_an_officer_does_after_the_time_for_the_answer() -> None:
    by_type = {item.type: item.due - item.since for item in find(TAKEN)}
    answered = {item.type: item.due - item.since for item in find(TAKEN, minutes=90)}

    assert (by_type[HANDED], by_type[VERIFIED]) == (NODE_GIVEN_WITHIN, NODE_GIVEN_WITHIN)
    assert (by_type[OPENED], by_type[ACTED]) == (OFFICER_GIVEN_WITHIN, OFFICER_GIVEN_WITHIN)
    assert (answered[HANDED], answered[OPENED]) == (NODE_GIVEN_WITHIN, timedelta(minutes=90))
    assert (timedelta(hours=24), timedelta(days=7)) == (NODE_GIVEN_WITHIN, OFFICER_GIVEN_WITHIN)


def test_it_is_late_a_moment_after_its_time_and_not_at_it() -> None:
    (missing,) = find(TAKEN, receipts=("handed-over",))

    assert not missing.is_late(SENT + timedelta(hours=24))
    assert missing.is_late(SENT + timedelta(hours=24, seconds=1))


def test_an_earlier_receipt_that_is_not_there_is_missing_though_a_later_one_is() -> None:
    assert [item.type for item in find(TAKEN, OPENED, receipts=("handed-over", "opened"))] == [HANDED]


@pytest.mark.parametrize(
    "end",
    [
        DeliveryFact.RETURNED,
        DeliveryFact.WITHDRAWN,
        DeliveryFact.EXPIRED,
        DeliveryFact.HELD,
        DeliveryFact.UNVERIFIABLE,
        DeliveryFact.REFUSED,
    ],
)
def test_nothing_more_is_owed_for_what_ended_is_held_or_was_refused(end: DeliveryFact) -> None:
    assert find(TAKEN, end) == []
    assert find_answer_due(Demands((), 60, None), know(TAKEN, end)) is None


def test_what_was_accepted_after_all_owes_the_rest() -> None:
    found = find(TAKEN, DeliveryFact.REFUSED, DeliveryFact.ACCEPTED, receipts=("acted",))

    assert [item.type for item in found] == [ACTED]


def test_its_erasure_is_owed_once_its_time_is_over() -> None:
    demands, facts = Demands(("erased",), None, KEPT_UNTIL), know(TAKEN, HANDED, VERIFIED)
    later = KEPT_UNTIL + timedelta(seconds=1)
    owed = MissingReceipt(DeliveryFact.ERASED, KEPT_UNTIL, KEPT_UNTIL + NODE_GIVEN_WITHIN)

    assert find_missing_receipts(demands, facts, KEPT_UNTIL) == []
    assert find_missing_receipts(demands, facts, later) == [owed]
    assert find_missing_receipts(demands, [*facts, RecordedFact(DeliveryFact.ERASED, later)], later) == []
    assert find_missing_receipts(Demands(("opened",), None, KEPT_UNTIL), know(TAKEN, OPENED), later) == []
    assert find_missing_receipts(Demands(("erased",), None, None), facts, later) == []


def test_an_answer_is_due_as_agreed_from_when_the_exchange_took_the_message_until_it_is_there() -> None:
    demands = Demands((), 90, None)

    assert find_answer_due(demands, know(TAKEN, HANDED)) == SENT + timedelta(minutes=90)
    assert find_answer_due(demands, know(TAKEN, HANDED, DeliveryFact.ANSWERED)) is None
    assert find_answer_due(demands, []) is None
    assert find_answer_due(Demands((), None, None), know(TAKEN)) is None


def test_of_a_receipt_that_came_twice_the_first_counts() -> None:
    again = [*know(TAKEN, HANDED), RecordedFact(HANDED, SENT + timedelta(hours=9))]

    (missing,) = find_missing_receipts(Demands(("verified",), None, None), again, NOW)

    assert missing.since == SENT + timedelta(hours=1)
