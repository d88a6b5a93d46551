"""What an officer says of an agreement, against a real exchange: every verb, and what it may not say."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from agency_client.agreements import flows
from agency_client.agreements.pulling import pull_steps
from agency_client.agreements.signing import StepNotAllowedError
from agency_client.agreements.submitting import submit_step
from agency_client.agreements.views import view_page
from agency_client.directory.directory import AnchorMismatchError, NotPinnedError
from agency_client.errors import NotFoundError, UsageError, VerificationFailedError
from agency_client.local_store.agreements import StoredStep
from agency_client.local_store.contradictions import ContradictionKind, EquivocationError, keep_contradiction
from agency_client.local_store.engine import Transaction
from agency_client.node import Node
from agency_client.witness.standing import NotYetWitnessedError
from agency_client.witness.walker import walk_log
from schemas.agreements.lifecycle import State
from tests.support.nodes import set_clock
from tests.support.officers import sign_by_two
from tests.support.witnesses import see_together

Say = Callable[..., StoredStep]


def find_state(node: Node, reference: str) -> State:
    return view_page(node, reference).line.state


def test_a_proposal_binds_after_acceptance_and_confirmation(
    gb: Node, vn: Node, fields: dict[str, Any], say: Say
) -> None:
    step = say(gb, flows.propose, fields)
    assert find_state(vn, step.agreement) is State.PROPOSED
    say(vn, flows.accept, step.agreement)
    assert find_state(gb, step.agreement) is State.ACCEPTED
    say(gb, flows.confirm, step.agreement)
    assert find_state(gb, step.agreement) is find_state(vn, step.agreement) is State.IN_FORCE


def test_anchors_come_from_the_pins_and_places_from_here(gb: Node, fields: dict[str, Any]) -> None:
    step = sign_by_two(gb, flows.propose, fields)
    terms = view_page(gb, step.terms_digest).line.terms
    with gb.store.read() as snapshot:
        rows = snapshot.fetch_all("SELECT agency, anchor FROM agency_pin")
    anchors = {row["agency"]: row["anchor"] for row in rows}
    assert {party.agency: party.anchor for party in terms.parties} == {"GB": anchors["GB"], "VN": anchors["VN"]}
    assert (terms.version, terms.supersedes, terms.exchange) == (1, None, gb.exchange)
    flows.withdraw(gb, step.agreement)


def test_an_agreement_needs_a_pinned_partner(gb: Node, fields: dict[str, Any]) -> None:
    strange = {**fields, "parties": ["GB", "XX"]}
    with pytest.raises(NotPinnedError):
        flows.propose(gb, strange)


def test_a_pin_that_the_log_contradicts_lets_nothing_be_proposed(
    gb: Node, fields: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    with gb.store.write() as transaction:
        _replace_pin(transaction, "A" * 43)
    try:
        with pytest.raises(AnchorMismatchError):
            flows.propose(gb, fields)
    finally:
        with gb.store.write() as transaction:
            transaction.execute("DELETE FROM agency_pin WHERE anchor = ?", "A" * 43)
            transaction.execute("UPDATE agency_pin SET retired_at = NULL WHERE agency = 'VN'")


def _replace_pin(transaction: Transaction, anchor: str) -> None:
    transaction.execute("UPDATE agency_pin SET retired_at = 1 WHERE agency = 'VN'")
    transaction.execute(
        "INSERT INTO agency_pin (agency, anchor, pinned_at, pinned_by) VALUES ('VN', ?, 1, 'x')", anchor
    )


def test_only_the_other_party_accepts_and_only_the_proposer_confirms(
    gb: Node, vn: Node, fields: dict[str, Any], say: Say
) -> None:
    agreement = say(gb, flows.propose, fields).agreement
    with pytest.raises(StepNotAllowedError, match="only the other party"):
        flows.accept(gb, agreement)
    with pytest.raises(StepNotAllowedError, match="proposer"):
        flows.confirm(vn, agreement)
    with pytest.raises(StepNotAllowedError):
        flows.confirm(gb, agreement)
    say(gb, flows.withdraw, agreement)


def test_a_counter_stands_in_the_same_place(gb: Node, vn: Node, fields: dict[str, Any], say: Say) -> None:
    first = say(gb, flows.propose, fields)
    second = say(vn, flows.counter, first.agreement, {**fields, "notice_days": 5})
    assert second.agreement == first.agreement
    assert find_state(gb, first.terms_digest) is State.COUNTERED
    say(gb, flows.accept, second.terms_digest)
    say(vn, flows.confirm, first.agreement)
    assert find_state(gb, second.terms_digest) is State.IN_FORCE
    assert find_state(gb, first.terms_digest) is State.SUPERSEDED


def test_an_amendment_follows_a_confirmed_version_only(
    gb: Node, vn: Node, in_force: str, fields: dict[str, Any], say: Say
) -> None:
    second = say(gb, flows.propose, {**fields, "notice_days": 7}, amends=in_force)
    assert view_page(gb, second.terms_digest).line.terms.version == 2
    with pytest.raises(StepNotAllowedError):
        flows.propose(gb, {**fields, "notice_days": 7}, amends=in_force)
    fresh = say(gb, flows.propose, fields).agreement
    with pytest.raises(NotFoundError, match="no version that both parties confirmed"):
        flows.propose(gb, fields, amends=fresh)
    say(gb, flows.withdraw, fresh)


def test_suspension_and_revocation_cover_all_versions(
    gb: Node, vn: Node, in_force: str, fields: dict[str, Any], say: Say
) -> None:
    say(vn, flows.suspend, in_force, reason="no answer")
    assert find_state(gb, in_force) is State.SUSPENDED
    with pytest.raises(StepNotAllowedError, match="only who suspended"):
        flows.resume(gb, in_force)
    say(vn, flows.resume, in_force)
    say(gb, flows.revoke, in_force, reason="over", effective_from=gb.clock.now() + timedelta(hours=1))
    assert find_state(vn, in_force) is State.IN_FORCE
    set_clock(vn, timedelta(hours=2))
    assert find_state(vn, in_force) is State.REVOKED


def test_an_acceptance_that_nobody_confirmed_is_withdrawn_by_itself(
    gb: Node, vn: Node, fields: dict[str, Any], say: Say
) -> None:
    agreement = say(gb, flows.propose, fields).agreement
    say(vn, flows.accept, agreement, confirm_by=vn.clock.now() + timedelta(days=2))
    assert flows.sign_due_withdrawals(vn) == []
    set_clock(vn, timedelta(days=3))
    assert find_state(vn, agreement) is State.LAPSED
    assert flows.sign_due_withdrawals(gb) == []
    (step,) = flows.sign_due_withdrawals(vn)
    assert (step.action, step.agreement) == ("withdraw", agreement)
    assert find_state(vn, agreement) is State.WITHDRAWN
    assert flows.sign_due_withdrawals(vn) == []


def test_a_reference_must_mean_one_thing(gb: Node, vn: Node, fields: dict[str, Any], say: Say) -> None:
    agreement = say(gb, flows.propose, fields).agreement
    second = say(gb, flows.propose, {**fields, "notice_days": 3})
    with pytest.raises(UsageError, match="too short"):
        flows.withdraw(gb, agreement[:2])
    with pytest.raises(NotFoundError):
        flows.withdraw(gb, "no-such-agreement")
    with gb.store.write() as transaction:
        place = view_page_place(gb, transaction, agreement)
    assert place == (agreement, 1)
    say(gb, flows.withdraw, agreement[:8])
    say(gb, flows.withdraw, second.terms_digest[:12])


def view_page_place(node: Node, transaction: Transaction, reference: str) -> tuple[str, int]:
    from agency_client.agreements.views import read_page

    line = read_page(node, transaction, reference).line
    return line.agreement, line.terms.version


def test_two_open_proposals_of_one_agreement_are_told_apart_by_digest(
    gb: Node, vn: Node, fields: dict[str, Any], say: Say
) -> None:
    first = say(gb, flows.propose, fields)
    say(vn, flows.counter, first.agreement, {**fields, "notice_days": 5})
    second = say(vn, flows.counter, first.agreement, {**fields, "notice_days": 6})
    with pytest.raises(UsageError, match="several versions"):
        flows.accept(gb, first.agreement)
    say(gb, flows.accept, second.terms_digest[:10])
    assert find_state(vn, second.terms_digest) is State.ACCEPTED


def test_a_step_without_an_agreement_key_is_not_signed(
    gb: Node, fields: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    set_clock(gb, timedelta(days=400))
    from agency_client.node import KeySetUnusableError

    with pytest.raises(KeySetUnusableError, match="expired"):
        flows.propose(gb, {**fields, "in_force_until": "2035-01-01T00:00:00Z"})


def test_what_widens_waits_for_the_witnesses_and_what_narrows_does_not(
    nodes: dict[str, Node], gb: Node, vn: Node, fields: dict[str, Any]
) -> None:
    agreement = _hand_in(gb, sign_by_two(gb, flows.propose, fields), vn).agreement
    with pytest.raises(NotYetWitnessedError) as refused:
        flows.accept(vn, agreement)
    assert agreement in refused.value.sentence
    see_together(*nodes.values())
    _hand_in(vn, sign_by_two(vn, flows.accept, agreement), gb)
    with pytest.raises(NotYetWitnessedError):
        flows.confirm(gb, agreement)
    see_together(*nodes.values())
    _hand_in(gb, sign_by_two(gb, flows.confirm, agreement), vn)
    _hand_in(vn, flows.suspend(vn, agreement, reason="at once"), gb)
    with pytest.raises(NotYetWitnessedError):
        flows.resume(vn, agreement)
    see_together(*nodes.values())
    _hand_in(vn, sign_by_two(vn, flows.resume, agreement), gb)
    _hand_in(gb, flows.revoke(gb, agreement, reason="at once"), vn)
    assert find_state(vn, agreement) is State.REVOKED


def test_nothing_is_widened_by_a_log_that_was_proven_to_have_two_histories(
    gb: Node, vn: Node, fields: dict[str, Any], say: Say
) -> None:
    agreement = say(gb, flows.propose, fields).agreement
    origin = vn.sheet.origin
    proof = EquivocationError("two", kind=ContradictionKind.CHECKPOINT, signer=origin, documents=(b"1", b"2"))
    keep_contradiction(vn.store, proof, at=vn.clock.now())
    try:
        with pytest.raises(VerificationFailedError, match="two histories"):
            flows.accept(vn, agreement)
        _hand_in(vn, flows.reject(vn, agreement), gb)
    finally:
        with vn.store.write() as transaction:
            transaction.execute("DELETE FROM contradiction")


def test_a_step_that_makes_no_sense_is_refused_whatever_the_witnesses_have_seen(
    gb: Node, vn: Node, fields: dict[str, Any]
) -> None:
    agreement = _hand_in(gb, sign_by_two(gb, flows.propose, fields), vn).agreement
    with pytest.raises(StepNotAllowedError):
        flows.accept(gb, agreement)
    _hand_in(vn, flows.reject(vn, agreement), gb)
    assert find_state(gb, agreement) is State.REJECTED


def _hand_in(signer: Node, step: StoredStep, partner: Node) -> StoredStep:
    submit_step(signer, step.digest)
    for node in (signer, partner):
        walk_log(node)
        pull_steps(node)
    return step


def test_what_is_said_of_all_versions_needs_no_digest_where_a_second_one_stands_already(
    gb: Node, vn: Node, in_force: str, fields: dict[str, Any], say: Say
) -> None:
    tomorrow = (gb.clock.now() + timedelta(days=2)).replace(hour=0, minute=0, second=0)
    second = say(gb, flows.propose, {**fields, "in_force_from": tomorrow}, amends=in_force)
    say(vn, flows.accept, second.terms_digest)
    say(gb, flows.confirm, second.terms_digest)
    assert find_state(vn, in_force) is State.IN_FORCE
    assert find_state(vn, second.terms_digest) is State.CONFIRMED
    say(vn, flows.suspend, in_force, reason="no answer")
    assert view_page(gb, in_force).line.digest == second.terms_digest
    say(vn, flows.resume, in_force)
    say(gb, flows.revoke, in_force, reason="over")
    assert find_state(vn, second.terms_digest) is State.REVOKED
