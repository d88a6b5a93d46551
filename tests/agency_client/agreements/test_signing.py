"""Steps signed anew by themselves: for the same partner, of what that one knows, and never past what two could sign."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from agency_client.agreements import flows
from agency_client.agreements.chains import load_agreement, read_step
from agency_client.agreements.signing import StepOrder, make_stored, sign_anew, sign_narrowing_step, take_back
from agency_client.local_store.agreements import StoredStep, forget_unlogged_steps, load_chains, record_step
from agency_client.local_store.contradictions import ContradictionKind, EquivocationError, keep_contradiction
from agency_client.local_store.dispatch import load_dispatch
from agency_client.local_store.problems import Problem
from agency_client.node import Node
from keys.signing import sign_document
from schemas.agreements.lifecycle import find_suspensions
from schemas.agreements.steps import Step, StepAction, digest_step
from schemas.agreements.terms import Terms
from schemas.signed import DocumentType, KeyUse
from tests.support.lying_world import LyingWorld, lying_world
from tests.support.nodes import make_terms_of
from tests.support.officers import sign_by_two
from tests.support.witnesses import see_together

LATE = Problem("wrong-time", "it waited too long")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LyingWorld]:
    with lying_world(tmp_path_factory.mktemp("signing"), "BE", "GB", "VN") as made:
        yield made


@pytest.fixture(autouse=True)
def _nobody_is_proven_false(world: LyingWorld) -> Iterator[None]:
    yield
    with world["GB"].store.write() as transaction:
        transaction.execute("DELETE FROM contradiction")


def propose_unlogged(node: Node, terms: Terms, holder: Node) -> StoredStep:
    """Let a store hold a node's first proposal of these terms, which no log has."""
    step = Step(
        v=1,
        exchange=node.exchange,
        agreement=terms.id,
        digest=terms.digest(),
        agency=node.agency,
        party_seq=1,
        action=StepAction.PROPOSE,
        time=node.clock.now(),
        terms=terms,
    )
    document = sign_document(step.canonical(), DocumentType.AGREEMENT_STEP, [node.signer(KeyUse.AGREEMENT)])
    stored = make_stored(step, digest_step(step.canonical()), document, node.clock.now())
    with holder.store.write() as transaction:
        record_step(transaction, stored)
    return stored


def list_own(node: Node, agreement: str) -> list[Step]:
    with node.store.read() as snapshot:
        return [read_step(item).step for item in load_chains(snapshot, agreement).get(node.agency, [])]


def test_a_suspension_behind_a_refused_proposal_names_terms_that_its_own_partner_knows(world: LyingWorld) -> None:
    gb = world["GB"]
    terms = world.agree("GB", "VN", "third party")
    # Under the same id a third agency proposes something of its own; its name is the first of the three.
    propose_unlogged(world["BE"], make_terms_of(world["BE"], gb, "third party", title="Another"), gb)
    second = terms.model_copy(update={"version": 2, "supersedes": terms.digest()})
    with gb.store.write() as transaction:
        end = load_chains(transaction, terms.id)["GB"][-1]
    step = Step(
        v=1,
        exchange=gb.exchange,
        agreement=terms.id,
        digest=second.digest(),
        agency="GB",
        party_seq=end.party_seq + 1,
        party_prev=end.digest,
        action=StepAction.PROPOSE,
        time=gb.clock.now(),
        terms=second,
    )
    document = sign_document(step.canonical(), DocumentType.AGREEMENT_STEP, [gb.signer(KeyUse.AGREEMENT)])
    proposal = make_stored(step, digest_step(step.canonical()), document, gb.clock.now())
    with gb.store.write() as transaction:
        record_step(transaction, proposal)
        order = StepOrder(StepAction.SUSPEND, terms.id, second.digest(), "VN", reason="a node was stolen")
        suspension = sign_narrowing_step(gb, transaction, order)
        take_back(gb, transaction, proposal.digest, Problem("step-refused", "no"))
        agreement = load_agreement(transaction, terms.id)
        newest = agreement.stored["GB"][-1]
        queued = load_dispatch(transaction, newest.digest)
    assert newest.digest != suspension.digest
    assert (newest.action, newest.terms_digest) == ("suspend", terms.digest())
    assert queued is not None
    assert queued.partner == "VN"
    assert find_suspensions(agreement.chains) == {"GB"}


def test_what_speaks_of_terms_that_are_gone_is_not_signed_anew_and_stops_nothing(world: LyingWorld) -> None:
    gb, vn = world["GB"], world["VN"]
    terms = make_terms_of(gb, vn, "forgotten")
    theirs = propose_unlogged(vn, terms, gb)
    rejected = flows.reject(gb, terms.id, reason="not these")
    with gb.store.write() as transaction:
        # Two officers settled a proof that the partner had said two things in that place.
        forget_unlogged_steps(transaction, terms.id, "VN", theirs.party_seq)
        sign_anew(gb, transaction, rejected.digest, LATE)
    assert list_own(gb, terms.id) == []


@pytest.mark.parametrize("is_proven", [True, False])
def test_nothing_that_widens_is_signed_anew_once_the_log_is_proven_to_have_two_histories(
    world: LyingWorld, is_proven: bool
) -> None:
    gb = world["GB"]
    terms = world.agree("GB", "VN", f"two histories {is_proven}")
    flows.suspend(gb, terms.id, reason="one")
    see_together(*world.nodes.values())
    resumed = sign_by_two(gb, flows.resume, terms.id)
    if is_proven:
        kind, documents = ContradictionKind.CHECKPOINT, (b"a", b"b")
        error = EquivocationError("two trees", kind=kind, signer=gb.sheet.origin, documents=documents)
        keep_contradiction(gb.store, error, at=gb.clock.now())
    world.clock.ahead += timedelta(minutes=10)
    with gb.store.write() as transaction:
        sign_anew(gb, transaction, resumed.digest, LATE)
    expected = [StepAction.SUSPEND] if is_proven else [StepAction.SUSPEND, StepAction.RESUME]
    assert [step.action for step in list_own(gb, terms.id)][2:] == expected
