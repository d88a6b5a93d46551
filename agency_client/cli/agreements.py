"""`agency agreements`, `agency agreement …`: list and read agreements, and say something of one, signed."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agency_client.cli.invocation import Invocation, get_invocation
from agency_client.terminal.output import Tone

if TYPE_CHECKING:
    from collections.abc import Callable

    from agency_client.local_store.agreements import StoredStep
    from agency_client.node import Node

_ID_CHARACTERS = 8
WAIT_SECONDS = 30
"""A partner whose node is always on has seen a new leaf by then."""

Reference = Annotated[str, typer.Argument(help="An agreement's id, or a version's digest; the first characters do.")]
Reason = Annotated[str | None, typer.Option(help="Why, in words; the partner reads it.")]
Wait = Annotated[int, typer.Option(min=0, max=3600, help="Seconds to wait for the witnesses to see what is answered.")]
NeededReason = Annotated[str, typer.Option(help="Why, in words; the partner reads it.")]


def register(app: typer.Typer) -> None:
    """Add the verbs of this group."""
    app.command("agreements")(_list)
    words = "Negotiate, show and narrow agreements."
    group = typer.Typer(help=words, no_args_is_help=True, rich_markup_mode=None)
    for name, verb in (
        ("propose", _propose),
        ("counter", _counter),
        ("accept", _accept),
        ("confirm", _confirm),
        ("suspend", _suspend),
        ("resume", _resume),
        ("revoke", _revoke),
        ("withdraw", _withdraw),
        ("reject", _reject),
        ("show", _show),
        ("list", _list),
        ("export", _export),
        ("import", _import),
    ):
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
    from agency_client.agreements.views import list_lines, read_as_of
    from agency_client.node import Node
    from agency_client.statuses.standing import list_ages
    from agency_client.terminal.agreement_pages import describe_line, show_as_of, show_state
    from agency_client.terminal.partner_pages import describe_age, mark_agency, warn_of_ages

    invocation = get_invocation(context)
    with Node(invocation.open_profile(), invocation.clock) as node:
        lines, as_of = list_lines(node, even_ended=every), read_as_of(node)
        ages = list_ages(node, (line.partner for line in lines))
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
    warn_of_ages(invocation.output, ages.values())
    described = [{**describe_line(line), "partner_status": describe_age(ages[line.partner])} for line in lines]
    invocation.output.write_json({"as_of": seen_at, "agreements": described})


def _show(context: typer.Context, reference: Reference) -> None:
    """Show an agreement: state, parties, clauses, duty desks, and who signed what.

    \b
    Examples:
      agency agreement show 3f0f6d0a
      agency agreement show 3f0f6d0a --json
    """
    from agency_client.agreements.views import read_as_of, view_page
    from agency_client.node import Node
    from agency_client.statuses.standing import list_ages
    from agency_client.terminal.agreement_pages import describe_page, show_as_of, show_page
    from agency_client.terminal.partner_pages import describe_age, show_age, warn_of_ages

    invocation = get_invocation(context)
    with Node(invocation.open_profile(), invocation.clock) as node:
        page, as_of = view_page(node, reference), read_as_of(node)
        age = list_ages(node, [page.line.partner])[page.line.partner]
    show_page(invocation.output, page, show_age(age))
    warn_of_ages(invocation.output, [age])
    show_as_of(invocation.output, as_of)
    seen_at = as_of.seen_at if as_of else None
    invocation.output.write_json({"as_of": seen_at, "partner_status": describe_age(age), **describe_page(page)})


def _propose(
    context: typer.Context,
    file: Annotated[Path | None, typer.Argument(help="The terms, in TOML or JSON.")] = None,
    amends: Annotated[str | None, typer.Option(help="The agreement this is the next version of.")] = None,
    template: Annotated[bool, typer.Option("--template", help="Print terms to start from, nothing else.")] = False,
    reason: Reason = None,
) -> None:
    """Propose terms to a partner that is pinned. Anchors, ids and digests are filled in.

    \b
    Examples:
      agency agreement propose --template > terms.toml
      agency agreement propose terms.toml
      agency agreement propose terms-2.toml --amends 3f0f6d0a
    """
    from agency_client.agreements import flows
    from agency_client.agreements.drafting import read_template, read_terms_file
    from agency_client.errors import UsageError

    invocation = get_invocation(context)
    if template:
        invocation.output.write_raw(read_template(invocation.clock.now().date()))
        return
    if file is None:
        raise UsageError("no terms were named", fix="name a file; to start: agency agreement propose --template")
    fields = read_terms_file(file)
    _say(invocation, lambda node: flows.propose(node, fields, amends=amends, reason=reason))


def _counter(
    context: typer.Context,
    reference: Reference,
    file: Annotated[Path, typer.Argument(help="Our terms, in TOML or JSON.")],
    reason: Reason = None,
) -> None:
    """Answer a proposal with other terms.

    \b
    Example:
      agency agreement counter 3f0f6d0a our-terms.toml --reason "retention is too long"
    """
    from agency_client.agreements import flows
    from agency_client.agreements.drafting import read_terms_file

    fields = read_terms_file(file)
    _say(get_invocation(context), lambda node: flows.counter(node, reference, fields, reason=reason))


def _accept(
    context: typer.Context,
    reference: Reference,
    confirm_within: Annotated[
        int, typer.Option(min=1, max=90, help="Within how many days the partner must confirm.")
    ] = 14,
    reason: Reason = None,
    wait: Wait = WAIT_SECONDS,
) -> None:
    """Accept the partner's proposal. It binds once the partner confirms in time.

    What widens waits until the pinned witnesses have seen the step it answers; so do confirm and resume.

    \b
    Example:
      agency agreement accept 3f0f6d0a --confirm-within 7
    """
    from datetime import timedelta

    from agency_client.agreements import flows

    invocation = get_invocation(context)
    until = invocation.clock.now() + timedelta(days=confirm_within)
    _say(invocation, lambda node: flows.accept(node, reference, reason=reason, confirm_by=until), wait)


def _confirm(context: typer.Context, reference: Reference, reason: Reason = None, wait: Wait = WAIT_SECONDS) -> None:
    """Confirm a proposal of ours that the partner accepted: from then on it binds both.

    \b
    Example:
      agency agreement confirm 3f0f6d0a
    """
    from agency_client.agreements import flows

    _say(get_invocation(context), lambda node: flows.confirm(node, reference, reason=reason), wait)


def _suspend(context: typer.Context, reference: Reference, reason: NeededReason) -> None:
    """Suspend an agreement at once, all its versions. Only who suspended can resume.

    \b
    Example:
      agency agreement suspend 3f0f6d0a --reason "the partner's duty desk does not answer"
    """
    from agency_client.agreements import flows

    _say(get_invocation(context), lambda node: flows.suspend(node, reference, reason=reason))


def _resume(context: typer.Context, reference: Reference, reason: Reason = None, wait: Wait = WAIT_SECONDS) -> None:
    """End a suspension of ours.

    \b
    Example:
      agency agreement resume 3f0f6d0a
    """
    from agency_client.agreements import flows

    _say(get_invocation(context), lambda node: flows.resume(node, reference, reason=reason), wait)


def _revoke(
    context: typer.Context,
    reference: Reference,
    reason: NeededReason,
    effective_from: Annotated[
        str | None, typer.Option("--from", help="The first day without it, like 2027-03-01; at once by default.")
    ] = None,
) -> None:
    """End an agreement for good, all its versions. It cannot be taken back.

    \b
    Example:
      agency agreement revoke 3f0f6d0a --reason "ended with notice" --from 2027-03-01
    """
    from agency_client.agreements import flows

    moment = None if effective_from is None else _parse_day(effective_from)
    _say(get_invocation(context), lambda node: flows.revoke(node, reference, reason=reason, effective_from=moment))


def _withdraw(context: typer.Context, reference: Reference, reason: Reason = None) -> None:
    """Take back a proposal or an acceptance of ours.

    \b
    Example:
      agency agreement withdraw 3f0f6d0a
    """
    from agency_client.agreements import flows

    _say(get_invocation(context), lambda node: flows.withdraw(node, reference, reason=reason))


def _reject(context: typer.Context, reference: Reference, reason: Reason = None) -> None:
    """Refuse the partner's proposal.

    \b
    Example:
      agency agreement reject 3f0f6d0a --reason "no legal basis"
    """
    from agency_client.agreements import flows

    _say(get_invocation(context), lambda node: flows.reject(node, reference, reason=reason))


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


def _say(invocation: Invocation, sign: "Callable[[Node], StoredStep]", wait_seconds: int = 0) -> None:
    """Learn what the partner said, sign, hand in, cosign, and show how the agreement stands now."""
    from agency_client.agreements.submitting import submit_step
    from agency_client.agreements.views import view_page
    from agency_client.connection import NotSentError
    from agency_client.errors import OfflineError
    from agency_client.node import Node
    from agency_client.statuses.signing import announce_narrowing
    from agency_client.terminal.agreement_pages import describe_line, show_state
    from agency_client.witness.waiting import meet_witnesses

    with Node(invocation.open_profile(), invocation.clock) as node:
        _pull_if_online(invocation, node)
        step = _sign_when_witnessed(invocation, node, sign, wait_seconds)
        try:
            submit_step(node, step.digest)
        except OfflineError as error:
            if not isinstance(error, NotSentError):
                announce_narrowing(node)  # an exchange that is there and will not take it cannot hide it either
            raise OfflineError(
                f"signed, but not handed in yet: {error.sentence}",
                fix=f"it stays queued; run: agency sync (agreement {step.agreement})",
                code=error.code,
            ) from error
        meet_witnesses(node)
        announce_narrowing(node)
        page = view_page(node, step.terms_digest)
    line = page.line
    invocation.output.show_details(
        [
            ("agreement", line.agreement),
            ("digest", line.digest),
            ("partner", line.partner),
            ("state", show_state(line)),
            ("because", line.because),
            ("due", line.due or "-"),
        ]
    )
    invocation.output.write_json({"step": step.digest, "action": step.action, **describe_line(line)})


def _sign_when_witnessed(
    invocation: Invocation, node: "Node", sign: "Callable[[Node], StoredStep]", wait_seconds: int
) -> "StoredStep":
    """Sign now, or as soon as the witnesses have seen what is answered, if that is within the time given."""
    import time

    from agency_client.witness.waiting import wait_for_witnesses

    def tell(sentence: str) -> None:
        invocation.output.say(f"waiting for the witnesses, up to {wait_seconds} s: {sentence}", Tone.CAUTION)

    return wait_for_witnesses(node, lambda: sign(node), seconds=wait_seconds, pause=time.sleep, on_wait=tell)


def _pull_if_online(invocation: Invocation, node: "Node") -> None:
    from agency_client.agreements.pulling import pull_steps
    from agency_client.errors import OfflineError
    from agency_client.witness.waiting import meet_witnesses

    try:
        meet_witnesses(node)
        report = pull_steps(node)
    except OfflineError:
        return  # The step is judged by what is known here, and queued.
    for held in report.held:
        invocation.output.say(f"a step of {held.agency} waits: {held.sentence}", Tone.CAUTION)


def _parse_day(text: str) -> datetime:
    from agency_client.errors import UsageError

    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError as error:
        raise UsageError(f"{text[:40]!r} is no day", fix="write it like 2027-03-01") from error
