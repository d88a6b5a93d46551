"""What a status tells that a hostile exchange keeps quiet about: keys revoked, messages that should be here."""

from datetime import timedelta

import pytest

from agency_client.agreements.pulling import pull_steps
from agency_client.errors import VerificationFailedError
from agency_client.local_store.inbox import InboxState
from agency_client.own_keys.publishing import publish_queued
from agency_client.own_keys.revoking import prepare_revocation
from agency_client.receiving.own_receipts import sign_owed_receipts
from agency_client.sending.flow import plan_alert
from agency_client.statuses.standing import view_partner
from agency_client.statuses.watching import WatchReport, watch_partners
from agency_client.witness.walker import walk_log
from schemas.agreements.steps import StepAction
from schemas.agreements.terms import Terms
from schemas.codec import b64u_encode
from schemas.signed import KeyUse
from schemas.status import Status, StreamPosition, digest_status
from tests.attacks.boards import GB, VN, Board, carry, may_send, pull, sign, sign_by
from tests.support.drafts import make_draft
from tests.support.lying_world import LyingWorld
from tests.support.nodes import take_step

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


@pytest.fixture
def world(two_agencies: LyingWorld) -> LyingWorld:
    """GB and VN, as on the first day for every test."""
    return two_agencies


# Revoked keys that the exchange keeps quiet about


def revoke(world: LyingWorld, use: KeyUse) -> tuple[str, ...]:
    """Let VN revoke a key; the exchange does not take it. Its next status says so."""
    kids = world[VN].signer(use).kids
    prepare_revocation(world[VN], [kids[0]], "key-stolen")
    return kids


def test_nothing_is_sealed_for_keys_that_a_stolen_rotation_key_may_have_published(
    world: LyingWorld, board: Board
) -> None:
    revoke(world, KeyUse.ROTATION)
    assert may_send(world), "nobody here knows of it yet"
    carry(world, sign(world[VN]))
    assert find_obstacles(world) == ["sealing-keys-revoked"]


def test_nor_once_the_log_shows_that_the_rotation_key_was_revoked(world: LyingWorld, board: Board) -> None:
    publish_queued(world[VN], prepare_revocation(world[VN], [world[VN].signer(KeyUse.ROTATION).kids[0]], "key-stolen"))
    walk_log(world[GB])
    assert find_obstacles(world) == ["sealing-keys-revoked"]


def find_obstacles(world: LyingWorld) -> list[str]:
    """Return the codes of what stands against sending VN anything."""
    (recipient,) = plan_alert(world[GB], make_draft(VN)).recipients
    return [finding.code for finding in recipient.obstacles]


def test_what_a_stolen_message_key_signs_waits_once_its_owner_has_spoken(
    world: LyingWorld, board: Board, terms: Terms
) -> None:
    signer = world[VN].signer(KeyUse.MESSAGE)
    revoke(world, KeyUse.MESSAGE)
    carry(world, sign(world[VN]))
    sealed = world.craft(VN, GB, terms, signer=signer)
    world.deliver(sealed, GB)
    found = world.receive(GB, sealed)
    assert found.state is InboxState.NEW
    assert found.problem is not None
    assert found.problem.code == "revocation-hidden"


def test_a_thief_cannot_go_on_signing_statuses_with_a_key_that_was_called_revoked(
    world: LyingWorld, board: Board
) -> None:
    honest = sign(world[VN])
    kids = world[VN].signer(KeyUse.RECEIPT).kids
    carry(world, sign_by(world[VN], Status.from_canonical(honest.payload_bytes).model_copy(update={"revoked": kids})))
    follower = {"seq": 2, "prev": None, "revoked": ()}
    forged = sign_by(world[VN], Status.from_canonical(honest.payload_bytes).model_copy(update=follower))
    with pytest.raises(VerificationFailedError, match="said that it revoked the key"):
        carry(world, forged)


def test_a_later_status_takes_no_revocation_back(world: LyingWorld, board: Board) -> None:
    kids = world[VN].signer(KeyUse.ROTATION).kids
    first = sign(world[VN], revoked=kids)
    carry(world, first)
    silent = Status.from_canonical(sign(world[VN]).payload_bytes).model_copy(
        update={"prev": digest_status(first.payload_bytes), "revoked": ()}
    )
    carry(world, sign_by(world[VN], silent))
    assert not may_send(world)


def test_a_newer_key_set_that_the_log_does_not_show_stops_sealing(world: LyingWorld, board: Board) -> None:
    report = carry(world, sign(world[VN], keyset=2))
    assert [alarm.code for alarm in report.alarms] == ["key-set-hidden"]
    assert not may_send(world)


def test_a_stolen_agreement_key_resumes_nothing_once_its_owner_has_spoken(
    world: LyingWorld, board: Board, terms: Terms
) -> None:
    take_step(world[VN], terms, StepAction.SUSPEND, world[VN])
    pull_steps(world[GB])
    kids = world[VN].signer(KeyUse.AGREEMENT).kids
    carry(world, sign(world[VN], revoked=kids))
    take_step(world[VN], terms, StepAction.RESUME, world[VN])
    assert [held.code for held in pull_steps(world[GB]).held] == ["revocation-hidden"]
    assert "suspended" in [view.state.value for view in view_partner(world[GB], VN).agreements]
    assert not may_send(world)


# Messages kept back


def watch(world: LyingWorld) -> WatchReport:
    """Let GB empty its inbox and look its partners over."""
    world.collect(GB)
    return watch_partners(world[GB])


def test_the_last_message_kept_back_is_an_alarm_after_a_quarter_of_an_hour_and_its_end_is_told(
    world: LyingWorld, board: Board, terms: Terms
) -> None:
    sealed = world.craft(VN, GB, terms)
    position = StreamPosition(stream=sealed.header.recipients[0].stream, last=1, voided=())
    board.put_up(sign(world[VN], streams=(position,)))
    pull(world)
    world.clock.ahead = 14 * MINUTE
    assert watch(world).alarms == ()
    world.clock.ahead = 16 * MINUTE
    (alarm,) = watch(world).alarms
    assert alarm.code == "tail-missing"
    assert "message 1 of stream" in alarm.sentence
    world.deliver(sealed, GB)
    watched = watch(world)
    assert (watched.alarms, [told.first for told in watched.closed]) == ((), [1])
    assert watch(world).closed == (), "told once"


def test_a_signer_whose_clock_runs_ahead_puts_no_alarm_off(world: LyingWorld, board: Board, terms: Terms) -> None:
    position = StreamPosition(stream=b64u_encode(bytes(16)), last=1, voided=())
    board.put_up(sign(world[VN], time=world.clock.now() + 500 * HOUR, streams=(position,)))
    pull(world)
    world.clock.ahead = 16 * MINUTE
    assert [alarm.code for alarm in watch(world).alarms] == ["tail-missing"]


def test_a_forged_message_that_claims_the_number_closes_no_gap(world: LyingWorld, board: Board, terms: Terms) -> None:
    first, second = world.craft(VN, GB, terms), world.craft(VN, GB, terms)
    world.deliver(second, GB)
    watch(world)
    stream = first.header.recipients[0].stream
    forged = world.craft(VN, GB, terms, n=1, stream=stream, signer=world[GB].signer(KeyUse.MESSAGE))
    world.deliver(forged, GB)
    world.clock.ahead = 20 * MINUTE
    (alarm,) = watch(world).alarms
    assert "1 here claim one of these numbers, unproven" in alarm.sentence


def test_a_node_that_did_not_look_into_its_inbox_raises_no_alarm(world: LyingWorld, board: Board, terms: Terms) -> None:
    world.craft(VN, GB, terms)
    world.deliver(world.craft(VN, GB, terms), GB)
    watch(world)
    world.clock.ahead = 10 * HOUR
    assert watch_partners(world[GB]).alarms == ()
    assert len(watch(world).alarms) == 1


def test_a_message_here_whose_number_is_voided_is_told_and_receipted_once_more(
    world: LyingWorld, board: Board, terms: Terms
) -> None:
    sealed = world.craft(VN, GB, terms)
    world.deliver(sealed, GB)
    world.receive(GB, sealed)
    sign_owed_receipts(world[GB])
    position = StreamPosition(stream=sealed.header.recipients[0].stream, last=1, voided=(1,))
    report = carry(world, sign(world[VN], streams=(position,)))
    assert [item.is_new for item in report.voided] == [True]
    assert [item.digest for item in view_partner(world[GB], VN).voided] == [sealed.digest]
    sign_owed_receipts(world[GB])
    with world[GB].store.read() as snapshot:
        reasons = [
            row["reason"]
            for row in snapshot.fetch_all(
                "SELECT reason FROM receipt_subject JOIN receipt ON receipt.digest = receipt"
                " WHERE message = ? AND type = 'verified' AND direction = 'out' ORDER BY at, reason",
                sealed.digest,
            )
        ]
    assert reasons == ["", "number-voided"]
    assert sign_owed_receipts(world[GB]).signed == 0
