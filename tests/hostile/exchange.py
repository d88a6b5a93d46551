"""The hostile broker as the tests start it: a process of its own, honest until a switch is turned.

with hostile_exchange(folder) as exchange, exchange.lying("altered-ciphertext"):
    ...
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.hostile.switchboard import ask_switchboard
from tests.support.exchange import RunningExchange, found


@dataclass
class HostileExchange(RunningExchange):
    """One exchange and its hostile broker."""

    program: tuple[str, ...] = ("-m", "tests.hostile")

    @contextmanager
    def lying(self, *switches: str) -> Iterator[None]:
        """Turn switches on for as long as the block runs; every one of them must have told a lie by its end."""
        for switch in switches:
            self._ask(ask="on", switch=switch)
        try:
            yield
        finally:
            told = self._ask(ask="told")
            self._ask(ask="off")
        assert 0 not in told.values(), f"never lied: {told}"

    def move_clock(self, seconds: float) -> None:
        """Set the broker's clock ahead."""
        self._ask(ask="clock", ahead_seconds=int(seconds))

    def _ask(self, **question: Any) -> dict[str, int]:
        return ask_switchboard(self.folder.path, question)


@contextmanager
def hostile_exchange(folder: Path) -> Iterator[HostileExchange]:
    """Run a hostile broker around the block."""
    honest = found(folder)
    exchange = HostileExchange(honest.folder, honest.sheet)
    exchange.start()
    try:
        yield exchange
    finally:
        exchange.stop()
