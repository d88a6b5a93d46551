"""What follows a copy up belongs to that copy, and a decision to the question that was asked here."""

from dataclasses import replace

import pytest

from agency_client.local_store.inbox import InboxState
from agency_client.onward.rules import RightKind
from agency_client.receiving.errors import UnprovenError, WaitingError
from schemas.alerts import parse_alert
from schemas.alerts.kinds.release_decision import ReleaseDecision
from tests.agency_client.receiving.provenance.scene import UNKNOWN, Scene, demand
from tests.schemas.alerts.filled import load as load_filled
from tests.support.onward import AL, BE, GB, VN


def test_a_notice_follows_the_copy_of_the_message_it_is_about(scene: Scene) -> None:
    found = demand(scene.verify(scene.notice))
    assert (found.right, found.sentence) == (RightKind.FOLLOWS, "it follows what came here the same way")
    assert (found.originator, found.path, found.recipient, found.original.agency) == (VN, (VN, BE), AL, VN)
    assert (found.consent, found.decision) == (None, None)
    assert found.spell_way() == "VN → BE → AL"


def test_a_notice_about_one_message_does_not_reach_the_copy_of_another(scene: Scene) -> None:
    elsewhere = scene.notice.refer_to(scene.other_copy.facts.sealed.digest)
    sentence = "it is about another message of VN than the copy it refers to"
    assert scene.refuse(elsewhere) == (UnprovenError, "reference-refused", sentence)


def test_a_notice_of_one_originator_does_not_reach_the_copy_of_another(scene: Scene) -> None:
    digest = demand(scene.notice.facts.sealed.header.refers_to).digest
    with scene.pretend("UPDATE copy_origin SET originator = 'RS' WHERE copy_digest = ?", digest) as elsewhere:
        refused = elsewhere.refuse(scene.notice)
    assert refused[:2] == (UnprovenError, "reference-refused")


def test_who_takes_its_consent_back_takes_back_the_copy_that_came_by_it_and_restricts_none_by_that(
    scene: Scene,
) -> None:
    copy = scene.other_copy.facts.sealed.digest
    said_about = demand(demand(scene.verify(scene.notice)).original.header.refers_to).digest
    restriction = scene.notice.refer_to(copy)
    withdrawal = replace(restriction, alert=parse_alert(load_filled("withdrawal")))
    sql = "UPDATE copy_origin SET consent_digest = ? WHERE copy_digest = ?"
    with scene.pretend(sql, said_about, copy) as by_consent:
        assert demand(by_consent.verify(withdrawal)).right is RightKind.FOLLOWS
        assert by_consent.refuse(restriction)[:2] == (UnprovenError, "reference-refused")
    assert scene.refuse(withdrawal)[:2] == (UnprovenError, "reference-refused")


def test_a_notice_that_was_passed_on_reaches_copies_alone(scene: Scene) -> None:
    of_bes_own = scene.notice.refer_to(scene.plain.facts.sealed.digest)
    sentence = "the message it refers to is no copy of another one"
    assert scene.refuse(of_bes_own) == (UnprovenError, "reference-refused", sentence)


def test_a_notice_waits_for_its_copy(scene: Scene) -> None:
    sentence = "the copy it refers to is not here yet"
    assert scene.refuse(scene.notice.refer_to(UNKNOWN)) == (WaitingError, "reference-unknown", sentence)


@pytest.mark.parametrize("state", [InboxState.NEW, InboxState.VERIFIED])
def test_a_notice_waits_until_its_copy_is_opened(scene: Scene, state: InboxState) -> None:
    digest = scene.plain.facts.sealed.digest
    sentence = "the copy it refers to has not been opened yet"
    with scene.pretend("UPDATE inbox_message SET state = ? WHERE digest = ?", state, digest) as early:
        refused = early.refuse(scene.notice.refer_to(digest))
    assert refused == (WaitingError, "reference-unknown", sentence)


@pytest.mark.parametrize("state", [InboxState.UNVERIFIABLE, InboxState.REFUSED, InboxState.WITHDRAWN])
def test_a_notice_to_a_copy_that_was_never_opened_has_nothing_to_reach_and_no_reason_to_wait(
    scene: Scene, state: InboxState
) -> None:
    digest = scene.plain.facts.sealed.digest
    with scene.pretend("UPDATE inbox_message SET state = ? WHERE digest = ?", state, digest) as early:
        found = early.verify(scene.notice.refer_to(digest))
    assert demand(found).right is RightKind.FOLLOWS


@pytest.mark.parametrize(("sort", "name"), [("notice", "restriction"), ("answer", "release decision")])
def test_what_follows_nothing_is_not_passed_on(scene: Scene, sort: str, name: str) -> None:
    loose = getattr(scene, sort).change_header(refers_to=None)
    assert scene.refuse(loose) == (UnprovenError, "kind-not-passed-on", f"a {name} is not passed on")


def test_a_question_is_asked_anew_by_each_agency_and_not_passed_on(scene: Scene) -> None:
    question = replace(scene.notice, alert=parse_alert(load_filled("release-request")))
    assert scene.refuse(question) == (UnprovenError, "kind-not-passed-on", "a release request is not passed on")


def test_a_decision_that_was_passed_back_answers_the_question_asked_here(scene: Scene) -> None:
    found = demand(scene.verify(scene.answer))
    assert (found.right, found.sentence) == (RightKind.FOLLOWS, "it follows what came here the same way")
    assert (found.originator, found.path) == (VN, (VN, BE))


def test_a_decision_answers_no_question_that_was_not_asked_here(scene: Scene) -> None:
    """Neither what AL never sent, nor a message of AL that asks nothing, nor its question about BE's own message."""
    row = scene.row
    news = row.find_sent(AL, row.send(AL, BE).message_id)
    about_bes_own = row.ask(AL, row.find(AL, scene.plain.facts.sealed.header.id), recipients=(GB,))
    question = row.find_sent(AL, about_bes_own.message_id)
    for digest in (UNKNOWN, news.digest, question.digest):
        refused = scene.refuse(scene.answer.refer_to(digest))
        assert refused == (UnprovenError, "reference-refused", "it answers no question that was asked from here")


def test_a_decision_about_one_message_answers_no_question_about_another(scene: Scene) -> None:
    row = scene.row
    about_other = row.ask(AL, row.find(AL, scene.other_copy.facts.sealed.header.id), recipients=(GB,))
    refused = scene.refuse(scene.answer.refer_to(row.find_sent(AL, about_other.message_id).digest))
    assert refused == (
        UnprovenError,
        "reference-refused",
        "it decides about another message than was asked about",
    )


def test_a_decision_about_the_message_asked_about_is_its_originators_own(scene: Scene) -> None:
    """VN decides, as the log shows; were the message another's, VN could say what it likes of it."""
    decision = scene.answer.alert.details
    assert isinstance(decision, ReleaseDecision)
    of_rs = decision.model_copy(update={"original": decision.original.model_copy(update={"agency": "RS"})})
    answer = replace(scene.answer, alert=scene.answer.alert.model_copy(update={"details": of_rs}))
    digest = scene.named.facts.sealed.digest
    with scene.pretend("UPDATE copy_origin SET originator = 'RS' WHERE copy_digest = ?", digest) as elsewhere:
        refused = elsewhere.refuse(answer)
    assert refused == (UnprovenError, "reference-refused", "it decides about another message than was asked about")
