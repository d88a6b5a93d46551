"""A hostile exchange answers a batch falsely: in another order, for fewer, for more, for another envelope.

Of a message it counts what is proven of that very message; a refusal is no proof, and is worth nothing in an answer
that is false elsewhere.
"""

from collections.abc import Callable
from itertools import count
from typing import Any

import pytest

from agency_client.local_store.outbox import load_item
from agency_client.node import Node
from agency_client.refusals import RefusalDetails, RefusedError
from agency_client.sending.delivery import deliver_messages
from agency_client.sending.draft import Draft
from agency_client.sending.flow import send_alert
from schemas.agreements.terms import Terms
from schemas.api import MESSAGE_BATCHES_PATH, MESSAGES_PATH
from schemas.markings import Purpose
from tests.support.bad_line import Refusing, Tampering, tampered
from tests.support.lying_batches import refuse_member
from tests.support.lying_world import LyingWorld, make_ping

numbers = count()
Members = tuple[Any, ...]

LIES: dict[str, Callable[[Members], Members]] = {
    "in another order": lambda members: (*members[1:], members[0]),
    "for fewer": lambda members: members[:2],
    "for more": lambda members: (*members, members[0]),
    "for one envelope in the place of all": lambda members: (members[2],) * 3,
    "refused and accepted, changed over": lambda members: (refuse_member("not-covered"), members[0], members[1]),
}


def queue(node: Node, terms: Terms) -> str:
    draft = Draft(
        alert=make_ping(own_reference=f"LIES-{next(numbers)}"),
        purpose=Purpose.SYSTEM_TEST,
        necessity="It is needed there.",
        reason="case 74/08",
        recipients=("VN",),
        agreement=terms.id,
    )
    return send_alert(node, draft, deliver=False).legs[0].message_id


@pytest.mark.parametrize("lie", LIES)
def test_a_false_answer_to_a_batch_ends_no_message_and_counts_for_none_it_is_not_about(
    world: LyingWorld, terms: Terms, lie: str
) -> None:
    gb = world["GB"]
    ids = [queue(gb, terms) for _ in range(3)]
    world.exchange.tamper[MESSAGE_BATCHES_PATH] = lambda answer: answer.model_copy(
        update={"members": LIES[lie](answer.members)}
    )
    report = deliver_messages(gb, ids)
    proven = ids[2:] if lie == "for one envelope in the place of all" else []
    with gb.store.read() as snapshot:
        found = {message_id: load_item(snapshot, message_id) for message_id in ids}
    assert report.taken == proven
    assert report.refused == {}
    assert {key for key, item in found.items() if item.state.value == "in-doubt"} == set(ids) - set(proven)
    assert all(item.envelope is not None for item in found.values()), "the bytes are kept, to be handed in again"


def test_an_exchange_that_takes_no_batch_holds_up_nothing_that_is_in_one(world: LyingWorld, terms: Terms) -> None:
    gb = world["GB"]
    ids = [queue(gb, terms) for _ in range(3)]
    refusal = RefusedError("not like this", RefusalDetails("too-large", 413, (), ""))
    with tampered(gb, Refusing(MESSAGE_BATCHES_PATH, refusal), alone := Tampering(MESSAGES_PATH)):
        assert deliver_messages(gb, ids).taken == ids
    assert alone.calls == 3
