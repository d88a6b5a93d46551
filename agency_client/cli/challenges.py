"""`agency challenge lodge`, `answer`, `list`: a revocation, or another report about a document, is disputed."""

from typing import TYPE_CHECKING, Annotated

import typer

from agency_client.cli.answer_options import MessageId, Words, Writer, show_report, with_writer
from agency_client.cli.invocation import get_invocation
from agency_client.terminal.output import Tone

if TYPE_CHECKING:
    from agency_client.challenges.lodging import Grounds
    from agency_client.terminal.output import Output

Court = Annotated[str | None, typer.Option(help="The court that deals with it.")]


def register(app: typer.Typer) -> None:
    """Add the verbs of this group."""
    words = "Challenge what a state reported of a document, or answer a challenge of a report of your own."
    group = typer.Typer(help=words, no_args_is_help=True, rich_markup_mode=None)
    group.command("lodge")(_lodge)
    group.command("answer")(_answer)
    group.command("list")(_list)
    app.add_typer(group, name="challenge")


@with_writer
def _lodge(
    context: typer.Context,
    writer: Writer,
    message_id: Annotated[str | None, typer.Argument(help="The report's id, or its beginning.")] = None,
    asked: Annotated[
        str | None, typer.Option("--for", metavar="ID", help="Pass a partner's challenge on, for that partner.")
    ] = None,
    ground: Annotated[str | None, typer.Option(help="A code of the list; a wrong one is answered with it.")] = None,
    demand: Annotated[
        list[str] | None, typer.Option(help="What is asked, like show-legal-basis; again for more. Usually review.")
    ] = None,
    court: Court = None,
    court_reference: Annotated[str | None, typer.Option(help="That court's reference.")] = None,
    words: Words = None,
) -> None:
    """Challenge a report with who sent it. It is shown as challenged here from now on, until you withdraw that.

    Say nothing of where the holder is, or of an application for protection: the state that reported it reads this.

    \b
    Examples:
      agency challenge lodge 5d1c8a52 --ground not-final --court "Administrative court, Zenith"
      agency challenge lodge 5d1c8a52 --ground no-legal-basis --demand show-legal-basis --demand review
      agency challenge lodge --for 7b5e9d10
    """
    from agency_client.challenges.lodging import lodge, lodge_for_partner
    from agency_client.errors import UsageError
    from agency_client.node import Node
    from schemas.alerts.kinds.revocation_challenge import ChallengeGround

    invocation = get_invocation(context)
    if (message_id is None) == (asked is None):
        raise UsageError("name a report, or a partner's challenge", fix="agency challenge lodge ID, or --for ID")
    if asked is None and ground is None:
        raise UsageError("say why", fix=f"add --ground, one of: {', '.join(ChallengeGround)}")
    with Node(invocation.open_profile(), invocation.clock) as node:
        author = writer.make_author(invocation, node, "challenge of a report")
        if asked is not None:
            report = lodge_for_partner(node, asked, author)
        else:
            grounds = _read_grounds(ground or "", demand or ["review"], words, court, court_reference)
            report = lodge(node, message_id or "", author, grounds)
    show_report(invocation, report)


def _read_grounds(
    ground: str, demands: list[str], words: str | None, court: str | None, court_reference: str | None
) -> "Grounds":
    from agency_client.challenges.lodging import Grounds
    from agency_client.typed_codes import parse_code
    from schemas.alerts.kinds.revocation_challenge import ChallengeDemand, ChallengeGround

    return Grounds(
        parse_code(ChallengeGround, ground, "ground"),
        tuple(parse_code(ChallengeDemand, code, "demand") for code in demands),
        words,
        court,
        court_reference,
    )


@with_writer
def _answer(
    context: typer.Context,
    writer: Writer,
    challenge_id: MessageId,
    status: Annotated[str, typer.Option(help="open, upheld or dismissed.")],
    at: Annotated[str, typer.Option(help="Before whom it is, or was: a court, an authority.")],
    decided_on: Annotated[str | None, typer.Option(help="When it was decided, like 2026-12-03.")] = None,
    words: Words = None,
) -> None:
    """Tell everyone who has the report how a challenge of it stands; who lodged it gets an acknowledgement as well.

    \b
    Examples:
      agency challenge answer 7b5e9d10 --status open --at "Administrative court, Zenith"
      agency challenge answer 7b5e9d10 --status dismissed --at "Passport office" --decided-on 2026-12-03 \\
          --words "The appeal was late"
    """
    from agency_client.challenges.answering import ChallengeAnswer, answer_challenge
    from agency_client.node import Node
    from agency_client.sending.answering import AnswerReport
    from agency_client.typed_codes import parse_code
    from schemas.alerts.kinds.document_status import ChallengeState

    invocation = get_invocation(context)
    answer = ChallengeAnswer(parse_code(ChallengeState, status, "status"), at, decided_on, words)
    with Node(invocation.open_profile(), invocation.clock) as node:
        author = writer.make_author(invocation, node, f"challenge: {answer.state.label}")
        report = answer_challenge(node, challenge_id, author, answer)
    _warn_untold(invocation.output, report.untold)
    told = AnswerReport(
        "document-status",
        report.acknowledgement.thread,
        (*report.items, *report.acknowledgement.items),
        report.acknowledgement.is_repeated,
    )
    show_report(invocation, told)


def _list(context: typer.Context) -> None:
    """List the challenges lodged here and with others, what became of each, and what is due.

    \b
    Example:
      agency challenge list
    """
    from agency_client.challenges.overview import view_challenges
    from agency_client.duties.listing import note_listing
    from agency_client.node import Node
    from agency_client.terminal.challenge_pages import TITLES, describe_view, list_rows

    invocation = get_invocation(context)
    with Node(invocation.open_profile(), invocation.clock) as node:
        note_listing(node, "challenges")
        view = view_challenges(node)
    output = invocation.output
    output.say("challenges of our own reports", Tone.STRONG)
    output.show_table(TITLES, list_rows(view.received, view.now), empty="nobody challenges a report of ours")
    output.say("challenges we lodged", Tone.STRONG)
    output.show_table(TITLES, list_rows(view.lodged, view.now), empty="we challenge nobody's report")
    output.write_json(describe_view(view))


def _warn_untold(output: "Output", untold: tuple[tuple[str, str], ...]) -> None:
    for agency, why in untold:
        output.say(f"{agency} could not be told: {why}; call its duty desk", Tone.BAD)
