"""`agency search`: find a person or a number in what is kept here, across scripts; the question is on record."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from agency_client.cli.invocation import get_invocation
from agency_client.terminal.output import Cell, Output, Tone

if TYPE_CHECKING:
    from agency_client.matching.searching import Hit

_SHORT_ID = 8
_TONES = {0: Tone.STRONG, 1: Tone.STRONG, 2: Tone.NORMAL, 3: Tone.NORMAL, 4: Tone.QUIET}


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("search")(_search)


def _search(
    context: typer.Context,
    reason: Annotated[str, typer.Option(help="Why you search; in this agency's access log, with what you ask for.")],
    text: Annotated[list[str] | None, typer.Argument(help="A name in any script and order, or a number.")] = None,
    name: Annotated[list[str] | None, typer.Option(help="A name; again for other spellings of it.")] = None,
    birth: Annotated[
        str | None, typer.Option(help="The birth date as far as known: 1974-08-12, 1974-08, 1974.")
    ] = None,
    document: Annotated[list[str] | None, typer.Option(metavar="[STATE:]NUMBER", help="A document's number.")] = None,
    phone: Annotated[list[str] | None, typer.Option(help="A telephone number, like +447700900123.")] = None,
    email: Annotated[list[str] | None, typer.Option(help="An e-mail address.")] = None,
    iban: Annotated[list[str] | None, typer.Option(help="An account number.")] = None,
    number: Annotated[
        list[str] | None, typer.Option(help="Any other number: device, plate, ship, wallet, series, flight.")
    ] = None,
    case: Annotated[str | None, typer.Option(help="Your case reference, for the access log.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=400, help="So many at most.")] = 50,
) -> None:
    """List messages that may be about somebody, and why each may be: across scripts, diacritics and word order.

    Every hit is a candidate that a person judges. What is withdrawn or restricted, victims of a misused identity and
    what is for safeguarding officers alone are never listed. Nothing found: exit code 3.

    \b
    Examples:
      agency search "Anna Maria Eriksson" --birth 1974-08-12 --reason "case 74/08"
      agency search --document UTO:L898902C3 --reason "traveller at gate B14"
      agency search --name "محمد علي" --name "Mohamed Ali" --reason "case 12/26"
    """
    from agency_client.errors import NotFoundError
    from agency_client.matching.query import SearchQuery
    from agency_client.matching.searching import search
    from agency_client.node import Node

    invocation = get_invocation(context)
    query = SearchQuery(
        texts=tuple(text or ()),
        names=tuple(name or ()),
        birth_date=birth,
        documents=tuple(document or ()),
        phones=tuple(phone or ()),
        emails=tuple(email or ()),
        ibans=tuple(iban or ()),
        numbers=tuple(number or ()),
    )
    with Node(invocation.open_profile(), invocation.clock) as node:
        hits = search(node, query, reason=reason, case=case, limit=limit)
    if not hits:
        raise NotFoundError("nothing that may be used is kept here about whom you asked for", code="nothing-found")
    _show(invocation.output, hits)
    for hit in hits:
        invocation.output.write_json(_describe(hit))


def _show(output: Output, hits: "list[Hit]") -> None:
    from agency_client.reading.lists import label_kind
    from agency_client.terminal.moments import spell_moment

    for hit in hits:
        message = hit.message
        marks = [Cell(", ".join(hit.marks), Tone.CAUTION)] if hit.marks else []
        output.show_line("")
        output.show_details(
            [
                (message.message_id[:_SHORT_ID], Cell(_spell_level(hit), _TONES[hit.level.rank])),
                ("name", " as ".join(part for part in (hit.name, hit.found_as) if part) or "–"),
                *(("why", reason) for reason in hit.reasons),
                *(("but", mark) for mark in marks),
                ("in", f"{label_kind(message.kind)}: {message.subject}"),
                ("to" if message.is_own else "from", f"{message.partner}, {spell_moment(message.at)}"),
            ]
        )
    output.say(f"{len(hits)} candidates; whether one is the person you decide, and who reads on says why: agency read")


def _spell_level(hit: "Hit") -> str:
    return hit.level.label if hit.level.rank == 0 else f"{hit.level.label}, {hit.score:.2f}"


def _describe(hit: "Hit") -> dict[str, Any]:
    message = hit.message
    return {
        "id": message.message_id,
        "digest": message.digest,
        "direction": "sent" if message.is_own else "received",
        "partner": message.partner,
        "kind": message.kind,
        "subject": message.subject,
        "at": message.at,
        "level": hit.level.name.lower().replace("_", "-"),
        "score": f"{hit.score:.3f}",
        "name": hit.name,
        "found_as": hit.found_as,
        "why": hit.reasons,
        "marks": hit.marks,
    }
