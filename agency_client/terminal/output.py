"""One place through which everything reaches the terminal: tables, details, banners, JSON, words, questions.

Data goes to standard output, words to standard error. A verb describes its answer twice, for people (`show_table`,
`show_details`, `show_text`) and for programs (`write_json`); whichever form was not asked for is silent. Foreign
strings are cleaned here and never interpreted as markup. JSON is one line, versioned `{"v":1,…}`, in ASCII, so that it
is exact and can steer no terminal either.
"""

import getpass
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, TextIO

from agency_client.errors import UsageError
from agency_client.terminal.cleaning import MAX_BLOCK_CHARACTERS, clean_block, clean_line
from schemas.codec import b64u_encode, encode_canonical

if TYPE_CHECKING:
    from rich.console import Console

JSON_VERSION = 1
_GUTTER = "  │ "


class Form(StrEnum):
    """How answers are written: for a person at a terminal, as plain text, or as JSON."""

    RICH = "rich"
    PLAIN = "plain"
    JSON = "json"


def choose_form(environment: Mapping[str, str], *, json: bool, plain: bool, stdout: TextIO) -> Form:
    """Return the form to write in: what was asked for; else for people where one looks, and plain into a pipe."""
    if json:
        return Form.JSON
    looked_at = stdout.isatty() and environment.get("TERM") != "dumb"
    return Form.RICH if not plain and (looked_at or environment.get("FORCE_COLOR")) else Form.PLAIN


class Tone(StrEnum):
    """What a cell or a banner means; in colour where there is colour. The words must say it without."""

    NORMAL = ""
    STRONG = "bold"
    QUIET = "dim"
    GOOD = "green"
    CAUTION = "yellow"
    BAD = "bold red"


_MARKING_STYLES = {
    "TLP:RED": "bold red on black",
    "TLP:AMBER+STRICT": "bold yellow on black",
    "TLP:AMBER": "bold yellow on black",
    "TLP:GREEN": "bold green on black",
    "TLP:CLEAR": "bold white on black",
}
"""Colours of the Traffic Light Protocol 2.0 (FIRST), on black as it demands."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A value in a table or a detail, with what it means."""

    text: str
    tone: Tone = Tone.NORMAL


class Output:
    """Where one invocation writes to, and in which form."""

    def __init__(self, form: Form, *, stdout: TextIO | None = None, stderr: TextIO | None = None) -> None:
        self.form = form
        self.stdout = stdout or sys.stdout
        self.stderr = stderr or sys.stderr

    @property
    def is_json(self) -> bool:
        """Tell whether a program reads the answer."""
        return self.form is Form.JSON

    @property
    def is_interactive(self) -> bool:
        """Tell whether somebody sits there who can be asked."""
        return sys.stdin.isatty() and self.stderr.isatty() and not self.is_json

    def write_json(self, members: Mapping[str, Any]) -> None:
        """Write one line `{"v":1,…}`; silent in the other forms. Call it again for JSON Lines."""
        if self.is_json:
            self._write(self.stdout, format_json({"v": JSON_VERSION, **members}))

    def show_table(self, titles: Sequence[str], rows: Iterable[Sequence[str | Cell]], *, empty: str = "") -> None:
        """Show rows; `empty` is said instead when there are none. Plain: cells between tabs, titles first."""
        if self.is_json:
            return
        cells = [[_clean_cell(cell) for cell in row] for row in rows]
        if not cells:
            self.say(empty)
        elif self.form is Form.PLAIN:
            for line in ([Cell(title) for title in titles], *cells):
                self._write(self.stdout, "\t".join(cell.text for cell in line))
        else:
            self._print_table(titles, cells)

    def show_details(self, details: Iterable[tuple[str, str | Cell]]) -> None:
        """Show labelled values, one a line, in the order given."""
        if self.is_json:
            return
        pairs = [(label, _clean_cell(value)) for label, value in details]
        width = max((len(label) for label, _ in pairs), default=0)
        for label, cell in pairs:
            if self.form is Form.PLAIN:
                self._write(self.stdout, f"{label}\t{cell.text}")
            else:
                self._print((f"{label:<{width}}  ", Tone.QUIET), (cell.text, cell.tone))

    def show_text(self, foreign_text: str) -> None:
        """Show foreign text of several lines behind a gutter, so that none of its lines can pass for one of ours."""
        if self.is_json:
            return
        for line in clean_block(foreign_text).split("\n"):
            if self.form is Form.PLAIN:
                self._write(self.stdout, _GUTTER + line)
            else:
                self._print((_GUTTER, Tone.QUIET), (line, Tone.NORMAL))

    def show_line(self, text: str, tone: Tone = Tone.NORMAL) -> None:
        """Show one line of data."""
        if self.form is Form.PLAIN:
            self._write(self.stdout, clean_line(text))
        elif self.form is Form.RICH:
            self._print((clean_line(text), tone))

    def show_banner(self, marking: str, rules: str = "") -> None:
        """Show the handling banner: the marking's label (`TLP:AMBER`) and what else must not be overlooked."""
        if self.is_json:
            return
        words = clean_line(f"{marking} — {rules}" if rules else marking)
        if self.form is Form.PLAIN:
            self._write(self.stdout, f"=== {words} ===")
        else:
            self._print((f" {words} ", _MARKING_STYLES.get(marking, "reverse")))

    def write_raw(self, text: str) -> None:
        """Write the program's own text as it is, such as a completion script."""
        self._write(self.stdout, text)

    def say(self, words: str, tone: Tone = Tone.NORMAL) -> None:
        """Say something beside the data, on standard error."""
        if words and self.form is Form.RICH and tone is not Tone.NORMAL:
            self._print((_clean_words(words), tone), to=self.stderr)
        elif words:
            self._write(self.stderr, _clean_words(words))

    def show_error(self, code: str, sentence: str, fix: str) -> None:
        """Say what went wrong and what to do, on standard error; for a program as `{"error":{…},"v":1}`."""
        if self.is_json:
            error = {"code": code, "sentence": sentence, "fix": fix}
            self._write(self.stderr, format_json({"v": JSON_VERSION, "error": error}))
            return
        # On one line each: a foreign word in a sentence must not be able to add a `fix` of its own.
        self.say(f"error: {_fold(sentence)}", Tone.BAD)
        if fix:
            self.say(f"fix: {_fold(fix)}")

    def ask_secret(self, question: str, *, instead: str) -> str:
        """Ask for a secret without echo.

        Raises:
            UsageError: nobody sits there; `instead` says how to give it otherwise.
        """
        self._demand_somebody(question, instead)
        return getpass.getpass(f"{question}: ", stream=None)

    def ask_line(self, question: str, *, instead: str) -> str:
        """Ask for one line of text.

        Raises:
            UsageError: as `ask_secret`.
        """
        self._demand_somebody(question, instead)
        self.stderr.write(f"{question}: ")
        self.stderr.flush()
        answer = sys.stdin.readline()
        if not answer:
            raise EOFError
        return answer.rstrip("\n")

    def confirm(self, question: str, *, instead: str) -> bool:
        """Ask a question that only `yes`, written out, agrees to.

        Raises:
            UsageError: as `ask_secret`.
        """
        return self.ask_line(f"{question} (yes/no)", instead=instead).strip().lower() == "yes"

    @contextmanager
    def show_progress(self, words: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
        """Show a bar on standard error while long work runs; give what advances it. Silent where nobody looks."""
        if self.form is not Form.RICH or not self.stderr.isatty():
            yield lambda _: None
            return
        from rich.progress import Progress  # noqa: PLC0415 - 40 ms that most invocations need not pay

        with Progress(console=self._make_console(self.stderr), transient=True) as progress:
            task = progress.add_task(clean_line(words), total=total)
            yield lambda steps: progress.advance(task, steps)

    def _demand_somebody(self, question: str, instead: str) -> None:
        if not self.is_interactive:
            raise UsageError(f"{question}: nobody can be asked here", fix=instead, code="needs-answer")

    def _print_table(self, titles: Sequence[str], rows: list[list[Cell]]) -> None:
        from rich.table import Table  # noqa: PLC0415
        from rich.text import Text  # noqa: PLC0415

        table = Table(box=None, pad_edge=False, header_style=Tone.QUIET.value)
        for title in titles:
            table.add_column(title, overflow="fold")
        for row in rows:
            table.add_row(*(Text(cell.text, style=cell.tone.value) for cell in row))
        self._make_console(self.stdout).print(table)

    def _print(self, *parts: tuple[str, str], to: TextIO | None = None) -> None:
        from rich.text import Text  # noqa: PLC0415

        text = Text()
        for words, style in parts:
            text.append(words, style=str(style))
        self._make_console(to or self.stdout).print(text, soft_wrap=True)

    def _make_console(self, file: TextIO) -> "Console":
        from rich.console import Console  # noqa: PLC0415

        return Console(file=file, markup=False, emoji=False, highlight=False)

    def _write(self, file: TextIO, text: str) -> None:
        file.write(text + "\n")
        file.flush()


def format_json(value: Mapping[str, Any]) -> str:
    """Return one line of canonical JSON, in ASCII. Absent (None) members are left out; times and bytes become text."""
    text = encode_canonical(_make_plain(value)).decode()
    return "".join(character if " " <= character <= "~" else _escape_json(character) for character in text)


def _make_plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _make_plain(item) for name, item in value.items() if item is not None}
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, bytes):
        return b64u_encode(value)
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, str | PurePath):
        return str(value).encode("utf-8", "replace").decode()
    if isinstance(value, Iterable):
        return [_make_plain(item) for item in value]
    return value


def _escape_json(character: str) -> str:
    units = character.encode("utf-16-be")
    return "".join(f"\\u{units[index]:02x}{units[index + 1]:02x}" for index in range(0, len(units), 2))


def _clean_words(words: str) -> str:
    # One line each: a break in a foreign word would begin a line that passes for one of ours.
    return clean_line(words, max_characters=MAX_BLOCK_CHARACTERS)


def _fold(text: str) -> str:
    return " ".join(text.split())


def _clean_cell(value: str | Cell) -> Cell:
    cell = value if isinstance(value, Cell) else Cell(value)
    return Cell(clean_line(cell.text), cell.tone)
