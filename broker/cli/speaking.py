"""How the command line speaks: data on stdout, words on stderr, and one exit code for each kind of failure."""

import functools
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import IntEnum
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import typer

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


class ExitCode(IntEnum):
    """What the process says to its caller when it ends."""

    OK = 0
    FAILED = 1
    USAGE = 2
    NOT_FOUND = 3
    NOT_AUTHENTICATED = 4
    DENIED = 5
    VERIFICATION_FAILED = 6
    OFFLINE = 7
    CONFLICT = 8


def speaking(command: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """Let a verb end with a sentence and an exit code where it raises an error of ours."""

    @functools.wraps(command)
    def run(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        from broker.settings import verify_no_other_database

        try:
            verify_no_other_database(os.environ)
            return command(*args, **kwargs)
        except Exception as error:
            code = find_exit_code(error)
            if code is None:
                raise
            say(f"broker: {error}")
            raise typer.Exit(code) from error

    return run


def find_exit_code(error: Exception) -> ExitCode | None:
    """Return how a verb ends that raised `error`, or nothing when nobody foresaw it."""
    from broker.audit.errors import LogError
    from broker.audit.log_store import LogMissingError
    from broker.audit.standing import ExchangeStoppedError
    from broker.control import ControlError
    from broker.directory.errors import DirectoryError
    from broker.epochs.errors import BackupError, CarryingError, EpochError, WrongStateError
    from broker.exchange import ExchangeError, ExchangeExistsError, ExchangeInUseError, ExchangeMissingError
    from broker.exchange import PassphraseError as Passphrase
    from broker.server import StartError
    from broker.settings import SettingsError
    from broker.storage.errors import DatabaseInUseError, SchemaKeptError, StoreError
    from broker.storage.revision import SchemaOutdatedError
    from keys.errors import KeysError
    from schemas.codec import CodecError

    kinds: tuple[tuple[tuple[type[Exception], ...], ExitCode], ...] = (
        ((ExchangeMissingError, LogMissingError, FileNotFoundError), ExitCode.NOT_FOUND),
        ((Passphrase,), ExitCode.NOT_AUTHENTICATED),
        (
            (
                ExchangeExistsError,
                ExchangeInUseError,
                DatabaseInUseError,
                ExchangeStoppedError,
                WrongStateError,
                BackupError,
                SchemaKeptError,
            ),
            ExitCode.CONFLICT,
        ),
        ((CarryingError,), ExitCode.VERIFICATION_FAILED),
        ((CodecError, SettingsError), ExitCode.USAGE),
        ((DirectoryError, KeysError, ControlError, EpochError), ExitCode.DENIED),
        ((LogError,), ExitCode.VERIFICATION_FAILED),
        ((ExchangeError, SchemaOutdatedError, StartError, StoreError, OSError), ExitCode.FAILED),
    )
    return next((code for classes, code in kinds if isinstance(error, classes)), None)


def say(words: str) -> None:
    """Tell a person something, on stderr."""
    typer.echo(words, err=True)


def put_json(value: dict[str, Any]) -> None:
    """Give a script one line of canonical JSON, on stdout."""
    from schemas.codec import encode_canonical

    typer.echo(encode_canonical(value).decode())


@contextmanager
def show_progress(of_what: str) -> Iterator[Callable[[int, int], None]]:
    """Lend a bar on stderr, where a person looks, that is told how much was done and of how much."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(of_what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def read_passphrase(path: Path | None) -> str | None:
    """Return the first line of a passphrase file, if one is named.

    Raises:
        SettingsError: others may read it, or it is empty.
    """
    from broker.settings import SettingsError

    if path is None:
        return None
    if path.stat().st_mode & 0o077:
        raise SettingsError(f"{path} can be read by other users of this machine: run `chmod go= {path}`")
    line = path.read_text("utf-8").partition("\n")[0].rstrip("\r")
    if not line:
        raise SettingsError(f"{path}: the first line is empty, and so would be the passphrase")
    return line


def is_terminal() -> bool:
    """Return whether a person can be asked something."""
    return sys.stdin.isatty() and sys.stderr.isatty()
