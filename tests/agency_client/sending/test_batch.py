"""Many drafts in one go: each on its own, none twice, and what was interrupted goes on where it stopped."""

from collections.abc import Iterable, Iterator
from itertools import count
from typing import Any

import pytest

from agency_client.errors import UsageError
from agency_client.local_store.outbox import OutboxState, list_outbox
from agency_client.node import Node
from agency_client.refusals import RefusalDetails, RefusedConflictError
from agency_client.sending.batch import DraftLine, LineReport, judge_lines, send_lines
from agency_client.sending.composing import Usual
from agency_client.sending.once import identify_draft
from agency_client.sending.written import Wishes, make_draft
from schemas.api import MESSAGE_BATCHES_PATH, MESSAGES_PATH
from schemas.batches import MAX_BATCH_MEMBERS
from schemas.markings import Tlp
from tests.support.bad_line import LostRequest, Tampering, tampered
from tests.support.lying_batches import refuse_member
from tests.support.lying_world import LyingWorld

numbers = count()


@pytest.fixture
def gb(world: LyingWorld) -> Node:
    return world["GB"]


def make_line(gb: Node, text: str = "", *, kind: str = "ping", to: str = "VN") -> DraftLine:
    number = next(numbers)
    alert: dict[str, Any] = {"kind": kind, "subject": "Test", "details": {"text": text or f"text {number}"}}
    wishes = Wishes(to=(to,), necessity="It is needed there.", reason="exercise")
    usual = Usual("desk", "officer-1", Tlp.AMBER, gb.clock.now())
    draft = make_draft(alert, wishes, usual, identity=identify_draft(alert, wishes.recipients))
    return DraftLine(number, f"line {number}", 100, draft)


def run(gb: Node, lines: Iterable[DraftLine], *, at_once: int = MAX_BATCH_MEMBERS) -> list[LineReport]:
    told: list[LineReport] = []
    send_lines(gb, lines, told.append, at_once=at_once)
    return told


def states_of(reports: list[LineReport]) -> list[str]:
    return [report.state.value for report in reports]


def test_every_draft_is_told_of_in_its_order_and_all_go_with_one_call(gb: Node) -> None:
    lines = [make_line(gb) for _ in range(4)]
    with tampered(gb, together := Tampering(MESSAGE_BATCHES_PATH), alone := Tampering(MESSAGES_PATH)):
        reports = run(gb, lines)
    assert [report.line for report in reports] == lines
    assert states_of(reports) == ["sent"] * 4
    assert (together.calls, alone.calls) == (1, 0)
    assert {message.recipient for report in reports for message in report.messages} == {"VN"}


def test_the_same_drafts_again_are_not_sent_again(world: LyingWorld, gb: Node) -> None:
    lines = [make_line(gb) for _ in range(3)]
    first = run(gb, lines)
    size = len(world.exchange.records)
    again = run(gb, lines)
    assert states_of(again) == ["sent-before"] * 3
    assert [report.messages for report in again] == [report.messages for report in first]
    assert len(world.exchange.records) == size


def test_a_draft_that_stands_there_twice_is_sent_once(gb: Node) -> None:
    assert states_of(run(gb, [make_line(gb, "the same"), make_line(gb, "the same")])) == ["sent", "sent-before"]


def test_what_is_wrong_or_not_allowed_holds_up_no_other(gb: Node) -> None:
    unread = DraftLine(0, "line 0", 10, problem=UsageError("line 0 cannot be read"))
    reports = run(gb, [unread, make_line(gb), make_line(gb, kind="rumour"), make_line(gb, to="BE"), make_line(gb)])
    assert states_of(reports) == ["not-sealed", "sent", "not-sealed", "not-sealed", "sent"]
    problems = [report.problem for report in reports]
    assert [problem is None for problem in problems] == [False, True, False, False, True]
    assert [report.is_wrong for report in reports] == [True, False, True, False, False]


def test_what_the_exchange_refuses_is_told_with_its_reason_and_may_be_sent_anew(world: LyingWorld, gb: Node) -> None:
    lines = [make_line(gb), make_line(gb)]
    world.exchange.tamper[MESSAGE_BATCHES_PATH] = lambda answer: answer.model_copy(
        update={"members": (answer.members[0], refuse_member("not-covered", "no clause"))}
    )
    reports = run(gb, lines)
    assert states_of(reports) == ["sent", "refused"]
    assert reports[1].problem is not None
    assert (reports[1].problem.code, reports[1].problem.sentence) == ("not-covered", "no clause")
    world.exchange.tamper.clear()
    assert states_of(run(gb, lines)) == ["sent-before", "sent"]


def test_with_the_exchange_away_the_rest_is_queued_without_asking_again(gb: Node) -> None:
    lines = [make_line(gb) for _ in range(5)]
    with tampered(gb, lost := LostRequest(MESSAGE_BATCHES_PATH), alone := LostRequest(MESSAGES_PATH)):
        reports = run(gb, lines, at_once=2)
    assert states_of(reports) == ["queued"] * 5
    assert lost.calls + alone.calls == 1


def test_an_interrupted_run_goes_on_where_it_stopped(gb: Node) -> None:
    lines = [make_line(gb) for _ in range(4)]

    def interrupted() -> Iterator[DraftLine]:
        yield from lines[:2]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(gb, interrupted())
    with gb.store.read() as snapshot:
        assert len(list_outbox(snapshot, states=[OutboxState.QUEUED])) == 2
    reports = run(gb, lines)
    assert states_of(reports) == ["sent-before", "sent-before", "sent", "sent"]
    assert [message.state for report in reports for message in report.messages] == [OutboxState.TAKEN] * 4


def test_a_draft_sealed_again_for_a_newer_key_is_still_the_same_draft(world: LyingWorld, gb: Node) -> None:
    run(gb, [make_line(gb)])
    line, refusals = make_line(gb), iter([True])

    def refuse_once(answer: object) -> object:
        if next(refusals, False):
            raise RefusedConflictError("used before", RefusalDetails("number-conflict", 409, (), ""))
        return answer

    world.exchange.tamper[MESSAGES_PATH] = refuse_once
    (report,) = run(gb, [line])
    assert [message.state for message in report.messages] == [OutboxState.TAKEN]
    assert states_of(run(gb, [line])) == ["sent-before"]


def test_judging_tells_what_would_be_sent_and_sends_nothing(world: LyingWorld, gb: Node) -> None:
    sent = make_line(gb)
    run(gb, [sent])
    size = len(world.exchange.records)
    told: list[LineReport] = []
    judge_lines(gb, [sent, make_line(gb), make_line(gb, to="BE")], told.append)
    assert states_of(told) == ["sent-before", "would-be-sent", "not-sealed"]
    assert len(world.exchange.records) == size
    with gb.store.read() as snapshot:
        assert list_outbox(snapshot, states=[OutboxState.QUEUED]) == []


@pytest.mark.parametrize("kind", ["victim-safeguarding"])
def test_no_trace_of_a_confidential_draft_is_kept(kind: str) -> None:
    with pytest.raises(UsageError) as caught:
        identify_draft({"kind": kind}, ["VN"])
    assert caught.value.code == "confidential"


def test_what_only_the_own_agency_reads_makes_no_other_draft(gb: Node) -> None:
    alert = {"kind": "ping", "details": {"text": "x"}}
    assert identify_draft(alert, ["VN", "BE"]) == identify_draft(dict(reversed(alert.items())), ["BE", "VN", "VN"])
    assert identify_draft(alert, ["VN"]) != identify_draft(alert, ["BE"])
    with pytest.raises(UsageError):
        identify_draft({"kind": "ping", "details": 1.5}, ["VN"])
