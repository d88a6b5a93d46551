"""Who plays: the operator, three agencies and an oversight board, each with a desk at which commands are typed."""

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from rich.text import Text

from examples.demo.running import BrokerProcess, Outcome, Runner, quote_command
from examples.demo.stage import Stage, UnmetError

EXCHANGE = "exchange.example"
EXAMPLES = Path(__file__).resolve().parent.parent
_PASSPHRASE = "a throw-away passphrase of the demonstration"  # noqa: S105 - of throw-away keys


@dataclass
class Desk:
    """A place where one person types commands. `program` starts each of them, like `agency --profile gb`."""

    place: str
    style: str
    program: tuple[str, ...]
    environment: Mapping[str, str]
    stage: Stage
    runner: Runner

    def play(
        self,
        *words: str,
        typed: Sequence[str] = (),
        keep: Sequence[str] | None = None,
        limit: int = 14,
        ends_with: int = 0,
    ) -> Outcome:
        """Show a command, run it, show the lines of its answer that matter.

        `typed` are options that stand in for what a person would type in when asked; they are not shown.

        Raises:
            UnmetError: it ends with another exit code.
        """
        self.stage.show_command(self.place, self.style, [*self.program, *words])
        outcome = self._run([*self.program, *words, *typed])
        self.stage.show_output(outcome, keep, limit)
        _demand_exit_code(outcome, ends_with)
        return outcome

    def do(self, *words: str) -> Outcome:
        """Run a command of which the audience sees nothing; it must end well.

        Raises:
            UnmetError: it does not.
        """
        outcome = self._run([*self.program, *words])
        _demand_exit_code(outcome, 0)
        return outcome

    def ask(self, *words: str, ends_with: int = 0) -> list[dict[str, Any]]:
        """Ask a command for its JSON, unseen, to check what was claimed; one object a line.

        Raises:
            UnmetError: it ends with another exit code.
        """
        outcome = self._run([*self.program, *words, "--json"], as_json=True)
        _demand_exit_code(outcome, ends_with)
        return outcome.read_json()

    def ask_one(self, *words: str) -> dict[str, Any]:
        """Ask a command for the one object it answers with."""
        return self.ask(*words)[0]

    def _run(self, words: Sequence[str], *, as_json: bool = False) -> Outcome:
        try:
            return self.runner.run(words, self.environment, as_json=as_json)
        except subprocess.TimeoutExpired as error:
            raise UnmetError(f"{quote_command(words)} ends", wanted="an end", came=str(error)) from error


@dataclass
class Member(Desk):
    """An agency, or the oversight board: its desk, its names, and where its files lie."""

    agency: str = ""
    name: str = ""
    state: str | None = None
    agency_class: str = "agency"

    @property
    def profile(self) -> str:
        """Return the profile's name."""
        return self.agency.lower()

    def play_by_two(self, *words: str, keep: Sequence[str] | None = None) -> Outcome:
        """Show a command that takes two officers, given by both; return what the second one's answered."""
        self.play(*words, keep=("state", "approved by", "due"))
        return self._seat_second().play(*words, keep=keep)

    def ask_by_two(self, *words: str) -> dict[str, Any]:
        """Give a command as two officers, unseen, and return the second one's answer."""
        self.ask_one(*words)
        return self._seat_second().ask_one(*words)

    def _seat_second(self) -> "Member":
        officer = self.environment["BILATERAL_OFFICER"]
        return replace(self, environment={**self.environment, "BILATERAL_OFFICER": f"{officer[:-2]}52"})

    @property
    def folder(self) -> Path:
        """Return this member's own folder, relative to where commands run."""
        return Path(self.profile)

    def file(self, name: str) -> str:
        """Return the path of one of this member's files as it stands in commands."""
        return str(self.folder / name)

    def write_file(self, name: str, text: str) -> str:
        """Write one of this member's files and return its path as it stands in commands."""
        (self.runner.folder / self.folder / name).write_text(text, "utf-8")
        return self.file(name)


@dataclass
class Cast:
    """Everybody, the folder they share (each machine is a folder in it), and the broker once it serves."""

    folder: Path
    stage: Stage
    runner: Runner
    operator: Desk
    gb: Member
    vn: Member
    be: Member
    oversight: Member
    today: date
    keeps_running: bool = False
    broker: BrokerProcess | None = None
    paper: dict[str, str] = field(default_factory=dict)
    """Anchors as words, by agency: what was handed over in person."""
    figures: dict[str, object] = field(default_factory=dict)
    """What the end tells in figures, by their names."""
    agreements: dict[str, str] = field(default_factory=dict)
    """Ids of agreements by the names the play uses."""
    sent: dict[str, str] = field(default_factory=dict)
    """Ids of messages by the names the play uses."""

    @property
    def agencies(self) -> tuple[Member, ...]:
        """Return the three that exchange alerts."""
        return self.gb, self.vn, self.be

    @property
    def members(self) -> tuple[Member, ...]:
        """Return everyone who is enrolled."""
        return *self.agencies, self.oversight

    def partners_of(self, member: Member) -> tuple[Member, ...]:
        """Return with whom an agency has agreements."""
        return (self.gb, self.be) if member is self.vn else (self.vn,)

    def operator_status(self) -> dict[str, Any]:
        """Return what the broker says of itself."""
        return self.operator.ask_one("status", "--data", "exchange")

    def count_leaves(self) -> int:
        """Return how many leaves the log has now."""
        return int(self.operator_status()["log"]["size"])

    def read_example(self, name: str) -> str:
        """Return a file of the examples as text."""
        return (EXAMPLES / name).read_text("utf-8")

    @property
    def home(self) -> Path:
        """Return the folder of all profiles."""
        return self.folder / "home"

    @property
    def passphrase_file(self) -> str:
        """Return the file that stands in for everybody's typing of a passphrase."""
        return str(self.folder / "passphrase")


def assemble_cast(folder: Path, stage: Stage, *, keeps_running: bool) -> Cast:
    """Return the cast in a folder that is there and empty."""
    for name in ("logs", "run", "gb", "vn", "be", "overseer"):
        (folder / name).mkdir(mode=0o700)
    passphrase = folder / "passphrase"
    passphrase.touch(0o600)
    passphrase.write_text(_PASSPHRASE)
    runner = Runner(folder, folder / "logs")

    def member(agency: str, place: str, style: str, officer: str, name: str, state: str | None) -> Member:
        environment = {
            "BILATERAL_HOME": str(folder / "home"),
            "BILATERAL_OFFICER": officer,
            "XDG_RUNTIME_DIR": str(folder / "run"),
        }
        program = ("agency", "--profile", agency.lower())
        agency_class = "agency" if state else "oversight"
        return Member(place, style, program, environment, stage, runner, agency, name, state, agency_class)

    return Cast(
        folder=folder,
        stage=stage,
        runner=runner,
        operator=Desk("operator", "cyan", ("broker",), {}, stage, runner),
        gb=member("GB", "London", "bright_blue", "officer-gb-17", "Immigration Enforcement, United Kingdom", "GBR"),
        vn=member("VN", "Hanoi", "bright_red", "officer-vn-04", "Immigration Department, Viet Nam", "VNM"),
        be=member("BE", "Brussels", "bright_yellow", "officer-be-31", "Immigration Office, Belgium", "BEL"),
        oversight=member("OVERSEER", "auditor", "bright_magenta", "auditor-2", "Joint oversight board", None),
        today=datetime.now(UTC).date(),
        keeps_running=keeps_running,
    )


def _demand_exit_code(outcome: Outcome, wanted: int) -> None:
    if outcome.exit_code != wanted:
        last = " / ".join((outcome.output + outcome.errors).strip().splitlines()[-2:])
        raise UnmetError(
            f"{quote_command(outcome.words)} ends with {wanted}",
            wanted=f"exit code {wanted}",
            came=f"exit code {outcome.exit_code}: {Text.from_ansi(last).plain} (see {outcome.log})",
        )
