"""Draws that are the same from the same seed at every run, on every machine. For exercises, never for keys."""

from collections.abc import Mapping, Sequence
from typing import TypeVar

from schemas.codec import hash_bytes

T = TypeVar("T")

_BITS = 32
_DRAWS_OF_A_HASH = 8
MOST_SIDES = 1 << 24
"""So many outcomes a draw has at most: each is then equally likely to within one in 256."""


class Dice:
    """SHA-256 over a seed, a name and a counter, 32 bits a draw."""

    def __init__(self, seed: int, name: str) -> None:
        self._root = f"{seed}\n{name}\n".encode()
        self._counter, self._pool, self._left = 0, 0, 0

    def below(self, sides: int) -> int:
        """Return a number from 0 to `sides` - 1."""
        if not 1 <= sides <= MOST_SIDES:
            raise ValueError(f"1 to {MOST_SIDES} sides, not {sides}")
        if not self._left:
            self._pool = int.from_bytes(hash_bytes(self._root, str(self._counter).encode()), "big")
            self._counter, self._left = self._counter + 1, _DRAWS_OF_A_HASH
        drawn = self._pool & ((1 << _BITS) - 1)
        self._pool, self._left = self._pool >> _BITS, self._left - 1
        return (drawn * sides) >> _BITS

    def between(self, least: int, most: int) -> int:
        """Return a number from `least` to `most`, both included."""
        return least + self.below(most - least + 1)

    def choose(self, items: Sequence[T]) -> T:
        """Return one of the items, each equally likely."""
        return items[self.below(len(items))]

    def weigh(self, shares: Mapping[T, int]) -> T:
        """Return one of the items, each as likely as its share of all."""
        left = self.below(sum(shares.values()))
        for item, share in shares.items():
            if left < share:
                return item
            left -= share
        raise ValueError("there are no shares")

    def pick(self, shares: Mapping[T, int], count: int) -> list[T]:
        """Return so many different items, in the order of the shares."""
        chosen: set[T] = set()
        for _ in range(min(count, len(shares))):
            chosen.add(self.weigh({item: share for item, share in shares.items() if item not in chosen}))
        return [item for item in shares if item in chosen]

    def happens(self, percent: int) -> bool:
        """Return true so many times in a hundred."""
        return self.below(100) < percent

    def digits(self, count: int) -> str:
        """Return so many digits."""
        return "".join(str(self.below(10)) for _ in range(count))

    def letter(self) -> str:
        """Return a letter from A to Z."""
        return chr(ord("A") + self.below(26))

    def uuid(self) -> str:
        """Return a UUID of version 8 (RFC 9562, section 5.8): custom, so that it passes for none drawn at random."""
        text = "".join(f"{self.below(1 << 16):04x}" for _ in range(8))
        return f"{text[:8]}-{text[8:12]}-8{text[13:16]}-{'89ab'[self.below(4)]}{text[17:20]}-{text[20:]}"
