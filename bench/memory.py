"""`python -m bench.memory`: a broker's resident memory while it is sent messages, and they are collected, all the time.

Open loop, at a fixed pace, over 32 connections, two minutes at a time; the recipient collects and acknowledges beside
it. Memory is looked at every few seconds. What must grow is the log's tree: 64 bytes a leaf, two leaves a message.
Printed are the series and how much a message has added from the first third of the time, in which caches fill, to the
end.
"""

import argparse
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory

from rich.console import Console

from bench.delivery import collect
from bench.processes import read_resident_mib
from bench.results import conclude, format_number
from bench.servers import PRODUCT, serving
from bench.stage import RECIPIENT, SENDER, prepare_stage

LOOK_SECONDS = 5.0
_SLICE_SECONDS = 120  # sender and recipient begin anew with new tokens: one is good for five minutes
_WINDOW = 4


def main() -> int:
    """Measure, print, keep, and return 1 if a mark is missed."""
    arguments = argparse.ArgumentParser(prog="python -m bench.memory", description=__doc__)
    arguments.add_argument("--minutes", type=float, default=4, help="how long; 30 for the whole measurement")
    arguments.add_argument("--rate", type=int, default=100, help="messages a second, far below saturation")
    asked = arguments.parse_args()
    messages, console = int(asked.minutes * 60 * asked.rate), Console(width=None if sys.stdout.isatty() else 120)
    with TemporaryDirectory(prefix="bilateral-bench-") as name:
        stage = prepare_stage(Path(name), messages)
        with serving(stage, PRODUCT) as server, watching_memory(server.process.pid) as series:
            for skip in range(0, messages, asked.rate * _SLICE_SECONDS):
                count = min(messages - skip, asked.rate * _SLICE_SECONDS)
                tokens = {agency: server.ask_token(agency) for agency in (SENDER, RECIPIENT)}
                collect(server, server, tokens, skip=skip, count=count, rate=asked.rate)
    console.print(" ".join(format_number(mib) for mib in series), "MiB")
    return conclude(console, describe_series(series, messages))


@contextmanager
def watching_memory(pid: int) -> Iterator[list[float]]:
    """Lend the series of a process's resident MiB, looked at every few seconds as long as the block runs."""
    series, is_over = [read_resident_mib(pid)], threading.Event()

    def look() -> None:
        while not is_over.wait(LOOK_SECONDS):
            series.append(read_resident_mib(pid))

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield series
    finally:
        is_over.set()
        watcher.join()


def describe_series(series: Sequence[float], messages: int) -> dict[str, float]:
    """Return where memory began, was after a third of the time and at the end, and what a message added in between."""
    third = len(series) // 3
    settled, ended = fmean(series[third : third + _WINDOW]), fmean(series[-_WINDOW:])
    return {
        "memory_begin_mib": series[0],
        "memory_third_mib": settled,
        "memory_end_mib": ended,
        "memory_end_over_third": ended / settled,
        "memory_bytes_a_message": (ended - settled) * (1 << 20) / (messages * 2 / 3),
    }


if __name__ == "__main__":
    sys.exit(main())
