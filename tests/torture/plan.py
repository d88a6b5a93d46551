"""What is done to a world, drawn from a seed before anything happens, so that a failure can be repeated and cut down.

A move says who moves and holds two raw numbers; what they mean (which agreement, which message) is decided when it is
played, by what there is. So a plan stays playable when moves are taken out of it.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

WEIGHTS: dict[str, int] = {
    "sync": 22,
    "run_stage": 12,
    "come_to_terms": 5,
    "propose": 2,
    "amend": 4,
    "counter": 2,
    "accept": 9,
    "confirm": 9,
    "suspend": 3,
    "resume": 5,
    "revoke": 1,
    "withdraw": 1,
    "reject": 1,
    "send": 20,
    "follow_up": 8,
    "let_time_pass": 12,
    "set_clock": 3,
    "spoil_line": 10,
    "restart_node": 3,
    "restart_broker": 1,
    "sweep": 3,
    "carry_status": 2,
    "carry_steps": 2,
    "renew_encryption_keys": 2,
    "replace_key_set": 2,
    "change_roots": 1,
    "revoke_key": 2,
    "erase": 1,
}
"""How often each kind of move is drawn, in proportion."""

_BAG = tuple(name for name, weight in WEIGHTS.items() for _ in range(weight))


@dataclass(frozen=True, slots=True)
class Move:
    """One move: what, by which of the two parties (0 or 1), and two numbers below 2^16 that choose."""

    name: str
    who: int
    one: int
    two: int

    def __str__(self) -> str:
        return f"{self.name}:{self.who}:{self.one}:{self.two}"


def draw_plan(seed: int, steps: int) -> list[Move]:
    """Return the moves of a seed; a longer plan begins with the shorter one."""
    return [move for _, move in zip(range(steps), _draw_moves(seed), strict=False)]


def parse_plan(text: str) -> list[Move]:
    """Return a plan from the words that print it."""
    found = []
    for word in text.split():
        name, who, one, two = word.split(":")
        found.append(Move(name, int(who), int(one), int(two)))
    return found


def format_plan(moves: Sequence[Move]) -> str:
    """Return a plan in words."""
    return " ".join(str(move) for move in moves)


def _draw_moves(seed: int) -> Iterator[Move]:
    number = 0
    while True:
        block = hashlib.sha256(f"torture/{seed}/{number}".encode()).digest()
        choice, who, one, two = (int.from_bytes(block[at : at + 2]) for at in (0, 2, 4, 6))
        yield Move(_BAG[choice % len(_BAG)], who % 2, one, two)
        number += 1
