"""How the play ends: the figures, what failed and where the logs lie, or what one can try while it goes on running."""

from rich.table import Table
from rich.text import Text

from examples.demo.cast import Cast
from examples.demo.stage import UnmetError


def show_figures(cast: Cast, seconds: float) -> None:
    """Show what every act did, and the figures of the whole."""
    acts = cast.stage.acts
    table = Table(box=None, pad_edge=False, header_style="dim", show_footer=True, footer_style="bold")
    table.add_column("act", f"{len(acts)} acts")
    table.add_column("commands", str(sum(act.commands for act in acts)), justify="right")
    table.add_column("held", str(sum(act.claims for act in acts)), justify="right")
    table.add_column("seconds", f"{seconds:.1f}", justify="right")
    for number, act in enumerate(acts, start=1):
        table.add_row(f"{number}. {act.title}", str(act.commands), Text(f"{act.claims} ✓", "green"), f"{act.seconds:.1f}")
    cast.stage.show_table(table)
    figures = "   ".join(f"{value} {name}" for name, value in cast.figures.items())
    cast.stage.say(f"Every step held. {figures}")


def show_unmet(cast: Cast, error: UnmetError) -> None:
    """Say what was expected, what came, and where to look."""
    console = cast.stage.console
    console.print()
    console.print(Text(f"✗ {error.claim}", style="bold red"))
    console.print(Text(f"  expected  {error.wanted}"))
    console.print(Text(f"  came      {error.came}"))
    console.print(Text(f"  logs      {cast.folder / 'logs'} (kept; remove with: rm -r {cast.folder})"))


def show_interruption(cast: Cast) -> None:
    """Say that the play was ended from outside."""
    cast.stage.console.print(Text(f"\nInterrupted. Files are left in {cast.folder}.", style="bold yellow"))


def show_farewell(cast: Cast) -> None:
    """Write what stops it all, and say what can be tried."""
