"""Every `agency` command in the pages is one the command line takes: the verb exists, its options and arguments fit.

Nothing is run here; docs/joining.md is run by its own test.
"""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from agency_client.cli.app import build_app, hoist_global_options

ROOT = Path(__file__).resolve().parents[2]
PAGES = [
    ROOT / "docs" / name
    for name in ("officers-guide.md", "auditors-guide.md", "joining.md", "keys.md", "operations.md")
]


def list_commands(page: Path) -> list[str]:
    """Return the `agency` lines of a page's console blocks."""
    blocks = re.findall(r"```console\n(.*?)```", page.read_text("utf-8"), flags=re.DOTALL)
    lines = "".join(blocks).splitlines()
    return [line.removeprefix("$ ") for line in lines if line.startswith("$ agency ")]


def parse_command(line: str) -> None:
    """Let the command line parse a command down to its verb, as it would before running it."""
    words = shlex.split(line.partition(" | ")[0].partition(" > ")[0], comments=True)[1:]
    command: Any = get_command(build_app())
    arguments, context = hoist_global_options(words), None
    while True:
        context = command.make_context(command.name, arguments, parent=context)
        if not hasattr(command, "resolve_command"):
            return
        _, command, arguments = command.resolve_command(context, [*context._protected_args, *context.args])


@pytest.mark.parametrize("line", sorted({line for page in PAGES for line in list_commands(page)}))
def test_a_command_of_the_pages_is_one_that_is_taken(line: str) -> None:
    parse_command(line)


@pytest.mark.parametrize("line", ["agency sned", "agency send --colour red", "agency read", "agency audit list"])
def test_a_command_that_is_not_taken_is_noticed(line: str) -> None:
    with pytest.raises(Exception, match=r"No such|Missing"):
        parse_command(line)
