"""Notices go on to whoever got a copy, once for each copy, over every hop; what became of them comes back."""

from datetime import timedelta
from typing import Any

from agency_client.aftercare.overview import view_aftercare
from agency_client.aftercare.relaying import relay_notices
from agency_client.aftercare.rules import REPORTS_AT_ONCE
from agency_client.local_store.aftercare import list_onward_effects, list_relays, list_report_ids
from agency_client.local_store.engine import Snapshot
from agency_client.local_store.inbox import InboxState
from agency_client.local_store.sent import DeliveryFact, RecordedFact, load_message, record_fact
from agency_client.reading.messages import read_message
from agency_client.refusals import NotSentError
from schemas.alerts import notice_kinds
from schemas.api import MESSAGES_PATH
from schemas.envelope import Reference
from schemas.model import format_timestamp
from tests.support.aftercare import EFFECTS, Row, find_content
from tests.support.lying_world import make_alert


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


def test_what_a_holder_says_of_its_copy_goes_no_further_in_anothers_name(row: Row) -> None:
    """VN takes its copy back: BE obeys, and lends nobody its own signature for words that are not GB's."""
    original = row.send()
    at_be = row.pass_on("VN", original, "BE")
    at_al = row.pass_on("BE", at_be, "AL")
    row.say("withdrawal", at_be, sender="VN")
    reports = row.sync("VN", "BE", "AL")
    assert [notice.effect for notice in row.notices("BE", at_be)] == ["erased"]
    assert (reports["BE"].relayed, reports["BE"].problems) == ([], [])
    assert row.notices("AL", at_al) == []


def test_what_is_said_of_a_notice_follows_it_to_where_that_went(row: Row) -> None:
    original = row.send()
    copy = row.pass_on("VN", original, "BE")
    correction = row.say("correction", original)
    row.sync("VN", "BE")
    row.say("withdrawal", correction)
    row.sync("VN", "BE")
    (relayed,) = row.notices("BE", copy)
    (taken_back,) = row.notices("BE", Reference(id=copy.id, digest=relayed.digest))
    assert (taken_back.author, taken_back.kind, taken_back.effect) == ("GB", "withdrawal", "erased")
    found = read_message(row.world["BE"], copy.id, reason="t")
    assert found.corrected is not None
    assert found.corrected.fields == ()


def test_nobody_further_on_crowds_out_what_became_of_a_notice_elsewhere(row: Row) -> None:
    """BE reports of more agencies, further away, than one acknowledgement holds: GB still learns what BE did."""
    original = row.send()
    row.pass_on("VN", original, "BE")
    notice = row.say("restriction", original)
    row.sync("VN", "BE", "VN")
    with row.read_store("VN") as snapshot:
        ((_, relayed_id),) = list_relays(snapshot, notice.digest)
        relayed = find_relayed(snapshot, relayed_id)
    for start in (0, 50):
        agencies = [f"AL-X{number}" for number in range(start, start + 50)]
        path = [f"BE-X{number}" for number in range(8)]
        details = {
            "action": "noted",
            "done_at": format_timestamp(row.world.clock.now()),
            "told_onward": agencies,
            "onward": [{"agency": agency, "path": path[: 7 + number % 2]} for number, agency in enumerate(agencies)],
        }
        row.world.clock.ahead += timedelta(seconds=2)
        say_acknowledgement(row, relayed, details)
        report = row.sync("VN", "GB")["VN"]
        assert report.problems == []
    with row.read_store("VN") as snapshot:
        assert len(list_onward_effects(snapshot, relayed.digest)) == 50
    with row.read_store("GB") as snapshot:
        told = {item.agency: item.effect for item in list_onward_effects(snapshot, notice.digest)}
    assert told["BE"] == "restricted"
    assert len(told) > 1


def test_nobody_further_on_has_a_node_report_without_end(row: Row) -> None:
    """BE says each time that one more agency was told: VN reports at once for a while, then ever more rarely."""
    original = row.send()
    row.pass_on("VN", original, "BE")
    notice = row.say("restriction", original)
    row.sync("VN", "BE", "VN")
    with row.read_store("VN") as snapshot:
        ((_, relayed_id),) = list_relays(snapshot, notice.digest)
        relayed, before = find_relayed(snapshot, relayed_id), len(list_report_ids(snapshot, notice.digest))
    reported = []
    for number in range(REPORTS_AT_ONCE + 4):
        details = {"action": "noted", "done_at": format_timestamp(row.world.clock.now())}
        say_acknowledgement(row, relayed, details | {"told_onward": [f"AL-X{number}"]})
        reported.append(len(relay_notices(row.world["VN"]).reported))
    at_once = REPORTS_AT_ONCE - before
    assert reported == [1] * at_once + [0] * (len(reported) - at_once)
    row.world.clock.ahead += timedelta(minutes=1)
    assert len(relay_notices(row.world["VN"]).reported) == 1
    row.world.collect("GB")
    with row.read_store("GB") as snapshot:
        told = {item.agency for item in list_onward_effects(snapshot, notice.digest)}
    assert f"AL-X{REPORTS_AT_ONCE + 3}" in told, "the last word gets through"


def find_relayed(snapshot: Snapshot, message_id: str) -> Reference:
    return Reference(id=message_id, digest=load_message(snapshot, message_id).digest)


def say_acknowledgement(row: Row, about: Reference, details: dict[str, Any]) -> None:
    alert = make_alert("acknowledgement", details, in_reply_to=about.to_wire())
    sealed = row.world.craft("BE", "VN", row.terms["VN", "BE"], alert=alert, refers_to=about, stream="B" * 21 + "Q")
    row.world.deliver(sealed, "VN")
    assert row.world.receive("VN", sealed).state is InboxState.OPENED
