"""A connection between a node and its real broker that loses or changes what passes: a bad line, or a bad broker.

with tampered(node, LostAnswer(MESSAGES_PATH)):
    send_alert(node, draft)
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from agency_client.connection import BrokerConnection
from agency_client.node import Node
from agency_client.refusals import NotSentError, UnansweredError
from schemas.model import WireModel

Answer = TypeVar("Answer", bound=WireModel)
Call = Callable[[], Any]


@dataclass
class Tampering:
    """Passes everything on; a subclass changes what passes on one path."""

    path: str
    calls: int = field(default=0, init=False)

    def handle(self, call: Call) -> Any:
        """Return the answer to one call on the path; `call` is the true one."""
        return call()


class LostAnswer(Tampering):
    """The request arrives, the answer does not."""

    def handle(self, call: Call) -> Any:
        """Let the broker do it, and say that nobody answered."""
        call()
        raise UnansweredError("the broker did not answer")


class LostRequest(Tampering):
    """The request never leaves."""

    def handle(self, call: Call) -> Any:
        """Say that the broker was not reached."""
        raise NotSentError("the broker was not reached")


class SilentRequest(Tampering):
    """The request leaves and does not arrive; the sender cannot know."""

    def handle(self, call: Call) -> Any:
        """Say that nobody answered."""
        raise UnansweredError("the broker did not answer")


@dataclass
class Changed(Tampering):
    """The answer is another one."""

    change: Callable[[Any], Any]

    def handle(self, call: Call) -> Any:
        """Return the true answer, changed."""
        return self.change(call())


@dataclass
class Refusing(Tampering):
    """The broker refuses, whatever it is."""

    error: Exception

    def handle(self, call: Call) -> Any:
        """Raise the refusal; the true broker learns nothing."""
        raise self.error


class TamperedConnection:
    """Looks like a `BrokerConnection` and tampers with the calls whose path begins with one of the tamperings'."""

    def __init__(self, true: BrokerConnection, *tamperings: Tampering) -> None:
        self._true = true
        self._tamperings = tamperings

    def get(self, path: str, answer: type[Answer], query: Mapping[str, str | int] | None = None) -> Any:
        """Ask for something."""
        return self._pass(path, lambda: self._true.get(path, answer, query))

    def post(self, path: str, body: bytes, answer: type[Answer], *, wait_seconds: float = 0) -> Any:
        """Hand something over."""
        return self._pass(path, lambda: self._true.post(path, body, answer, wait_seconds=wait_seconds))

    def close(self) -> None:
        """Close the true connection."""
        self._true.close()

    def _pass(self, path: str, call: Call) -> Any:
        for tampering in self._tamperings:
            if path.startswith(tampering.path):
                tampering.calls += 1
                return tampering.handle(call)
        return call()


@contextmanager
def tampered(node: Node, *tamperings: Tampering) -> Iterator[None]:
    """Put tamperings between a node and its broker for as long as the block runs."""
    true = node.connection
    observer = node.observer
    node._connections[node.role] = TamperedConnection(true, *tamperings)  # type: ignore[assignment]
    observer._connection = node._connections[node.role]
    try:
        yield
    finally:
        node._connections[node.role] = true
        observer._connection = true
