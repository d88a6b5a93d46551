"""What `agency sync` tells of a round: everything once, and again only when it changes."""

from io import StringIO

import pytest

from agency_client.cli.invocation import Invocation
from agency_client.cli.sync import _Teller
from agency_client.local_store.problems import Problem
from agency_client.syncing.rounds import RoundReport, StageReport
from agency_client.terminal.output import Form, Output
from schemas.codec import decode_json

AWAY = StageReport("log", failure=Problem("offline", "the broker was not reached"))
DONE = StageReport("outbox", {"delivered": 2, "waiting": 0})
ALARM = StageReport("log", alarms=(Problem("not-ours", "who holds our keys?"),))


def make_invocation(form: Form) -> Invocation:
    """Return an invocation that writes into memory."""
    invocation = Invocation({})
    invocation.output = Output(form, stdout=StringIO(), stderr=StringIO())
    return invocation


def read(stream: object) -> str:
    """Return what was written."""
    assert isinstance(stream, StringIO)
    return stream.getvalue()


def test_what_was_done_goes_out_and_what_stands_in_the_way_beside_it() -> None:
    invocation = make_invocation(Form.PLAIN)
    _Teller(invocation).tell(RoundReport((AWAY, DONE)))
    assert read(invocation.output.stdout).endswith(" outbox: delivered 2\n")
    assert "log: offline: the broker was not reached" in read(invocation.output.stderr)


def test_the_same_problem_is_told_once_until_it_was_gone() -> None:
    teller = _Teller(make_invocation(Form.PLAIN))
    away, good = RoundReport((AWAY,)), RoundReport((StageReport("log"),))
    told = []
    for report in (away, away, good, away):
        told.append(teller.has_news(report))
        teller.tell(report)
    assert told == [True, False, False, True]


def test_an_alarm_is_called_one() -> None:
    invocation = make_invocation(Form.PLAIN)
    _Teller(invocation).tell(RoundReport((ALARM,)))
    assert "log: ALARM not-ours: who holds our keys?" in read(invocation.output.stderr)


@pytest.mark.parametrize("stage", [AWAY, DONE, ALARM])
def test_programs_get_one_versioned_line_a_round(stage: StageReport) -> None:
    invocation = make_invocation(Form.JSON)
    _Teller(invocation).tell(RoundReport((stage,)))
    line = decode_json(read(invocation.output.stdout).encode())
    assert line["v"] == 1
    (told,) = line["stages"]
    assert told["stage"] == stage.stage
    assert told["counts"] == dict(stage.counts)
    assert [alarm["code"] for alarm in told["alarms"]] == [alarm.code for alarm in stage.alarms]
    assert ("failure" in told) == (stage.failure is not None)
