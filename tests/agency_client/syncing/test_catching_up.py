"""A node restored from a backup catches up with a real exchange: own steps and statuses come back, nothing twice."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from agency_client.agreements import flows
from agency_client.agreements.pulling import pull_steps
from agency_client.local_store.access_log import AccessNote
from agency_client.local_store.contradictions import list_contradictions
from agency_client.local_store.statuses import load_newest_own_status
from agency_client.local_store.suspicions import list_suspicions
from agency_client.node import Node
from agency_client.profiles.backup import create_backup, restore_backup
from agency_client.profiles.profile import load_profile
from agency_client.profiles.session import open_profile
from agency_client.refusals import UnansweredError
from agency_client.sending.flow import send_alert
from agency_client.statuses.signing import STATUS_ROUTES, sign_status
from agency_client.syncing.catching_up import OwnStatusError, is_anything_behind, take_over_own_statuses
from agency_client.syncing.rounds import run_round, sync_log
from agency_client.syncing.submitting import submit_due
from agency_client.terminal.exit_codes import ExitCode
from schemas.agreements.terms import Terms
from schemas.api import LEASE_PATH
from schemas.log.records import Action
from tests.support.bad_line import Refusing, tampered
from tests.support.drafts import make_draft
from tests.support.exchange import running_exchange
from tests.support.nodes import PASSPHRASE, agree, joined_nodes
from tests.support.officers import sign_by_two
from tests.support.witnesses import see_together


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[dict[str, Node]]:
    """Give GB and VN, each with a status of the other."""
    with running_exchange(tmp_path) as exchange, joined_nodes(exchange, tmp_path, "GB", "VN") as joined:
        yield joined


@pytest.fixture
def terms(nodes: dict[str, Node]) -> Terms:
    """Give an agreement of the two, from before the backup."""
    return agree(nodes["GB"], nodes["VN"])


@contextmanager
def restored_after(node: Node, folder: Path) -> Iterator[Node]:
    """Give the node that comes out of the backup, made now where none was."""
    note = AccessNote(node.clock.now(), "a.eriksson", Action.OPERATOR, "restore", "disk failed")
    if not (folder / "node.backup").exists():
        back_up(node, folder)
    restore_backup(folder / "node.backup", folder / "new-home", "again", PASSPHRASE, note)
    opened = open_profile(
        load_profile(folder / "new-home", "again"),
        environment={"BILATERAL_OFFICER": "a.eriksson"},
        passphrase_file=folder / "passphrase",
    )
    with Node(opened, node.clock) as restored:
        yield restored


def back_up(node: Node, folder: Path) -> None:
    note = AccessNote(node.clock.now(), "a.eriksson", Action.OPERATOR, "backup", "weekly backup")
    create_backup(node.profile, folder / "node.backup", PASSPHRASE, note)


def live_on(gb: Node, vn: Node, terms: Terms) -> None:
    """Let the node do what its backup knows nothing of: a message, a step, two statuses."""
    send_alert(gb, make_draft("VN"))
    flows.suspend(gb, terms.id, reason="the duty desk does not answer")
    run_round(gb)
    sign_status(gb, "VN")
    assert submit_due(gb, STATUS_ROUTES).logged
    run_round(vn)


def test_a_round_brings_back_what_was_signed_and_clears_the_mark(
    nodes: dict[str, Node], terms: Terms, tmp_path: Path
) -> None:
    gb, vn = nodes["GB"], nodes["VN"]
    run_round(gb)
    back_up(gb, tmp_path)
    live_on(gb, vn, terms)
    with gb.store.read() as snapshot:
        true = load_newest_own_status(snapshot, "VN")
    assert true is not None
    with restored_after(gb, tmp_path) as restored:
        report = run_round(restored)
        assert [stage.failure for stage in report.stages if stage.failure] == []
        assert report.stages[-1].stage == "restored"
        assert not is_anything_behind(restored)
        see_together(vn, restored)
        sign_by_two(restored, flows.resume, terms.id, reason="it answers again")
        assert run_round(restored).exit_code is ExitCode.OK
        send_alert(restored, make_draft("VN"))
        assert run_round(restored).exit_code is ExitCode.OK
        with restored.store.read() as snapshot:
            newest = load_newest_own_status(snapshot, "VN")
        assert newest is not None
        assert newest.seq == true.seq + 1
    assert run_round(vn).exit_code is ExitCode.OK
    with vn.store.read() as snapshot:
        assert (list_contradictions(snapshot), list_suspicions(snapshot)) == ([], [])


def test_it_may_narrow_as_soon_as_its_steps_are_here_and_stays_marked_until_all_is_done(
    nodes: dict[str, Node], terms: Terms, tmp_path: Path
) -> None:
    gb = nodes["GB"]
    with restored_after(gb, tmp_path) as restored:
        sync_log(restored)
        pull_steps(restored)
        flows.suspend(restored, terms.id, reason="the disk failed")
        assert is_anything_behind(restored, "statuses")
        with tampered(restored, Refusing(LEASE_PATH, UnansweredError("the broker did not answer"))):
            run_round(restored)
        assert is_anything_behind(restored)
        assert not is_anything_behind(restored, "statuses")
        run_round(restored)
        assert not is_anything_behind(restored)


def test_a_log_without_a_status_that_was_handed_in_is_not_built_upon(
    nodes: dict[str, Node], terms: Terms, tmp_path: Path
) -> None:
    gb = nodes["GB"]
    run_round(gb)
    with gb.store.write() as transaction:
        transaction.execute("UPDATE status SET digest = 'unknown to the log' WHERE direction = 'out'")
    with restored_after(gb, tmp_path) as restored:
        sync_log(restored)
        with pytest.raises(OwnStatusError, match="status 1 for VN"):
            take_over_own_statuses(restored)
        assert run_round(restored).exit_code is ExitCode.VERIFICATION_FAILED
        assert is_anything_behind(restored, "statuses")


def test_a_step_the_backup_had_not_handed_in_gives_way_to_the_one_that_was_logged(
    nodes: dict[str, Node], terms: Terms, tmp_path: Path
) -> None:
    gb = nodes["GB"]
    flows.suspend(gb, terms.id, reason="first words")
    back_up(gb, tmp_path)
    with gb.store.write() as transaction:
        transaction.execute("DELETE FROM agreement_step WHERE leaf IS NULL")
        transaction.execute("DELETE FROM dispatch WHERE kind = 'agreement-step'")
    flows.suspend(gb, terms.id, reason="other words")
    run_round(gb)
    with restored_after(gb, tmp_path) as restored:
        assert run_round(restored).exit_code is ExitCode.OK
        assert not is_anything_behind(restored)
        with restored.store.read() as snapshot:
            assert list_contradictions(snapshot) == []
