"""An agency's desk in the tests: its own home, its own passphrases, and `agency` as a process of its own.

desk = Desk(folder, "GB"); desk.join(exchange); desk.agency("agreements").data["agreements"]
"""

import os
import subprocess
import sys
from contextlib import chdir, redirect_stderr, redirect_stdout
from copy import copy
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any

from agency_client.cli.app import run
from agency_client.profiles.private_files import write_private_file
from keys.anchors import format_anchor_words
from schemas.codec import decode_json
from schemas.key_documents import compute_exchange_anchor
from tests.support.exchange import RunningExchange
from tests.support.officers import SECOND_OFFICER

PROCESS_SECONDS = 120


@dataclass(frozen=True)
class Ended:
    """How a process ended; with `--json`, `data` is its answer and `error` what it says went wrong."""

    code: int
    stdout: str
    stderr: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Return every line of the answer."""
        return [decode_json(line.encode()) for line in self.stdout.splitlines()]

    @property
    def data(self) -> dict[str, Any]:
        """Return the one line of the answer."""
        (line,) = self.lines
        return line

    @property
    def error(self) -> dict[str, str]:
        """Return the error: code, sentence, fix."""
        found: dict[str, str] = decode_json(self.stderr.splitlines()[-1].encode())["error"]
        return found


@dataclass
class Desk:
    """One agency's machine: a folder with its profile, its roots on other media, and its command line."""

    folder: Path
    agency_id: str
    officer: str = "officer"
    is_in_process: bool = False
    environment: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Lay the desk."""
        self.folder.mkdir(parents=True)
        write_private_file(self.folder / "passphrase", b"the passphrase of a test node\n")
        for number in (1, 2, 3):
            write_private_file(self.folder / f"root-passphrase-{number}", b"root passphrase %d\n" % number)

    @property
    def profile_folder(self) -> Path:
        """Return where the profile lies."""
        return self.folder / "home" / "default"

    def run(self, *arguments: str | Path) -> Ended:
        """Run `agency` and return how it ended: a process of its own, or where time matters more, inside this one."""
        if self.is_in_process:
            return self._run_here([str(argument) for argument in arguments])
        process = subprocess.run(
            [sys.executable, "-P", "-m", "agency_client", *map(str, arguments)],
            cwd=self.folder,
            env=self._make_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PROCESS_SECONDS,
            check=False,
        )
        return Ended(process.returncode, process.stdout.decode(), process.stderr.decode())

    def agency(self, *arguments: str | Path, code: int = 0) -> Ended:
        """Run `agency --json` and return how it ended, which must be with this exit code."""
        ended = self.run("--json", *arguments)
        assert ended.code == code, f"{arguments} ended with {ended.code}: {ended.stdout}{ended.stderr}"
        assert "Traceback" not in ended.stderr
        return ended

    def by_two(self, *arguments: str | Path, code: int = 0) -> Ended:
        """Run a verb that widens an agreement as this desk's officer, who approves it, and as a second one."""
        first = self.agency(*arguments)
        assert first.data["state"] == "awaits-second-officer", first
        second = copy(self)
        second.officer = SECOND_OFFICER
        return second.agency(*arguments, code=code)

    def hold_ceremony(self) -> dict[str, Any]:
        """Make three roots, two of which must sign, and return what the ceremony answered."""
        files = self._root_passphrases(1, 2, 3)
        return self.agency("ceremony", "roots", "--agency", self.agency_id, "--out", "roots", *files).data

    def initialise(self, exchange: RunningExchange, **options: str) -> Ended:
        """Make the node."""
        write_private_file(self.folder / "exchange.json", exchange.sheet.canonical())
        wanted = {
            "agency": self.agency_id,
            "url": exchange.url,
            "exchange": "exchange.json",
            "exchange-anchor": format_anchor_words(compute_exchange_anchor(exchange.sheet)),
        }
        pairs = [(f"--{name}", value) for name, value in (wanted | options).items()]
        return self.run("--json", "init", *(word for pair in pairs for word in pair))

    def request(self, *options: str) -> Path:
        """Write the request for the next key set and return its file."""
        return self.folder / str(self.agency("keys", "request", *options).data["file"])

    def sign(self, request: Path, *roots: int, out: str) -> Path:
        """Let roots sign a request and return the signed file."""
        files = [word for number in roots for word in ("--root", f"roots/{self.agency_id}-root-{number}.key")]
        self.agency("ceremony", "sign", request, *files, *self._root_passphrases(*roots), "--out", out)
        return self.folder / out

    def join(self, exchange: RunningExchange, *, state: str = "UTO", agency_class: str = "agency") -> None:
        """Do everything from the ceremony to the published key, as the commands do it."""
        self.hold_ceremony()
        assert self.initialise(exchange).code == 0
        identity = ["--name", f"Agency {self.agency_id}", "--class", agency_class]
        roots = f"roots/{self.agency_id}-roots.json"
        request = self.request("--roots", roots, *identity, *(["--state", state] if agency_class == "agency" else []))
        self.agency("keys", "install", self.sign(request, 1, 3, out="key-set-1.json"), "--out", "enrolment.json")
        enrol_by_command(exchange, self.folder / "enrolment.json")
        if agency_class == "agency":
            self.agency("keys", "publish")

    def show_words(self) -> str:
        """Return the words of this agency's own anchor."""
        return str(self.agency("trust", "show").lines[0]["words"])

    def pin(self, partner: "Desk") -> None:
        """Type in a partner's words."""
        self.agency("trust", "pin", partner.agency_id, "--words", partner.show_words())

    def _run_here(self, arguments: list[str]) -> Ended:
        out, err = StringIO(), StringIO()
        with chdir(self.folder), redirect_stdout(out), redirect_stderr(err):
            code = run(arguments, self._make_environment())
        return Ended(int(code), out.getvalue(), err.getvalue())

    def _root_passphrases(self, *numbers: int) -> list[str]:
        return [word for number in numbers for word in ("--root-passphrase-file", f"root-passphrase-{number}")]

    def _make_environment(self) -> dict[str, str]:
        own = {
            "BILATERAL_HOME": str(self.folder / "home"),
            "BILATERAL_PASSPHRASE_FILE": str(self.folder / "passphrase"),
            "BILATERAL_OFFICER": self.officer,
            "XDG_RUNTIME_DIR": str(self.folder),
            "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        }
        kept = {name: value for name, value in os.environ.items() if not name.startswith("BILATERAL_")}
        return kept | own | self.environment


def enrol_by_command(exchange: RunningExchange, file: Path) -> None:
    """Enter a member as the operator does."""
    subprocess.run(
        [sys.executable, "-m", "broker", "enrol", "--data", str(exchange.folder.path), str(file), "--yes", "--json"],
        check=True,
        capture_output=True,
        timeout=PROCESS_SECONDS,
    )
