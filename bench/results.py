"""What the measurements come to: medians, ratios, the marks they must stand up to, the file and the table.

Pure but for writing the file. Microseconds are CPU time a message: the kernel's, of the server's process alone.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

RESULTS = Path(__file__).parent / "results.json"


@dataclass(frozen=True, slots=True)
class Mark:
    """What a figure must stand up to: at most `most`, at least `least`, whichever is given."""

    most: float = inf
    least: float = -inf

    def is_met(self, value: float) -> bool:
        """Return whether a figure stands up to it; what is not a number does not."""
        return self.least <= value <= self.most

    def __str__(self) -> str:
        """Return it as sentences and tables show it."""
        return f"at most {format_number(self.most)}" if self.most < inf else f"at least {format_number(self.least)}"


MARKS = {
    "accept_cpu_ratio": Mark(most=1.5),
    "accept_over_taxii": Mark(least=10),
    "decision_time_ratio": Mark(most=1.25),
    "fsyncs_per_message": Mark(most=0.1),
    "fsyncs_per_message_postgresql": Mark(most=0.1),
    "group_commit_over_batch_insert": Mark(least=0.8),
    "grouped_over_ungrouped": Mark(least=5),
    "memory_end_over_third": Mark(most=1.1),
    "notifies_per_message": Mark(most=0.1),
    "proof_ms": Mark(most=10),
    "two_brokers_over_one": Mark(least=1),
    "verify_leaves_s": Mark(most=60),
    "wake_half_load_p99_ms": Mark(most=50),
}
"""What is wanted of those figures that have a mark."""


@dataclass(frozen=True, slots=True)
class Spread:
    """The median of several runs, and the least and the most of them."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """Return the spread of at least one value."""
        return cls(median(values), min(values), max(values))

    def __str__(self) -> str:
        """Return it as the table shows it."""
        return f"{format_number(self.median)}  ({format_number(self.least)} – {format_number(self.most)})"


def compare_runs(product: Sequence[float], floor: Sequence[float]) -> Spread:
    """Return the ratio of neighbouring runs: what slows the machine for a while slows both of a pair."""
    return Spread.of([one / other for one, other in zip(product, floor, strict=True)])


def find_missed_marks(results: Mapping[str, float]) -> list[str]:
    """Return a sentence for each mark that is missed by what was measured."""
    return [
        f"{name} is {format_number(results[name])}, and must be {mark}"
        for name, mark in MARKS.items()
        if name in results and not mark.is_met(results[name])
    ]


def keep_results(path: Path, results: Mapping[str, float]) -> None:
    """Write the flat file of names and numbers, with what other benches have left in it."""
    known = json.loads(path.read_text("ascii")) if path.exists() else {}
    rounded = {name: float(f"{value:.4g}") for name, value in results.items()}
    path.write_text(json.dumps(dict(sorted((known | rounded).items())), indent=2) + "\n", "ascii")


def conclude(console: Console, results: Mapping[str, float], path: Path = RESULTS) -> int:
    """Print everything, keep it, name the marks that are missed; return 1 if there are any."""
    print_results(console, results)
    keep_results(path, results)
    missed = find_missed_marks(results)
    for sentence in missed:
        console.print(f"[bold]Missed:[/] {sentence}.")
    return 1 if missed else 0


def print_floor(console: Console, terms: Mapping[str, float], floor: Spread, product: Spread, ratio: Spread) -> None:
    """Print each term of the floor alone, their sum, the floor as it ran, and the broker beside it."""
    table = Table("CPU of one accept", "µs", title="32 connections, one recipient", title_justify="left")
    for name, microseconds in terms.items():
        table.add_row(name, format_number(microseconds))
    table.add_section()
    table.add_row("all terms together", format_number(sum(terms.values())))
    table.add_row("the floor as it ran (least – most)", str(floor))
    table.add_row("the broker (least – most)", str(product))
    table.add_row("the broker ÷ the floor, run by run", str(ratio))
    console.print(table)


def print_results(console: Console, results: Mapping[str, float]) -> None:
    """Print everything that goes into the file."""
    table = Table("result", "", "wanted")
    for name, value in sorted(results.items()):
        table.add_row(name, format_number(value), str(MARKS.get(name, "")))
    console.print(table)


def format_number(value: float) -> str:
    """Return a number with three significant digits, large ones whole."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
