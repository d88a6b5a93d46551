"""Two persons settle a proof against a restored partner; nobody settles one against a log, and one person none."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from agency_client.agreements import flows
from agency_client.agreements.files import export_steps, import_steps
from agency_client.agreements.pulling import pull_steps
from agency_client.agreements.signing import take_back
from agency_client.agreements.submitting import submit_due_steps
from agency_client.agreements.views import view_page
from agency_client.errors import UsageError
from agency_client.local_store.access_log import list_entries
from agency_client.local_store.contradictions import (
    ContradictionKind,
    EquivocationError,
    has_open_contradiction,
    keep_contradiction,
    list_contradictions,
)
from agency_client.local_store.problems import Problem
from agency_client.local_store.statuses import load_newest_partner_status
from agency_client.node import Node
from agency_client.sending.flow import plan_alert
from agency_client.settling import NotSettleableError, Settlement, settle_contradiction
from agency_client.statuses.files import StatusFile, import_status
from agency_client.statuses.signing import sign_status
from keys.signing import sign_document
from schemas.agreements.lifecycle import State
from schemas.agreements.terms import Terms
from schemas.signed import DocumentType, KeyUse
from tests.support.drafts import make_draft
from tests.support.lying_world import LyingWorld, lying_world
from tests.support.officers import SECOND_OFFICER, acting_as

GB, VN = "GB", "VN"
WHY = "called its duty desk: restored from a backup"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LyingWorld]:
    """Give GB and VN."""
    with lying_world(tmp_path_factory.mktemp("settling"), GB, VN) as world:
        yield world


@pytest.fixture
def world(shared: LyingWorld) -> Iterator[LyingWorld]:
    """Give the same without proofs, approvals, statuses and steps."""
    yield shared
    shared.exchange.steps.clear()
    for node in shared.nodes.values():
        with node.store.write() as transaction:
            for table in (
                "contradiction",
                "approval",
                "status",
                "status_due",
                "agreement_step",
                "held_step",
                "dispatch",
            ):
                transaction.execute(f"DELETE FROM {table}")  # noqa: S608 - names from code only


@pytest.fixture
def terms(world: LyingWorld, request: pytest.FixtureRequest) -> Terms:
    """Give an agreement in force."""
    return world.agree(GB, VN, request.node.name)


def settle_by_two(node: Node, number: int) -> Settlement:
    """Let two officers settle a proof."""
    assert not settle_contradiction(node, number, WHY).is_settled
    with acting_as(node, SECOND_OFFICER):
        return settle_contradiction(node, number, "I called as well")


def write_status(node: Node, **changes: object) -> StatusFile:
    """Return a file of a status of VN for GB that its store knows nothing of: signed after its backup was made."""
    status = sign_status(node, GB).model_copy(update=changes)
    with node.store.write() as transaction:
        transaction.execute("DELETE FROM status WHERE direction = 'out' AND seq = ?", status.seq)
    document = sign_document(status.canonical(), DocumentType.STATUS, [node.signer(KeyUse.RECEIPT)])
    return StatusFile(v=1, exchange=node.exchange, status=document)


def find_number(node: Node) -> int:
    with node.store.read() as snapshot:
        (proof,) = list_contradictions(snapshot)
    return proof.number


def test_a_restored_partner_that_signed_a_number_twice_is_heard_again_once_two_persons_say_so(
    world: LyingWorld, terms: Terms
) -> None:
    gb, vn = world[GB], world[VN]
    before, after = write_status(vn), write_status(vn, keyset=2)
    import_status(gb, before)
    with pytest.raises(EquivocationError):
        import_status(gb, after)
    assert "partner-contradicts-itself" in str(plan_alert(gb, make_draft(VN)).refusals)

    settled = settle_by_two(gb, find_number(gb))

    assert (settled.is_settled, settled.proof.settled_by) == (True, f"{gb.officer} and {SECOND_OFFICER}")
    assert settled.proof.settled_because == f"{WHY}; I called as well"
    assert import_status(gb, after).is_new
    with gb.store.read() as snapshot:
        assert load_newest_partner_status(snapshot, VN) is not None
        assert not has_open_contradiction(snapshot, VN)
        assert len(list_contradictions(snapshot)) == 1, "the proof stays"
        assert [entry.verb for entry in list_entries(snapshot)][:3].count("trust-settle") == 2
    assert "partner-contradicts-itself" not in str(plan_alert(gb, make_draft(VN)).refusals)


def test_the_steps_that_the_log_has_take_the_place_of_those_that_a_restored_partner_forgot(
    world: LyingWorld, terms: Terms
) -> None:
    gb, vn = world[GB], world[VN]
    carried = flows.suspend(vn, terms.id, reason="before the disk was lost")
    import_steps(gb, export_steps(vn, terms.id))
    with vn.store.write() as transaction:
        take_back(vn, transaction, carried.digest, Problem("lost", "with the disk"))
    world.clock.ahead += timedelta(minutes=1)
    flows.revoke(vn, terms.id, reason="after it")
    submit_due_steps(vn)
    assert {error.kind for error in pull_steps(gb).contradictions} == {ContradictionKind.AGREEMENT_STEP}
    assert view_page(gb, terms.id).line.state is State.SUSPENDED

    settle_by_two(gb, find_number(gb))

    pull_steps(gb)
    assert view_page(gb, terms.id).line.state is State.REVOKED


@pytest.mark.parametrize("kind", [ContradictionKind.CHECKPOINT, ContradictionKind.KEY_DOCUMENT])
def test_what_a_log_or_a_key_document_proves_is_not_settled_by_anybody(
    world: LyingWorld, kind: ContradictionKind
) -> None:
    gb = world[GB]
    keep_contradiction(
        gb.store, EquivocationError("x", kind=kind, signer=VN, documents=(b"1", b"2")), at=gb.clock.now()
    )
    with pytest.raises(NotSettleableError):
        settle_contradiction(gb, find_number(gb), WHY)


def test_one_person_settles_nothing_however_often_and_nobody_without_a_reason(world: LyingWorld) -> None:
    gb = world[GB]
    error = EquivocationError("x", kind=ContradictionKind.STREAM_NUMBER, signer=VN, documents=(b"1", b"2"))
    keep_contradiction(gb.store, error, at=gb.clock.now())
    number = find_number(gb)
    for _ in range(2):
        assert not settle_contradiction(gb, number, WHY).is_settled
    with pytest.raises(UsageError):
        settle_contradiction(gb, number, " ")
    with acting_as(gb, SECOND_OFFICER):
        assert settle_contradiction(gb, number, WHY).is_settled
    with pytest.raises(NotSettleableError, match="was settled by"):
        settle_contradiction(gb, number, WHY)
