"""What an agency does with its keys: encryption keys renewed, key sets and roots replaced, keys of each use revoked.

Officers do here what the exchange must be told; whatever does not reach it waits for a round.
"""

from collections.abc import Callable
from contextlib import suppress

from agency_client.errors import ClientError
from agency_client.node import Node
from agency_client.own_keys.ceremony import RootsSheet
from agency_client.own_keys.encryption import prepare_encryption_keys
from agency_client.own_keys.key_sets import install_key_set, prepare_key_set
from agency_client.own_keys.publishing import publish_queued
from agency_client.own_keys.revoking import prepare_revocation
from keys.key_sets import sign_key_set
from keys.roots import make_roots
from keys.signing import SeedSigner
from schemas.signed import KeyUse
from tests.support.nodes import make_root_signers
from tests.torture.plan import Move

REVOKED_USES = tuple(KeyUse)
NEEDED_ROOTS = 2


def renew_encryption_keys(node: Node, generation: int, move: Move) -> int:
    """Publish a fresh encryption key, now or with the next round."""
    _publish(node, prepare_encryption_keys(node), move)
    return generation


def replace_key_set(node: Node, generation: int, move: Move) -> int:
    """Let the roots sign fresh keys of every use."""
    signers = list_roots(node.agency, generation)
    installed = install_key_set(node, sign_key_set(prepare_key_set(node), signers[:NEEDED_ROOTS]))
    _publish(node, installed.digest, move)
    return generation


def change_roots(node: Node, generation: int, move: Move) -> int:
    """Let old and new roots sign a key set in which the new ones take over."""
    old, new = list_roots(node.agency, generation), list_roots(node.agency, generation + 1)
    sheet = RootsSheet(v=1, agency=node.agency, roots=make_roots(new, NEEDED_ROOTS), made_at=node.clock.now())
    key_set = prepare_key_set(node, roots=sheet)
    installed = install_key_set(node, sign_key_set(key_set, [*new[:NEEDED_ROOTS], *old[:NEEDED_ROOTS]]))
    _publish(node, installed.digest, move)
    return generation + 1


def revoke_key(node: Node, generation: int, move: Move) -> int:
    """Revoke the key of one use and go on under a new key set, as after a theft; encryption keys follow a rotation."""
    use = REVOKED_USES[move.one % len(REVOKED_USES)]
    stolen = next(key for key in node.own_key_set().key_set.keys if key.use is use)
    _publish(node, prepare_revocation(node, [stolen.kids[0]], "key-stolen"), move)
    replace_key_set(node, generation, move)
    if use is KeyUse.ROTATION:
        renew_encryption_keys(node, generation, move)
    return generation


def list_roots(agency: str, generation: int) -> tuple[SeedSigner, ...]:
    """Return an agency's roots after so many changes of them."""
    return make_root_signers(f"{agency}-{generation}" if generation else agency)


def _publish(node: Node, digest: str, move: Move) -> None:
    if move.two % 3:
        with suppress(ClientError):
            publish_queued(node, digest)


KEY_MOVES: dict[str, Callable[[Node, int, Move], int]] = {
    move.__name__: move for move in (renew_encryption_keys, replace_key_set, change_roots, revoke_key)
}
"""Each returns how often the roots have been changed."""
