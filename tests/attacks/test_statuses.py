"""A hostile exchange, partner or thief against statuses: hidden, kept back, rolled back, stretched in time, by file."""

from dataclasses import replace
from datetime import timedelta

import pytest

from agency_client.agreements import flows
from agency_client.agreements.submitting import submit_due_steps
from agency_client.errors import UsageError, VerificationFailedError
from agency_client.local_store.access_log import list_entries
from agency_client.local_store.inbox import InboxState
from agency_client.local_store.settings import Setting, read_setting, write_setting
from agency_client.sending.answering import Author, acknowledge
from agency_client.sending.flow import NotCoveredError, send_alert
from agency_client.statuses.files import export_status, import_status
from agency_client.statuses.freshness import Freshness
from agency_client.statuses.hidden import list_hidden_agreements
from agency_client.statuses.signing import sign_status
from agency_client.statuses.standing import view_partner
from schemas.agreements.steps import StepAction
from schemas.agreements.terms import Terms
from schemas.api import STEPS_PATH, Evidence, StepsAnswer
from schemas.codec import b64u_encode
from schemas.log.records import RecordType
from schemas.markings import Urgency
from schemas.status import Status
from tests.attacks.boards import (
    GB,
    VN,
    Board,
    carry,
    load_signed,
    look,
    may_send,
    pull,
    sign,
    sign_by,
)
from tests.support.drafts import make_draft
from tests.support.lying_world import LyingWorld
from tests.support.nodes import take_step

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


@pytest.fixture
def world(two_agencies: LyingWorld) -> LyingWorld:
    """GB and VN, as on the first day for every test."""
    return two_agencies


# Hidden and kept back


def test_an_exchange_that_shows_no_status_is_marked_after_a_day_and_stops_sending_after_three(
    world: LyingWorld, board: Board
) -> None:
    for hours, state in ((23, Freshness.FRESH), (25, Freshness.OLD), (71, Freshness.OLD), (73, Freshness.STALE)):
        world.clock.ahead = hours * HOUR
        pull(world)
        assert look(world).state is state
        assert may_send(world) == (hours < 72)
    assert "the exchange shows none; VN has signed none, or they are kept back" in look(world).sentence


def test_an_exchange_that_sits_on_the_last_status_gains_three_days_and_no_more(world: LyingWorld, board: Board) -> None:
    board.put_up(sign(world[VN]))
    for hours in (6, 30, 71):
        world.clock.ahead = hours * HOUR
        sign(world[VN])  # the partner goes on signing; nothing of it is shown
        pull(world)
        assert may_send(world)
    world.clock.ahead = 73 * HOUR
    pull(world)
    assert not may_send(world)
    assert "the exchange gives us none newer" in look(world).sentence
    board.put_up(sign(world[VN]))
    pull(world)
    assert may_send(world)


def test_a_partner_that_writes_is_there_and_its_statuses_are_kept_back(
    world: LyingWorld, board: Board, terms: Terms
) -> None:
    board.put_up(sign(world[VN]))
    pull(world)
    world.clock.ahead = 80 * HOUR
    sealed = world.craft(VN, GB, terms)
    world.deliver(sealed, GB)
    assert world.receive(GB, sealed).state is InboxState.OPENED, "receiving is never stopped, only marked"
    pull(world)
    assert "VN itself wrote on" in look(world).sentence


def test_a_node_that_was_away_stops_sending_and_does_not_blame_its_partner(world: LyingWorld, board: Board) -> None:
    board.put_up(sign(world[VN]))
    pull(world)
    world.clock.ahead = 80 * HOUR
    assert not may_send(world)
    assert "this node last asked the exchange on" in look(world).sentence
    assert "kept back" not in look(world).sentence


def test_an_older_status_shown_again_makes_nothing_younger(world: LyingWorld, board: Board) -> None:
    board.put_up(sign(world[VN]))
    old = board.shown
    world.clock.ahead = 2 * HOUR
    board.put_up(sign(world[VN]))
    pull(world)
    board.shown = old
    world.clock.ahead = 75 * HOUR
    assert [alarm.code for alarm in pull(world).alarms] == ["status-rolled-back"]
    assert 73 * HOUR <= look(world).age < 73 * HOUR + MINUTE
    assert not may_send(world)


def test_a_status_that_was_shown_and_is_no_more_is_an_alarm_once(world: LyingWorld, board: Board) -> None:
    board.put_up(sign(world[VN]))
    pull(world)
    board.shown = []
    world.clock.ahead = MINUTE
    assert [alarm.code for alarm in pull(world).alarms] == ["status-missing"]
    world.exchange.append(RecordType.OPERATOR_ACTION, (), detail="the log grows", agency=VN)
    assert pull(world).alarms == []


# Stretched in time


def test_a_status_logged_late_is_as_old_as_its_signer_says(world: LyingWorld, board: Board) -> None:
    document = sign(world[VN])
    world.clock.ahead = 73 * HOUR
    board.put_up(document)  # its leaf is of this minute
    pull(world)
    assert look(world).state is Freshness.STALE


def test_a_status_dated_before_the_one_before_it_is_refused(world: LyingWorld, board: Board) -> None:
    first = sign(world[VN])
    board.put_up(first)
    pull(world)
    second = sign_status(world[VN], GB)
    older = second.model_copy(update={"time": second.time - 2 * HOUR})
    board.put_up(sign_by(world[VN], older))
    assert pull(world).problems[VN].code == "status-dated-back"
    board.put_up(load_signed(world[VN], second))
    assert pull(world).news == [VN]


def test_a_step_kept_back_is_asked_for_less_and_less_often(world: LyingWorld, board: Board, terms: Terms) -> None:
    asked = []

    def hide(answer: StepsAnswer | Evidence) -> StepsAnswer | Evidence:
        if not isinstance(answer, StepsAnswer):
            return answer
        asked.append(answer)
        return answer.model_copy(update={"steps": ()})

    flows.suspend(world[VN], terms.id, reason="no answer")
    submit_due_steps(world[VN])
    board.put_up(sign(world[VN]))
    world.exchange.tamper[STEPS_PATH] = hide
    anew = 0
    for _ in range(60):
        pull(world)
        with world[GB].store.read() as snapshot:
            anew += read_setting(snapshot, Setting.STEPS_PULLED) == "-1"
        with world[GB].store.write() as transaction:
            write_setting(transaction, Setting.STEPS_PULLED, "1")
        world.clock.ahead += MINUTE
    assert len(asked) == 60
    assert 3 <= anew <= 10
    del world.exchange.tamper[STEPS_PATH]
    world.clock.ahead += 6 * HOUR
    pull(world)
    pull(world)
    with world[GB].store.read() as snapshot:
        assert list_hidden_agreements(snapshot, VN) == frozenset()


def test_a_signer_whose_clock_runs_ahead_gains_nothing(world: LyingWorld, board: Board) -> None:
    board.put_up(sign(world[VN], time=world.clock.now() + 500 * HOUR))
    pull(world)
    assert look(world).age < MINUTE
    world.clock.ahead = 73 * HOUR
    assert look(world).state is Freshness.STALE


def test_a_leaf_dated_ahead_of_now_is_not_believed(world: LyingWorld, board: Board) -> None:
    document = sign(world[VN])
    world.clock.ahead = 3 * HOUR
    board.put_up(document)
    world.clock.ahead = timedelta()
    assert "ahead of now" in pull(world).problems[VN].sentence
    assert look(world).is_asked is False


def test_a_clock_set_back_behind_the_log_makes_nothing_younger(world: LyingWorld, board: Board) -> None:
    world.clock.ahead = -73 * HOUR
    old = sign(world[VN])
    world.clock.ahead = timedelta()
    board.put_up(old)
    pull(world)
    assert look(world).state is Freshness.STALE
    world.clock.ahead = -70 * HOUR
    assert look(world).state is Freshness.STALE


# The override, and what passes without


def test_only_a_threat_to_life_passes_and_it_is_on_record_with_officer_reason_and_age(
    world: LyingWorld, board: Board
) -> None:
    world.clock.ahead = 80 * HOUR
    usual = make_draft(VN, urgency=Urgency.THREAT_TO_LIFE)
    urgent = replace(usual, alert={**usual.alert, "urgency_reason": "People in a sealed lorry."})
    with pytest.raises(NotCoveredError) as refused:
        send_alert(world[GB], urgent, deliver=False)
    assert "call VN: Duty desk, +441632960961" in refused.value.fix
    why = "desk reached by telephone, lorry on the road"
    with pytest.raises(UsageError, match="for a threat to life only"):
        send_alert(world[GB], replace(urgent, urgency=Urgency.URGENT, old_status_override=why), deliver=False)
    report = send_alert(world[GB], replace(urgent, old_status_override=why), deliver=False)
    with world[GB].store.read() as snapshot:
        entries = list_entries(snapshot, limit=10_000)
    (override,) = [entry for entry in entries if entry.verb == "override-old-status"]
    (sent,) = [entry for entry in entries if entry.verb == "send" and entry.message == report.legs[0].message_id]
    assert override.n < sent.n, "before it is sealed"
    assert (override.officer, override.partner, override.message) == (world[GB].officer, VN, sent.message)
    assert override.reason == f"{why} (no status for 80 h)"


def test_an_answer_to_what_came_passes_however_old_the_status_is(world: LyingWorld, board: Board, terms: Terms) -> None:
    sealed = world.craft(VN, GB, terms)
    world.deliver(sealed, GB)
    world.receive(GB, sealed)
    world.clock.ahead = 80 * HOUR
    author = Author(reason="test", unit=GB, pseudonym="officer-17")
    assert acknowledge(world[GB], sealed.header.id, author).items


# As a file, past the exchange


def test_a_status_by_file_counts_and_its_leaf_is_noted_when_the_exchange_relents(
    world: LyingWorld, board: Board
) -> None:
    world.clock.ahead = 80 * HOUR
    pull(world)
    assert not may_send(world)
    exported = export_status(world[VN], GB)
    assert import_status(world[GB], exported.file).is_new
    assert may_send(world)
    status = view_partner(world[GB], VN).status
    assert status is not None
    assert status.logged_at is None
    board.put_up(exported.file.status)
    assert pull(world).news == []
    status = view_partner(world[GB], VN).status
    assert status is not None
    assert status.logged_at is not None


def test_a_file_that_came_late_is_as_old_as_it_says_and_an_old_one_changes_nothing(
    world: LyingWorld, board: Board
) -> None:
    first = sign(world[VN])
    world.clock.ahead = 10 * HOUR
    second = sign(world[VN])
    world.clock.ahead = 83 * HOUR
    assert carry(world, second).news == [VN]
    assert 73 * HOUR <= look(world).age < 73 * HOUR + MINUTE
    report = carry(world, first)
    assert (report.news, report.problems[VN].code) == ([], "status-older")
    assert 73 * HOUR <= look(world).age < 73 * HOUR + MINUTE


def test_what_the_exchange_keeps_back_of_a_file_is_named_and_is_no_rollback(world: LyingWorld, board: Board) -> None:
    board.put_up(sign(world[VN]))
    pull(world)
    carry(world, sign(world[VN]))
    report = pull(world)
    assert report.alarms == []
    assert report.problems[VN].sentence == "the exchange gives us none newer than 1 of VN; 2 came as a file"


@pytest.mark.parametrize("change", ["partner", "exchange", "signature", "signer"])
def test_a_file_adds_no_trust(world: LyingWorld, board: Board, change: str) -> None:
    document = sign(world[VN])
    status = Status.from_canonical(document.payload_bytes)
    forged = {
        "partner": lambda: sign_by(world[VN], status.model_copy(update={"partner": "BE"})),
        "exchange": lambda: sign_by(world[VN], status.model_copy(update={"exchange": "staging.example"})),
        "signature": lambda: document.model_copy(update={"signatures": tuple(reversed(document.signatures))}),
        "signer": lambda: sign_by(world[GB], status),
    }[change]()
    with pytest.raises(VerificationFailedError):
        carry(world, forged)
    assert view_partner(world[GB], VN).status is None


def test_two_statuses_of_one_number_are_a_proof_whichever_way_they_came(world: LyingWorld, board: Board) -> None:
    document = sign(world[VN])
    board.put_up(document)
    pull(world)
    world.clock.ahead = 7 * HOUR
    board.put_up(sign(world[VN]))
    pull(world)
    rival = Status.from_canonical(document.payload_bytes).model_copy(update={"keyset": 2})
    with pytest.raises(VerificationFailedError, match="two different statuses number 1"):
        carry(world, sign_by(world[VN], rival))
    orphan = {"seq": 3, "prev": b64u_encode(bytes(32))}
    with pytest.raises(VerificationFailedError, match="does not follow"):
        carry(world, sign_by(world[VN], rival.model_copy(update=orphan)))


def test_a_suspension_announced_by_file_stops_what_is_new_at_once(
    world: LyingWorld, board: Board, terms: Terms
) -> None:
    take_step(world[VN], terms, StepAction.SUSPEND, world[VN])
    world.exchange.steps.clear()  # the exchange took the step, and shows it to nobody
    report = carry(world, sign(world[VN]))
    assert "step-hidden" in [alarm.code for alarm in report.alarms]
    assert not may_send(world)
