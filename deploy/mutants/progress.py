"""How far a long run is: one line that renews itself on a terminal, a line each tenth elsewhere."""

import sys
from types import TracebackType
from typing import Self


class Progress:
    """Shows done of total on stderr."""

    def __init__(self, label: str) -> None:
        self._label = label
        self._is_terminal = sys.stderr.isatty()
        self._shown_tenth = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._is_terminal:
            print("\r\033[K", end="", file=sys.stderr, flush=True)

    def show(self, done: int, total: int) -> None:
        """Show how many of how many are done."""
        line = f"  {self._label}: {done} of {total}"
        tenth = done * 10 // max(total, 1)
        if self._is_terminal:
            print(f"\r{line} ", end="", file=sys.stderr, flush=True)
        elif tenth > self._shown_tenth:
            self._shown_tenth = tenth
            print(line, file=sys.stderr, flush=True)
