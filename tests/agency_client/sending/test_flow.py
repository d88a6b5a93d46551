"""Alerts sent through a real broker: sealed for each recipient, refused by the client, pushed past it, followed up."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agency_client.attachments import fetching, uploading
from agency_client.attachments.attaching import AttachedFile
from agency_client.attachments.saving import Saving, save_attachments
from agency_client.errors import DeniedError, NotFoundError, UsageError
from agency_client.local_store.access_log import AccessFilter, list_entries
from agency_client.local_store.content import read_content
from agency_client.local_store.contradictions import ContradictionKind, EquivocationError, keep_contradiction
from agency_client.local_store.inbox import InboxFilter, list_messages
from agency_client.local_store.outbox import OutboxState, load_item
from agency_client.local_store.sent import DeliveryFact, list_facts, load_message
from agency_client.local_store.statuses import list_due_statuses, load_newest_own_status
from agency_client.local_store.streams import list_stream_states
from agency_client.node import Node
from agency_client.receiving.flow import receive
from agency_client.refusals import RefusedError
from agency_client.sending.draft import AlertRefusedError
from agency_client.sending.facts import SendingStoppedError
from agency_client.sending.flow import NotCoveredError, plan_alert, push_past_client, send_alert
from agency_client.statuses.hidden import read_status
from agency_client.syncing.rounds import run_round
from schemas.agreements.lifecycle import State
from schemas.agreements.steps import StepAction
from schemas.agreements.terms import Clause
from schemas.api import ATTACHMENTS_PATH
from schemas.envelope import Message, Reference
from schemas.log.records import Action
from schemas.markings import Purpose, Tlp, Urgency
from tests.support.attached import make_bytes
from tests.support.drafts import make_draft
from tests.support.messages import make_id
from tests.support.nodes import agree, make_wide_clause, take_step


def find_received(node: Node, thread: str) -> list[str]:
    """Return the kinds of what a node has opened in a thread, in the order of the log."""
    with node.store.read() as snapshot:
        found = list_messages(snapshot, InboxFilter(thread=thread))
    return [message.kind for message in sorted(found, key=lambda item: item.leaf_index)]


def test_each_partner_gets_an_envelope_of_its_own_in_one_thread(gb: Node, vn: Node, be: Node) -> None:
    report = send_alert(gb, make_draft("VN", "BE"))
    assert [leg.recipient for leg in report.legs] == ["VN", "BE"]
    assert {item.state for item in report.items} == {OutboxState.TAKEN}
    assert len({leg.message_id for leg in report.legs}) == 2
    for partner in (vn, be):
        receive(partner)
        assert find_received(partner, report.thread) == ["document-fraud"]


def test_the_sender_keeps_what_it_sent_and_the_access_log_says_to_whom_and_why(gb: Node) -> None:
    report = send_alert(gb, make_draft("VN", reason="for the record", case="74/08"))
    (leg,) = report.legs
    note = gb.note_access(Action.CONSULTATION, "test", "reading back")
    kept = Message.from_canonical(read_content(gb.store, leg.digest, note), max_bytes=1 << 18)
    assert kept.alert["thread"] == report.thread
    assert kept.header.recipients[0].agency == "VN"
    with gb.store.read() as snapshot:
        (entry,) = list_entries(snapshot, AccessFilter(action=Action.DISCLOSURE, message=leg.message_id))
    assert (entry.partner, entry.reason, entry.case, entry.outcome) == ("VN", "for the record", "74/08", "done")
    assert entry.officer == "officer-of-gb"


def test_no_officers_name_is_in_what_is_sent(gb: Node) -> None:
    (leg,) = send_alert(gb, make_draft("VN")).legs
    note = gb.note_access(Action.CONSULTATION, "test", "reading back")
    assert b"officer-of-gb" not in read_content(gb.store, leg.digest, note)


def test_what_no_agreement_covers_is_refused_with_the_reason_and_the_attempt_is_on_record(gb: Node) -> None:
    with pytest.raises(NotCoveredError, match="red is above amber") as caught:
        send_alert(gb, make_draft("VN", marking=Tlp.RED, reason="too red"))
    assert caught.value.exit_code == 5
    with gb.store.read() as snapshot:
        entries = list_entries(snapshot, AccessFilter(outcome="denied"))
    assert (entries[0].partner, entries[0].reason) == ("VN", "too red")


def test_one_recipient_refused_sends_to_nobody(gb: Node) -> None:
    with gb.store.read() as snapshot:
        before = list_stream_states(snapshot, "VN")
    with pytest.raises(NotCoveredError, match="XX is not pinned"):
        send_alert(gb, make_draft("VN", "XX"))
    with gb.store.read() as snapshot:
        assert list_stream_states(snapshot, "VN") == before


def test_everyone_allowed_is_everyone_an_agreement_covers(gb: Node) -> None:
    plan = plan_alert(gb, make_draft(to_every_partner=True))
    assert [recipient.agency for recipient in plan.recipients] == ["BE", "VN"]
    nobody = plan_alert(gb, make_draft(to_every_partner=True, marking=Tlp.RED))
    assert not nobody.is_allowed
    assert [recipient.agency for recipient in nobody.left_out] == ["BE", "VN"]


def test_a_plan_changes_nothing(gb: Node) -> None:
    with gb.store.read() as snapshot:
        before = list_stream_states(snapshot, "VN"), list_entries(snapshot)
    plan_alert(gb, make_draft("VN"))
    with gb.store.read() as snapshot:
        assert (list_stream_states(snapshot, "VN"), list_entries(snapshot)) == before


def test_pushed_past_the_client_it_is_refused_by_the_broker_and_its_number_is_voided(gb: Node) -> None:
    report = push_past_client(gb, make_draft("VN", marking=Tlp.RED))
    (item,) = report.items
    assert item.state is OutboxState.REFUSED
    assert item.problem is not None
    assert item.problem.code == "not-covered"
    with gb.store.read() as snapshot:
        facts = list_facts(snapshot, item.message_id, "VN")
        assert [fact.fact for fact in facts] == [DeliveryFact.REFUSED_BY_BROKER]
        assert list_stream_states(snapshot, "VN")[-1].voided[-1] == list_stream_states(snapshot, "VN")[-1].last
        assert "VN" not in [due.partner for due in list_due_statuses(snapshot)], "the status that says so was signed"
        newest = load_newest_own_status(snapshot, "VN")
    assert newest is not None
    assert newest.logged_at is not None, "and handed in, without waiting for a round"
    told = read_status(newest.document).streams[-1]
    assert told.voided[-1] == told.last


def test_nobody_is_pushed_to_where_no_key_is_trusted(gb: Node) -> None:
    with pytest.raises(DeniedError):
        push_past_client(gb, make_draft("XX"))


def test_an_alert_that_is_wrong_names_every_field_with_an_example(gb: Node) -> None:
    draft = make_draft("VN")
    wrong = {**draft.alert, "pap": "purple", "language": "English"}
    with pytest.raises(AlertRefusedError) as caught:
        send_alert(gb, replace(draft, alert=wrong))
    assert {problem.field for problem in caught.value.problems} == {"pap", "language"}
    assert all(problem.example is not None for problem in caught.value.problems)


def test_urgency_is_explained(gb: Node) -> None:
    with pytest.raises(AlertRefusedError, match="urgency_reason"):
        send_alert(gb, make_draft("VN", urgency=Urgency.THREAT_TO_LIFE))


@pytest.mark.parametrize("field", ["necessity", "reason"])
def test_nothing_is_sent_without_saying_why(gb: Node, field: str) -> None:
    silent: dict[str, Any] = {field: "  "}
    with pytest.raises(UsageError, match=field):
        send_alert(gb, make_draft("VN", **silent))


@pytest.mark.parametrize("days", [0, 31])
def test_the_exchange_tries_a_month_at_most(gb: Node, days: int) -> None:
    with pytest.raises(UsageError, match="days"):
        send_alert(gb, make_draft("VN", delivery_days=days))


def test_somebody_must_be_named(gb: Node) -> None:
    with pytest.raises(UsageError, match="no recipient"):
        send_alert(gb, make_draft())


def test_a_correction_follows_to_everyone_the_alert_was_sealed_for(gb: Node, vn: Node, be: Node) -> None:
    sent = send_alert(gb, make_draft("VN", "BE"))
    for partner in (vn, be):
        run_round(partner)
    run_round(gb)
    original = Reference(id=sent.legs[0].message_id, digest=sent.legs[0].digest)
    correction = make_draft(kind="correction", refers_to=original)
    report = send_alert(gb, replace(correction, alert={**correction.alert, "thread": sent.thread}))
    assert {leg.recipient for leg in report.legs} == {"VN", "BE"}
    assert {item.state for item in report.items} == {OutboxState.TAKEN}
    for partner in (vn, be):
        receive(partner)
        assert find_received(partner, sent.thread) == ["document-fraud", "correction"]


def test_a_correction_goes_to_nobody_else(gb: Node) -> None:
    (leg,) = send_alert(gb, make_draft("VN")).legs
    with pytest.raises(UsageError, match="goes to who has the message"):
        send_alert(gb, make_draft("BE", kind="correction", refers_to=Reference(id=leg.message_id, digest=leg.digest)))


def test_what_follows_up_a_message_nobody_knows_is_not_found(gb: Node) -> None:
    unknown = Reference(id=make_id("unknown"), digest="A" * 43)
    with pytest.raises(NotFoundError):
        send_alert(gb, make_draft(kind="withdrawal", refers_to=unknown))


def test_an_answer_goes_back_to_who_asked(gb: Node, vn: Node) -> None:
    asked = send_alert(gb, make_draft("VN", kind="document-verification"))
    receive(vn)
    question = Reference(id=asked.legs[0].message_id, digest=asked.legs[0].digest)
    report = send_alert(vn, make_draft(kind="document-verification-reply", refers_to=question))
    assert [leg.recipient for leg in report.legs] == ["GB"]
    assert report.items[0].state is OutboxState.TAKEN


def test_while_suspended_the_client_refuses_and_the_broker_too_until_it_is_resumed(gb: Node, be: Node) -> None:
    terms = agree(gb, be, "to be suspended", clauses=narrow_clauses())
    draft = make_draft("BE", marking=Tlp.RED)
    assert send_alert(gb, draft).items[0].state is OutboxState.TAKEN
    take_step(be, terms, StepAction.SUSPEND, gb, be)
    with pytest.raises(NotCoveredError, match="suspended by BE"):
        send_alert(gb, draft)
    (refused,) = push_past_client(gb, draft).items
    assert refused.state is OutboxState.REFUSED
    assert refused.problem is not None
    assert refused.problem.code == "agreement-not-in-force"
    take_step(be, terms, StepAction.RESUME, gb, be)
    again = replace(draft, quality={"sent-before": "to see that it is taken once more"})
    assert send_alert(gb, again).items[0].state is OutboxState.TAKEN


def narrow_clauses() -> tuple[Clause, ...]:
    """Return the only clauses that let GB and BE exchange what is red."""
    return (
        make_wide_clause("BE", "GB", highest_marking=Tlp.RED),
        make_wide_clause("GB", "BE", highest_marking=Tlp.RED),
    )


def test_an_agreement_can_be_named(gb: Node) -> None:
    plan = plan_alert(gb, make_draft("VN", agreement=make_id("with VN")))
    chosen = plan.recipients[0].chosen
    assert chosen is not None
    assert chosen.terms.id == make_id("with VN")
    assert chosen.view.state is State.IN_FORCE


def test_a_send_that_fails_midway_leaves_no_number_behind(gb: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    with gb.store.read() as snapshot:
        before = list_stream_states(snapshot, "VN"), list_stream_states(snapshot, "BE")

    def fail(*_: object) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr("agency_client.sending.seal._note_disclosure", fail)
    with pytest.raises(OSError, match="disk"):
        send_alert(gb, make_draft("VN", "BE"))
    with gb.store.read() as snapshot:
        assert (list_stream_states(snapshot, "VN"), list_stream_states(snapshot, "BE")) == before


def test_the_header_shows_no_more_than_it_must(gb: Node) -> None:
    (leg,) = send_alert(gb, make_draft("VN")).legs
    with gb.store.read() as snapshot:
        message, item = load_message(snapshot, leg.message_id), load_item(snapshot, leg.message_id)
    assert message.refers_to is None
    assert item.envelope is not None
    assert message.thread.encode() not in item.envelope


def test_nothing_is_sent_through_an_exchange_that_showed_two_histories(gb: Node) -> None:
    origin = gb.sheet.origin
    error = EquivocationError("two trees", kind=ContradictionKind.CHECKPOINT, signer=origin, documents=(b"a", b"b"))
    keep_contradiction(gb.store, error, at=gb.clock.now())
    try:
        with pytest.raises(SendingStoppedError):
            send_alert(gb, make_draft("VN"))
    finally:
        with gb.store.write() as transaction:
            transaction.execute("DELETE FROM contradiction WHERE signer = ?", origin)


def test_identifiers_are_checked_before_they_are_sealed_and_what_their_author_found_stays(gb: Node) -> None:
    draft = make_draft("VN", kind="facilitator", purpose=Purpose.MIGRANT_SMUGGLING)
    said = {"as_seen": "490154203237518", "findings": ["no-check-digit"]}
    details = draft.alert["details"] | {"emails": [{"as_seen": "ChiHai@Example.ORG"}], "devices": [said]}
    (leg,) = send_alert(gb, replace(draft, alert={**draft.alert, "details": details})).legs
    note = gb.note_access(Action.CONSULTATION, "test", "reading back")
    sealed = Message.from_canonical(read_content(gb.store, leg.digest, note), max_bytes=1 << 18).alert["details"]
    assert sealed["emails"] == [
        {"as_seen": "ChiHai@Example.ORG", "normalised": "chihai@example.org", "findings": ["no-check-digit"]}
    ]
    assert sealed["devices"] == [said]


def test_a_file_goes_through_a_real_exchange_in_pieces_and_arrives_whole(
    gb: Node, vn: Node, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (uploading, fetching):
        monkeypatch.setattr(module, "MAX_PIECE_BYTES", 7_000)
    path = tmp_path / "page.png"
    path.write_bytes(make_bytes("page", 20_000))
    draft = replace(make_draft("VN"), attachments=(AttachedFile(path, "The data page"),))
    report = send_alert(gb, draft)
    assert report.items[0].state is OutboxState.TAKEN
    message_id = report.legs[0].message_id
    address = f"{ATTACHMENTS_PATH}/GB/{message_id}/{read_own(gb, report.legs[0].digest).attachments[0].id}"
    with pytest.raises(NotFoundError):
        vn.connection.read_range(address, 0, 10)
    receive(vn)
    (saved,) = save_attachments(vn, Saving(message_id, tmp_path, "case 74/08"))
    assert saved.path.name == "page-2.png"
    assert saved.path.read_bytes() == path.read_bytes()
    with pytest.raises(RefusedError) as refused:
        vn.connection.read_range(address, 0, 1 << 20)
    assert refused.value.code == "range-refused"
    with pytest.raises(NotFoundError):
        gb.connection.read_range(address, 0, 10)


def read_own(node: Node, digest: str) -> Message:
    """Return M of a message of one's own."""
    note = node.note_access(Action.CONSULTATION, "test", "reading back")
    return Message.from_canonical(read_content(node.store, digest, note), max_bytes=1 << 18)
