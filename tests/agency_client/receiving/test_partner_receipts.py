"""What the receipts of a partner settle here: also of a message that it never got and was told not to open."""

from collections.abc import Iterator
from typing import Any

import pytest

from agency_client.cli.outbox import describe_line
from agency_client.local_store.engine import Snapshot
from agency_client.local_store.outbox import OutboxState, load_item
from agency_client.local_store.sent import compute_delivery_state, list_facts
from agency_client.local_store.streams import list_numbers
from agency_client.receiving.flow import receive
from agency_client.receiving.own_receipts import send_due_receipts, sign_owed_receipts
from agency_client.sending.answering import Author
from agency_client.sending.draft import Draft
from agency_client.sending.flow import send_alert
from agency_client.sending.noticing import withdraw
from agency_client.sending.views import describe_sent
from schemas.markings import Purpose, Tlp
from tests.support.lying_world import LyingWorld, lying_world, make_ping

AUTHOR = Author(reason="case 74/08", unit="Duty desk", pseudonym="officer-1")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LyingWorld]:
    with lying_world(tmp_path_factory.mktemp("world"), "GB", "VN") as made:
        yield made


@pytest.fixture(scope="module")
def terms(world: LyingWorld) -> Any:
    return world.agree("GB", "VN", "all")


def send_one(world: LyingWorld, terms: Any) -> Any:
    """Let GB send VN a message."""
    wire = {name: value for name, value in make_ping().items() if name != "thread"}
    draft = Draft(wire, Purpose.SYSTEM_TEST, "T", "t", ("VN",), marking=Tlp.GREEN, agreement=terms.id)
    return send_alert(world["GB"], draft).legs[0]


def exchange_receipts(world: LyingWorld) -> list[str]:
    """Let VN look into its inbox and hand in what it owes; return what GB is told of by them."""
    receive(world["VN"])
    sign_owed_receipts(world["VN"])
    send_due_receipts(world["VN"])
    return [problem.code for problem in receive(world["GB"]).problems]


def describe_end(world: LyingWorld, message_id: str) -> tuple[OutboxState, str, str]:
    """Return how GB holds a message: its state, the fact that counts and its reason."""
    with world["GB"].store.read() as snapshot:
        standing = compute_delivery_state(list_facts(snapshot, message_id, "VN"))
        assert standing is not None
        return load_item(snapshot, message_id).state, standing.fact.value, standing.reason


def is_voided(snapshot: Snapshot, message_id: str) -> bool:
    """Tell whether a status says that the number of a message never arrives."""
    (number,) = list_numbers(snapshot, message_id)
    sql = "SELECT voided_at IS NOT NULL FROM stream_number WHERE stream = ? AND n = ?"
    return bool(snapshot.fetch_value(sql, number.stream, number.n))


def test_what_was_lost_on_its_way_ends_once_its_recipient_has_taken_note_of_its_withdrawal(
    world: LyingWorld, terms: Any
) -> None:
    lost = send_one(world, terms)
    world.exchange.inboxes["VN"].clear()  # handed over, and the answer never came
    withdraw(world["GB"], lost.message_id, AUTHOR, because="wrong")
    assert describe_end(world, lost.message_id) == (OutboxState.TAKEN, "taken-by-broker", "")
    assert exchange_receipts(world) == []
    assert describe_end(world, lost.message_id) == (OutboxState.SETTLED, "withdrawn", "nothing-held")
    with world["GB"].store.read() as snapshot:
        assert is_voided(snapshot, lost.message_id), "its recipient misses it for ever"
    (delivery,) = describe_line(describe_sent(world["GB"], lost.message_id))["deliveries"]
    assert [(fact["fact"], fact["by"]) for fact in delivery["facts"]] == [
        ("taken-by-broker", "broker"),
        ("withdrawn", "recipient"),
    ]


def test_what_came_and_was_taken_back_unopened_stays_handed_over(world: LyingWorld, terms: Any) -> None:
    sent = send_one(world, terms)
    withdraw(world["GB"], sent.message_id, AUTHOR, because="wrong")
    assert exchange_receipts(world) == []
    assert describe_end(world, sent.message_id) == (OutboxState.SETTLED, "handed-over", "")
    with world["GB"].store.read() as snapshot:
        assert not is_voided(snapshot, sent.message_id)
