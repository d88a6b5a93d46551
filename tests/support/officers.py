"""Two officers at one node, for what widens an agreement: the first one approves, the second one signs.

step = sign_by_two(node, flows.propose, fields)
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from agency_client.agreements.approving import AwaitedStep
from agency_client.agreements.flows import Said
from agency_client.local_store.agreements import StoredStep
from agency_client.node import Node

SECOND_OFFICER = "b.jansen"


def sign_by_two(node: Node, verb: Callable[..., Said], *arguments: Any, **options: Any) -> StoredStep:
    """Say something of an agreement as the node's officer, and where that only approves, as a second one too."""
    said = verb(node, *arguments, **options)
    if isinstance(said, AwaitedStep):
        with acting_as(node, SECOND_OFFICER):
            said = verb(node, *arguments, **options)
    assert isinstance(said, StoredStep)
    return said


@contextmanager
def acting_as(node: Node, officer: str) -> Iterator[None]:
    """Let another officer sit at a node."""
    before, node.officer = node.officer, officer
    try:
        yield
    finally:
        node.officer = before
