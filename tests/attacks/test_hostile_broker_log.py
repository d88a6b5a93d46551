"""The broker as the enemy of its own log: other histories under the true keys, heads of no tree, leaves not shown.

A log that does not prove itself ends the round in words: nothing is taken from that answer, nothing is sent, and what
was signed is kept for a third person to check.
"""

from typing import Any

import pytest

from agency_client.local_store.contradictions import EquivocationError
from agency_client.local_store.inbox import InboxState
from agency_client.sending.facts import SendingStoppedError
from agency_client.sending.flow import send_alert
from agency_client.witness.observer import read_log_keys
from agency_client.witness.prefix import PrefixProof, verify_prefix_proof
from agency_client.witness.walker import walk_log
from keys.log_keys import verify_checkpoint
from tests.attacks.arena import GB, VN, Arena
from tests.support.drafts import make_draft


@pytest.fixture
def terms(arena: Arena, request: pytest.FixtureRequest) -> Any:
    """An agreement between GB and VN in force, of this test alone."""
    return arena.agree(GB, VN, request.node.name)


def demand_round_ends(arena: Arena, switch: str, code: str, words: str) -> None:
    """Let the broker lie about the log to VN, for whom a message waits: the round ends in words, before it is taken."""
    walked = arena.count_walked(VN)
    with arena.lying(f"{switch}={VN}"):
        report = arena.sync(VN)
    offline, last = report.stages
    assert (offline.stage, offline.failure) == ("retention", None), "it asks the exchange nothing"
    assert last.failure is not None
    assert (last.stage, last.failure.code) == ("log", code)
    assert words in last.failure.sentence
    assert [problem.code for problem in last.problems] == ["nothing-sent"]
    assert arena.count_walked(VN) == walked


def demand_log_refused(arena: Arena, terms: Any, switch: str, words: str) -> None:
    """Demand that the round ends for want of a proof; what waited is delivered once the broker is honest."""
    leg = arena.send(terms)
    demand_round_ends(arena, switch, "log-not-proven", words)
    assert arena.find(VN, leg.digest) is None
    arena.sync(VN)
    assert arena.load(VN, leg.digest).state is InboxState.OPENED


def test_a_second_history_is_proven_kept_and_stops_sending(arena: Arena, terms: Any) -> None:
    node = arena[VN]
    walk_log(node)
    with arena.lying(f"forked-log={VN}"), pytest.raises(EquivocationError, match="signed two different trees"):
        walk_log(node)
    proof = arena.list_proofs(VN)[-1]
    heads = [
        verify_checkpoint(note, node.sheet.origin, read_log_keys(node.sheet)) for note in (proof.first, proof.second)
    ]
    assert heads[0].size == heads[1].size
    assert heads[0].root != heads[1].root
    with pytest.raises(SendingStoppedError):
        send_alert(node, make_draft(GB, agreement=terms.digest()))


def test_a_rewritten_history_with_proofs_that_all_hold_is_proven_to_be_another(arena: Arena, terms: Any) -> None:
    leg = arena.send(terms)
    demand_round_ends(arena, "rewritten-history", "equivocation", "that begin with others")
    proof = arena.list_proofs(VN)[-1]
    keys = read_log_keys(arena[VN].sheet)
    small, large = (verify_checkpoint(note, arena[VN].sheet.origin, keys) for note in (proof.first, proof.second))
    assert small.size < large.size
    assert proof.proof is not None
    verify_prefix_proof(PrefixProof.from_canonical(proof.proof), small, large)
    with pytest.raises(SendingStoppedError):
        send_alert(arena[VN], make_draft(GB, agreement=terms.digest()))
    assert arena.find(VN, leg.digest) is None


def test_a_proof_of_consistency_that_proves_nothing_is_refused_and_its_head_kept(arena: Arena, terms: Any) -> None:
    demand_log_refused(arena, terms, "false-consistency", "is not shown to be the start of that of")


def test_leaves_that_do_not_hash_to_the_signed_head_are_not_believed(arena: Arena, terms: Any) -> None:
    demand_log_refused(arena, terms, "hidden-leaves", "do not hash to what the exchange signed")


def test_other_log_keys_for_one_member_are_refused(arena: Arena, terms: Any) -> None:
    demand_log_refused(arena, terms, "two-log-keys", "the checkpoint is not one of")


def test_a_head_with_half_its_signatures_is_refused(arena: Arena, terms: Any) -> None:
    demand_log_refused(arena, terms, "half-signed-head", "the checkpoint is not one of")


def test_an_epoch_that_nobody_accepted_is_not_followed(arena: Arena, terms: Any) -> None:
    leg = arena.send(terms)
    with arena.lying(f"another-epoch={VN}"):
        report = arena.sync(VN)
    failure = report.stages[-1].failure
    assert failure is not None
    assert (failure.code, "this node has accepted exchange.example/1" in failure.sentence) == ("new-log", True)
    assert arena.find(VN, leg.digest) is None
    arena.sync(VN)
    assert arena.load(VN, leg.digest).state is InboxState.OPENED


@pytest.mark.parametrize("switch", ["empty-log", "shrunk-log"])
def test_a_log_that_shrank_takes_nothing_back_and_proves_nothing(arena: Arena, terms: Any, switch: str) -> None:
    size = arena[GB].observer.read_seen().size
    with arena.lying(f"{switch}={GB}"):
        leg = arena.send(terms)
    assert arena[GB].observer.read_seen().size >= size
    (line,) = [line for line in arena.waiting(GB) if line.message.message_id == leg.message_id]
    assert line.acceptance is None
    assert line.item.problem is not None
    assert (line.item.problem.code, "is not shown to be in the log" in line.item.problem.sentence) == (
        "log-not-proven",
        True,
    )
    arena.sync(GB)
    arena.sync(VN)
    assert arena.load(VN, leg.digest).state is InboxState.OPENED
