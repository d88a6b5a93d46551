"""Rounds over a real exchange: everything in order, a failing stage alone, and how a process ends by what it met."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from agency_client.errors import ConflictError, DeniedError, NotAuthenticatedError, VerificationFailedError
from agency_client.local_store.outbox import OutboxState, load_item
from agency_client.local_store.problems import Problem
from agency_client.local_store.suspicions import list_suspicions
from agency_client.node import Node
from agency_client.profiles.profile import hold_lock
from agency_client.refusals import NotSentError, RefusalDetails, RefusedError
from agency_client.sending.flow import send_alert
from agency_client.syncing import following
from agency_client.syncing.rounds import (
    INBOX,
    LOG,
    OUTBOX,
    RECEIPTS,
    RETENTION,
    RoundReport,
    Stage,
    StageReport,
    choose_stages,
    run_round,
    sync_once,
)
from agency_client.terminal.exit_codes import ExitCode
from schemas.api import CHECKPOINT_PATH, CONSISTENCY_PATH, MESSAGES_PATH, STATUSES_PATH, CheckpointAnswer
from tests.support.bad_line import Changed, LostAnswer, LostRequest, Refusing, tampered
from tests.support.drafts import make_draft
from tests.support.exchange import running_exchange
from tests.support.nodes import agree, joined_nodes


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Node]]:
    """Give GB and VN with an agreement."""
    folder: Path = tmp_path_factory.mktemp("exchange")
    with running_exchange(folder) as exchange, joined_nodes(exchange, folder, "GB", "VN") as joined:
        agree(joined["GB"], joined["VN"])
        yield joined


def counts(report: RoundReport, stage: str) -> dict[str, int]:
    """Return what one stage of a round did, without what it did not."""
    (found,) = [item for item in report.stages if item.stage == stage]
    assert found.failure is None
    return {name: count for name, count in found.counts.items() if count}


def test_three_rounds_carry_a_message_and_its_receipts(nodes: dict[str, Node]) -> None:
    gb, vn = nodes["GB"], nodes["VN"]
    message_id = send_alert(gb, make_draft("VN"), deliver=False).legs[0].message_id
    assert counts(run_round(gb), "outbox") == {"delivered": 1}
    received = run_round(vn)
    assert received.exit_code is ExitCode.OK
    assert counts(received, "inbox") == {"received": 1, "opened": 1}
    assert counts(received, "receipts") == {"signed": 2, "handed_in": 2}
    assert counts(run_round(gb), "inbox") == {"receipts": 2}
    with gb.store.read() as snapshot:
        assert load_item(snapshot, message_id).state is OutboxState.SETTLED


def test_after_a_while_there_is_nothing_to_tell(nodes: dict[str, Node]) -> None:
    for _ in range(3):
        for node in nodes.values():
            run_round(node)
    assert all(run_round(node).is_quiet for node in nodes.values())


def test_a_stage_that_fails_leaves_the_others_alone(nodes: dict[str, Node]) -> None:
    gb = nodes["GB"]
    with tampered(gb, LostAnswer(STATUSES_PATH)):
        report = run_round(gb)
    assert [stage.stage for stage in report.stages] == [
        "retention",
        "log",
        "witnesses",
        "keys",
        "agreements",
        "statuses",
        "outbox",
        "inbox",
        "aftercare",
        "gossip",
        "receipts",
        "partners",
    ]
    assert [stage.stage for stage in report.stages if stage.failure] == ["statuses"]
    assert report.exit_code is ExitCode.OFFLINE_QUEUED


def test_with_the_broker_away_the_rest_is_left_for_later(nodes: dict[str, Node]) -> None:
    gb = nodes["GB"]
    with tampered(gb, LostRequest("/")):
        report = run_round(gb)
    assert [stage.stage for stage in report.stages] == ["retention", "log"], "what must end asks no exchange"
    assert report.exit_code is ExitCode.OFFLINE_QUEUED


@pytest.mark.parametrize("stages", [None, following._OUTGOING], ids=["by hand", "the outbox of --follow"])
def test_nothing_is_sent_to_a_broker_that_was_rolled_back(
    nodes: dict[str, Node], stages: tuple[Stage, ...] | None
) -> None:
    gb = nodes["GB"]
    old = gb.connection.get(CHECKPOINT_PATH, CheckpointAnswer)
    message_id = send_alert(gb, make_draft("VN"), deliver=False).legs[0].message_id
    send_alert(nodes["VN"], make_draft("GB"))
    run_round(gb, [LOG])
    refusal = RefusedError("the log has no such leaves", RefusalDetails("range-refused", 422, (), "to"))
    not_enrolled = RefusedError("not a member", RefusalDetails("recipient-refused", 422, (), ""))
    messages = Refusing(MESSAGES_PATH, not_enrolled)
    lies = (Changed(CHECKPOINT_PATH, lambda answer: old), Refusing(CONSISTENCY_PATH, refusal), messages)
    with tampered(gb, *lies):
        report = run_round(gb, stages)
    assert [stage.stage for stage in report.stages][-1] == "log"
    assert report.stages[-1].failure is not None
    assert report.stages[-1].failure.code == "log-not-proven"
    assert report.exit_code is ExitCode.VERIFICATION_FAILED
    assert messages.calls == 0
    size = int(old.checkpoint.splitlines()[1])
    with gb.store.write() as transaction:
        assert load_item(transaction, message_id).state is OutboxState.QUEUED
        assert size in {item.leaf_index for item in list_suspicions(transaction)}
        transaction.execute("DELETE FROM suspicious_record")
    assert counts(run_round(gb), "outbox") == {"delivered": 1}


def test_a_round_by_hand_tries_what_waits_at_once(nodes: dict[str, Node]) -> None:
    gb = nodes["GB"]
    with tampered(gb, LostRequest(MESSAGES_PATH), LostRequest(CHECKPOINT_PATH)):
        message_id = send_alert(gb, make_draft("VN")).legs[0].message_id
    assert counts(run_round(gb), "outbox") == {}
    assert counts(sync_once(gb), "outbox") == {"delivered": 1}
    with gb.store.read() as snapshot:
        assert load_item(snapshot, message_id).state is OutboxState.TAKEN


def test_only_one_process_of_a_profile_syncs(nodes: dict[str, Node], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agency_client.syncing.rounds.LOCK_SECONDS", 0.0)
    gb = nodes["GB"]
    with hold_lock(gb.profile, "sync"), pytest.raises(ConflictError, match="already running"):
        sync_once(gb)


def test_an_agency_has_every_stage(nodes: dict[str, Node]) -> None:
    stages = choose_stages(nodes["GB"])
    assert stages[:2] == (RETENTION, LOG)
    assert {OUTBOX, INBOX, RECEIPTS} <= set(stages)


def fail_with(error: Exception) -> Stage:
    """Return a stage that ends so."""

    def run(node: Node) -> StageReport:
        raise error

    return Stage("failing", run)


@pytest.mark.parametrize(
    ("errors", "code"),
    [
        ([], ExitCode.OK),
        ([DeniedError("no")], ExitCode.DENIED),
        ([DeniedError("no"), NotSentError("away")], ExitCode.OFFLINE_QUEUED),
        ([NotAuthenticatedError("who")], ExitCode.NOT_AUTHENTICATED),
        ([VerificationFailedError("false"), NotSentError("away")], ExitCode.VERIFICATION_FAILED),
    ],
)
def test_what_weighs_most_says_how_the_process_ends(
    nodes: dict[str, Node], errors: list[Exception], code: ExitCode
) -> None:
    assert run_round(nodes["GB"], [fail_with(error) for error in errors]).exit_code is code


def test_a_mistake_in_the_program_is_not_hidden(nodes: dict[str, Node]) -> None:
    with pytest.raises(ZeroDivisionError):
        run_round(nodes["GB"], [fail_with(ZeroDivisionError())])


def test_an_alarm_ends_a_round_as_failed_verification() -> None:
    alarm = StageReport("log", alarms=(Problem("x", "y"),), exit_code=ExitCode.VERIFICATION_FAILED)
    report = RoundReport((alarm, StageReport("keys")))
    assert (report.exit_code, report.has_failed, report.is_quiet) == (ExitCode.VERIFICATION_FAILED, False, False)
