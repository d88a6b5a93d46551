"""`agency agreement show`, `diff`, `history`, `page`: read an agreement, compare its versions, print it to paper."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agency_client.cli.agreement_steps import Reference
from agency_client.cli.invocation import Invocation, get_invocation
from agency_client.terminal.output import Tone

if TYPE_CHECKING:
    from schemas.agreements.terms import Terms


def add_pages(group: typer.Typer) -> None:
    """Add the verbs that read to `agency agreement`."""
    for verb in (show, diff, history, page):
        group.command(verb.__name__)(verb)


def show(
    context: typer.Context,
    reference: Reference,
    text: Annotated[
        Path | None, typer.Option(help="The text the governments signed: is it the one these terms name?")
    ] = None,
) -> None:
    """Show an agreement: state, parties, clauses, duty desks, and who signed what.

    With --text the SHA-256 of that file is compared with the one both parties signed; ends with 6 where it differs.

    \b
    Examples:
      agency agreement show 3f0f6d0a
      agency agreement show 3f0f6d0a --text memorandum.pdf
    """
    from agency_client.agreements.views import read_as_of, view_page
    from agency_client.node import Node
    from agency_client.statuses.standing import list_ages, load_whom_of_marked
    from agency_client.terminal.agreement_pages import describe_page, show_as_of, show_page
    from agency_client.terminal.partner_pages import describe_age, show_age, warn_of_ages

    invocation = get_invocation(context)
    with Node(invocation.open_profile(), invocation.clock) as node:
        shown, as_of = view_page(node, reference), read_as_of(node)
        age = list_ages(node, [shown.line.partner])[shown.line.partner]
        whom = load_whom_of_marked(node, [age])
    if text is not None:
        _compare_text(invocation, shown.line.terms, text)
    show_page(invocation.output, shown, show_age(age))
    warn_of_ages(invocation.output, [age], whom)
    show_as_of(invocation.output, as_of)
    seen_at = as_of.seen_at if as_of else None
    matches = {} if text is None else {"text_matches": True}
    described = {"as_of": seen_at, "partner_status": describe_age(age), **matches, **describe_page(shown)}
    invocation.output.write_json(described)


def diff(
    context: typer.Context,
    reference: Reference,
    others: Annotated[
        list[str] | None, typer.Argument(help="Two numbers of its versions, or another version's digest.")
    ] = None,
) -> None:
    """Compare two versions, field by field and clause by clause: what widens, what narrows, what else changes.

    Alone, a version is compared with what it answers or takes the place of.

    \b
    Examples:
      agency agreement diff 3f0f6d0a
      agency agreement diff 3f0f6d0a 1 2
      agency agreement diff -- Zx81q0aB p7Xw22cd
    """
    from agency_client.agreements.comparing import compare_terms
    from agency_client.agreements.versions import find_pair
    from agency_client.node import Node
    from agency_client.terminal.agreement_pages import describe_pair, show_changes

    invocation = get_invocation(context)
    with Node(invocation.open_profile(), invocation.clock) as node:
        pair = find_pair(node, reference, others or [])
    changes = compare_terms(pair.old.terms, pair.new.terms)
    show_changes(invocation.output, pair, changes)
    invocation.output.write_json(describe_pair(pair, changes))


def history(context: typer.Context, reference: Reference) -> None:
    """List every version of an agreement, the newest first, and every signed step with its leaf.

    \b
    Example:
      agency agreement history 3f0f6d0a
    """
    from agency_client.agreements.views import list_lines, view_page
    from agency_client.node import Node
    from agency_client.terminal.agreement_pages import describe_line, describe_steps, show_steps, show_versions

    invocation = get_invocation(context)
    with Node(invocation.open_profile(), invocation.clock) as node:
        found = view_page(node, reference)
        lines = [line for line in list_lines(node, even_ended=True) if line.agreement == found.line.agreement]
    show_versions(invocation.output, lines)
    show_steps(invocation.output, found.history)
    versions = [describe_line(line) for line in lines]
    steps = describe_steps(found.history)
    invocation.output.write_json({"agreement": found.line.agreement, "versions": versions, "steps": steps})


def page(
    context: typer.Context,
    reference: Reference,
    out: Annotated[Path, typer.Option(help="Where to write the page; it must not exist.")],
) -> None:
    """Write an agreement as one page to print: parties and anchors, clauses as sentences, dates, who signed what.

    \b
    Example:
      agency agreement page 3f0f6d0a --out agreement.html
    """
    from agency_client.agreements.printing import make_agreement_page
    from agency_client.agreements.views import view_page
    from agency_client.node import Node
    from agency_client.profiles.public_files import write_new_file

    invocation = get_invocation(context)
    with Node(invocation.open_profile(), invocation.clock) as node:
        found, agency = view_page(node, reference), node.agency
    printed = f"Made by the node of {agency} on {invocation.clock.now():%Y-%m-%d %H:%M} UTC from what it verified."
    write_new_file(out, make_agreement_page(found, printed).encode())
    invocation.output.say(f"version {found.line.terms.version} of {found.line.agreement} is in {out}")
    invocation.output.write_json(
        {"agreement": found.line.agreement, "digest": found.line.digest, "state": found.line.state, "file": out}
    )


def _compare_text(invocation: Invocation, terms: "Terms", file: Path) -> None:
    from agency_client.agreements.versions import verify_text
    from agency_client.profiles.public_files import read_foreign_file

    verify_text(terms, read_foreign_file(file))
    invocation.output.say(f"{file} is the text whose SHA-256 both parties signed", Tone.GOOD)
