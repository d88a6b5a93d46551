"""How the play ends: the figures, what failed and where the logs lie, or what one can try while it goes on running."""

import shlex
import sys
from pathlib import Path

from rich.table import Table
from rich.text import Text

from examples.demo.acts.founding import DATA
from examples.demo.cast import Cast
from examples.demo.stage import UnmetError


def show_figures(cast: Cast, seconds: float) -> None:
    """Show what every act did, and the figures of the whole."""
    acts = cast.stage.acts
    table = Table(box=None, pad_edge=False, header_style="dim", show_footer=True, footer_style="bold")
    table.add_column("act", f"{len(acts)} acts")
    table.add_column("commands", str(sum(act.commands for act in acts)), justify="right")
    table.add_column("held", f"{sum(act.claims for act in acts)} ✓", justify="right")
    table.add_column("seconds", f"{seconds:.1f}", justify="right")
    for number, act in enumerate(acts, start=1):
        held = Text(f"{act.claims} ✓", "green")
        table.add_row(f"{number:>2}. {act.title}", str(act.commands), held, f"{act.seconds:.1f}")
    cast.stage.show_table(table)
    figures = "".join(f", {value} {name}" for name, value in cast.figures.items())
    cast.stage.say(f"Every step held: {seconds:.0f} seconds{figures}.")


def show_unmet(cast: Cast, error: UnmetError) -> None:
    """Say what was expected, what came, and where to look."""
    console = cast.stage.console
    console.print()
    console.print(Text(f"✗ {error.claim}", style="bold red"))
    console.print(Text(f"  expected  {error.wanted}"))
    console.print(Text(f"  came      {error.came}"))
    console.print(Text(f"  logs      {cast.folder / 'logs'}"), soft_wrap=True)
    console.print(Text(f"  They are kept; every process is ended. To remove them: rm -r {cast.folder}"), soft_wrap=True)


def show_interruption(cast: Cast) -> None:
    """Say that the play was ended from outside."""
    cast.stage.console.print(Text("\nInterrupted: every process is ended, every file removed.", style="bold yellow"))


def show_farewell(cast: Cast) -> None:
    """Write what sets a shell up and what stops it all, and say what can be tried."""
    environment, stop = _write_environment(cast), _write_stop(cast)
    recruiter = cast.sent["recruiter"]
    cast.stage.say("It goes on running. Try it in a shell; the profiles are gb, vn, be and overseer, open for 8 hours.")
    _show_commands(
        cast,
        (f". {environment}", "first: PATH, the profiles, and the folder"),
        ("agency --profile vn inbox", "what Hanoi has"),
        (f'agency --profile vn read {recruiter} --reason "I want to see it"', "open one, with a reason"),
        ("agency --profile gb ping VN", "a test message; then: agency --profile vn sync"),
        ("agency --profile gb send --template facilitator", "a filled example to send: agency send FILE --to VN …"),
        ("agency --profile gb agreements", "what may be sent to whom; agency agreement show ID"),
        (
            'agency --profile gb audit list --reason "curious" --purpose self-monitoring',
            "who did what, each line proven",
        ),
        ("agency --profile gb doctor", "how the node is"),
        (f"broker verify-log --data {DATA}", "the operator's view"),
        (f"sh {stop}", "ends every process and removes every file"),
    )


def _show_commands(cast: Cast, *lines: tuple[str, str]) -> None:
    cast.stage.console.print()
    for command, words in lines:
        cast.stage.console.print(
            Text.assemble("    ", (f"{command:<66}", "bold"), (f" {words}", "dim")), soft_wrap=True
        )


def _write_environment(cast: Cast) -> Path:
    path = cast.folder / "env"
    values = {
        "PATH": f"{Path(sys.executable).parent}:$PATH",
        "BILATERAL_HOME": str(cast.home),
        "XDG_RUNTIME_DIR": str(cast.folder / "run"),
    }
    lines = [f'export {name}="{value}"' for name, value in values.items()]
    path.write_text("\n".join([*lines, f"cd {shlex.quote(str(cast.folder))}", ""]))
    return path


def _write_stop(cast: Cast) -> Path:
    path = cast.folder / "stop"
    locks = [f"agency --profile {member.profile} lock" for member in cast.members]
    last = ["cd /", f"rm -r {shlex.quote(str(cast.folder))}"]
    path.write_text("\n".join([f". {shlex.quote(str(cast.folder / 'env'))}", *locks, *_list_ends(cast), *last, ""]))
    return path


def _list_ends(cast: Cast) -> list[str]:
    if cast.broker is None:
        return []
    pid = cast.broker.process.pid
    # address.json stands there for as long as the broker serves: no other process that got its number is ended.
    return [
        f"test -e {DATA}/address.json && kill {pid}",
        f"for _ in $(seq 100); do kill -0 {pid} 2>/dev/null || break; sleep 0.2; done",
    ]
