"""The name under which partners know an officer: always the same, and nobody outside can tell whose it is."""

from agency_client.node import Node
from agency_client.profiles.key_store import TlsUse
from schemas.codec import hash_domain

_CHARACTERS = 8


def make_pseudonym(node: Node) -> str:
    """Return this officer's pseudonym, `officer-` and eight digits that only this node's secret leads to."""
    secret = node.keys.load_seed(TlsUse.AUTHORITY)
    return f"officer-{hash_domain('officer-pseudonym', secret, node.officer.encode()).hex()[:_CHARACTERS]}"
