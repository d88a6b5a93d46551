"""Revoking one's own keys: named by a beginning that means one key, with both halves, at once."""

from datetime import timedelta

import pytest

from agency_client.errors import UsageError
from agency_client.local_store.dispatch import DispatchKind, list_dispatches
from agency_client.node import KeySetUnusableError, Node
from agency_client.own_keys.documents import load_own_revocations
from agency_client.own_keys.listing import list_own_keys
from agency_client.own_keys.revoking import prepare_revocation
from schemas.signed import KeyUse
from tests.support.log_simulator import FixedClock
from tests.support.members import START


def test_a_key_is_revoked_with_both_halves(node: Node) -> None:
    kids = node.signer(KeyUse.MESSAGE).kids
    prepare_revocation(node, [kids[1][:8]], "device-lost")
    with node.store.read() as snapshot:
        (revocation,) = load_own_revocations(snapshot, node.agency)
        (queued,) = list_dispatches(snapshot)
    assert set(revocation.kids) == set(kids)
    assert (revocation.effective_from, revocation.reason, queued.kind) == (
        START,
        "device-lost",
        DispatchKind.REVOCATION,
    )
    assert {key.state for key in list_own_keys(node) if key.use == "message"} == {"revoked"}


def test_an_expired_set_still_revokes_and_a_revoked_rotation_key_never(node: Node, clock: FixedClock) -> None:
    clock.moment = START + timedelta(days=400)
    prepare_revocation(node, [node.own_key_set().list_signing_kids(KeyUse.RECEIPT, frozenset())[0][0]], "gone")
    prepare_revocation(node, [node.signer(KeyUse.ROTATION, even_expired=True).kids[0]], "key-stolen")
    with pytest.raises(KeySetUnusableError):
        prepare_revocation(node, [node.own_key_set().list_signing_kids(KeyUse.MESSAGE, frozenset())[0][0]], "gone")


@pytest.mark.parametrize("name", ["", "abc", "A" * 43])
def test_a_name_must_mean_one_key(node: Node, name: str) -> None:
    with pytest.raises(UsageError, match="operational key"):
        prepare_revocation(node, [name], "device-lost")


def test_a_reason_is_a_code(node: Node) -> None:
    with pytest.raises(UsageError, match="no reason's code"):
        prepare_revocation(node, [node.signer(KeyUse.MESSAGE).kids[0]], "It was stolen!")
    with node.store.read() as snapshot:
        assert list_dispatches(snapshot) == []
