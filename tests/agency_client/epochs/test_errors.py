"""An exchange that stopped, or speaks under a new log, is told in words, with what two officers must do."""

import pytest

from agency_client.epochs.errors import NewLogError
from agency_client.errors import ClientError
from agency_client.node import Node
from agency_client.refusals import BusyError, ExchangeStoppedError, read_refusal
from agency_client.syncing.following import _Renewal
from agency_client.syncing.rounds import RoundReport, Stage, StageReport, run_round
from agency_client.terminal.exit_codes import ExitCode
from schemas.problems import TYPE_PREFIX, ProblemDocument
from tests.support.lying_world import LyingWorld

BEHIND = ExchangeStoppedError("this exchange has lost a part of its log", retry_after_seconds=30)
NEW = NewLogError("exchange.example/2", "exchange.example/1")


def test_an_exchange_that_lost_its_end_is_told_as_such_and_waited_for() -> None:
    slug, detail = "exchange-behind", "this exchange has lost a part of its log"
    problem = ProblemDocument(type=TYPE_PREFIX + slug, title="Behind", status=503, detail=detail)
    error = read_refusal(503, {"retry-after": "30"}, problem.canonical())
    assert isinstance(error, ExchangeStoppedError)
    assert isinstance(error, BusyError)
    assert (error.code, error.retry_after_seconds) == ("exchange-behind", 30)
    assert error.sentence == "this exchange has lost a part of its log; nothing was sent, and all of it is kept"


@pytest.mark.parametrize("error", [BEHIND, NEW])
def test_each_says_what_two_officers_must_do(error: ClientError) -> None:
    assert "two officers must accept it" in error.fix
    assert "agency exchange accept SHEET" in error.fix
    assert error.exit_code is ExitCode.OFFLINE_QUEUED


@pytest.mark.parametrize("error", [BEHIND, NEW])
def test_a_round_goes_no_further(world: LyingWorld, error: ClientError) -> None:
    def fail(node: Node) -> StageReport:
        raise error

    report = run_round(world["GB"], [Stage("log", fail), Stage("outbox", fail)])
    assert [stage.stage for stage in report.stages] == ["log"]
    assert report.exit_code is ExitCode.OFFLINE_QUEUED


def test_the_process_that_is_always_on_takes_up_a_log_that_was_accepted_beside_it(world: LyingWorld) -> None:
    gb = world["GB"]
    renewal, nothing = _Renewal(gb), RoundReport(())
    assert not renewal.is_due(nothing)
    accepted = gb.sheet
    gb.sheet = accepted.model_copy(update={"origin": f"{gb.exchange}/99"})
    assert renewal.is_due(nothing)
    gb.sheet = accepted
