"""How much one inbox may hold that was not collected. Pure: what it holds comes in, a yes or no comes out."""

from dataclasses import dataclass

from broker.http.refusal import Refusal

RETRY_SECONDS = 60
_RESERVE_DIVISOR = 10


@dataclass(frozen=True, slots=True)
class Load:
    """What an inbox holds that was not collected, leased or not: how many items, and the bytes of their content."""

    items: int
    stored_bytes: int


@dataclass(frozen=True, slots=True)
class InboxAllowance:
    """What one inbox may hold. A tenth more is for what is pressing: threats to life, aftercare, receipts."""

    max_items: int = 100_000
    max_bytes: int = 4 << 30

    def has_room(self, load: Load, size: int, *, is_pressing: bool) -> bool:
        """Return whether one more item of this size fits."""
        max_items, max_bytes = self.max_items, self.max_bytes
        if is_pressing:
            max_items, max_bytes = _add_reserve(max_items), _add_reserve(max_bytes)
        return load.items < max_items and load.stored_bytes + size <= max_bytes


def refuse_full(recipient: str, field: str) -> Refusal:
    """Return the refusal of what an inbox has no room for."""
    return Refusal("inbox-full", describe_full(recipient), field, retry_after_seconds=RETRY_SECONDS)


def describe_full(recipient: str) -> str:
    """Return the sentence that says an inbox is full."""
    return f"the inbox of {recipient} has no room until its node collects it; it can be sent again then"


def _add_reserve(most: int) -> int:
    return most + max(1, most // _RESERVE_DIVISOR)
