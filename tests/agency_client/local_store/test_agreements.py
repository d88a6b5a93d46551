"""Steps stand in their party's order, each number once; drafts come and go."""

from dataclasses import replace

import pytest

from agency_client.errors import ConflictError, NotFoundError
from agency_client.local_store.agreements import (
    Draft,
    StoredStep,
    add_step_leaf,
    delete_draft,
    find_agreement_of_terms,
    list_agreements,
    list_drafts,
    load_chain_end,
    load_chains,
    load_draft,
    record_step,
    save_draft,
)
from agency_client.local_store.contradictions import ContradictionKind, EquivocationError
from agency_client.local_store.engine import Store
from tests.agency_client.local_store.conftest import MINUTE, NOON, make_digest, make_id

AGREEMENT = make_id(1)
PROPOSAL = StoredStep(make_digest(1), AGREEMENT, "GB-IE", 1, "propose", make_digest(100), b"step 1", None, NOON)
ACCEPTANCE = replace(
    PROPOSAL, digest=make_digest(2), party="VN-IMM", action="accept", document=b"step 2", leaf=b"leaf 2"
)
CONFIRMATION = replace(PROPOSAL, digest=make_digest(3), party_seq=2, action="confirm", document=b"step 3")


def test_each_party_has_a_chain_of_its_own(store: Store) -> None:
    with store.write() as transaction:
        assert record_step(transaction, PROPOSAL)
        assert record_step(transaction, ACCEPTANCE)
        assert record_step(transaction, CONFIRMATION)
        assert not record_step(transaction, CONFIRMATION)
        assert load_chains(transaction, AGREEMENT) == {"GB-IE": [PROPOSAL, CONFIRMATION], "VN-IMM": [ACCEPTANCE]}
        assert load_chain_end(transaction, AGREEMENT, "GB-IE") == CONFIRMATION
        assert load_chain_end(transaction, AGREEMENT, "BE-IMM") is None
        assert find_agreement_of_terms(transaction, make_digest(100)) == AGREEMENT
        assert find_agreement_of_terms(transaction, make_digest(101)) is None


def test_an_own_step_gets_its_leaf_when_the_broker_has_logged_it(store: Store) -> None:
    with store.write() as transaction:
        record_step(transaction, PROPOSAL)
        add_step_leaf(transaction, PROPOSAL.digest, b"leaf 1", "exchange.example/1")
        record_step(transaction, replace(PROPOSAL, leaf=b"a later leaf", origin="exchange.example/2"))
        (found,) = load_chains(transaction, AGREEMENT)["GB-IE"]
    assert (found.leaf, found.origin, found.shown_in) == (b"leaf 1", "exchange.example/1", "exchange.example/2")


def test_a_step_that_leaves_a_gap_waits(store: Store) -> None:
    with store.write() as transaction, pytest.raises(ConflictError) as early:
        record_step(transaction, CONFIRMATION)
    assert early.value.code == "step-out-of-order"


def test_two_steps_with_one_number_are_a_proof(store: Store) -> None:
    with store.write() as transaction:
        record_step(transaction, PROPOSAL)
        with pytest.raises(EquivocationError) as proof:
            record_step(transaction, replace(PROPOSAL, digest=make_digest(8), document=b"another step 1"))
    assert (proof.value.kind, proof.value.signer) == (ContradictionKind.AGREEMENT_STEP, "GB-IE")
    assert proof.value.documents == (b"step 1", b"another step 1")


def test_agreements_are_listed_in_the_order_they_came(store: Store) -> None:
    earlier = replace(PROPOSAL, digest=make_digest(5), agreement=make_id(2), recorded_at=NOON - MINUTE)
    with store.write() as transaction:
        record_step(transaction, PROPOSAL)
        record_step(transaction, earlier)
        assert list_agreements(transaction) == [make_id(2), make_id(1)]


def test_a_draft_is_replaced_listed_and_removed(store: Store) -> None:
    draft = Draft("uk-vn-trafficking", b'{"v":1}', NOON, "a.eriksson")
    with store.write() as transaction:
        save_draft(transaction, draft)
        save_draft(transaction, replace(draft, terms=b'{"v":2}'))
        assert load_draft(transaction, draft.name).terms == b'{"v":2}'
        assert [item.name for item in list_drafts(transaction)] == [draft.name]
        delete_draft(transaction, draft.name)
        with pytest.raises(NotFoundError, match="no draft"):
            load_draft(transaction, draft.name)
