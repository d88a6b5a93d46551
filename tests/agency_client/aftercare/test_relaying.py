"""Notices go on to whoever got a copy, once for each copy, over every hop; what became of them comes back."""

from datetime import timedelta

from agency_client.aftercare.overview import view_aftercare
from agency_client.aftercare.relaying import relay_notices
from agency_client.connection import NotSentError
from agency_client.local_store.aftercare import list_onward_effects
from agency_client.local_store.sent import DeliveryFact, RecordedFact, record_fact
from schemas.alerts import notice_kinds
from schemas.api import MESSAGES_PATH
from tests.support.aftercare import EFFECTS, Row, find_content


def test_every_notice_follows_a_copy_over_two_hops_and_its_author_learns_of_it(row: Row) -> None:
    sent = {kind: row.send() for kind in notice_kinds()}
    at_be = {kind: row.pass_on("VN", original, "BE") for kind, original in sent.items()}
    at_al = {kind: row.pass_on("BE", copy, "AL") for kind, copy in at_be.items()}
    said = {kind: row.say(kind, original) for kind, original in sent.items()}
    for _ in range(3):
        row.sync("GB", "VN", "BE", "AL", "BE", "VN", "GB")
    for kind, notice in said.items():
        for agency, copy in (("VN", sent[kind]), ("BE", at_be[kind]), ("AL", at_al[kind])):
            (found,) = row.notices(agency, copy)
            assert (found.author, found.origin, found.effect) == ("GB", notice.digest, EFFECTS[kind]), (agency, kind)
        with row.read_store("GB") as snapshot:
            told = {(item.agency, item.path): item.effect for item in list_onward_effects(snapshot, notice.digest)}
        assert told == {("BE", ()): EFFECTS[kind], ("AL", ("BE",)): EFFECTS[kind]}
        view = view_aftercare(row.world["GB"], sent[kind].id)
        assert {(item.agency, item.effect and item.effect.value) for item in view.lines[0].agencies} == {
            (agency, EFFECTS[kind]) for agency in ("VN", "BE", "AL")
        }


def test_a_second_look_passes_nothing_on_twice(row: Row) -> None:
    original = row.send()
    row.pass_on("VN", original, "BE")
    row.say("restriction", original)
    first, second = row.sync("VN"), row.sync("VN")
    assert len(first["VN"].relayed) == 1
    assert (second["VN"].relayed, second["VN"].reported) == ([], [])


def test_a_copy_made_after_a_correction_gets_it_too(row: Row) -> None:
    original = row.send()
    row.say("correction", original)
    row.sync("VN")
    copy = row.pass_on("VN", original, "BE")
    row.sync("VN", "BE")
    assert [notice.effect for notice in row.notices("BE", copy)] == ["replaced"]


def test_what_is_to_be_deleted_is_deleted_with_every_copy_that_went_on(row: Row) -> None:
    original = row.send()
    copy = row.pass_on("VN", original, "BE")
    row.say("withdrawal", original)
    row.sync("VN", "BE")
    for agency, digests in (("VN", (original.digest, copy.digest)), ("BE", (copy.digest,))):
        with row.read_store(agency) as snapshot:
            assert not any(find_content(snapshot, digest) for digest in digests), agency


def test_a_crash_between_receiving_and_passing_on_only_delays_it(row: Row) -> None:
    original = row.send()
    copy = row.pass_on("VN", original, "BE")
    row.say("restriction", original)
    row.world.collect("VN")
    assert row.notices("BE", copy) == [], "it was opened at VN, and VN's node went down"
    row.sync("VN", "BE")
    assert [notice.effect for notice in row.notices("BE", copy)] == ["restricted"]


def test_who_is_behind_is_told_when_it_is_there_again(row: Row) -> None:
    """VN is offline while GB speaks, and the exchange while VN passes it on."""
    original = row.send()
    copy = row.pass_on("VN", original, "BE")
    row.say("restriction", original)
    row.world.collect("VN")
    away = row.world["VN"]
    row.world.exchange.tamper[MESSAGES_PATH] = _hang_up
    assert relay_notices(away).relayed, "it is sealed and queued"
    row.world.exchange.tamper.clear()
    row.world.clock.ahead += timedelta(hours=1)
    row.sync("VN", "BE")
    assert [notice.effect for notice in row.notices("BE", copy)] == ["restricted"]


def test_a_copy_that_never_arrived_is_followed_by_nothing(row: Row) -> None:
    original = row.send()
    copy = row.pass_on("VN", original, "BE")
    with row.world["VN"].store.write() as transaction:
        transaction.execute("DELETE FROM delivery_fact WHERE message_id = ?", copy.id)
        fact = RecordedFact(DeliveryFact.RETURNED, row.world.clock.now())
        record_fact(transaction, copy.id, "BE", fact)
    row.say("restriction", original)
    assert row.sync("VN")["VN"].relayed == []
    assert row.sync("VN")["VN"].problems == []


def _hang_up(answer: object) -> object:
    raise NotSentError("the exchange is away")
