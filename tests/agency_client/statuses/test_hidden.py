"""What a status says of its signer's chains, beside the steps that the log has shown here."""

from typing import Any

from agency_client.agreements.chains import find_place
from agency_client.local_store.agreements import StoredStep, load_chains
from agency_client.node import Node
from agency_client.statuses.hidden import find_hidden_steps
from schemas.agreements.steps import StepAction
from schemas.codec import b64u_encode
from schemas.envelope import SeenCheckpoint
from schemas.status import ChainHead, Status
from tests.support.lying_world import LyingWorld
from tests.support.nodes import take_step


def suspend(world: LyingWorld, terms: Any) -> StoredStep:
    """Let VN suspend, GB know it, and return the step."""
    take_step(world["VN"], terms, StepAction.SUSPEND, world["VN"], world["GB"])
    with world["GB"].store.read() as snapshot:
        return load_chains(snapshot, terms.id)["VN"][-1]


def say(world: LyingWorld, head: ChainHead, seen_size: int) -> Status:
    """Return what VN says to GB of one chain, having seen so much of the log."""
    return Status(
        v=1,
        exchange=world["VN"].exchange,
        agency="VN",
        partner="GB",
        seq=1,
        time=world.clock.now(),
        keyset=1,
        revoked=(),
        chains=(head,),
        streams=(),
        checkpoint=SeenCheckpoint(origin=world["VN"].sheet.origin, size=seen_size, root=b64u_encode(bytes(32))),
    )


def list_codes(node: Node, status: Status) -> list[str]:
    with node.store.read() as snapshot:
        return [code for code, _ in find_hidden_steps(snapshot, status)]


def test_another_step_than_the_one_named_is_told_if_its_signer_had_seen_the_log_beyond_it(
    world: LyingWorld, terms: Any
) -> None:
    step = suspend(world, terms)
    place = find_place(step)
    assert place is not None
    other = ChainHead(agreement=terms.id, party_seq=step.party_seq, head=b64u_encode(bytes(32)))
    assert list_codes(world["GB"], say(world, other, place + 1)) == ["chain-differs"]
    assert list_codes(world["GB"], say(world, other, place)) == [], "it may have been signed anew since"
    true = ChainHead(agreement=terms.id, party_seq=step.party_seq, head=step.digest)
    assert list_codes(world["GB"], say(world, true, place + 1)) == []


def test_a_step_beyond_those_that_are_here_is_told(world: LyingWorld, terms: Any) -> None:
    step = suspend(world, terms)
    further = ChainHead(agreement=terms.id, party_seq=step.party_seq + 1, head=b64u_encode(bytes(32)))
    assert list_codes(world["GB"], say(world, further, 1)) == ["step-hidden"]
