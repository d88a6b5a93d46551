"""What every verb that says something of an agreement does around it: learn, sign or approve, hand in, and show."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from agency_client.cli.invocation import Invocation
from agency_client.terminal.output import Tone

if TYPE_CHECKING:
    from agency_client.agreements.approving import AwaitedStep
    from agency_client.agreements.flows import Said
    from agency_client.local_store.agreements import StoredStep
    from agency_client.node import Node


def say_of_agreement(invocation: Invocation, sign: "Callable[[Node], Said]", wait_seconds: int = 0) -> None:
    """Learn what the partner said; sign, hand in and show how it stands, or say whose approval is missing."""
    from agency_client.agreements.approving import AwaitedStep
    from agency_client.node import Node

    with Node(invocation.open_profile(), invocation.clock) as node:
        _pull_if_online(invocation, node)
        said = _sign_when_witnessed(invocation, node, sign, wait_seconds)
        if isinstance(said, AwaitedStep):
            _show_awaited(invocation, said)
        else:
            _hand_in(invocation, node, said)


def _show_awaited(invocation: Invocation, awaited: "AwaitedStep") -> None:
    (first, *_) = awaited.approvals
    invocation.output.show_details(
        [
            ("agreement", awaited.agreement),
            ("digest", awaited.terms_digest),
            ("partner", awaited.partner),
            ("state", "not signed: it takes a second officer"),
            ("approved by", f"{first.officer}, counts until {first.expires_at:%Y-%m-%d %H:%M}"),
            ("due", f"another officer of yours gives the same command ({awaited.action.value})"),
        ]
    )
    invocation.output.write_json(
        {
            "action": awaited.action,
            "agreement": awaited.agreement,
            "digest": awaited.terms_digest,
            "partner": awaited.partner,
            "state": "awaits-second-officer",
            "approvals": [
                {"id": item.id, "officer": item.officer, "given_at": item.given_at, "expires_at": item.expires_at}
                for item in awaited.approvals
            ],
        }
    )


def _hand_in(invocation: Invocation, node: "Node", step: "StoredStep") -> None:
    from agency_client.agreements.submitting import submit_step
    from agency_client.agreements.views import view_page
    from agency_client.errors import OfflineError
    from agency_client.refusals import NotSentError
    from agency_client.statuses.signing import announce_narrowing
    from agency_client.terminal.agreement_pages import describe_line, show_state
    from agency_client.witness.waiting import meet_witnesses

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
    line = view_page(node, step.terms_digest).line
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
    invocation: Invocation, node: "Node", sign: "Callable[[Node], Said]", wait_seconds: int
) -> "Said":
    """Sign now, or as soon as the witnesses have seen what is answered, if that is within the time given."""
    from agency_client.agreements.desks import load_whom_to_call
    from agency_client.witness.standing import NotYetWitnessedError
    from agency_client.witness.waiting import wait_for_witnesses

    def tell(sentence: str) -> None:
        invocation.output.say(f"waiting for the witnesses, up to {wait_seconds} s: {sentence}", Tone.CAUTION)

    try:
        return wait_for_witnesses(node, lambda: sign(node), seconds=wait_seconds, pause=time.sleep, on_wait=tell)
    except NotYetWitnessedError as error:
        fix = "; ".join((error.fix, *load_whom_to_call(node, error.missing).values()))
        raise NotYetWitnessedError(error.sentence, fix=fix) from error


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
