"""Whether a request is let in: how fast its certificate and its member ask, how many are served, how much they hold.

All of it is decided before a body is read, and again with every piece of one, so that whoever floods the broker is told
429, and everybody 503, before memory grows. Who only waits for an inbox to fill is not counted as being served. What
travels together is counted one by one, as soon as it is known how much there is.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import ceil
from time import monotonic

from starlette.types import Scope

from broker.budget import Full, Shares, TokenBuckets
from broker.http.connection import ClientConnection
from broker.http.refusal import Refusal, RefusedError

_SCOPE_KEY = "bilateral.visit"
_RETRY_SECONDS = 1
_FULL = Refusal("busy", "Too many requests are being served.", retry_after_seconds=_RETRY_SECONDS)


@dataclass(frozen=True, slots=True)
class AdmissionLimits:
    """What may be asked: requests a second and in one go, by one certificate and by one member; how many are served at
    once, in all and of one member; how many wait for something to come; how many bytes of bodies are held meanwhile,
    and of one member as many of answers that are not sent yet.
    """

    requests_per_second: float = 100.0
    burst_requests: int = 2000
    requests_per_second_of_member: float = 200.0
    burst_requests_of_member: int = 4000
    max_requests: int = 1000
    max_requests_of_member: int = 200
    max_waiting: int = 2000
    max_waiting_of_member: int = 32
    max_held_bytes: int = 128 << 20
    max_held_bytes_of_member: int = 32 << 20


class Admission:
    """Lets requests in, and counts them while they are served. For the event loop's thread."""

    def __init__(self, limits: AdmissionLimits) -> None:
        self._limits = limits
        self._of_certificate = TokenBuckets(limits.requests_per_second, limits.burst_requests)
        self._of_member = TokenBuckets(limits.requests_per_second_of_member, limits.burst_requests_of_member)
        self._served = Shares(limits.max_requests, limits.max_requests_of_member)
        self._waiting = Shares(limits.max_waiting, limits.max_waiting_of_member)
        self._held = Shares(
            limits.max_held_bytes,
            limits.max_held_bytes_of_member,
            reserve=limits.max_held_bytes // 4,
            modest=limits.max_held_bytes // 64,
        )
        self._sending = Shares(limits.max_held_bytes, limits.max_held_bytes_of_member)

    @property
    def served(self) -> int:
        """How many requests are being served."""
        return self._served.taken

    @property
    def held_bytes(self) -> int:
        """How many bytes of bodies are held."""
        return self._held.taken

    def enter(self, scope: Scope, connection: ClientConnection) -> "Visit":
        """Count a request in, whether it may be served or not."""
        visit = Visit(connection, self._served, self._waiting, self._held, self._sending, self._refuse_haste)
        scope[_SCOPE_KEY] = visit
        return visit

    def refuse(self, visit: "Visit", now: float) -> Refusal | None:
        """Return why a request that was counted in is not served, or nothing; `now` never goes back."""
        return self._refuse_haste(visit.connection, now, 1) or visit.refuse_share()

    def _refuse_haste(self, connection: ClientConnection, now: float, amount: int) -> Refusal | None:
        wait = self._of_certificate.take(connection.thumbprint, now, amount)
        if wait:
            sentence = f"This certificate asks more than {self._limits.requests_per_second:g} times a second."
            return Refusal("too-many-requests", sentence, retry_after_seconds=ceil(wait))
        wait = self._of_member.take(connection.agency, now, amount) if connection.agency else 0.0
        if wait:
            self._of_certificate.give_back(connection.thumbprint, amount)
            rate = self._limits.requests_per_second_of_member
            sentence = f"{connection.agency} asks more than {rate:g} times a second."
            return Refusal("too-many-requests", sentence, retry_after_seconds=ceil(wait))
        return None


class Visit:
    """One request while it is here, and what it has taken of what is bounded."""

    __slots__ = (
        "_held",
        "_held_bytes",
        "_is_first",
        "_party",
        "_refuse_haste",
        "_sending",
        "_sending_bytes",
        "_served",
        "_waiting",
        "connection",
    )

    def __init__(
        self,
        connection: ClientConnection,
        served: Shares,
        waiting: Shares,
        held: Shares,
        sending: Shares,
        refuse_haste: "RefuseHaste",
    ) -> None:
        self.connection = connection
        self._refuse_haste = refuse_haste
        self._party = connection.party
        self._served, self._waiting, self._held, self._sending = served, waiting, held, sending
        self._held_bytes = self._sending_bytes = 0
        self._is_first = not served.has_any(self._party)
        served.take(self._party)

    def refuse_share(self) -> Refusal | None:
        """Return why it is one too many; a full house still takes a member's only one, others cannot shut it out."""
        match self._served.find_full(self._party, 0):
            case Full.PART:
                return _refuse_part("requests under way")
            case Full.WHOLE if not self._is_first:
                return _FULL
        return None

    def hold(self, size: int) -> Refusal | None:
        """Count so many bytes more of its body, or return why there is no room for them."""
        match self._held.find_full(self._party, size):
            case Full.PART:
                return _refuse_part("bytes under way")
            case Full.WHOLE:
                return Refusal("busy", "Too much is being received.", retry_after_seconds=_RETRY_SECONDS)
        self._held.take(self._party, size)
        self._held_bytes += size
        return None

    def hold_answer(self, size: int) -> Refusal | None:
        """Count the bytes of an answer until it is sent, or return why its member has no room for one more.

        Others' never matter, and neither does this one's size: the only one always goes.
        """
        if self._sending.has_any(self._party) and self._sending.find_full(self._party, size) is Full.PART:
            return _refuse_part("bytes under way")
        self._sending.take(self._party, size)
        self._sending_bytes += size
        return None

    def refuse_members(self, count: int, now: float) -> Refusal | None:
        """Return why a request that brings so many things at once asks too fast: it was counted as one until now."""
        return self._refuse_haste(self.connection, now, count - 1) if count > 1 else None

    def leave(self) -> None:
        """Give back all it has taken."""
        self._served.give_back(self._party)
        if self._held_bytes:
            self._held.give_back(self._party, self._held_bytes)
        if self._sending_bytes:
            self._sending.give_back(self._party, self._sending_bytes)

    @contextmanager
    def wait(self) -> Iterator[None]:
        """Let the block wait for something to come without being counted as served.

        Raises:
            RefusedError: it would be one too many that waits.
        """
        full = self._waiting.find_full(self._party)
        if full is not None:
            raise RefusedError(_refuse_part("requests waiting") if full is Full.PART else _FULL)
        self._waiting.take(self._party)
        self._served.give_back(self._party)
        try:
            yield
        finally:
            self._served.take(self._party)
            self._waiting.give_back(self._party)


RefuseHaste = Callable[[ClientConnection, float, int], Refusal | None]
"""Returns why a connection that asks so many times more at a moment asks too fast; if it does not, that is counted."""


def demand_pace(scope: Scope, count: int) -> None:
    """Count what travels together as if each of it had come alone.

    Raises:
        RefusedError: these are too many at this moment (`too-many-requests`); none of them was looked at.
    """
    visit: Visit | None = scope.get(_SCOPE_KEY)
    refusal = None if visit is None else visit.refuse_members(count, monotonic())
    if refusal is not None:
        raise RefusedError(refusal)


@contextmanager
def waiting(scope: Scope) -> Iterator[None]:
    """Let a request wait for something to come without being counted as served.

    Each takes a connection, of a terminator's too, and looks whenever something comes: so they are bounded as well.

    Raises:
        RefusedError: there are as many as may wait, of its member (`member-busy`) or in all (`busy`).
    """
    visit: Visit | None = scope.get(_SCOPE_KEY)
    if visit is None:
        yield
        return
    with visit.wait():
        yield


def _refuse_part(what: str) -> Refusal:
    return Refusal("member-busy", f"The member has as many {what} as it may.", retry_after_seconds=_RETRY_SECONDS)
