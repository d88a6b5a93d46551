"""What this agency signed and the new log does not show is handed in again, and what needs it waits till then."""

from collections.abc import Callable
from datetime import timedelta

from agency_client.agreements.pulling import pull_steps
from agency_client.agreements.submitting import submit_due_steps
from agency_client.epochs.handing_in import queue_missing_steps
from agency_client.local_store.agreements import list_unshown_steps
from agency_client.local_store.dispatch import DispatchState, load_dispatch
from agency_client.local_store.outbox import OutboxState
from agency_client.local_store.trust import list_unshown
from agency_client.node import Node
from agency_client.own_keys.encryption import prepare_encryption_keys
from agency_client.own_keys.publishing import publish_queued
from agency_client.refusals import ExchangeStoppedError, RefusalDetails, RefusedError
from agency_client.syncing.rounds import sync_log
from agency_client.witness.walker import walk_log
from schemas.agreements.terms import Terms
from schemas.api import MESSAGES_PATH, STEPS_PATH
from schemas.log.records import RecordType
from tests.support.bad_line import Refusing, tampered
from tests.support.lying_world import LyingWorld
from tests.support.new_log import deliver, forget_of, learn, look_up, move_on

HOUR = timedelta(hours=1)


def test_own_key_documents_that_the_new_log_forgot_are_handed_in_again(
    world: LyingWorld, gb: Node, vn: Node, send: Callable[[], str]
) -> None:
    publish_queued(gb, prepare_encryption_keys(gb))
    walk_log(vn)
    before = vn.directory.load_timeline("GB")
    move_on(world.exchange, gb, vn, forgets=forget_of("GB", RecordType.ENCRYPTION_KEYS))
    walked = walk_log(gb)
    assert (walked.suspicions, walked.documents) == ([], []), "what is known is neither doubted nor new"
    with gb.store.read() as snapshot:
        missing = list_unshown(snapshot, "GB")
    assert missing
    learn(vn)
    assert vn.directory.load_timeline("GB") == before, "what a partner holds already, it keeps"
    with vn.store.read() as snapshot:
        assert list_unshown(snapshot, "GB")
    learn(gb, vn)
    for node in (gb, vn):
        with node.store.read() as snapshot:
            assert list_unshown(snapshot, "GB") == []
    assert vn.directory.load_timeline("GB") == before, "written once more, nothing moves"
    assert [item.record.type for item in world.exchange.records].count(RecordType.ENCRYPTION_KEYS) >= 3


def test_a_message_waits_until_the_new_log_shows_what_it_needs(
    world: LyingWorld, gb: Node, vn: Node, send: Callable[[], str]
) -> None:
    world.exchange.delivers = False
    message_id = send()
    world.exchange.delivers = True
    publish_queued(vn, prepare_encryption_keys(vn))
    walk_log(gb)
    move_on(world.exchange, gb, vn, forgets=forget_of("VN", RecordType.ENCRYPTION_KEYS))
    learn(gb)
    assert message_id not in deliver(gb)
    waiting = look_up(gb, message_id)
    assert waiting.state is OutboxState.QUEUED
    assert waiting.problem is not None
    assert (waiting.problem.code, "key documents of VN" in waiting.problem.sentence) == ("log-incomplete", True)
    learn(vn, gb)
    assert message_id in deliver(gb)


def test_what_is_sent_while_the_exchange_has_stopped_goes_to_the_log_that_comes_after(
    world: LyingWorld, gb: Node, vn: Node, send: Callable[[], str]
) -> None:
    stopped = ExchangeStoppedError("a part of the log is lost", retry_after_seconds=60)
    with tampered(gb, Refusing(MESSAGES_PATH, stopped)):
        message_id = send()
    assert look_up(gb, message_id).state is OutboxState.QUEUED
    move_on(world.exchange, gb, vn)
    learn(gb, vn)
    world.clock.ahead += HOUR
    assert message_id in deliver(gb)


def test_a_step_that_the_exchange_refuses_now_is_kept_and_tried_again(
    world: LyingWorld, gb: Node, vn: Node, terms: Terms
) -> None:
    move_on(world.exchange, gb, vn, forgets=lambda record: record.agreement == terms.id and record.agency == "GB")

    world.clock.ahead += HOUR
    sync_log(gb)
    pull_steps(gb)
    assert queue_missing_steps(gb) == 2
    refusal = RefusedError("the step is too old", RefusalDetails("wrong-time", 422, (), "time"))
    with tampered(gb, Refusing(STEPS_PATH, refusal)):
        assert len(submit_due_steps(gb).refused) == 2
    with gb.store.read() as snapshot:
        own = [item for item in list_unshown_steps(snapshot, party="GB") if item.agreement == terms.id]
        states = [found.state for item in own if (found := load_dispatch(snapshot, item.digest))]
    assert len(own) == 2
    assert states == [DispatchState.WAITING] * 2
    world.clock.ahead += HOUR
    learn(gb)
    with gb.store.read() as snapshot:
        assert list_unshown_steps(snapshot, party="GB") == []
