"""What tests ask of the answer to a lease."""

from schemas.api import LeaseAnswer
from tests.broker.bench import Bench, ids_of, outcomes_of
from tests.support.messages import make_id


def named(answer: LeaseAnswer, *names: object) -> bool:
    """Return whether an answer has these messages, in this order, and no other."""
    return ids_of(answer) == [make_id(name) for name in names]


def outcomes(bench: Bench, agency: str) -> list[tuple[str, str]]:
    """Let an agency collect and acknowledge what it is told, and return the outcomes among it."""
    answer = bench.lease(agency)
    if answer.items:
        bench.acknowledge(agency, answer)
    return outcomes_of(answer)
