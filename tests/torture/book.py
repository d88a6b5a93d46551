"""What §4 of the protocol says of two chains, in another way than the code says it."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from schemas.agreements.steps import Step, StepAction
from schemas.agreements.terms import Terms

Said = Mapping[str, Sequence[Step]]
"""Each party's steps of one agreement, in their order."""

TAKING_BACK = frozenset({StepAction.WITHDRAW, StepAction.REJECT})


def list_versions(said: Said) -> dict[str, Terms]:
    """Return the terms of every version that was proposed, by digest."""
    return {step.digest: step.terms for steps in said.values() for step in steps if step.terms is not None}


def is_signed_by_both(digest: str, said: Said) -> bool:
    """Say whether one party proposed and confirmed, in time, what the other accepted."""
    for proposer in said:
        for accepter in set(said) - {proposer}:
            accepted = _find(said[accepter], StepAction.ACCEPT, digest)
            confirmed = _find(said[proposer], StepAction.CONFIRM, digest)
            if _find(said[proposer], StepAction.PROPOSE, digest) and accepted and confirmed:
                assert accepted.confirm_by is not None
                if confirmed.time <= accepted.confirm_by:
                    return True
    return False


def is_held(steps: Iterable[Step]) -> bool:
    """Say whether a party's last word on suspension is that it suspends."""
    words = [step.action for step in steps if step.action in {StepAction.SUSPEND, StepAction.RESUME}]
    return words[-1:] == [StepAction.SUSPEND]


def list_in_force(said: Said, now: datetime) -> list[str]:
    """Return every version of one agreement that is in force."""
    return sorted(digest for digest in list_versions(said) if _is_in_force(digest, said, now))


def describe_said(said: Said) -> dict[str, list[str]]:
    """Return who said what, as two who look at it compare it."""
    return {
        agency: [f"{step.party_seq} {step.action.value}" for step in steps] for agency, steps in sorted(said.items())
    }


def _is_in_force(digest: str, said: Said, now: datetime) -> bool:
    versions = list_versions(said)
    terms, everything = versions[digest], [step for steps in said.values() for step in steps]
    others = set(versions) - {digest, *_list_older(digest, versions)}
    return (
        is_signed_by_both(digest, said)
        and terms.in_force_from <= now < terms.in_force_until
        and not any(step.digest == digest and step.action in TAKING_BACK for step in everything)
        and not any(step.action is StepAction.REVOKE and (step.effective_from or now) <= now for step in everything)
        and not any(is_held(steps) for steps in said.values())
        and not any(is_signed_by_both(other, said) and versions[other].in_force_from <= now for other in others)
    )


def _list_older(digest: str, versions: Mapping[str, Terms]) -> list[str]:
    older = versions[digest].supersedes if digest in versions else None
    return [] if older is None else [older, *_list_older(older, versions)]


def _find(steps: Iterable[Step], action: StepAction, digest: str) -> Step | None:
    return next((step for step in steps if (step.action, step.digest) == (action, digest)), None)
