"""Handing steps in: what is offline waits, what was lost is asked again, what is refused is taken back or renewed."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from agency_client.agreements import flows
from agency_client.agreements.chains import load_agreement, read_step
from agency_client.agreements.pulling import pull_steps
from agency_client.agreements.signing import sign_anew
from agency_client.agreements.submitting import submit_due_steps, submit_step
from agency_client.agreements.views import view_page
from agency_client.local_store.agreements import StoredStep, load_chains
from agency_client.local_store.dispatch import DispatchKind, DispatchState, list_dispatches, load_dispatch
from agency_client.local_store.problems import Problem
from agency_client.node import Node
from agency_client.refusals import NotSentError, RefusalDetails, RefusedConflictError, RefusedError, UnansweredError
from agency_client.witness.observer import LogError
from schemas.agreements.lifecycle import State
from schemas.signed import DocumentType, KeyUse, SignedDocument, read_signatures
from tests.broker.ports import ManualClock
from tests.support.members import make_signer
from tests.support.nodes import set_clock
from tests.support.officers import sign_by_two
from tests.support.tampering import losing_answers, offline, tampering
from tests.support.witnesses import see_together

Say = Callable[..., StoredStep]
LATER = timedelta(seconds=12)
"""When a first retry is due, and clocks are still close enough for a token."""


def find_state(node: Node, reference: str) -> State:
    return view_page(node, reference).line.state


def list_waiting(node: Node) -> list[str]:
    with node.store.read() as snapshot:
        return [item.digest for item in list_dispatches(snapshot) if item.kind is DispatchKind.AGREEMENT_STEP]


def list_own_actions(node: Node, agreement: str) -> list[tuple[str, bool]]:
    with node.store.read() as snapshot:
        stored = load_agreement(snapshot, agreement).stored.get(node.agency, [])
    return [(item.action, item.leaf is not None) for item in stored]


def refusing(code: str) -> Callable[[str, str, Any], Any]:
    """Return what makes an exchange refuse whatever is handed in, by this code."""

    def refuse(method: str, path: str, answer: Any) -> Any:
        if method == "POST":
            raise RefusedError("no", RefusalDetails(code, 422, (), ""))
        return answer

    return refuse


def test_offline_steps_wait_in_order_and_are_handed_in_together(gb: Node, vn: Node, in_force: str, say: Say) -> None:
    with offline(gb):
        first = flows.suspend(gb, in_force, reason="one")
        with pytest.raises(NotSentError):
            submit_step(gb, first.digest)
        second = sign_by_two(gb, flows.resume, in_force)
        assert submit_due_steps(gb).logged == []
        assert find_state(gb, in_force) is State.SUSPENDED
    assert list_waiting(gb) == [first.digest, second.digest]
    set_clock(gb, LATER)
    assert submit_due_steps(gb).logged == [first.digest, second.digest]
    assert find_state(gb, in_force) is State.IN_FORCE
    pull_steps(vn)
    assert find_state(vn, in_force) is State.IN_FORCE


def test_a_lost_answer_is_asked_for_again_and_nothing_happens_twice(gb: Node, vn: Node, in_force: str) -> None:
    step = flows.suspend(gb, in_force, reason="lost")
    with losing_answers(gb), pytest.raises(UnansweredError):
        submit_step(gb, step.digest)
    assert list_own_actions(gb, in_force)[-1] == ("suspend", False)
    set_clock(gb, LATER)
    assert submit_due_steps(gb).logged == [step.digest]
    assert list_own_actions(gb, in_force)[-1] == ("suspend", True)
    new = pull_steps(vn).new
    assert [item.action.value for item in new if item.agreement == in_force].count("suspend") == 1


def test_evidence_about_another_step_is_no_evidence(nodes: dict[str, Node], gb: Node, in_force: str) -> None:
    answers: list[Any] = []

    def keep(method: str, path: str, answer: Any) -> Any:
        if method == "POST":
            answers.append(answer)
        return answer

    def replay(method: str, path: str, answer: Any) -> Any:
        return answers[0] if method == "POST" else answer

    with tampering(gb, keep):
        submit_step(gb, flows.suspend(gb, in_force, reason="a").digest)
    see_together(*nodes.values())
    step = sign_by_two(gb, flows.resume, in_force)
    with tampering(gb, replay), pytest.raises(LogError):
        submit_step(gb, step.digest)
    assert list_own_actions(gb, in_force)[-1] == ("resume", False)
    assert find_state(gb, in_force) is State.SUSPENDED
    set_clock(gb, LATER)
    assert submit_due_steps(gb).logged == [step.digest]


def test_a_refused_step_that_widens_is_taken_back_and_the_chain_goes_on(
    gb: Node, vn: Node, fields: dict[str, Any], say: Say
) -> None:
    agreement = say(gb, flows.propose, fields).agreement
    submit_step(gb, flows.withdraw(gb, agreement).digest)
    step = sign_by_two(vn, flows.accept, agreement)
    with pytest.raises((RefusedError, RefusedConflictError), match="withdrawn"):
        submit_step(vn, step.digest)
    assert list_own_actions(vn, agreement) == []
    assert list_waiting(vn) == []
    with vn.store.read() as snapshot:
        assert step.digest in [item.digest for item in list_dispatches(snapshot, DispatchState.REFUSED)]
    pull_steps(vn)
    assert find_state(vn, agreement) is State.WITHDRAWN
    say(vn, flows.reject, agreement, reason="too late")
    assert list_own_actions(vn, agreement) == [("reject", True)]


def test_what_narrows_behind_a_refused_step_is_signed_anew(
    gb: Node, vn: Node, fields: dict[str, Any], say: Say
) -> None:
    agreement = say(gb, flows.propose, fields).agreement
    submit_step(gb, flows.withdraw(gb, agreement).digest)
    with offline(vn):
        sign_by_two(vn, flows.accept, agreement)
        flows.reject(vn, agreement, reason="second thoughts")
    report = submit_due_steps(vn)
    assert (len(report.refused), len(report.logged)) == (1, 1)
    assert list_own_actions(vn, agreement) == [("reject", True)]
    pull_steps(gb)
    with gb.store.read() as snapshot:
        assert [item.action for item in load_agreement(snapshot, agreement).stored["VN"]] == ["reject"]


def test_a_step_that_widens_and_waited_too_long_is_signed_anew(
    gb: Node, vn: Node, fields: dict[str, Any], say: Say
) -> None:
    agreement = say(gb, flows.propose, fields).agreement
    set_clock(vn, -timedelta(hours=30))
    with offline(vn):
        old = sign_by_two(vn, flows.accept, agreement, reason="the line was dead for a day")
    set_clock(vn, timedelta())
    report = submit_due_steps(vn)
    assert list(report.refused) == [old.digest]
    assert len(report.logged) == 1
    assert old.digest not in report.logged
    pull_steps(gb)
    page = view_page(gb, agreement)
    assert page.line.state is State.ACCEPTED
    assert [line.step.reason for line in page.history if line.step.agency == "VN"] == ["the line was dead for a day"]


def test_a_step_signed_anew_in_the_same_second_is_handed_in_again(
    gb: Node, in_force: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with offline(gb):
        flows.suspend(gb, in_force, reason="one")
        step = sign_by_two(gb, flows.resume, in_force)
    monkeypatch.setattr(gb, "clock", ManualClock(read_step(step).step.time))
    with gb.store.write() as transaction:
        sign_anew(gb, transaction, step.digest, Problem("wrong-time", "again"))
    assert step.digest in list_waiting(gb)
    assert list_own_actions(gb, in_force)[-1] == ("resume", False)


def test_a_step_that_narrows_is_taken_in_its_very_words_however_long_it_waited(
    gb: Node, vn: Node, fields: dict[str, Any], say: Say
) -> None:
    agreement = say(gb, flows.propose, fields).agreement
    set_clock(vn, -timedelta(days=3))
    with offline(vn):
        old = flows.reject(vn, agreement, reason="the line was dead for three days")
    set_clock(vn, timedelta())
    assert submit_due_steps(vn).logged == [old.digest]
    pull_steps(gb)
    assert find_state(gb, agreement) is State.REJECTED


@pytest.mark.parametrize("code", ["key-revoked", "key-set-not-current", "key-set-refused", "signature-refused"])
def test_a_step_that_narrows_is_signed_by_the_key_of_now_in_its_very_words(
    gb: Node, in_force: str, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = flows.suspend(gb, in_force, reason="the key was changed meanwhile")
    fresh = make_signer("GB", KeyUse.AGREEMENT, 7)
    monkeypatch.setattr(gb, "read_signer", lambda *_: fresh)
    with tampering(gb, refusing(code)), pytest.raises(RefusedError):
        submit_step(gb, old.digest)
    with gb.store.read() as snapshot:
        chain, waiting = load_chains(snapshot, in_force)["GB"], load_dispatch(snapshot, old.digest)
    assert waiting is not None
    document = SignedDocument.from_canonical(waiting.body)
    slots = read_signatures(document.payload, document.signatures, DocumentType.AGREEMENT_STEP)
    assert tuple(slot.header.kid for slot in slots) == fresh.kids
    assert document.payload_bytes == SignedDocument.from_canonical(old.document).payload_bytes
    assert (chain[-1].digest, chain[-1].document) == (old.digest, waiting.body)
    with tampering(gb, refusing(code)), pytest.raises(RefusedError):
        submit_step(gb, old.digest)
    assert list_waiting(gb) == [old.digest]


def test_a_step_that_widens_and_was_dated_by_a_clock_ahead_is_signed_anew_when_that_is_right(
    gb: Node, vn: Node, fields: dict[str, Any], say: Say
) -> None:
    agreement = say(gb, flows.propose, fields).agreement
    set_clock(vn, timedelta(hours=20))
    with offline(vn):
        old = sign_by_two(vn, flows.accept, agreement)
    set_clock(vn, timedelta())
    report = submit_due_steps(vn)
    assert list(report.refused) == [old.digest]
    assert len(report.logged) == 1


def test_an_acceptance_whose_time_ran_out_while_it_waited_is_not_signed_anew(
    gb: Node, vn: Node, fields: dict[str, Any], say: Say
) -> None:
    agreement = say(gb, flows.propose, fields).agreement
    set_clock(vn, -timedelta(hours=30))
    with offline(vn):
        sign_by_two(vn, flows.accept, agreement, confirm_by=vn.clock.now() + timedelta(hours=1))
    set_clock(vn, timedelta())
    assert len(submit_due_steps(vn).refused) == 1
    assert list_own_actions(vn, agreement) == []
    assert list_waiting(vn) == []


def test_a_refusal_cannot_undo_what_narrows(gb: Node, vn: Node, in_force: str) -> None:
    step = flows.revoke(gb, in_force, reason="over")

    with tampering(gb, refusing("step-refused")), pytest.raises(RefusedError):
        submit_step(gb, step.digest)
    assert list_waiting(gb) == [step.digest]
    assert find_state(gb, in_force) is State.REVOKED
