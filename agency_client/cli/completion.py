"""`agency completion`: the script by which a shell completes verbs and options."""

from enum import StrEnum
from typing import Annotated

import typer

from agency_client.cli.invocation import get_invocation


class Shell(StrEnum):
    """The shells there is a script for."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


def register(app: typer.Typer) -> None:
    """Add the verb of this group, and let a shell's questions be answered."""
    from typer.completion import completion_init  # type: ignore[attr-defined]  # typer names no other way in

    completion_init()
    app.command("completion")(_print_script)


def _print_script(
    context: typer.Context, shell: Annotated[Shell, typer.Argument(help="The shell it is for.", show_default=False)]
) -> None:
    """Print the completion script of a shell.

    \b
    Examples:
      agency completion bash > ~/.local/share/bash-completion/completions/agency
      agency completion fish > ~/.config/fish/completions/agency.fish
    """
    from typer.completion import get_completion_script  # type: ignore[attr-defined]

    script = get_completion_script(prog_name="agency", complete_var="_AGENCY_COMPLETE", shell=shell.value)
    invocation = get_invocation(context)
    if invocation.output.is_json:
        invocation.output.write_json({"shell": shell.value, "script": script})
    else:
        invocation.output.write_raw(script)
