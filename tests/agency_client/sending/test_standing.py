"""What follows up a message of before the present log waits for it to come back, and for nothing else."""

from datetime import timedelta
from typing import Any

from agency_client.local_store.sent import load_message
from agency_client.sending.answering import acknowledge
from agency_client.sending.noticing import restrict
from agency_client.sending.standing import is_original_older
from tests.agency_client.sending.test_answering import AUTHOR, send_and_receive
from tests.support.lying_world import LyingWorld, make_ping


def test_a_notice_and_an_answer_wait_for_what_an_earlier_log_had(world: LyingWorld, terms: Any) -> None:
    message = send_and_receive(world, terms, make_ping())
    notice = restrict(world["GB"], message.message_id, AUTHOR, ground="accuracy-contested").items[0].message_id
    answer = acknowledge(world["VN"], message.message_id, AUTHOR).items[0].message_id
    now, hour = world.clock.now(), timedelta(hours=1)
    for agency, follows in (("GB", notice), ("VN", answer)):
        with world[agency].store.read() as snapshot:
            found = load_message(snapshot, follows)
            assert is_original_older(snapshot, found, now + hour)
            assert not is_original_older(snapshot, found, now - hour)


def test_what_follows_nothing_waits_for_nothing(world: LyingWorld, terms: Any) -> None:
    message = send_and_receive(world, terms, make_ping())
    with world["GB"].store.read() as snapshot:
        sent = load_message(snapshot, message.message_id)
        assert not is_original_older(snapshot, sent, world.clock.now() + timedelta(hours=1))
