"""Pulling steps from a broker that may lie: nothing counts before its proof, its signature and its place hold."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from agency_client.agreements import flows
from agency_client.agreements.pulling import pull_steps
from agency_client.agreements.signing import make_stored
from agency_client.agreements.submitting import submit_step
from agency_client.agreements.views import view_page
from agency_client.errors import NotFoundError
from agency_client.local_store.agreements import StoredStep, load_chain_end
from agency_client.local_store.held_steps import list_held_steps
from agency_client.node import Node
from agency_client.own_keys.encryption import prepare_encryption_keys
from agency_client.own_keys.key_sets import get_own_anchor
from agency_client.own_keys.publishing import publish_queued
from agency_client.trust import pin_partner
from agency_client.witness.observer import LogError
from agency_client.witness.walker import walk_log
from keys.signing import sign_document
from schemas.agreements.lifecycle import State
from schemas.agreements.steps import Step, StepAction, digest_step
from schemas.api import STEPS_PATH, StepsAnswer
from schemas.codec import b64u_encode
from schemas.signed import DocumentType, KeyUse
from tests.support.exchange import RunningExchange
from tests.support.members import derive_seed
from tests.support.nodes import MovableClock, make_node
from tests.support.officers import sign_by_two
from tests.support.tampering import tampering
from tests.support.witnesses import see_together

Say = Callable[..., StoredStep]
Change = Callable[[StepsAnswer], StepsAnswer]


def change_steps(change: Change) -> Callable[[str, str, Any], Any]:
    return lambda method, path, answer: change(answer) if (method, path) == ("GET", STEPS_PATH) else answer


def replace_last(answer: StepsAnswer, **changes: Any) -> StepsAnswer:
    *before, last = answer.steps
    return answer.model_copy(update={"steps": (*before, last.model_copy(update=changes))})


def _without_proof(answer: StepsAnswer) -> StepsAnswer:
    return replace_last(answer, proof=())


def _at_another_leaf(answer: StepsAnswer) -> StepsAnswer:
    leaf = answer.steps[-1].leaf
    return replace_last(answer, leaf=leaf.model_copy(update={"index": leaf.index - 1}))


def _about_another_action(answer: StepsAnswer) -> StepsAnswer:
    leaf = answer.steps[-1].leaf
    record = leaf.record.model_copy(update={"step": "resume"})
    return replace_last(answer, leaf=leaf.model_copy(update={"record": record}))


def _for_another_partner(answer: StepsAnswer) -> StepsAnswer:
    leaf = answer.steps[-1].leaf
    record = leaf.record.model_copy(update={"partner": "BE"})
    return replace_last(answer, leaf=leaf.model_copy(update={"record": record}))


def _another_document(answer: StepsAnswer) -> StepsAnswer:
    document = answer.steps[-1].document
    return replace_last(answer, document=document.model_copy(update={"payload": b64u_encode(b'{"v":1}')}))


def _an_old_step_again(answer: StepsAnswer) -> StepsAnswer:
    steps = (*answer.steps, answer.steps[0])
    return answer.model_copy(update={"steps": steps})


@pytest.mark.parametrize(
    "lie", [_without_proof, _at_another_leaf, _about_another_action, _for_another_partner, _another_document]
)
def test_a_step_that_the_log_does_not_prove_is_an_error_and_is_not_skipped(
    gb: Node, vn: Node, in_force: str, lie: Change
) -> None:
    submit_step(gb, flows.suspend(gb, in_force, reason="x").digest)
    with tampering(vn, change_steps(lie)), pytest.raises(LogError):
        pull_steps(vn)
    assert view_page(vn, in_force).line.state is State.IN_FORCE
    assert [step.action for step in pull_steps(vn).new] == [StepAction.SUSPEND]
    assert view_page(vn, in_force).line.state is State.SUSPENDED


def test_a_forged_signature_holds_the_step_back(gb: Node, vn: Node, in_force: str) -> None:
    submit_step(gb, flows.suspend(gb, in_force, reason="x").digest)

    def forge(answer: StepsAnswer) -> StepsAnswer:
        document = answer.steps[-1].document
        first, second = document.signatures
        false = second.model_copy(update={"signature": "A" * len(second.signature)})
        return replace_last(answer, document=document.model_copy(update={"signatures": (first, false)}))

    with tampering(vn, change_steps(forge)):
        report = pull_steps(vn)
    assert (report.new, [(held.agency, held.code) for held in report.held]) == ([], [("GB", "step-refused")])
    assert view_page(vn, in_force).line.state is State.IN_FORCE
    assert view_page(vn, in_force).held[0].sentence.startswith("the signature does not hold")
    with vn.store.write() as transaction:
        transaction.execute("DELETE FROM held_step")


def test_a_hidden_step_holds_what_follows_it_until_it_comes(
    nodes: dict[str, Node], gb: Node, vn: Node, in_force: str
) -> None:
    submit_step(gb, flows.suspend(gb, in_force, reason="x").digest)
    see_together(*nodes.values())
    submit_step(gb, sign_by_two(gb, flows.resume, in_force).digest)
    hidden: list[Any] = []

    def hide(answer: StepsAnswer) -> StepsAnswer:
        hidden.append(answer.steps[0])
        return answer.model_copy(update={"steps": answer.steps[1:]})

    with tampering(vn, change_steps(hide)):
        report = pull_steps(vn)
    assert [held.code for held in report.held] == ["step-early"]

    def show(answer: StepsAnswer) -> StepsAnswer:
        return answer.model_copy(update={"steps": (hidden[0], *answer.steps)})

    with tampering(vn, change_steps(show)), pytest.raises(LogError):
        pull_steps(vn)
    from agency_client.local_store.settings import Setting, write_setting

    with vn.store.write() as transaction:
        write_setting(transaction, Setting.STEPS_PULLED, str(hidden[0].leaf.index - 1))
    report = pull_steps(vn)
    assert report.held == []
    assert view_page(vn, in_force).line.state is State.IN_FORCE
    assert len(view_page(vn, in_force).history) == 5


def test_a_proposal_waits_until_its_signer_is_pinned(
    exchange: RunningExchange, gb: Node, fields: dict[str, Any], tmp_path: Path
) -> None:
    with make_node(exchange, tmp_path, "CH", clock=MovableClock()) as ch:
        publish_queued(ch, prepare_encryption_keys(ch))
        walk_log(ch)
        pin_partner(ch, "GB", get_own_anchor(gb))
        text = {**fields, "parties": ["CH", "GB"], "duty_desks": [*fields["duty_desks"][:1]]}
        text["clauses"] = [{**clause, "sender": "GB", "recipient": "CH"} for clause in fields["clauses"][:1]]
        text["duty_desks"] = [fields["duty_desks"][0], {**fields["duty_desks"][0], "agency": "CH"}]
        step = sign_by_two(ch, flows.propose, text)
        submit_step(ch, step.digest)
        assert ("CH", "not-pinned") in [(held.agency, held.code) for held in pull_steps(gb).held]
        with pytest.raises(NotFoundError):
            view_page(gb, step.agreement)
        pin_partner(gb, "CH", get_own_anchor(ch))
        assert [item.action for item in pull_steps(gb).new] == [StepAction.PROPOSE]
        assert view_page(gb, step.agreement).line.state is State.PROPOSED
        submit_step(ch, flows.withdraw(ch, step.agreement).digest)
        pull_steps(gb)
    with gb.store.read() as snapshot:
        assert list_held_steps(snapshot) == []


def sign_false_step(node: Node, agreement: str, **changes: Any) -> StoredStep:
    """Sign a step with a node's true key, past its own flows."""
    with node.store.read() as snapshot:
        end = load_chain_end(snapshot, agreement, node.agency)
    assert end is not None
    members: dict[str, Any] = {
        "v": 1,
        "exchange": node.exchange,
        "agreement": agreement,
        "digest": end.terms_digest,
        "agency": node.agency,
        "party_seq": end.party_seq + 1,
        "party_prev": end.digest,
        "action": StepAction.SUSPEND,
        "time": node.clock.now(),
    }
    step = Step(**members | changes)
    document = sign_document(step.canonical(), DocumentType.AGREEMENT_STEP, [node.signer(KeyUse.AGREEMENT)])
    return make_stored(step, digest_step(step.canonical()), document, node.clock.now())


def test_a_step_in_our_own_name_that_we_did_not_sign_is_an_alarm(gb: Node, vn: Node, in_force: str) -> None:
    from schemas.api import Evidence

    stolen = sign_false_step(gb, in_force, reason="by a thief")
    gb.connection.post(STEPS_PATH, stolen.document, Evidence)
    report = pull_steps(gb)
    assert [(held.agency, held.code) for held in report.held] == [("GB", "not-ours")]
    assert view_page(gb, in_force).line.state is State.IN_FORCE
    with gb.store.write() as transaction:
        transaction.execute("DELETE FROM held_step")


def test_two_steps_of_one_number_are_proof_against_their_signer(gb: Node, vn: Node, in_force: str) -> None:
    from agency_client.agreements.files import StepsFile, import_steps
    from agency_client.local_store.contradictions import EquivocationError, list_contradictions
    from schemas.signed import SignedDocument

    first = sign_false_step(vn, in_force, reason="one")
    second = sign_false_step(vn, in_force, reason="other")
    for stored, is_first in ((first, True), (second, False)):
        document = SignedDocument.from_canonical(stored.document)
        file = StepsFile(v=1, exchange=gb.exchange, agreement=in_force, steps=(document,))
        if is_first:
            assert [step.reason for step in import_steps(gb, file)] == ["one"]
            continue
        with pytest.raises(EquivocationError):
            import_steps(gb, file)
    with gb.store.write() as transaction:
        found = [item for item in list_contradictions(transaction) if item.signer == "VN"]
        transaction.execute("DELETE FROM contradiction")
    assert len(found) == 1


def test_a_step_by_a_key_that_was_revoked_before_does_not_hold(
    exchange: RunningExchange, gb: Node, fields: dict[str, Any], tmp_path: Path
) -> None:
    from agency_client.agreements.chains import load_agreement
    from agency_client.agreements.verifying import Moment, StepRefusedError, verify_step
    from agency_client.own_keys.revoking import prepare_revocation
    from schemas.signed import SignedDocument

    with make_node(exchange, tmp_path, "LU", clock=MovableClock()) as lu:
        pin_partner(lu, "GB", get_own_anchor(gb))
        walk_log(gb)
        pin_partner(gb, "LU", get_own_anchor(lu))
        desk = fields["duty_desks"][0]
        text = {**fields, "parties": ["GB", "LU"], "duty_desks": [desk, {**desk, "agency": "LU"}]}
        text["clauses"] = [{**clause, "sender": "GB", "recipient": "LU"} for clause in fields["clauses"][:1]]
        step = sign_by_two(lu, flows.propose, text)
        document = SignedDocument.from_canonical(step.document)
        publish_queued(lu, prepare_revocation(lu, [lu.signer(KeyUse.AGREEMENT).kids[0]], "key-stolen"))
    report = walk_log(gb)
    with gb.store.read() as snapshot:
        at = Moment(report.size, gb.clock.now())
        with pytest.raises(StepRefusedError, match="revoked"):
            verify_step(gb, snapshot, document, at)
        before = Moment(report.size - 2, gb.clock.now())
        assert verify_step(gb, snapshot, document, before).digest == step.digest
        assert load_agreement(snapshot, step.agreement).stored == {}


def test_terms_with_another_anchor_than_the_pinned_one_are_held(gb: Node, vn: Node, fields: dict[str, Any]) -> None:
    from agency_client.agreements.drafting import Place, complete_terms
    from agency_client.agreements.verifying import Moment, StepRefusedError, verify_step
    from keys.generation import generate_id

    with vn.store.read() as snapshot:
        terms = complete_terms(vn, snapshot, fields, Place(generate_id()))
    false = b64u_encode(derive_seed("another anchor"))
    parties = tuple(
        party.model_copy(update={"anchor": false}) if party.agency == "GB" else party for party in terms.parties
    )
    forged = terms.model_copy(update={"parties": parties})
    step = Step(
        v=1,
        exchange=vn.exchange,
        agreement=forged.id,
        digest=forged.digest(),
        agency="VN",
        party_seq=1,
        action=StepAction.PROPOSE,
        time=vn.clock.now(),
        terms=forged,
    )
    document = sign_document(step.canonical(), DocumentType.AGREEMENT_STEP, [vn.signer(KeyUse.AGREEMENT)])
    with gb.store.read() as snapshot, pytest.raises(StepRefusedError, match="another anchor for GB"):
        verify_step(gb, snapshot, document, Moment(10_000, gb.clock.now() + timedelta(seconds=1)))


def test_many_steps_come_in_pages(nodes: dict[str, Node], gb: Node, vn: Node, in_force: str) -> None:
    for number in range(3):
        submit_step(gb, flows.suspend(gb, in_force, reason=str(number)).digest)
        see_together(*nodes.values())
        submit_step(gb, sign_by_two(gb, flows.resume, in_force).digest)
    pages: list[int] = []

    def cut(answer: StepsAnswer) -> StepsAnswer:
        pages.append(len(answer.steps))
        return answer.model_copy(update={"steps": answer.steps[:2], "more": len(answer.steps) > 2 or answer.more})

    with tampering(vn, change_steps(cut)):
        assert len(pull_steps(vn).new) == 6
    assert pages == [6, 4, 2]
