"""Commands of agencies whose profiles lie in one folder, inside this process; the exchange is not reached by them."""

from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

from agency_client.cli.app import run
from schemas.codec import decode_json


@dataclass(frozen=True)
class Ended:
    """How a command ended; with `--json`, `data` is its last line and `error` what it says went wrong."""

    code: int
    stdout: str
    stderr: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Return every line of the answer."""
        return [decode_json(line.encode()) for line in self.stdout.splitlines()]

    @property
    def data(self) -> dict[str, Any]:
        """Return the last line of the answer."""
        return self.lines[-1]

    @property
    def error(self) -> dict[str, str]:
        """Return the error: code, sentence, fix."""
        found: dict[str, str] = decode_json(self.stderr.splitlines()[-1].encode())["error"]
        return found


@dataclass(frozen=True)
class Terminal:
    """The folder in which `tests.support.lying_exchange.join` made the profiles."""

    folder: Path

    def run(self, profile: str, *arguments: str | Path, code: int = 0, form: str = "--json") -> Ended:
        """Run `agency` as the officer of a profile, or with none as a stranger; it must end with this exit code."""
        home = self.folder / ("home" if profile else "nowhere")
        environment = {
            "BILATERAL_OFFICER": f"officer-of-{profile}",
            "XDG_RUNTIME_DIR": str(self.folder),
            "BILATERAL_HOME": str(home),
        }
        secret = ["--passphrase-file", self.folder / "passphrase", "--profile", profile] if profile else []
        out, err = StringIO(), StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            ended = run([str(word) for word in (form, *secret, *arguments)], environment)
        assert ended == code, f"{arguments} ended with {ended}: {out.getvalue()}{err.getvalue()}"
        return Ended(ended, out.getvalue(), err.getvalue())
