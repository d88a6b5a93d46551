"""The broker as the enemy, lie by lie: what it does to a message on its way, and to the proofs beside it.

Each attack is a switch of the hostile broker (`tests.hostile`), against real nodes over TLS. The recipient sets the
message aside in words, shows nothing of it, says so to its sender, and goes on once the broker is honest again.
"""

from typing import Any

import pytest

from agency_client.local_store.inbox import InboxState
from agency_client.local_store.sent import DeliveryFact
from agency_client.sending.seal import SealedLeg
from agency_client.sending.views import describe_sent
from tests.attacks.arena import GB, VN, Arena, demand_unseen


@pytest.fixture
def terms(arena: Arena, request: pytest.FixtureRequest) -> Any:
    """An agreement between GB and VN in force, of this test alone."""
    return arena.agree(GB, VN, request.node.name)


def demand_set_aside(arena: Arena, terms: Any, switch: str, code: str, words: str) -> SealedLeg:
    """Let the broker lie about one message; it must be set aside in words, unseen, and its sender must learn so."""
    leg = arena.send(terms)
    with arena.lying(switch):
        arena.sync(VN)
    found = arena.load(VN, leg.digest)
    assert found.problem is not None
    assert (found.state, found.problem.code) == (InboxState.UNVERIFIABLE, code)
    assert words in found.problem.sentence
    demand_unseen(arena, VN, leg.digest, leg.message_id)
    arena.sync(GB)
    (delivery,) = describe_sent(arena[GB], leg.message_id).deliveries
    assert DeliveryFact.UNVERIFIABLE in {fact.fact for fact in delivery.facts}
    arena.demand_service(terms)
    return leg


def test_an_altered_ciphertext_is_set_aside(arena: Arena, terms: Any) -> None:
    demand_set_aside(arena, terms, "altered-ciphertext", "body-mismatch", "ciphertext")


def test_a_stripped_signature_is_noticed(arena: Arena, terms: Any) -> None:
    demand_set_aside(arena, terms, "stripped-signature", "signature-refused", "signature")


def test_a_leaf_that_was_never_logged_proves_nothing(arena: Arena, terms: Any) -> None:
    demand_set_aside(arena, terms, "invented-leaf", "log-not-proven", "is not shown to be in the log")


def test_the_leaf_of_another_message_proves_nothing(arena: Arena, terms: Any) -> None:
    demand_set_aside(arena, terms, "leaf-of-another", "log-not-proven", "the record's message is")


def test_the_leaf_of_another_hand_over_proves_nothing(arena: Arena, terms: Any) -> None:
    demand_set_aside(arena, terms, "hand-over-of-another", "log-not-proven", "the record's lease is")
