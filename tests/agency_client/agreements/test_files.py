"""Signed steps past the exchange: what narrows counts at once, what widens waits for the log, what is false never."""

from collections.abc import Callable
from typing import Any

import pytest

from agency_client.agreements import flows
from agency_client.agreements.files import StepsFile, export_steps, import_steps, read_steps_file
from agency_client.agreements.pulling import ForeignStepError, pull_steps
from agency_client.agreements.submitting import submit_step
from agency_client.agreements.verifying import StepEarlyError
from agency_client.agreements.views import view_page
from agency_client.errors import NotFoundError, VerificationFailedError
from agency_client.local_store.access_log import list_entries
from agency_client.local_store.agreements import StoredStep, load_chains
from agency_client.node import Node
from schemas.agreements.lifecycle import State
from schemas.signed import SignedDocument
from tests.support.officers import sign_by_two
from tests.support.tampering import offline

Say = Callable[..., StoredStep]


def find_state(node: Node, reference: str) -> State:
    return view_page(node, reference).line.state


def write_all_steps(node: Node, agreement: str) -> StepsFile:
    """Return a file of every step, those too that nobody should carry yet."""
    with node.store.read() as snapshot:
        chains = load_chains(snapshot, agreement)
    documents = [SignedDocument.from_canonical(item.document) for chain in chains.values() for item in chain]
    return StepsFile(v=1, exchange=node.exchange, agreement=agreement, steps=tuple(documents))


def test_a_suspension_counts_at_once_and_a_resumption_waits_for_the_log(gb: Node, vn: Node, in_force: str) -> None:
    with offline(gb):
        flows.suspend(gb, in_force, reason="past the exchange")
    assert [step.action.value for step in import_steps(vn, export_steps(gb, in_force))] == ["suspend"]
    assert find_state(vn, in_force) is State.SUSPENDED
    with offline(gb):
        resumed = sign_by_two(gb, flows.resume, in_force)
    assert import_steps(vn, export_steps(gb, in_force)) == []
    assert [step.action.value for step in import_steps(vn, write_all_steps(gb, in_force))] == ["resume"]
    assert find_state(vn, in_force) is State.SUSPENDED
    history = view_page(gb, in_force).history
    (suspension,) = [line.digest for line in history if line.step.action.value == "suspend" and not line.is_logged]
    submit_step(gb, suspension)
    submit_step(gb, resumed.digest)
    pull_steps(vn)
    assert find_state(vn, in_force) is State.IN_FORCE


def test_a_proposal_is_carried_once_the_log_has_it_and_counts_only_then(
    gb: Node, vn: Node, fields: dict[str, Any]
) -> None:
    with offline(gb):
        step = sign_by_two(gb, flows.propose, fields)
    with pytest.raises(NotFoundError, match="the log has no step"):
        export_steps(gb, step.agreement)
    assert len(import_steps(vn, write_all_steps(gb, step.agreement))) == 1
    assert find_state(vn, step.agreement) is State.DRAFT


def test_what_follows_a_step_that_another_may_take_the_place_of_is_not_carried(
    gb: Node, vn: Node, in_force: str
) -> None:
    with offline(gb):
        flows.suspend(gb, in_force, reason="one")
        before = export_steps(gb, in_force)
        sign_by_two(gb, flows.resume, in_force)
        flows.revoke(gb, in_force, reason="two")
    assert export_steps(gb, in_force) == before


def test_a_file_with_a_gap_or_with_false_steps_is_refused_whole(gb: Node, vn: Node, in_force: str) -> None:
    with offline(gb):
        flows.suspend(gb, in_force, reason="one")
        sign_by_two(gb, flows.resume, in_force)
    file = write_all_steps(gb, in_force)
    known = {line.digest for line in view_page(vn, in_force).history}
    *_, suspension, resumption = [line for line in view_page(gb, in_force).history if line.digest not in known]
    by_digest = {line.digest: document for line, document in _pair(gb, in_force, file)}
    gap = file.model_copy(update={"steps": (by_digest[resumption.digest],)})
    with pytest.raises(StepEarlyError):
        import_steps(vn, gap)
    true, false = by_digest[suspension.digest], by_digest[resumption.digest]
    forged = false.model_copy(update={"signatures": true.signatures})
    with pytest.raises(VerificationFailedError):
        import_steps(vn, file.model_copy(update={"steps": (true, forged)}))
    assert find_state(vn, in_force) is State.IN_FORCE


def _pair(node: Node, agreement: str, file: StepsFile) -> Any:
    from schemas.agreements.steps import digest_step

    digests = {digest_step(document.payload_bytes): document for document in file.steps}
    return [(line, digests[line.digest]) for line in view_page(node, agreement).history]


def test_a_step_in_our_own_name_does_not_come_from_a_file(gb: Node, vn: Node, in_force: str) -> None:
    with offline(gb):
        step = flows.suspend(gb, in_force, reason="x")
    file = export_steps(gb, in_force)
    from agency_client.agreements.signing import take_back
    from agency_client.local_store.problems import Problem

    with gb.store.write() as transaction:
        take_back(gb, transaction, step.digest, Problem("test", "forgotten"))
    with pytest.raises(ForeignStepError):
        import_steps(gb, file)


def test_exports_and_imports_are_on_record(gb: Node, vn: Node, in_force: str) -> None:
    import_steps(vn, export_steps(gb, in_force))
    for node, verb in ((gb, "agreement-export"), (vn, "agreement-import")):
        with node.store.read() as snapshot:
            entry = list_entries(snapshot)[0]
        assert (entry.verb, entry.reason) == (verb, in_force)


@pytest.mark.parametrize("data", [b"", b"{}", b'{"v":1}', b"\x00"])
def test_what_is_no_file_of_steps_is_told(data: bytes) -> None:
    with pytest.raises(VerificationFailedError):
        read_steps_file(data)
