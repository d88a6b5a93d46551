"""Everything the audience sees: headings, sentences, commands with the lines they answered, and what was expected.

An expectation that does not hold ends the play: `UnmetError` says what was expected and what came.
"""

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TextIO

from rich.console import Console
from rich.padding import Padding
from rich.panel import Panel
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from examples.demo.running import Outcome, quote_words

INDENT = 4
MAX_WIDTH = 110
_MAX_LINES = 14
_FOLDED = ("error:", "refused:", "verified by", "log: ", "statuses: ")


class UnmetError(Exception):
    """Something did not hold: the sentence that was claimed, what was expected, what came."""

    def __init__(self, claim: str, *, wanted: object, came: object) -> None:
        super().__init__(claim)
        self.claim = claim
        self.wanted = wanted
        self.came = came


@dataclass
class Act:
    """One act of the play, as the summary counts it."""

    title: str
    began: float
    claims: int = 0
    commands: int = 0
    seconds: float = 0.0


@dataclass
class Stage:
    """Where the play is told. `acts` is what has been shown so far."""

    console: Console
    acts: list[Act] = field(default_factory=list)

    @contextmanager
    def act(self, title: str, *sentences: str) -> Iterator[None]:
        """Open an act with a heading and a few plain sentences; count what happens in it."""
        act = Act(title, time.monotonic())
        self.acts.append(act)
        self.console.print()
        self.console.print(Rule(Text(f" {len(self.acts)}. {title} ", style="bold"), align="left", style="cyan"))
        self.say(*sentences)
        try:
            yield
        finally:
            act.seconds = time.monotonic() - act.began

    def say(self, *sentences: str) -> None:
        """Tell the audience something, each argument a paragraph."""
        for sentence in sentences:
            self.console.print()
            self.console.print(Padding(Text(sentence), (0, 0, 0, 2), expand=False))

    def show_command(self, place: str, style: str, words: Sequence[str]) -> None:
        """Show a command as a person at that place would type it."""
        self.acts[-1].commands += 1
        prompt = Text.assemble("  ", (place, f"bold {style}"), (" $ ", "dim"))
        room = self.console.width - INDENT - len(place) - 4
        self.console.print()
        for number, line in enumerate(_wrap_command(quote_words(words), room)):
            lead = prompt if number == 0 else Text(" " * (len(prompt) + 2))
            self.console.print(Text.assemble(lead, (line, "bold")), no_wrap=True)

    def show_python(self, place: str, style: str, lines: Sequence[str]) -> None:
        """Show lines of a program as somebody at that place would write them."""
        self.acts[-1].commands += 1
        self.console.print()
        for number, line in enumerate(lines):
            lead = Text.assemble("  ", (place, f"bold {style}"), (" >>> ", "dim"))
            shown = lead if number == 0 else " " * len(lead)
            self.console.print(Text.assemble(shown, (line, "bold")), no_wrap=True)

    def count_command(self) -> None:
        """Count a command that was run without being shown."""
        self.acts[-1].commands += 1

    def show_output(self, outcome: Outcome, keep: Sequence[str] | None = None, limit: int = _MAX_LINES) -> None:
        """Show the essential lines of what a command answered: those that contain one of `keep`, or the first ones."""
        lines = [line.rstrip() for line in outcome.output.splitlines() if line.strip()]
        chosen = lines if keep is None else [line for line in lines if any(word in line for word in keep)]
        for line in chosen[:limit]:
            self.show_line(Text.from_ansi(line.expandtabs()))
        if len(chosen) > limit:
            self.show_line(Text(f"… {len(chosen) - limit} more lines", style="dim italic"))

    def show_line(self, line: Text) -> None:
        """Show one line of an answer behind a gutter; at the window's edge a reason goes on below, all else is cut."""
        room = self.console.width - INDENT - 2
        if line.plain.startswith(_FOLDED):
            rows = list(line.wrap(self.console, room))
        else:
            line.truncate(room, overflow="ellipsis")
            rows = [line]
        for row in rows:
            self.console.print(Text.assemble((" " * INDENT + "│ ", "dim"), row), no_wrap=True)

    def show_table(self, table: Table) -> None:
        """Show a table of our own making."""
        self.console.print()
        self.console.print(Padding(table, (0, 0, 0, INDENT), expand=False))

    def expect(self, claim: str, *, came: object, wanted: object = True) -> None:
        """Claim something that was just seen, and end the play if it is not so.

        Raises:
            UnmetError: what came is not what was wanted.
        """
        held = came == wanted
        mark = ("✓", "bold green") if held else ("✗", "bold red")
        line = Text.assemble(" " * INDENT, mark, " ", (claim, "green" if held else "red"))
        self.console.print(line)
        self.acts[-1].claims += 1
        if not held:
            raise UnmetError(claim, wanted=wanted, came=came)

    def show_title(self, title: str, sentence: str) -> None:
        """Open the play."""
        body = Text.assemble((title, "bold"), "\n", sentence)
        self.console.print(Panel(body, border_style="cyan", padding=(1, 2)))


def make_stage(output: TextIO) -> Stage:
    """Return a stage that writes there: in colour on a terminal unless NO_COLOR is set, plainly elsewhere."""
    probe = Console(file=output)
    wanted = probe.width if probe.is_terminal or os.environ.get("COLUMNS") else MAX_WIDTH
    console = Console(file=output, width=min(wanted, MAX_WIDTH), highlight=False, markup=False, emoji=False)
    return Stage(console)


def _wrap_command(words: Sequence[str], room: int) -> list[str]:
    """Return a command in lines that end in a backslash, as a shell takes them; an option stays with its value."""
    lines = [""]
    for part in _pair_options(words):
        if lines[-1] and len(lines[-1]) + len(part) + 3 > room:
            lines[-1] += " \\"
            lines.append("")
        lines[-1] += f"{' ' if lines[-1] else ''}{part}"
    return lines


def _pair_options(words: Sequence[str]) -> list[str]:
    parts: list[str] = []
    for word in words:
        if parts and parts[-1].startswith("--") and " " not in parts[-1] and not word.startswith("--"):
            parts[-1] += f" {word}"
        else:
            parts.append(word)
    return parts
