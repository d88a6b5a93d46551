"""`agency import`: begin alerts from a file of other tools or a table, and see of every value what became of it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agency_client.cli.invocation import Invocation, get_invocation
from agency_client.terminal.output import Cell, Output, Tone

if TYPE_CHECKING:
    from agency_client.interchange.tables.importing import JudgedLine, TableCount, TableOrder

_TABLE = "csv"


def register(app: typer.Typer) -> None:
    """Add the verbs of this group."""
    app.command("import")(_import)


def _import(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="A STIX 2.1 bundle or a MISP event, as JSON; or a table in CSV.")],
    as_: Annotated[str, typer.Option("--as", help="What the file is: stix, misp or csv.", show_default=False)],
    out: Annotated[
        Path,
        typer.Option(
            "--out", "-o", help="The new file with the beginning of an alert; of a table, FILE.jsonl or a new folder."
        ),
    ],
    reason: Annotated[str, typer.Option(help="Why; it stands in this agency's access log.", show_default=False)],
    kind: Annotated[
        str | None, typer.Option(help="The kind to begin, where the file names none: facilitator if not given.")
    ] = None,
    mapping: Annotated[
        Path | None, typer.Option("--map", help="Of a table: which column is which field, in TOML.")
    ] = None,
    refused: Annotated[
        Path | None, typer.Option(help="Of a table: write refused lines into this new file, with the reasons.")
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Of a table: take nothing if a line is refused.")] = False,
    case: Annotated[str | None, typer.Option(help="Your case reference.")] = None,
) -> None:
    """Begin alerts from a file of other tools or from a table: complete them, then send them like any other.

    Nothing in the file is believed, and nothing is dropped in silence: what has no place is listed with the reason.
    An export of your own message comes back whole; another agency's message is passed on instead. Of a table each line
    is an alert; those refused are listed with line, column and what would be right.

    \b
    Examples:
      agency import case.stix.json --as stix --out draft.json --reason "case 74/08"
      agency import event.json --as misp --kind financial-flow --out draft.json --reason "case 74/08"
      agency import stolen.csv --as csv --map stolen-blanks.toml --out drafts --reason "register of November" \\
          --refused mend.csv
      agency send draft.json --to VN --dry-run
    """
    from agency_client.errors import UsageError

    invocation = get_invocation(context)
    if as_ != _TABLE:
        if mapping is not None or refused is not None or strict:
            raise UsageError("--map, --refused and --strict are for tables", fix="add --as csv, or leave them out")
        _import_one(invocation, (file, out), as_, kind or "facilitator", (reason, case))
        return
    if mapping is None or kind is not None:
        raise UsageError("a table has its kind and its columns in a mapping", fix="give --map FILE.toml, and no --kind")
    from agency_client.interchange.tables.importing import TableOrder

    _import_table(invocation, TableOrder(file, mapping, out, reason, case, refused, strict))


def _import_one(
    invocation: Invocation, files: tuple[Path, Path], as_: str, kind: str, why: tuple[str, str | None]
) -> None:
    from agency_client.interchange.exporting import Format
    from agency_client.interchange.importing import import_file
    from agency_client.node import Node
    from agency_client.typed_codes import parse_code

    output = invocation.output
    (file, out), (reason, case) = files, why
    format_ = parse_code(Format, as_, "as")
    with Node(invocation.open_profile(), invocation.clock) as node:
        draft = import_file(node, file, out, format_, kind=kind, reason=reason, case=case)
    output.say(f"{out}: {len(draft.taken)} values taken; complete it, then: agency send {out} --dry-run", Tone.GOOD)
    for where, why_not in draft.refused:
        output.say(f"not taken: {where}: {why_not}", Tone.CAUTION)
    output.write_json(
        {
            "file": out,
            "taken": draft.taken,
            "refused": [{"where": where, "why": why_not} for where, why_not in draft.refused],
        }
    )


def _import_table(invocation: Invocation, order: "TableOrder") -> None:
    from agency_client.client import make_usual
    from agency_client.interchange.tables.importing import import_table
    from agency_client.node import Node
    from schemas.markings import Tlp

    output = invocation.output
    size = order.file.stat().st_size
    with (
        Node(invocation.open_profile(), invocation.clock) as node,
        output.show_progress(f"reading {order.file.name}", size) as advance,
    ):
        usual = make_usual(node, Tlp.AMBER, node.clock.now())
        count = import_table(node, order, usual, tell=lambda judged: _tell(output, judged), advance=advance)
    _show_count(output, order, count)


def _tell(output: Output, judged: "JudgedLine") -> None:
    """Show what is wrong with a line, or doubtful about it, as soon as it was read."""
    from agency_client.interchange.tables.importing import describe_problem

    number = judged.line.number
    for item in judged.problems:
        output.show_details([(f"line {number}", Cell(f"refused: {describe_problem(item)}", Tone.BAD))])
    for doubt in judged.doubts:
        words = f"doubtful: {doubt.field}: {doubt.sentence}" if doubt.field else f"doubtful: {doubt.sentence}"
        output.show_details([(f"line {number}", Cell(words, Tone.CAUTION))])
    problems = [
        {"column": item.column, "field": item.field, "problem": item.problem, "example": item.example}
        for item in judged.problems
    ]
    doubts = [{"code": item.code.value, "field": item.field, "sentence": item.sentence} for item in judged.doubts]
    members: dict[str, Any] = {"line": number, "refused": bool(problems), "problems": problems, "doubts": doubts}
    output.write_json(members)


def _show_count(output: Output, order: "TableOrder", count: "TableCount") -> None:
    words = f"{order.out}: {count.taken} drafts; look at one, then: agency send FILE --dry-run"
    output.say(words, Tone.GOOD)
    if count.refused:
        where = f"; they are in {order.refused}" if order.refused else ""
        output.say(f"{count.refused} lines were refused and not taken{where}", Tone.CAUTION)
    if count.doubtful:
        output.say(f"{count.doubtful} drafts are doubtful: sending them asks for your words", Tone.CAUTION)
    for name in count.unread_columns:
        output.say(f"not taken: the column {name}, which the mapping does not speak of", Tone.CAUTION)
    output.write_json(
        {
            "file": order.out,
            "taken": count.taken,
            "refused": count.refused,
            "doubtful": count.doubtful,
            "unread_columns": count.unread_columns,
        }
    )
