"""One's own messages followed up: to everyone they went, once; what never left is cancelled instead."""

from typing import Any

import pytest

from agency_client.errors import NotFoundError, UsageError
from agency_client.local_store.aftercare import list_notices
from agency_client.local_store.content import erase_content
from agency_client.local_store.inbox import InboxState, load_by_digest
from agency_client.local_store.outbox import OutboxState
from agency_client.reading.messages import NotShownError, read_message
from agency_client.sending.answering import acknowledge
from agency_client.sending.draft import Draft
from agency_client.sending.flow import send_alert
from agency_client.sending.noticing import (
    Breach,
    correct,
    lift_restriction,
    mark_misused_identity,
    report_breach,
    restrict,
    withdraw,
)
from schemas.alerts.coded import RestrictedUse
from schemas.log.records import Action
from schemas.markings import Purpose, Tlp
from tests.agency_client.sending.test_answering import AUTHOR, read_at, send_and_receive
from tests.support.lying_world import LyingWorld, make_alert, make_ping

BREACH = Breach(("confidentiality",), "2026-11-21T16:10:00Z", "It may be known.", "Keys changed.", "+441632960961")


def test_a_correction_follows_the_message_it_corrects(world: LyingWorld, terms: Any) -> None:
    message = send_and_receive(world, terms, make_ping())
    change = {"field": "details.text", "was": "hello", "now": "goodbye"}
    details = {"changes": [change], "reason": "typing-error"}
    report = correct(world["GB"], message.message_id, AUTHOR, details=details)
    correction = read_at(world, "VN", report.items[0].message_id)
    assert correction.alert.to_wire()["details"]["changes"] == [change]
    original = read_at(world, "VN", message.message_id)
    assert [later.message_id for later in original.followed_by] == [correction.stored.message_id]


@pytest.mark.parametrize(
    "change",
    [
        {"field": "details.nonsense", "was": "1", "now": "2"},
        {"field": "details.text", "was": "never said", "now": "goodbye"},
    ],
)
def test_a_correction_of_what_the_message_never_said_is_not_sent(
    world: LyingWorld, terms: Any, change: dict[str, str]
) -> None:
    message = send_and_receive(world, terms, make_ping())
    details = {"changes": [change], "reason": "typing-error"}
    with pytest.raises(UsageError, match=change["field"]):
        correct(world["GB"], message.message_id, AUTHOR, details=details)
    assert read_at(world, "VN", message.message_id).followed_by == ()


def test_a_withdrawal_takes_an_unopened_message_back(world: LyingWorld, terms: Any) -> None:
    wire = {name: value for name, value in make_ping().items() if name != "thread"}
    sent = send_alert(
        world["GB"],
        Draft(
            alert=wire, purpose=Purpose.SYSTEM_TEST, necessity="T", reason="t", recipients=("VN",),
            agreement=terms.id, marking=Tlp.GREEN,
        ),
    )  # fmt: skip
    first = withdraw(world["GB"], sent.legs[0].message_id, AUTHOR, because="wrong")
    again = withdraw(world["GB"], sent.legs[0].message_id, AUTHOR, because="wrong")
    assert (first.is_repeated, again.is_repeated) == (False, True)
    world.collect("VN")
    with world["VN"].store.read() as snapshot:
        from agency_client.local_store.inbox import load_by_digest

        assert load_by_digest(snapshot, sent.legs[0].digest).state is InboxState.WITHDRAWN


def list_effects(world: LyingWorld, digest: str, agency: str = "VN") -> list[str]:
    """Return what an agency's node did about a message, notice by notice."""
    with world[agency].store.read() as snapshot:
        return [notice.effect for notice in list_notices(snapshot, digest)]


def test_what_never_left_is_cancelled_and_nobody_is_told_of_it(world: LyingWorld, terms: Any) -> None:
    wire = {name: value for name, value in make_ping().items() if name != "thread"}
    draft = Draft(wire, Purpose.SYSTEM_TEST, "T", "t", ("VN",), marking=Tlp.GREEN, agreement=terms.id)
    sent = send_alert(world["GB"], draft, deliver=False).legs[0]
    first = withdraw(world["GB"], sent.message_id, AUTHOR, because="wrong")
    again = withdraw(world["GB"], sent.message_id, AUTHOR, because="wrong")
    for report in (first, again):
        assert [(item.message_id, item.state) for item in report.items] == [(sent.message_id, OutboxState.CANCELLED)]
    world.collect("VN")
    with world["VN"].store.read() as snapshot, pytest.raises(NotFoundError):
        load_by_digest(snapshot, sent.digest)


def test_a_victim_is_somebody_the_message_names(world: LyingWorld, terms: Any) -> None:
    document = {"type": "passport", "issuing_state": "UTO", "number": "L898902C3"}
    details, persons = {"document": document, "questions": ["genuine"]}, [{"ref": "p1", "role": "suspect"}]
    question = make_alert("document-verification", details, persons=persons)
    message = send_and_receive(world, terms, question, purpose=Purpose.BORDER_CONTROL)
    with pytest.raises(UsageError, match="nobody stands there"):
        mark_misused_identity(world["GB"], message.message_id, AUTHOR, subjects=("persons.1",))
    report = mark_misused_identity(
        world["GB"], message.message_id, AUTHOR, subjects=("persons.0",), told_apart_by="Another passport."
    )
    notice = read_at(world, "VN", report.items[0].message_id)
    assert notice.alert.to_wire()["details"]["told_apart_by"] == "Another passport."
    assert read_at(world, "VN", message.message_id).standing.victims == ("persons.0",)


def test_a_restriction_binds_until_who_restricted_lifts_it(world: LyingWorld, terms: Any) -> None:
    from datetime import timedelta

    message = send_and_receive(world, terms, make_ping())
    with pytest.raises(UsageError, match="no restriction of GB"):
        lift_restriction(world["GB"], message.message_id, AUTHOR)
    restrict(world["GB"], message.message_id, AUTHOR, ground="accuracy-contested", still_allowed=("legal-claim",))
    world.collect("VN")
    with pytest.raises(NotShownError, match="legal-claim") as caught:
        read_message(world["VN"], message.message_id, reason="watch list")
    assert caught.value.code == "restricted"
    shown = read_message(world["VN"], message.message_id, reason="the court asks", use=RestrictedUse.LEGAL_CLAIM)
    assert shown.standing.is_restricted
    world.clock.ahead += timedelta(seconds=5)
    lift_restriction(world["GB"], message.message_id, AUTHOR, words="It is right.")
    world.collect("VN")
    assert not read_at(world, "VN", message.message_id).standing.is_restricted
    assert list_effects(world, message.digest) == ["restricted", "lifted"]


def test_a_breach_is_told_by_who_sent_and_by_who_holds(world: LyingWorld, terms: Any) -> None:
    message = send_and_receive(world, terms, make_ping())
    report_breach(world["GB"], message.message_id, AUTHOR, BREACH, words="A workstation was lost.")
    world.collect("VN")
    assert list_effects(world, message.digest) == ["marked"]
    back = report_breach(world["VN"], message.message_id, AUTHOR, BREACH)
    told = read_at(world, "GB", back.items[0].message_id)
    assert told.alert.to_wire()["details"]["contact"] == BREACH.contact
    with world["GB"].store.read() as snapshot:
        found = {notice.author: notice.effect for notice in list_notices(snapshot, message.digest)}
    assert found == {"GB": "", "VN": "marked"}


def test_a_message_erased_here_is_still_followed_up_under_the_strictest_handling(world: LyingWorld, terms: Any) -> None:
    message = send_and_receive(world, terms, make_ping())
    with world["GB"].store.write() as transaction:
        note = world["GB"].note_access(Action.ERASURE, "erase", "its term has ended")
        erase_content(transaction, message.digest, note)
    details = {"changes": [{"field": "details.text", "was": "hello", "now": "goodbye"}], "reason": "typing-error"}
    report = correct(world["GB"], message.message_id, AUTHOR, details=details)
    correction = read_at(world, "VN", report.items[0].message_id)
    assert correction.alert.to_wire()["handling"] == {"codes": ["h1", "h2"]}
    found = read_at(world, "VN", message.message_id)
    assert found.corrected is not None
    assert found.corrected.alert.to_wire()["details"]["text"] == "goodbye"
    assert found.alert.to_wire()["details"]["text"] == "hello"


def test_a_report_of_the_node_keeps_no_person_from_answering(world: LyingWorld, terms: Any) -> None:
    from agency_client.local_store.aftercare import record_report

    message = send_and_receive(world, terms, make_ping())
    first = acknowledge(world["VN"], message.message_id, AUTHOR)
    with world["VN"].store.write() as transaction:
        now = world["VN"].clock.now()
        record_report(transaction, message.digest, first.items[0].message_id, b"{}", at=now)
    assert not acknowledge(world["VN"], message.message_id, AUTHOR).is_repeated
