"""`agency agreements`, `agency agreement …`: list and read agreements, and say something of one, signed."""

from pathlib import Path
from typing import Annotated

import typer

from agency_client.cli.agreement_pages import add_pages
from agency_client.cli.agreement_steps import Reference, add_steps
from agency_client.cli.invocation import get_invocation

_ID_CHARACTERS = 8


def register(app: typer.Typer) -> None:
    """Add the verbs of this group."""
    app.command("agreements")(_list)
    words = "Negotiate, show and narrow agreements."
    group = typer.Typer(help=words, no_args_is_help=True, rich_markup_mode=None)
    add_steps(group)
    add_pages(group)
    for name, verb in (("list", _list), ("export", _export), ("import", _import)):
        group.command(name)(verb)
    app.add_typer(group, name="agreement")


def _list(
    context: typer.Context,
    every: Annotated[bool, typer.Option("--all", help="Those that have ended, too.")] = False,
) -> None:
    """List the agreements with each partner: how they stand, and what is due from whom.

    \b
    Examples:
      agency agreements
      agency agreements --all --json
    """
    from agency_client.agreements.desks import load_whom_to_call
    from agency_client.agreements.views import list_lines, read_as_of
    from agency_client.node import Node
    from agency_client.statuses.standing import list_ages
    from agency_client.terminal.agreement_pages import describe_line, show_as_of, show_state, tell_of_several
    from agency_client.terminal.partner_pages import describe_age, mark_agency, warn_of_ages

    invocation = get_invocation(context)
    with Node(invocation.open_profile(), invocation.clock) as node:
        lines, as_of = list_lines(node, even_ended=every), read_as_of(node)
        partners = [line.partner for line in lines]
        ages, whom = list_ages(node, partners), load_whom_to_call(node, partners)
    rows = [
        (
            line.agreement[:_ID_CHARACTERS],
            mark_agency(line.partner, ages),
            str(line.terms.version),
            show_state(line),
            f"{line.terms.in_force_until:%Y-%m-%d}",
            line.due,
            line.terms.title,
        )
        for line in lines
    ]
    titles = ("id", "partner", "version", "state", "until", "due", "title")
    invocation.output.show_table(titles, rows, empty="no agreement is known here; agency sync pulls what partners said")
    show_as_of(invocation.output, as_of)
    seen_at = as_of.seen_at if as_of else None
    warn_of_ages(invocation.output, ages.values(), whom)
    tell_of_several(invocation.output, lines)
    described = [{**describe_line(line), "partner_status": describe_age(ages[line.partner])} for line in lines]
    invocation.output.write_json({"as_of": seen_at, "agreements": described})


def _export(
    context: typer.Context,
    reference: Reference,
    out: Annotated[Path, typer.Option(help="Where to write the signed steps.")],
) -> None:
    """Write an agreement's signed steps to a file: to show them to the partner past the exchange.

    \b
    Example:
      agency agreement export 3f0f6d0a --out steps.json
    """
    from agency_client.agreements.files import export_steps
    from agency_client.node import Node
    from agency_client.profiles.public_files import write_new_file

    invocation = get_invocation(context)
    with Node(invocation.open_profile(), invocation.clock) as node:
        file = export_steps(node, reference)
    write_new_file(out, file.canonical())
    invocation.output.say(f"{len(file.steps)} steps of {file.agreement} are in {out}")
    invocation.output.write_json({"agreement": file.agreement, "steps": len(file.steps), "file": out})


def _import(context: typer.Context, file: Annotated[Path, typer.Argument(help="What the partner exported.")]) -> None:
    """Take over the partner's signed steps from a file. What narrows counts at once; what widens, once the log has it.

    \b
    Example:
      agency agreement import steps.json
    """
    from agency_client.agreements.files import import_steps, read_steps_file
    from agency_client.node import Node
    from agency_client.profiles.public_files import read_foreign_file

    invocation = get_invocation(context)
    steps_file = read_steps_file(read_foreign_file(file))
    with Node(invocation.open_profile(), invocation.clock) as node:
        new = import_steps(node, steps_file)
    rows = [(step.agency, step.action.value, f"{step.time:%Y-%m-%d %H:%M}") for step in new]
    invocation.output.show_table(("party", "step", "time"), rows, empty="every step was here already")
    invocation.output.write_json(
        {"new": [{"agency": step.agency, "action": step.action.value, "time": step.time} for step in new]}
    )
