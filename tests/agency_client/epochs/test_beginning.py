"""What goes on under a new log: nothing acknowledged is lost, nothing is shown twice, what narrowed stays narrowed."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from agency_client.agreements.pulling import pull_steps
from agency_client.errors import DeniedError
from agency_client.local_store.access_log import load_newest_signed_head
from agency_client.local_store.agreements import list_unshown_steps, load_chains
from agency_client.local_store.contradictions import ContradictionKind, list_contradictions
from agency_client.local_store.dispatch import DispatchKind, DispatchState, list_dispatches, load_dispatch
from agency_client.local_store.held_steps import HeldStep, hold_step, list_held_steps
from agency_client.local_store.inbox import InboxState, list_messages
from agency_client.local_store.outbox import OutboxState
from agency_client.local_store.restored import RestoredNodeError, begin_restored_life
from agency_client.local_store.settings import Setting, clear_restored, read_setting
from agency_client.local_store.statuses import list_due_statuses
from agency_client.node import Node
from agency_client.own_keys.encryption import prepare_encryption_keys
from agency_client.own_keys.publishing import publish_queued
from agency_client.reading.messages import verify_again
from agency_client.receiving.flow import receive
from agency_client.receiving.leasing import lease_items
from agency_client.receiving.own_receipts import send_due_receipts
from agency_client.sending.acceptance import accept_acceptance, describe_carried
from agency_client.statuses.signing import sign_access_log_head, sign_status
from agency_client.syncing.catching_up import take_over_own_statuses
from agency_client.syncing.rounds import sync_log
from agency_client.witness.observer import LogError
from agency_client.witness.walker import walk_log
from keys.encryption_keys import sign_encryption_keys
from keys.sealing import parse_envelope
from schemas.agreements.steps import StepAction
from schemas.agreements.terms import Terms
from schemas.api import AUDIT_PATH
from schemas.key_documents import digest_key_document
from schemas.log.records import Record, RecordType
from schemas.signed import DocumentType, KeyUse
from tests.support.lying_world import LyingWorld
from tests.support.messages import make_id
from tests.support.new_log import answer, deliver, forget_of, learn, look_up, move_on
from tests.support.nodes import install_next_key_set, take_step

HOUR = timedelta(hours=1)


def test_what_was_taken_and_never_delivered_goes_again(
    world: LyingWorld, gb: Node, vn: Node, send: Callable[[], str]
) -> None:
    world.exchange.delivers = False
    message_id = send()
    taken = look_up(gb, message_id)
    assert (taken.state, taken.leaf is not None) == (OutboxState.TAKEN, True)
    world.exchange.delivers = True
    move_on(world.exchange, gb, vn)
    queued = look_up(gb, message_id)
    assert (queued.state, queued.leaf, queued.envelope) == (OutboxState.QUEUED, None, taken.envelope)
    with gb.store.read() as snapshot:
        earlier = snapshot.fetch_value("SELECT earlier_leaf FROM outbox WHERE message_id = ?", message_id)
    assert earlier == taken.leaf
    learn(gb, vn)
    assert message_id in deliver(gb)
    assert receive(vn).count(InboxState.OPENED) == 1
    answer(vn)
    receive(gb)
    assert look_up(gb, message_id).state is OutboxState.SETTLED


def test_what_was_opened_before_is_dropped_and_its_receipts_go_again(
    world: LyingWorld, gb: Node, vn: Node, send: Callable[[], str]
) -> None:
    message_id = send()
    assert receive(vn).count(InboxState.OPENED) == 1
    answer(vn)
    world.exchange.inboxes.clear()  # the receipts are lost with the old log
    with vn.store.read() as snapshot:
        before = list_messages(snapshot)
    move_on(world.exchange, gb, vn)
    with vn.store.read() as snapshot:
        waiting = [item.kind for item in list_dispatches(snapshot)]
    assert waiting.count(DispatchKind.RECEIPT) >= 2
    learn(gb, vn)
    deliver(gb)
    repeated = receive(vn)
    assert (repeated.stored, repeated.repeated, repeated.findings) == (0, 1, [])
    with vn.store.read() as snapshot:
        assert list_messages(snapshot) == before
    send_due_receipts(vn)
    assert receive(gb).receipts >= 2
    assert look_up(gb, message_id).state is OutboxState.SETTLED


def test_receipts_refused_before_their_message_was_known_go_again_with_it(
    world: LyingWorld, gb: Node, vn: Node, send: Callable[[], str]
) -> None:
    message_id = send()
    receive(vn)
    answer(vn)
    world.exchange.inboxes.clear()
    move_on(world.exchange, gb, vn)
    with vn.store.write() as transaction:
        transaction.execute("UPDATE dispatch SET state = 'refused' WHERE kind = 'receipt'")
    learn(gb, vn)
    deliver(gb)
    receive(vn)
    send_due_receipts(vn)
    receive(gb)
    assert look_up(gb, message_id).state is OutboxState.SETTLED


def test_what_was_opened_before_is_verified_by_the_log_it_stood_in(
    world: LyingWorld, gb: Node, vn: Node, send: Callable[[], str]
) -> None:
    message_id = send()
    receive(vn)
    with vn.store.read() as snapshot:
        (before,) = [item for item in list_messages(snapshot) if item.message_id == message_id]
    install_next_key_set(gb)
    learn(gb, vn)
    move_on(world.exchange, gb, vn)
    learn(gb, vn)
    found, checks = verify_again(vn, message_id, reason="complaint 12")
    assert found.origin == before.origin != vn.sheet.origin
    assert [check.name for check in checks][-1] == "content"
    assert f"leaf {before.leaf_index}" in checks[0].sentence


def test_what_a_partner_suspended_stays_suspended_though_the_new_log_forgot_it(
    world: LyingWorld, gb: Node, vn: Node, terms: Terms, send: Callable[[], str]
) -> None:
    world.exchange.delivers = False
    message_id = send()
    world.exchange.delivers = True
    take_step(vn, terms, StepAction.SUSPEND, vn)
    pull_steps(gb)
    is_suspension: Callable[[Record], bool] = lambda record: record.step == "suspend"  # noqa: E731
    move_on(world.exchange, gb, vn, forgets=is_suspension)
    learn(gb)
    with pytest.raises(DeniedError, match="suspended"):
        send()
    assert message_id not in deliver(gb)
    learn(vn)
    with vn.store.read() as snapshot:
        assert list_unshown_steps(snapshot) == []
    learn(gb)
    deliver(gb)
    waiting = look_up(gb, message_id)
    assert waiting.problem is not None
    assert waiting.problem.code == "agreement-suspended"
    take_step(vn, terms, StepAction.RESUME, vn)
    learn(gb)
    assert message_id in deliver(gb)


def test_another_document_at_a_place_that_is_taken_is_a_proof(world: LyingWorld, gb: Node, vn: Node) -> None:
    publish_queued(gb, prepare_encryption_keys(gb))
    walk_log(vn)
    move_on(world.exchange, gb, vn, forgets=forget_of("GB", RecordType.ENCRYPTION_KEYS))
    newest = gb.directory.load_timeline("GB").newest_encryption_keys
    assert newest is not None
    changed = newest.encryption_keys.model_copy(update={"issued_at": gb.clock.now() + HOUR})
    document = sign_encryption_keys(changed, gb.signer(KeyUse.ROTATION))
    digest = digest_key_document(DocumentType.ENCRYPTION_KEYS, document.payload_bytes)
    world.exchange.append(RecordType.ENCRYPTION_KEYS, ("GB",), agency="GB", digest=digest, document=document)
    walk_log(vn)
    with vn.store.write() as transaction:
        (proof,) = list_contradictions(transaction, ContradictionKind.KEY_DOCUMENT)
        assert proof.signer == "GB"
        transaction.execute("DELETE FROM contradiction")
    assert vn.directory.load_timeline("GB").newest_encryption_keys == newest
    learn(gb, vn)


def test_what_was_never_judged_takes_the_leaf_of_the_new_log(
    world: LyingWorld, gb: Node, vn: Node, send: Callable[[], str]
) -> None:
    message_id = send()
    lease_items(vn)
    move_on(world.exchange, gb, vn)
    learn(gb, vn)
    receive(vn)
    with vn.store.read() as snapshot:
        row = snapshot.fetch_one("SELECT state, problem_code FROM inbox_message WHERE message_id = ?", message_id)
        leases = snapshot.fetch_value("SELECT count(*) FROM lease_item WHERE settled_at IS NULL")
    assert row is not None
    assert tuple(row) == ("new", "log-ended")
    assert leases == 0
    deliver(gb)
    receive(vn)
    with vn.store.read() as snapshot:
        (found,) = [item for item in list_messages(snapshot) if item.message_id == message_id]
    assert (found.state, found.origin) == (InboxState.OPENED, vn.sheet.origin)


def test_partners_are_told_anew_and_the_access_log_signed_again(
    world: LyingWorld, gb: Node, vn: Node, terms: Terms
) -> None:
    sign_access_log_head(gb)
    with gb.store.write() as transaction:
        transaction.execute("UPDATE dispatch SET state = 'done', body = x'' WHERE kind = 'access-log-head'")
        transaction.execute("DELETE FROM status_due")
    move_on(world.exchange, gb, vn)
    with gb.store.read() as snapshot:
        head = load_newest_signed_head(snapshot)
        assert head is not None
        found = load_dispatch(snapshot, head.digest)
        assert found is not None
        assert (found.state, found.body) == (DispatchState.WAITING, head.document)
        assert [(due.partner, due.reason) for due in list_due_statuses(snapshot)] == [("VN", "new-log")]


@pytest.mark.parametrize(("days", "is_believed"), [(29, True), (31, False)])
def test_a_step_of_before_is_believed_by_the_keys_of_then_and_not_for_ever(
    world: LyingWorld, gb: Node, vn: Node, terms: Terms, days: int, is_believed: bool
) -> None:
    forget = "DELETE FROM agreement_step WHERE agreement = ? AND party = 'GB'"
    with vn.store.write() as transaction:
        assert transaction.execute(forget, terms.id) == 2
    install_next_key_set(gb)
    learn(gb, vn)
    with vn.store.write() as transaction:
        transaction.execute(forget, terms.id)
    move_on(world.exchange, gb, vn, forgets=lambda record: record.agreement == terms.id)
    before = world.clock.ahead
    world.clock.ahead += timedelta(days=days)
    learn(gb, vn)
    with vn.store.write() as transaction:
        chains = load_chains(transaction, terms.id)
        held = [step for step in list_held_steps(transaction) if step.agreement == terms.id]
        transaction.execute("DELETE FROM held_step")
    world.clock.ahead = before
    assert (len(chains.get("GB", ())), len(held)) == ((2, 0) if is_believed else (0, 2))


def test_only_a_log_that_goes_on_from_another_says_that_a_message_was_handed_over_before(
    world: LyingWorld, gb: Node, vn: Node, send: Callable[[], str]
) -> None:
    message_id = send()
    envelope = look_up(gb, message_id).envelope
    assert envelope is not None
    parsed = parse_envelope(envelope)
    told = describe_carried(parsed)
    carried = world.exchange.append(RecordType.MESSAGE_CARRIED, ("GB", "VN"), **told)
    evidence = world.exchange.make_evidence(carried)
    assert accept_acceptance(gb, evidence, parsed) == carried
    other = world.exchange.append(RecordType.MESSAGE_CARRIED, ("GB", "VN"), **told | {"size": 1})
    with pytest.raises(LogError, match="size"):
        accept_acceptance(gb, world.exchange.make_evidence(other), parsed)
    sheet = gb.sheet
    gb.sheet = sheet.model_copy(update={"origin": f"{sheet.name}/1"})
    with pytest.raises(LogError, match="message-accepted is expected"):
        accept_acceptance(gb, evidence, parsed)
    gb.sheet = sheet


def test_steps_that_waited_are_pulled_anew_from_the_new_log(world: LyingWorld, gb: Node, vn: Node) -> None:
    waiting = HeldStep(7, make_id("x"), "VN", "step-early", "too early", b"{}", vn.clock.now())
    with gb.store.write() as transaction:
        hold_step(transaction, waiting)
    move_on(world.exchange, gb, vn)
    with gb.store.read() as snapshot:
        assert list_held_steps(snapshot) == []
        assert read_setting(snapshot, Setting.STEPS_PULLED) == "-1"


def test_a_node_restored_into_a_new_log_repeats_no_number_of_a_status(
    world: LyingWorld, gb: Node, vn: Node, terms: Terms
) -> None:
    signed = [sign_status(gb, "VN") for _ in range(3)]
    with gb.store.write() as transaction:
        # What the backup does not have.
        transaction.execute("DELETE FROM status WHERE direction = 'out' AND seq > ?", signed[0].seq)
        transaction.execute("DELETE FROM dispatch WHERE kind = 'status'")
        begin_restored_life(transaction, backup="b", at=gb.clock.now())
    move_on(world.exchange, gb, vn)
    sync_log(gb)
    with pytest.raises(RestoredNodeError):
        sign_status(gb, "VN")
    world.exchange.tamper[AUDIT_PATH] = lambda answer: answer.model_copy(update={"records": (), "proofs": ()})
    assert take_over_own_statuses(gb) == 0
    world.exchange.tamper.clear()
    again = sign_status(gb, "VN")
    assert again.seq > signed[-1].seq + 1
    assert again.prev is not None
    with gb.store.write() as transaction:
        clear_restored(transaction)
