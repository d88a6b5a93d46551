"""`agency import`: begin an alert from a file of other tools, and see of every value what became of it."""

from pathlib import Path
from typing import Annotated

import typer

from agency_client.cli.invocation import get_invocation
from agency_client.terminal.output import Tone


def register(app: typer.Typer) -> None:
    """Add the verbs of this group."""
    app.command("import")(_import)


def _import(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="A STIX 2.1 bundle or a MISP event, as JSON.")],
    as_: Annotated[str, typer.Option("--as", help="What the file is: stix or misp.", show_default=False)],
    out: Annotated[Path, typer.Option("--out", "-o", help="The new file with the beginning of an alert.")],
    reason: Annotated[str, typer.Option(help="Why; it stands in this agency's access log.", show_default=False)],
    kind: Annotated[
        str, typer.Option(help="The kind to begin, where the file names none.")
    ] = "facilitator",
    case: Annotated[str | None, typer.Option(help="Your case reference.")] = None,
) -> None:
    """Begin an alert from a file of other tools: complete it, then send it like any other.

    Nothing in the file is believed, and nothing is dropped in silence: what has no place is listed with the reason.
    An export of your own message comes back whole; another agency's message is passed on instead.

    \b
    Examples:
      agency import case.stix.json --as stix --out draft.json --reason "case 74/08"
      agency import event.json --as misp --kind financial-flow --out draft.json --reason "case 74/08"
      agency send draft.json --to VN --dry-run
    """
    from agency_client.interchange.exporting import Format
    from agency_client.interchange.importing import import_file
    from agency_client.node import Node
    from agency_client.typed_codes import parse_code

    invocation = get_invocation(context)
    output = invocation.output
    format_ = parse_code(Format, as_, "as")
    with Node(invocation.open_profile(), invocation.clock) as node:
        draft = import_file(node, file, out, format_, kind=kind, reason=reason, case=case)
    output.say(f"{out}: {len(draft.taken)} values taken; complete it, then: agency send {out} --dry-run", Tone.GOOD)
    for where, why in draft.refused:
        output.say(f"not taken: {where}: {why}", Tone.CAUTION)
    output.write_json(
        {
            "file": out,
            "taken": draft.taken,
            "refused": [{"where": where, "why": why} for where, why in draft.refused],
        }
    )
