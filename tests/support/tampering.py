"""A connection to the real broker whose answers a test may change, lose or replace: the broker as a liar."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from agency_client.connection import BrokerConnection
from agency_client.node import Node
from agency_client.refusals import NotSentError, UnansweredError
from schemas.model import WireModel

Tamper = Callable[[str, str, Any], Any]
"""Takes method, path and the broker's answer; returns what the client gets, or raises what it meets."""


class TamperingConnection:
    """Stands in the place of a node's connection."""

    def __init__(self, real: BrokerConnection, tamper: Tamper) -> None:
        self._real, self._tamper = real, tamper

    def get(self, path: str, answer: type[WireModel], query: Mapping[str, str | int] | None = None) -> Any:
        """Ask, and let the test have its way with the answer."""
        return self._tamper("GET", path, self._real.get(path, answer, query))

    def post(self, path: str, body: bytes, answer: type[WireModel], *, wait_seconds: float = 0) -> Any:
        """Hand in, and let the test have its way with the answer."""
        return self._tamper("POST", path, self._real.post(path, body, answer, wait_seconds=wait_seconds))

    def close(self) -> None:
        """Leave the real one open."""


class AbsentBroker:
    """A broker that is not there."""

    def get(self, path: str, answer: type[WireModel], query: Mapping[str, str | int] | None = None) -> Any:
        """Fail like a connection that is refused."""
        raise NotSentError("the broker was not reached")

    def post(self, path: str, body: bytes, answer: type[WireModel], *, wait_seconds: float = 0) -> Any:
        """Fail like a connection that is refused."""
        raise NotSentError("the broker was not reached")

    def close(self) -> None:
        """Do nothing."""


@contextmanager
def tampering(node: Node, tamper: Tamper) -> Iterator[None]:
    """Put a liar between a node and the broker for as long as the block runs."""
    with _replacing(node, TamperingConnection(node.connection, tamper)):
        yield


@contextmanager
def offline(node: Node) -> Iterator[None]:
    """Take the broker away from a node for as long as the block runs."""
    with _replacing(node, AbsentBroker()):
        yield


@contextmanager
def losing_answers(node: Node, method: str = "POST") -> Iterator[None]:
    """Let what the node hands in arrive, and lose what the broker answers."""

    def lose(found: str, path: str, answer: Any) -> Any:
        if found == method:
            raise UnansweredError("the answer was lost")
        return answer

    with tampering(node, lose):
        yield


@contextmanager
def _replacing(node: Node, connection: Any) -> Iterator[None]:
    real, observer = node.connection, node.observer
    node._connections[node.role] = connection
    observer._connection = connection
    try:
        yield
    finally:
        node._connections[node.role] = real
        observer._connection = real
