"""`agency agreement propose …`: say something of an agreement, signed.

What narrows (suspend, revoke, withdraw, reject) one officer says at once. What widens (propose, counter, accept,
confirm, resume) takes two: the first one's command approves exactly this, the second one's same command signs it.
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agency_client.cli.agreement_signing import say_of_agreement
from agency_client.cli.invocation import get_invocation

if TYPE_CHECKING:
    from agency_client.local_store.agreements import StoredStep
    from agency_client.node import Node

WAIT_SECONDS = 30
"""A partner whose node is always on has seen a new leaf by then."""

Reference = Annotated[str, typer.Argument(help="An agreement's id, or a version's digest; the first characters do.")]
Reason = Annotated[str | None, typer.Option(help="Why, in words; the partner reads it.")]
Wait = Annotated[int, typer.Option(min=0, max=3600, help="Seconds to wait for the witnesses to see what is answered.")]
NeededReason = Annotated[str, typer.Option(help="Why, in words; the partner reads it.")]


def add_steps(group: typer.Typer) -> None:
    """Add the verbs that sign to `agency agreement`."""
    for verb in (propose, counter, accept, confirm, suspend, resume, revoke, withdraw, reject):
        group.command(verb.__name__)(verb)


def propose(
    context: typer.Context,
    file: Annotated[Path | None, typer.Argument(help="The terms, in TOML or JSON.")] = None,
    amends: Annotated[str | None, typer.Option(help="The agreement this is the next version of.")] = None,
    template: Annotated[bool, typer.Option("--template", help="Print terms to start from, nothing else.")] = False,
    reason: Reason = None,
) -> None:
    """Propose terms to a partner that is pinned. Anchors, ids and digests are filled in. It takes two officers.

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
    say_of_agreement(invocation, lambda node: flows.propose(node, fields, amends=amends, reason=reason))


def counter(
    context: typer.Context,
    reference: Reference,
    file: Annotated[Path, typer.Argument(help="Our terms, in TOML or JSON.")],
    reason: Reason = None,
) -> None:
    """Answer a proposal with other terms. It takes two officers.

    \b
    Example:
      agency agreement counter 3f0f6d0a our-terms.toml --reason "retention is too long"
    """
    from agency_client.agreements import flows
    from agency_client.agreements.drafting import read_terms_file

    fields = read_terms_file(file)
    say_of_agreement(get_invocation(context), lambda node: flows.counter(node, reference, fields, reason=reason))


def accept(
    context: typer.Context,
    reference: Reference,
    confirm_within: Annotated[
        int, typer.Option(min=1, max=90, help="Within how many days the partner must confirm.")
    ] = 14,
    reason: Reason = None,
    wait: Wait = WAIT_SECONDS,
) -> None:
    """Accept the partner's proposal. It binds once the partner confirms in time. It takes two officers.

    The first one's command approves, the second one's same command signs. What widens also waits until the pinned
    witnesses have seen the step it answers; so do confirm and resume.

    \b
    Example:
      agency agreement accept 3f0f6d0a --confirm-within 7
    """
    from datetime import timedelta

    from agency_client.agreements import flows

    invocation = get_invocation(context)
    until = invocation.clock.now() + timedelta(days=confirm_within)
    say_of_agreement(invocation, lambda node: flows.accept(node, reference, reason=reason, confirm_by=until), wait)


def confirm(context: typer.Context, reference: Reference, reason: Reason = None, wait: Wait = WAIT_SECONDS) -> None:
    """Confirm a proposal of ours that the partner accepted: from then on it binds both. It takes two officers.

    \b
    Example:
      agency agreement confirm 3f0f6d0a
    """
    from agency_client.agreements import flows

    say_of_agreement(get_invocation(context), lambda node: flows.confirm(node, reference, reason=reason), wait)


def suspend(context: typer.Context, reference: Reference, reason: NeededReason) -> None:
    """Suspend an agreement at once, all its versions. Only who suspended can resume.

    \b
    Example:
      agency agreement suspend 3f0f6d0a --reason "the partner's duty desk does not answer"
    """
    from agency_client.agreements import flows

    say_of_agreement(get_invocation(context), lambda node: flows.suspend(node, reference, reason=reason))


def resume(context: typer.Context, reference: Reference, reason: Reason = None, wait: Wait = WAIT_SECONDS) -> None:
    """End a suspension of ours. It takes two officers.

    \b
    Example:
      agency agreement resume 3f0f6d0a
    """
    from agency_client.agreements import flows

    say_of_agreement(get_invocation(context), lambda node: flows.resume(node, reference, reason=reason), wait)


def revoke(
    context: typer.Context,
    reference: Reference,
    reason: NeededReason,
    effective_from: Annotated[
        str | None, typer.Option("--from", help="The first day without it, like 2027-03-01, after the notice agreed.")
    ] = None,
    notice: Annotated[
        bool, typer.Option("--notice", help="With the notice that was agreed, counted from now.")
    ] = False,
) -> None:
    """End an agreement for good, all its versions, at once or with the notice that was agreed. Nothing takes it back.

    \b
    Examples:
      agency agreement revoke 3f0f6d0a --reason "the partner's law has changed"
      agency agreement revoke 3f0f6d0a --reason "ended with notice" --notice
      agency agreement revoke 3f0f6d0a --reason "ended with notice" --from 2027-03-01
    """
    from agency_client.agreements import flows
    from agency_client.agreements.versions import load_notice_end

    wanted = None if effective_from is None else _parse_day(effective_from)

    def sign(node: "Node") -> "StoredStep":
        end = load_notice_end(node, reference, wanted) if notice or wanted else None
        return flows.revoke(node, reference, reason=reason, effective_from=end)

    say_of_agreement(get_invocation(context), sign)


def withdraw(context: typer.Context, reference: Reference, reason: Reason = None) -> None:
    """Take back a proposal or an acceptance of ours.

    \b
    Example:
      agency agreement withdraw 3f0f6d0a
    """
    from agency_client.agreements import flows

    say_of_agreement(get_invocation(context), lambda node: flows.withdraw(node, reference, reason=reason))


def reject(context: typer.Context, reference: Reference, reason: Reason = None) -> None:
    """Refuse the partner's proposal.

    \b
    Example:
      agency agreement reject 3f0f6d0a --reason "no legal basis"
    """
    from agency_client.agreements import flows

    say_of_agreement(get_invocation(context), lambda node: flows.reject(node, reference, reason=reason))


def _parse_day(text: str) -> datetime:
    from agency_client.errors import UsageError

    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError as error:
        raise UsageError(f"{text[:40]!r} is no day", fix="write it like 2027-03-01") from error
