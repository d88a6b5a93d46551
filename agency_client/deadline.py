"""One end for a whole request: however slowly the other side drips, no wait on its socket goes beyond it.

httpx limits each wait by itself, so a broker that sends one byte of its answer a minute would hold a node for ever.
"""

import math
import ssl
import time


class Deadline:
    """When the request under way must be over, by the monotonic clock; there is none before `start`."""

    def __init__(self) -> None:
        self._until = math.inf

    def start(self, seconds: float) -> None:
        """Give a new request so many seconds."""
        self._until = time.monotonic() + seconds

    def clip(self, seconds: float | None) -> float | None:
        """Return how long one wait may take of the `seconds` it asks for (None: any time).

        Raises:
            TimeoutError: the request is over.
        """
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError("the request took longer than it may as a whole")
        if math.isinf(left):
            return seconds
        return left if seconds is None else min(seconds, left)


def bind_deadline(context: ssl.SSLContext, deadline: Deadline) -> None:
    """Let every socket that `context` wraps from now on wait no longer than `deadline` allows."""

    class BoundSocket(ssl.SSLSocket):
        """A TLS socket whose time limit, set anew before each wait, never reaches beyond the deadline."""

        def settimeout(self, value: float | None, /) -> None:
            super().settimeout(deadline.clip(value))

    context.sslsocket_class = BoundSocket
