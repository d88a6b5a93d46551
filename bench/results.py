"""What the measurements come to: medians, ratios, the marks they must stand up to, the file and the table.

Pure but for writing the file. Microseconds are CPU time a message: the kernel's, of the server's process alone.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

MARKS = {"accept_cpu_ratio": 2.0, "fsyncs_per_message": 0.1}
"""The most that each may be."""


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
    """Return a sentence for each mark that is missed."""
    return [
        f"{name} is {format_number(results[name])}, and may be at most {format_number(most)}"
        for name, most in MARKS.items()
        if not results[name] <= most
    ]


def write_results(path: Path, results: Mapping[str, float]) -> None:
    """Write the flat file of names and numbers."""
    rounded = {name: float(f"{value:.4g}") for name, value in sorted(results.items())}
    path.write_text(json.dumps(rounded, indent=2) + "\n", "ascii")


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
    table = Table("result", "", "at most")
    for name, value in sorted(results.items()):
        table.add_row(name, format_number(value), format_number(MARKS[name]) if name in MARKS else "")
    console.print(table)


def format_number(value: float) -> str:
    """Return a number with three significant digits, large ones whole."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
