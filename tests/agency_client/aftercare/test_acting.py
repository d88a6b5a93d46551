"""A notice acts in the transaction that opens it: on record, receipted, and the same whatever the order."""

from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest

from agency_client.aftercare.rules import Standing
from agency_client.local_store.access_log import AccessFilter, list_entries
from agency_client.local_store.receipts import Direction, list_receipts
from agency_client.receiving.own_receipts import sign_owed_receipts
from schemas.envelope import Reference
from schemas.log.records import Action
from tests.support.aftercare import EFFECTS, NOTICES, Row, find_content
from tests.support.lying_world import make_alert, refer_to

ORDERS = list(permutations(("correction", "restriction", "withdrawal", "breach-notice")))


def craft(row: Row, kind: str, about: Any, *, minute: int, **details: Any) -> Any:
    """Return a notice of GB about a crafted message, said at a minute of its own."""
    now = row.world.clock.now()
    due = (now + timedelta(days=3)).strftime("%Y-%m-%dT%H:%M:%SZ")
    alert = make_alert(kind, NOTICES[kind] | {"acknowledge_by": due} | details, in_reply_to=refer_to(about).to_wire())
    issued_at = now - timedelta(hours=1) + timedelta(minutes=minute)
    terms = row.terms["GB", "VN"]
    return row.world.craft("GB", "VN", terms, alert=alert, refers_to=refer_to(about), issued_at=issued_at)


def live_through(row: Row, order: tuple[str, ...]) -> tuple[Standing, bool]:
    """Let VN receive a message and notices about it in an order, one of them twice; return how it stands there."""
    sealed = row.world.craft("GB", "VN", row.terms["GB", "VN"])
    row.world.deliver(sealed, "VN")
    row.world.collect("VN")
    minutes = {kind: minute for minute, kind in enumerate(sorted(NOTICES))}
    crafted = {kind: craft(row, kind, sealed, minute=minutes[kind]) for kind in order}
    for kind in (*order, order[0]):
        row.world.deliver(crafted[kind], "VN")
        row.world.collect("VN")
    standing = row.standing("VN", Reference(id=sealed.header.id, digest=sealed.digest))
    with row.read_store("VN") as snapshot:
        return standing, find_content(snapshot, sealed.digest)


def describe(standing: Standing) -> tuple[Any, ...]:
    """Return a standing without the digests, which differ from one crafting to the next."""
    counts = len(standing.corrections), len(standing.breaches)
    return standing.is_withdrawn, standing.is_to_be_erased, standing.allowed_uses, standing.victims, counts


@pytest.mark.parametrize("order", [ORDERS[0], ORDERS[9], ORDERS[16], ORDERS[23]], ids=" ".join)
def test_crossing_and_repeated_notices_come_to_the_same(row: Row, order: tuple[str, ...]) -> None:
    standing, is_kept = live_through(row, order)
    assert not is_kept, "the withdrawal demanded that it be deleted"
    assert describe(standing) == (True, True, standing.allowed_uses, (), (1, 1))
    assert standing.is_restricted
    assert {use.value for use in standing.allowed_uses or ()} == {"legal-claim"}


def test_what_was_done_is_on_record_and_receipted_once_with_its_reason(row: Row) -> None:
    original = row.send()
    notice = row.say("restriction", original)
    row.world.collect("VN")
    for _ in range(2):
        sign_owed_receipts(row.world["VN"])
    with row.read_store("VN") as snapshot:
        said = [item for item in list_receipts(snapshot, notice.digest) if item.type == "acted"]
        entries = list_entries(snapshot, AccessFilter(message=original.id, action=Action.ALTERATION))
    reasons = [
        (item.direction, subject.reason)
        for item in said
        for subject in item.subjects
        if subject.message == notice.digest
    ]
    assert reasons == [(Direction.OUT, "restricted")]
    assert [(entry.verb, entry.partner) for entry in entries] == [("act-on-restriction", "GB")]


def test_what_is_done_after_its_time_says_so(row: Row) -> None:
    original = row.send()
    now = row.world.clock.now()
    notice = row.say(
        "restriction", original, acknowledge_by=(now + timedelta(minutes=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    )
    row.world.clock.ahead += timedelta(minutes=5)
    row.sync("VN", "GB")
    (found,) = row.notices("VN", original)
    assert found.acted_at is not None
    assert found.acted_at > found.acknowledge_by
    with row.read_store("GB") as snapshot:
        late = snapshot.fetch_value(
            "SELECT late FROM delivery_fact WHERE message_id = ? AND fact = 'acted' AND reason = 'restricted'",
            notice.id,
        )
    assert late == 1


@pytest.mark.parametrize("kind", sorted(EFFECTS))
def test_where_the_message_was_erased_before_nothing_is_held(row: Row, kind: str) -> None:
    from agency_client.local_store.content import erase_content

    original = row.send()
    vn = row.world["VN"]
    with vn.store.write() as transaction:
        erase_content(transaction, original.digest, vn.note_access(Action.ERASURE, "erase", "its term has ended"))
    row.say(kind, original)
    row.world.collect("VN")
    assert [notice.effect for notice in row.notices("VN", original)] == ["nothing-held"]
