"""Work shared between threads: for what gives the interpreter's lock away while it computes, as signatures do.

It knows nothing of what is done, and starts nothing that outlives the call.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TypeVar

T = TypeVar("T")

_MAX_THREADS = 4
"""More wait for the interpreter's lock oftener than they compute."""


class Sharing:
    """Does the same with each of several things, on the calling thread and on one for every other processor."""

    def __init__(self, threads: int | None = None) -> None:
        available = len(os.sched_getaffinity(0)) if threads is None else threads
        self._others = max(min(available, _MAX_THREADS) - 1, 0)
        self._pool = ThreadPoolExecutor(max(self._others, 1), "sharing")

    def do_each(self, do: Callable[[T], object], items: Sequence[T]) -> None:
        """Call `do` with each item, in any order and at the same time; return when all are done.

        Raises:
            Exception: what a call raised; items that were left may be done or not.
            RuntimeError: no thread could be had; items may be done or not, and some even after this.
        """
        rest, started = iter(items), list[Future[None]]()
        try:
            for _ in range(min(self._others, len(items) - 1)):
                started.append(self._pool.submit(_do_rest, do, rest))
            _do_rest(do, rest)
        finally:
            wait(started)
        for one in started:
            one.result()

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown()


def _do_rest(do: Callable[[T], object], rest: Iterator[T]) -> None:
    # Each thread takes the next one when it is free: the interpreter's lock gives every item to one of them alone.
    for item in rest:
        do(item)
