"""Real processes: run one command to its end, or keep the broker serving. What they say is kept in a log folder."""

import itertools
import os
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.text import Text

from schemas.codec import decode_json

COMMAND_SECONDS = 60.0
_SERVE_SECONDS = 30.0
_STOP_SECONDS = 20.0
_POLL_SECONDS = 0.05


class StartFailedError(Exception):
    """A process that was to go on serving ended, or did not say in time that it serves."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a command ended. `output` is what a person saw; for a program, standard output alone."""

    words: tuple[str, ...]
    exit_code: int
    output: str
    errors: str
    log: Path

    @property
    def plain(self) -> str:
        """Return what a person saw, without colours."""
        return Text.from_ansi(self.output).plain

    def read_detail(self, label: str) -> str:
        """Return the value beside a label, as details are shown one a line; empty when it is not there."""
        for line in self.plain.splitlines():
            name, _, value = line.partition("  ")
            if name.strip() == label:
                return value.strip()
        return ""

    def read_json(self) -> list[dict[str, Any]]:
        """Return the objects a command answered with, one a line."""
        found = [decode_json(line.encode()) for line in self.output.splitlines()]
        return [item for item in found if isinstance(item, dict)]


@dataclass
class Runner:
    """Runs commands in one folder, and keeps a transcript of each under `logs`. Several threads may use it."""

    folder: Path
    logs: Path
    _numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))
    _turn: threading.Lock = field(default_factory=threading.Lock)
    _stopping: threading.Event = field(default_factory=threading.Event)

    @property
    def is_stopping(self) -> bool:
        """Tell whoever runs several commands in another thread that the play has failed."""
        return self._stopping.is_set()

    @contextmanager
    def stopping_on_failure(self) -> Iterator[None]:
        """Let other threads know when this block fails, so that nobody waits for their last command."""
        try:
            yield
        except BaseException:
            self._stopping.set()
            raise

    def run(self, words: Sequence[str], environment: Mapping[str, str], *, as_json: bool = False) -> Outcome:
        """Run a command to its end, for a program's eyes or for a person's.

        Raises:
            subprocess.TimeoutExpired: it does not end within a minute.
        """
        done = subprocess.run(
            [find_program(words[0]), *words[1:]],
            cwd=self.folder,
            env=make_environment(environment, for_person=not as_json),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE if as_json else subprocess.STDOUT,
            timeout=COMMAND_SECONDS,
            check=False,
        )
        output, errors = done.stdout.decode(errors="replace"), (done.stderr or b"").decode(errors="replace")
        log = self._keep(words, done.returncode, output + errors)
        return Outcome(tuple(words), done.returncode, output, errors, log)

    def _keep(self, words: Sequence[str], exit_code: int, text: str) -> Path:
        with self._turn:
            number = next(self._numbers)
        verbs = "-".join(word for word in words[:5] if word.isalpha())
        path = self.logs / f"{number:03}-{verbs}.log"
        path.write_text(f"$ {quote_command(words)}\n{text}\nexit code {exit_code}\n", "utf-8")
        return path


@dataclass
class BrokerProcess:
    """`broker serve` in a session of its own, so that an interrupted terminal leaves its end to us."""

    data: Path
    log: Path
    process: "subprocess.Popen[bytes]"

    @property
    def url(self) -> str:
        """Return where clients connect."""
        return str(self._read_address()["url"])

    def stop(self) -> int:
        """End it in order, or else by force; return its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()

    def wait_until_serving(self) -> None:
        """Wait until clients can connect.

        Raises:
            StartFailedError: it ended, or took too long.
        """
        deadline = time.monotonic() + _SERVE_SECONDS
        while not (self.data / "address.json").exists():
            if self.process.poll() is not None:
                raise StartFailedError(f"broker serve ended with {self.process.returncode}; see {self.log}")
            if time.monotonic() > deadline:
                raise StartFailedError(f"broker serve did not start within {_SERVE_SECONDS:.0f} s; see {self.log}")
            time.sleep(_POLL_SECONDS)

    def _read_address(self) -> dict[str, Any]:
        found = decode_json((self.data / "address.json").read_bytes())
        if not isinstance(found, dict):
            raise StartFailedError(f"address.json is not what it must be; see {self.log}")
        return found


def start_broker(
    words: Sequence[str], folder: Path, data: Path, log: Path, environment: Mapping[str, str] | None = None
) -> BrokerProcess:
    """Start `broker serve`, or what takes its place; the caller waits until it serves, and stops it."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            [find_program(words[0]), *words[1:]],
            cwd=folder,
            env=make_environment(environment or {}, for_person=False),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return BrokerProcess(data, log, process)


def find_program(name: str) -> str:
    """Return where a command of this checkout lies, beside the interpreter.

    Raises:
        StartFailedError: it is not installed there.
    """
    path = Path(sys.executable).with_name(name)
    if not path.is_file():
        raise StartFailedError(f"{path} is missing: run `make setup`")
    return str(path)


def make_environment(own: Mapping[str, str], *, for_person: bool) -> dict[str, str]:
    """Return the environment of a command: ours without what would steer it, and its own settings."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("BILATERAL_", "PYTHON"))}
    # Colours are always asked for and decoded again by the stage, which alone knows whether anybody sees them.
    shown = {"FORCE_COLOR": "1", "TERM": "xterm-256color", "COLUMNS": "100"} if for_person else {}
    return {name: value for name, value in ours.items() if name != "NO_COLOR"} | shown | dict(own)


def quote_command(words: Sequence[str]) -> str:
    """Return a command as one types it; a trust anchor's 24 words are cut short."""
    return " ".join(quote_words(words))


def quote_words(words: Sequence[str]) -> list[str]:
    """Return the words of a command as one types them."""
    return [_shorten(word) for word in words]


def _shorten(word: str) -> str:
    parts = word.split(" ")
    if len(parts) == 24 and all(part.isalpha() for part in parts):
        return f'"{parts[0]} {parts[1]} … {parts[-1]}"'
    if word != shlex.quote(word) and not set(word) & set('"$`\\!'):
        return f'"{word}"'
    return shlex.quote(word)
