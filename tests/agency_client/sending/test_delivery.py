"""The outbox over a bad line and against a bad broker: each message once, whatever was lost, and nothing believed."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from agency_client.local_store.inbox import InboxFilter, list_messages
from agency_client.local_store.outbox import OutboxItem, OutboxState, load_item
from agency_client.local_store.sent import load_message
from agency_client.local_store.streams import list_stream_states
from agency_client.node import Node
from agency_client.own_keys.documents import load_own_key_sets
from agency_client.own_keys.encryption import prepare_encryption_keys
from agency_client.own_keys.publishing import publish_queued
from agency_client.profiles.private_files import write_private_file
from agency_client.profiles.profile import load_profile
from agency_client.profiles.session import open_profile
from agency_client.receiving.flow import receive
from agency_client.refusals import BusyError, RefusalDetails, RefusedConflictError, RefusedError
from agency_client.sending.delivery import deliver_due, deliver_messages
from agency_client.sending.flow import push_past_client, send_alert
from agency_client.sending.handing_in import DeliveryReport
from schemas.agreements.steps import StepAction
from schemas.api import CONSISTENCY_PATH, MESSAGES_PATH, Evidence
from schemas.envelope import Reference
from schemas.markings import Tlp
from tests.support.bad_line import Changed, LostAnswer, LostRequest, Refusing, SilentRequest, Tampering, tampered
from tests.support.drafts import make_draft
from tests.support.exchange import running_exchange
from tests.support.messages import make_id
from tests.support.nodes import (
    PASSPHRASE,
    agree,
    install_next_key_set,
    joined_nodes,
    reconnect,
    set_clock,
    take_step,
)

STATES_PATH = MESSAGES_PATH + "/"


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Node]]:
    """Give GB and VN with an agreement."""
    folder: Path = tmp_path_factory.mktemp("exchange")
    with running_exchange(folder) as exchange, joined_nodes(exchange, folder, "GB", "VN") as joined:
        agree(joined["GB"], joined["VN"])
        yield joined


@pytest.fixture
def gb(nodes: dict[str, Node]) -> Iterator[Node]:
    """Give the node that sends, its clock set right again afterwards."""
    yield nodes["GB"]
    set_clock(nodes["GB"], timedelta())


def queue(node: Node) -> str:
    """Queue a message and return its id."""
    return send_alert(node, make_draft("VN"), deliver=False).legs[0].message_id


def load(node: Node, message_id: str) -> OutboxItem:
    """Return where a message stands."""
    with node.store.read() as snapshot:
        return load_item(snapshot, message_id)


def deliver_with(node: Node, message_id: str, *tamperings: Tampering) -> DeliveryReport:
    """Try to deliver one message with something between the node and its broker."""
    with tampered(node, *tamperings):
        return deliver_messages(node, [message_id])


def count_received(node: Node, message_id: str) -> int:
    """Collect what came, and return how often a message did."""
    receive(node)
    with node.store.read() as snapshot:
        return sum(found.message_id == message_id for found in list_messages(snapshot, InboxFilter(), limit=1000))


def test_a_request_that_never_left_is_queued_again_with_the_reason(gb: Node) -> None:
    message_id = queue(gb)
    report = deliver_with(gb, message_id, LostRequest(MESSAGES_PATH))
    item = load(gb, message_id)
    assert (item.state, item.attempts) == (OutboxState.QUEUED, 1)
    assert report.waiting[message_id].code == "offline"
    assert item.next_attempt_at > gb.clock.now()


def test_what_waits_is_not_tried_before_its_time_and_then_delivered_once(gb: Node, vn: Node) -> None:
    message_id = queue(gb)
    deliver_with(gb, message_id, LostRequest(MESSAGES_PATH))
    assert message_id not in deliver_due(gb).taken
    set_clock(gb, timedelta(minutes=1))
    assert message_id in deliver_due(gb).taken
    assert count_received(vn, message_id) == 1


def test_a_lost_answer_leaves_it_in_doubt_and_the_same_bytes_go_again_as_once(gb: Node, vn: Node) -> None:
    message_id = queue(gb)
    deliver_with(gb, message_id, LostAnswer(MESSAGES_PATH))
    assert load(gb, message_id).state is OutboxState.IN_DOUBT
    asked = Tampering(STATES_PATH)
    deliver_with(gb, message_id, asked)
    assert asked.calls == 1
    assert load(gb, message_id).state is OutboxState.TAKEN
    assert count_received(vn, message_id) == 1


@pytest.mark.parametrize(
    "tampering",
    [
        LostRequest(CONSISTENCY_PATH),
        Refusing(CONSISTENCY_PATH, RefusedError("no", RefusalDetails("agreement-not-in-force", 422, (), ""))),
    ],
    ids=["lost", "refused"],
)
def test_what_arrived_is_in_doubt_while_its_evidence_cannot_be_proven(gb: Node, vn: Node, tampering: Tampering) -> None:
    message_id = queue(gb)
    assert deliver_with(gb, message_id, tampering).taken == []
    assert tampering.calls == 1
    assert load(gb, message_id).state is OutboxState.IN_DOUBT
    assert deliver_messages(gb, [message_id]).taken == [message_id]
    assert count_received(vn, message_id) == 1


def test_what_the_broker_does_not_know_is_queued_again_and_sent(gb: Node, vn: Node) -> None:
    message_id = queue(gb)
    deliver_with(gb, message_id, SilentRequest(MESSAGES_PATH))
    assert load(gb, message_id).state is OutboxState.IN_DOUBT
    assert deliver_messages(gb, [message_id]).taken == [message_id]
    assert count_received(vn, message_id) == 1


def test_a_question_that_is_not_answered_leaves_it_in_doubt(gb: Node) -> None:
    message_id = queue(gb)
    deliver_with(gb, message_id, SilentRequest(MESSAGES_PATH))
    report = deliver_with(gb, message_id, SilentRequest(STATES_PATH))
    assert load(gb, message_id).state is OutboxState.IN_DOUBT
    assert report.waiting[message_id].code == "unanswered"


def test_what_was_in_doubt_stays_so_when_the_broker_goes_away_in_between(gb: Node) -> None:
    message_id = queue(gb)
    deliver_with(gb, message_id, LostAnswer(MESSAGES_PATH))
    deliver_with(gb, message_id, Tampering(STATES_PATH), LostRequest(MESSAGES_PATH))
    assert load(gb, message_id).state is OutboxState.IN_DOUBT


def test_a_busy_broker_is_obeyed(gb: Node) -> None:
    message_id = queue(gb)
    busy = BusyError("come back later", code="busy", retry_after_seconds=90)
    deliver_with(gb, message_id, Refusing(MESSAGES_PATH, busy))
    item = load(gb, message_id)
    assert item.state is OutboxState.QUEUED
    assert item.next_attempt_at >= gb.clock.now() + timedelta(seconds=89)


def change_leaf(**members: object) -> object:
    """Return what changes members of the record in an answer."""

    def change(evidence: Evidence) -> Evidence:
        record = evidence.leaf.record.model_copy(update=members)
        return evidence.model_copy(update={"leaf": evidence.leaf.model_copy(update={"record": record})})

    return change


@pytest.mark.parametrize(
    "members",
    [
        {"message": Reference(id=make_id("another"), digest="A" * 43)},
        {"agency": "VN"},
        {"recipients": ()},
        {"kind": "facilitator"},
        {"marking": Tlp.CLEAR},
        {"size": 1},
    ],
)
def test_evidence_about_something_else_is_not_believed(gb: Node, members: dict[str, object]) -> None:
    message_id = queue(gb)
    report = deliver_with(gb, message_id, Changed(MESSAGES_PATH, change_leaf(**members)))  # type: ignore[arg-type]
    assert report.waiting[message_id].code == "log-not-proven"
    assert load(gb, message_id).state is OutboxState.IN_DOUBT
    assert deliver_messages(gb, [message_id]).taken == [message_id]


def test_a_leaf_that_is_not_in_the_log_is_not_believed(gb: Node) -> None:
    message_id = queue(gb)

    def move(evidence: Evidence) -> Evidence:
        return evidence.model_copy(update={"leaf": evidence.leaf.model_copy(update={"index": 0})})

    report = deliver_with(gb, message_id, Changed(MESSAGES_PATH, move))
    assert report.waiting[message_id].code == "log-not-proven"
    assert load(gb, message_id).state is OutboxState.IN_DOUBT


def test_a_definite_refusal_ends_a_message_and_voids_its_number(gb: Node) -> None:
    message_id = queue(gb)
    error = RefusedError("nobody may", RefusalDetails("recipient-refused", 422, (), ""))
    report = deliver_with(gb, message_id, Refusing(MESSAGES_PATH, error))
    assert report.refused[message_id].code == "recipient-refused"
    item = load(gb, message_id)
    assert (item.state, item.envelope) == (OutboxState.REFUSED, None)
    with gb.store.read() as snapshot:
        state = list_stream_states(snapshot, "VN")[-1]
    assert state.last in state.voided


def test_a_refusal_of_the_call_is_none_of_the_message(gb: Node) -> None:
    message_id = queue(gb)
    error = RefusedError("too old", RefusalDetails("client-too-old", 426, (), ""))
    deliver_with(gb, message_id, Refusing(MESSAGES_PATH, error))
    assert load(gb, message_id).state is OutboxState.QUEUED


def test_the_first_that_finds_the_broker_away_stops_the_rest(gb: Node) -> None:
    first, second = queue(gb), queue(gb)
    deliver_with(gb, first, SilentRequest(MESSAGES_PATH))
    set_clock(gb, timedelta(minutes=2))
    away, messages = LostRequest(STATES_PATH), Tampering(MESSAGES_PATH)
    with tampered(gb, away, messages):
        deliver_messages(gb, [first, second])
    assert (away.calls, messages.calls) == (1, 0)
    assert load(gb, second).attempts == 0


def test_what_is_past_its_deadline_never_leaves(gb: Node) -> None:
    message_id = queue(gb)
    set_clock(gb, timedelta(days=11))
    nothing = Tampering(MESSAGES_PATH)
    report = deliver_with(gb, message_id, nothing)
    assert nothing.calls == 0
    assert report.refused[message_id].code == "deadline-passed"
    assert load(gb, message_id).state is OutboxState.CANCELLED


def test_a_message_sealed_before_a_suspension_waits_and_leaves_when_it_is_resumed(gb: Node, vn: Node) -> None:
    terms = agree(gb, vn, "to be suspended")
    message_id = send_alert(gb, make_draft("VN", agreement=terms.id), deliver=False).legs[0].message_id
    take_step(vn, terms, StepAction.SUSPEND, gb, vn)
    nothing = Tampering(MESSAGES_PATH)
    report = deliver_with(gb, message_id, nothing)
    assert (nothing.calls, report.waiting[message_id].code) == (0, "agreement-suspended")
    take_step(vn, terms, StepAction.RESUME, gb, vn)
    assert deliver_messages(gb, [message_id]).taken == [message_id]


def test_a_message_sealed_before_a_revocation_never_leaves(gb: Node, vn: Node) -> None:
    terms = agree(gb, vn, "to be revoked")
    message_id = send_alert(gb, make_draft("VN", agreement=terms.id), deliver=False).legs[0].message_id
    take_step(vn, terms, StepAction.REVOKE, gb, vn)
    assert deliver_messages(gb, [message_id]).refused[message_id].code == "agreement-revoked"
    assert load(gb, message_id).state is OutboxState.CANCELLED


def test_a_withdrawal_never_overtakes_what_it_withdraws(gb: Node) -> None:
    report = send_alert(gb, make_draft("VN"), deliver=False)
    original = Reference(id=report.legs[0].message_id, digest=report.legs[0].digest)
    withdrawal = send_alert(gb, make_draft(kind="withdrawal", refers_to=original), deliver=False).legs[0].message_id
    assert deliver_messages(gb, [withdrawal]).waiting[withdrawal].code == "original-waiting"
    assert deliver_messages(gb, [original.id, withdrawal]).taken == [original.id, withdrawal]


def test_a_key_that_changed_meanwhile_is_answered_by_sealing_again(gb: Node, vn: Node) -> None:
    message_id = queue(gb)
    publish_queued(vn, prepare_encryption_keys(vn))
    publish_queued(vn, prepare_encryption_keys(vn))
    report = deliver_messages(gb, [message_id])
    (renewed,) = report.renewed.values()
    assert report.refused[message_id].code == "encryption-key-not-current"
    assert (load(gb, message_id).state, load(gb, renewed).state) == (OutboxState.REFUSED, OutboxState.TAKEN)
    with gb.store.read() as snapshot:
        old, new = load_message(snapshot, message_id), load_message(snapshot, renewed)
    assert (new.replaces, new.thread, new.expires_at) == (old.digest, old.thread, old.expires_at)
    assert count_received(vn, renewed) == 1


def test_a_new_key_set_of_ones_own_is_answered_by_sealing_again(gb: Node, vn: Node) -> None:
    message_id = queue(gb)
    install_next_key_set(gb)
    with gb.store.read() as snapshot:
        next_set = load_own_key_sets(snapshot, gb.agency)[-1]
    reconnect(gb)
    publish_queued(gb, next_set.digest)
    report = deliver_messages(gb, [message_id])
    assert report.refused[message_id].code == "key-set-not-current"
    assert count_received(vn, report.renewed[message_id]) == 1


def test_a_broker_that_refuses_for_keys_without_newer_ones_does_not_make_it_seal_for_ever(gb: Node) -> None:
    message_id = queue(gb)
    error = RefusedConflictError("not current", RefusalDetails("encryption-key-not-current", 409, (), ""))
    refusing = Refusing(MESSAGES_PATH, error)
    report = deliver_with(gb, message_id, refusing)
    assert (refusing.calls, report.renewed) == (1, {})
    assert load(gb, message_id).state is OutboxState.REFUSED


def test_a_number_that_a_copy_of_this_node_has_used_is_answered_by_a_stream_of_its_own(
    gb: Node, vn: Node, tmp_path: Path
) -> None:
    deliver_messages(gb, [queue(gb)])
    with copied(gb, tmp_path) as thief:
        deliver_messages(thief, [queue(thief)])
    message_id = queue(gb)
    report = deliver_messages(gb, [message_id])
    assert report.refused[message_id].code == "number-conflict", "who sends beside us is told"
    (sealed_again,) = report.renewed.values()
    assert load(gb, sealed_again).state is OutboxState.TAKEN
    receive(vn)
    with vn.store.read() as snapshot:
        here = {item.message_id for item in list_messages(snapshot, InboxFilter())}
    assert sealed_again in here
    assert message_id not in here


@contextmanager
def copied(node: Node, folder: Path) -> Iterator[Node]:
    """Give a copy of a node, as a thief has it who took the whole folder and knows the passphrase."""
    home = folder / "home"
    shutil.copytree(node.profile.folder, home / "gb", ignore=shutil.ignore_patterns("store.db*", "locks", "run"))
    node.store.copy_to(home / "gb" / "store.db")
    secret = folder / "passphrase"
    write_private_file(secret, PASSPHRASE.encode())
    profile = load_profile(home, "gb")
    with Node(open_profile(profile, environment={}, passphrase_file=secret), node.clock) as copy:
        yield copy


def test_a_report_speaks_of_what_stands_in_the_place_of_the_refused(gb: Node, tmp_path: Path) -> None:
    with copied(gb, tmp_path) as thief:
        deliver_messages(thief, [queue(thief)])
    report = send_alert(gb, make_draft("VN"))
    assert [problem.code for problem in report.sealed_again] == ["number-conflict"]
    (leg,), (item,) = report.legs, report.items
    assert (item.message_id, item.state) == (leg.message_id, OutboxState.TAKEN)
    with gb.store.read() as snapshot:
        assert load_message(snapshot, leg.message_id).replaces is not None


def test_an_exchange_that_calls_every_number_used_does_not_make_it_seal_for_ever(gb: Node) -> None:
    message_id = queue(gb)
    used = RefusedConflictError("used", RefusalDetails("number-conflict", 409, (), "n"))
    report = deliver_with(gb, message_id, Refusing(MESSAGES_PATH, used))
    assert len(report.renewed) == 1
    assert all(load(gb, refused).state is OutboxState.REFUSED for refused in report.refused)


def test_what_was_pushed_past_the_client_reaches_the_broker_whatever_the_agreement_says(gb: Node, vn: Node) -> None:
    terms = agree(gb, vn, "suspended for the push")
    take_step(vn, terms, StepAction.SUSPEND, gb, vn)
    report = push_past_client(gb, make_draft("VN", agreement=terms.id))
    assert report.items[0].problem is not None
    assert report.items[0].problem.code == "agreement-not-in-force"
