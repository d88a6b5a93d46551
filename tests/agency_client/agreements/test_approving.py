"""Two officers before anything widens: the same person counts once, and an approval is of one step in one place."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from agency_client.agreements import flows
from agency_client.agreements.approving import AwaitedStep, digest_approved
from agency_client.agreements.signing import StepNotAllowedError, StepOrder, sign_narrowing_step
from agency_client.approvals import list_waiting, refuse_approval
from agency_client.local_store.access_log import AccessFilter, list_entries
from agency_client.local_store.agreements import StoredStep, list_drafts
from agency_client.local_store.approvals import APPROVAL_LASTS, ApprovalKind
from agency_client.node import Node
from schemas.agreements.steps import StepAction
from schemas.log.records import Action
from tests.strategies.agreements import GB, make_step, make_terms
from tests.support.nodes import set_clock
from tests.support.officers import SECOND_OFFICER, acting_as, sign_by_two

Say = Callable[..., StoredStep]


@pytest.fixture(autouse=True)
def _nothing_waits(gb: Node, vn: Node) -> None:
    for node in (gb, vn):
        for approval in list_waiting(node):
            refuse_approval(node, approval.id, "of another test")


def count_own_steps(node: Node, agreement: str) -> int:
    with node.store.read() as snapshot:
        sql = "SELECT count(*) FROM agreement_step WHERE agreement = ? AND party = ?"
        return int(snapshot.fetch_value(sql, agreement, node.agency))


def test_the_first_officer_approves_and_the_second_signs(gb: Node, fields: dict[str, Any]) -> None:
    awaited = flows.propose(gb, fields, reason="as agreed")
    assert isinstance(awaited, AwaitedStep)
    assert (awaited.action, awaited.partner) == (StepAction.PROPOSE, "VN")
    assert [item.officer for item in awaited.approvals] == [gb.officer]
    assert count_own_steps(gb, awaited.agreement) == 0
    (waiting,) = list_waiting(gb)
    assert (waiting.kind, waiting.about, waiting.reason) == (
        ApprovalKind.AGREEMENT_STEP, awaited.agreement, "as agreed",
    )  # fmt: skip
    assert waiting.what == f"propose agreement {awaited.agreement} with VN, terms {awaited.terms_digest}"
    with acting_as(gb, SECOND_OFFICER):
        step = flows.propose(gb, fields)
    assert isinstance(step, StoredStep)
    assert (step.agreement, step.terms_digest) == (awaited.agreement, awaited.terms_digest)
    assert list_waiting(gb) == []
    with gb.store.read() as snapshot:
        assert awaited.agreement not in [draft.name for draft in list_drafts(snapshot)]


@pytest.mark.parametrize("spelling", [str, str.upper, "  {} ".format, lambda name: name[:1] + " " + name[1:]])
def test_one_officer_alone_gets_nothing_signed_however_the_name_is_written(
    gb: Node, fields: dict[str, Any], spelling: Callable[[str], str]
) -> None:
    awaited = flows.propose(gb, fields)
    with acting_as(gb, spelling(gb.officer)):
        again = flows.propose(gb, fields)
    assert isinstance(again, AwaitedStep)
    assert again.agreement == awaited.agreement
    assert count_own_steps(gb, awaited.agreement) == 0


def test_two_officers_with_different_terms_have_approved_two_things(gb: Node, fields: dict[str, Any]) -> None:
    first = flows.propose(gb, fields)
    with acting_as(gb, SECOND_OFFICER):
        other = flows.propose(gb, {**fields, "notice_days": 7})
    assert isinstance(first, AwaitedStep)
    assert isinstance(other, AwaitedStep)
    assert first.agreement != other.agreement
    assert len(list_waiting(gb)) == 2


def test_an_approval_ends_after_a_day(gb: Node, fields: dict[str, Any]) -> None:
    awaited = flows.propose(gb, fields)
    set_clock(gb, APPROVAL_LASTS)
    with acting_as(gb, SECOND_OFFICER):
        late = flows.propose(gb, fields)
    assert isinstance(late, AwaitedStep)
    assert late.agreement != awaited.agreement
    assert [item.officer for item in late.approvals] == [SECOND_OFFICER]


def test_an_approval_that_was_refused_counts_no_more(gb: Node, fields: dict[str, Any]) -> None:
    flows.propose(gb, fields)
    (waiting,) = list_waiting(gb)
    refuse_approval(gb, waiting.id, "not these terms")
    with acting_as(gb, SECOND_OFFICER):
        assert isinstance(flows.propose(gb, fields), AwaitedStep)


def test_an_approval_to_resume_ends_with_another_suspension(gb: Node, vn: Node, in_force: str, say: Say) -> None:
    say(vn, flows.suspend, in_force, reason="the desk does not answer")
    assert isinstance(flows.resume(vn, in_force), AwaitedStep)
    say(vn, flows.suspend, in_force, reason="a node was stolen")
    assert list_waiting(vn) == []
    with acting_as(vn, SECOND_OFFICER):
        resumed = flows.resume(vn, in_force)
    assert isinstance(resumed, AwaitedStep)
    assert [item.officer for item in resumed.approvals] == [SECOND_OFFICER]


def test_accept_and_confirm_take_two_and_what_narrows_takes_one(
    gb: Node, vn: Node, fields: dict[str, Any], say: Say
) -> None:
    agreement = say(gb, flows.propose, fields).agreement
    assert isinstance(flows.accept(vn, agreement), AwaitedStep)
    say(vn, flows.accept, agreement)
    assert isinstance(flows.confirm(gb, agreement), AwaitedStep)
    say(gb, flows.confirm, agreement)
    assert isinstance(flows.suspend(gb, agreement, reason="x"), StoredStep)
    assert isinstance(flows.revoke(gb, agreement, reason="x"), StoredStep)


def test_a_counter_takes_two_and_keeps_the_place_of_what_it_answers(
    gb: Node, vn: Node, fields: dict[str, Any], say: Say
) -> None:
    agreement = say(gb, flows.propose, fields).agreement
    awaited = flows.counter(vn, agreement, {**fields, "notice_days": 5})
    assert isinstance(awaited, AwaitedStep)
    assert awaited.agreement == agreement
    step = sign_by_two(vn, flows.counter, agreement, {**fields, "notice_days": 5})
    assert step.terms_digest == awaited.terms_digest


def test_what_cannot_be_signed_cannot_be_approved(gb: Node, vn: Node, fields: dict[str, Any], say: Say) -> None:
    agreement = say(gb, flows.propose, fields).agreement
    with pytest.raises(StepNotAllowedError):
        flows.accept(gb, agreement)
    assert list_waiting(gb) == []


def test_the_way_for_what_narrows_signs_nothing_that_widens(
    gb: Node, vn: Node, fields: dict[str, Any], say: Say
) -> None:
    step = say(gb, flows.propose, fields)
    order = StepOrder(
        StepAction.ACCEPT, step.agreement, step.terms_digest, "GB", confirm_by=vn.clock.now() + timedelta(days=1)
    )
    with vn.store.write() as transaction, pytest.raises(StepNotAllowedError, match="two officers"):
        sign_narrowing_step(vn, transaction, order)


def test_every_approval_is_in_the_access_log_with_who_gave_it(gb: Node, fields: dict[str, Any]) -> None:
    step = sign_by_two(gb, flows.propose, fields, reason="as agreed in Hanoi")
    with gb.store.read() as snapshot:
        entries = list_entries(snapshot, AccessFilter(action=Action.AGREEMENTS))
    newest = sorted(entries, key=lambda entry: entry.n)[-3:]
    assert [(entry.verb, entry.officer, entry.reason, entry.partner) for entry in newest] == [
        ("agreement-approve", gb.officer, "as agreed in Hanoi", "VN"),
        ("agreement-approve", SECOND_OFFICER, "as agreed in Hanoi", "VN"),
        ("agreement-propose", SECOND_OFFICER, "as agreed in Hanoi", "VN"),
    ]
    assert count_own_steps(gb, step.agreement) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"action": StepAction.CONFIRM},
        {"digest": "A" * 43},
        {"agreement": "0190a6f2-3c4d-7e5f-8a6b-7c8d9e0f1a2b"},
        {"party_seq": 2, "party_prev": "A" * 43},
    ],
)
def test_an_approval_is_of_the_action_the_terms_and_the_place(changes: dict[str, Any]) -> None:
    step = make_step(GB, StepAction.RESUME, make_terms())
    assert digest_approved(step) != digest_approved(step.model_copy(update=changes))
    assert digest_approved(step) == digest_approved(step.model_copy(update={"reason": "other words"}))
