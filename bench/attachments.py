"""`python -m bench.attachments`: one large attachment over mTLS, everybody killed on the way, and resumed.

The sender's process is killed while it uploads, then the broker; the recipient's while it fetches, then the broker once
more. Each goes on from where it stood. Printed are the seconds of each step, how far it came, and the most memory each
process had resident: flat if the file's size does not show in it.
"""

import argparse
import hashlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rich.console import Console
from rich.table import Table

from agency_client.profiles.profile import load_profile, update_settings
from keys.generation import generate_bytes
from schemas.codec import decode_json
from tests.support.exchange import RunningExchange, running_exchange
from tests.support.nodes import agree, joined_nodes, make_wide_clause

WHOLE_BYTES = 1 << 30
_PIECE_BYTES = 1 << 20
_LOOK_SECONDS = 0.02
_MIB = 1 << 20
_REASON = ("--reason", "the bench")


@dataclass(frozen=True, slots=True)
class Step:
    """One process's part: what it did, how it ended, its seconds, bytes it moved, and its peak memory."""

    what: str
    ended: str
    seconds: float
    moved_bytes: int
    peak_kib: int


@dataclass
class Course:
    """An exchange, the folder of two profiles, and what was measured."""

    exchange: RunningExchange
    folder: Path
    steps: list[Step] = field(default_factory=list)
    broker_peaks_kib: list[int] = field(default_factory=list)

    def run(
        self,
        what: str,
        profile: str,
        *words: str,
        watched: Callable[[], int] = lambda: 0,
        cut_at: int | None = None,
        cut: Callable[["subprocess.Popen[bytes]"], None] = lambda process: process.kill(),
    ) -> bytes:
        """Run `agency`; cut it off, or what it depends on, once `watched` has reached `cut_at`. Return its output."""
        before, started, peak, is_cut = watched(), time.monotonic(), 0, cut_at is None
        with (self.folder / "out").open("w+b") as out:
            process = subprocess.Popen(self._command(profile, words), stdout=out, stderr=out, env=self._environment())
            while process.poll() is None:
                peak = _read_peak_kib(process.pid) or peak
                if cut_at is not None and not is_cut and watched() >= cut_at:
                    cut(process)
                    is_cut = True
                time.sleep(_LOOK_SECONDS)
            seconds = time.monotonic() - started
            out.seek(0)
            said = out.read()
        ended = "killed" if process.returncode == -signal.SIGKILL else f"exit {process.returncode}"
        self.steps.append(Step(what, ended, seconds, max(watched() - before, 0), peak))
        if not is_cut or (cut_at is None and process.returncode):
            raise RuntimeError(f"{what}: {ended}: {said.decode(errors='replace')}")
        return said

    def kill_broker(self, _process: object = None) -> None:
        """Kill the broker where it stands."""
        self.note_broker()
        self.exchange.kill()

    def restart_broker(self) -> None:
        """Start it again, and tell the profiles where."""
        self.exchange.start()
        for name in ("gb", "vn"):
            profile = load_profile(self.folder / "home", name)
            update_settings(profile, replace(profile.settings, broker_url=self.exchange.url))

    def note_broker(self) -> None:
        """Remember the most memory that the broker had resident."""
        if self.exchange.process is not None:
            self.broker_peaks_kib.append(_read_peak_kib(self.exchange.process.pid))

    def measure_uploaded(self) -> int:
        """Return how many bytes lie at the exchange."""
        return _measure(self.exchange.folder.attachments.glob("*/*"))

    def measure_fetched(self) -> int:
        """Return how many bytes lie in the recipient's profile."""
        return _measure((self.folder / "home" / "vn" / "attachments" / "in").glob("*"))

    def _command(self, profile: str, words: Sequence[str]) -> list[str]:
        secret = str(self.folder / "passphrase")
        return [sys.executable, "-m", "agency_client", "--profile", profile, "--passphrase-file", secret, *words]

    def _environment(self) -> dict[str, str]:
        return os.environ | {"BILATERAL_HOME": str(self.folder / "home"), "BILATERAL_OFFICER": "officer-of-the-bench"}


def main() -> int:
    """Send, cut, resume, save, compare and print; return 1 if the file that arrived is another."""
    parser = argparse.ArgumentParser(prog="python -m bench.attachments", description=__doc__)
    parser.add_argument("--bytes", type=int, default=WHOLE_BYTES, help="size of the attachment")
    size = parser.parse_args().bytes
    with (
        TemporaryDirectory(prefix="bilateral-attachments-") as name,
        running_exchange(Path(name)) as exchange,
        joined_nodes(exchange, Path(name), "GB", "VN") as nodes,
    ):
        limits: dict[str, Any] = {"attachments": True, "max_bytes": 4 * WHOLE_BYTES}
        clauses = tuple(make_wide_clause(*pair, **limits) for pair in (("GB", "VN"), ("VN", "GB")))
        agree(nodes["GB"], nodes["VN"], clauses=clauses)
        course = Course(exchange, Path(name))
        digest = _write_file(course.folder / "film.mp4", size)
        is_same = _play(course, size) == digest
        course.note_broker()
    _print(course, size, is_same=is_same)
    return 0 if is_same else 1


def _play(course: Course, size: int) -> str:
    send = ("send", "--kind", "ping", "--to", "VN", "--attach", f"{course.folder / 'film.mp4'}=The film")
    words = (*send, "--subject", "A film", "--set", "details.text=See it.", "--necessity", "It is measured.", *_REASON)
    uploaded, fetched = course.measure_uploaded, course.measure_fetched
    course.run("seal, upload", "gb", *words, watched=uploaded, cut_at=size // 4)
    course.run("upload on", "gb", "sync", watched=uploaded, cut_at=size // 2, cut=course.kill_broker)
    course.restart_broker()
    course.run("upload the rest, send", "gb", "sync", watched=uploaded)
    course.run("collect the message", "vn", "sync")
    (line,) = course.run("list the inbox", "vn", "--json", "inbox").splitlines()[:1]
    message = str(decode_json(line)["id"])
    target = course.folder / "saved"
    target.mkdir()
    save = ("attachments", "save", message, "--all", "--to", str(target), *_REASON)
    course.run("fetch", "vn", *save, watched=fetched, cut_at=size // 4)
    course.run("fetch on", "vn", *save, watched=fetched, cut_at=size // 2, cut=course.kill_broker)
    course.restart_broker()
    course.run("fetch the rest, verify, save", "vn", *save, watched=fetched)
    (saved,) = target.iterdir()
    return _hash(saved)


def _write_file(path: Path, size: int) -> str:
    piece = generate_bytes(_PIECE_BYTES)
    with path.open("wb") as file:
        for number in range(0, size, _PIECE_BYTES):
            file.write((number.to_bytes(8, "big") + piece)[: min(_PIECE_BYTES, size - number)])
    return _hash(path)


def _hash(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_PIECE_BYTES):
            digest.update(piece)
    return digest.hexdigest()


def _read_peak_kib(pid: int) -> int:
    """Return the most memory a process has had resident since it began its program; 0 once it has ended."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("VmHWM")), 0)


def _measure(paths: Iterator[Path]) -> int:
    return sum(path.stat().st_size for path in paths)


def _print(course: Course, size: int, *, is_same: bool) -> None:
    console = Console(width=None if sys.stdout.isatty() else 110)
    table = Table("step", "ended", "seconds", "MiB moved", "MiB a second", "peak MiB resident", box=None)
    for step in course.steps:
        moved = step.moved_bytes / _MIB
        rate = f"{moved / step.seconds:.0f}" if step.moved_bytes else ""
        table.add_row(step.what, step.ended, f"{step.seconds:.1f}", f"{moved:.0f}", rate, f"{step.peak_kib / 1024:.0f}")
    console.print(table)
    peaks = ", ".join(f"{peak / 1024:.0f}" for peak in course.broker_peaks_kib)
    console.print(f"attachment: {size / _MIB:.0f} MiB; broker's peaks, one a life: {peaks} MiB resident")
    console.print("what arrived is what was sent" if is_same else "what arrived is NOT what was sent")


if __name__ == "__main__":
    sys.exit(main())
