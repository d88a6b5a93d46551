"""Terms between two agencies of an attack, their steps, and where these stand."""

from datetime import UTC, datetime
from itertools import count

from schemas.agreements.lifecycle import State, view_agreement
from schemas.agreements.steps import ChainedStep, Step, StepAction, digest_step
from schemas.api import STEPS_PATH, Evidence, StepsAnswer
from tests.support.agreements import Negotiation
from tests.support.caller import Caller, read_answer
from tests.support.exchange import RunningExchange

PROPOSE, ACCEPT, CONFIRM = StepAction.PROPOSE, StepAction.ACCEPT, StepAction.CONFIRM
SUSPEND, RESUME, REVOKE = StepAction.SUSPEND, StepAction.RESUME, StepAction.REVOKE
GB, VN, BE = "GB-HO", "VN-IMM", "BE-OE"

numbers = count()


def negotiate(exchange: RunningExchange, first: str = GB, second: str = VN) -> Negotiation:
    """Return terms between two members over which nobody has said anything yet."""
    return Negotiation.between(exchange.members[first], exchange.members[second], now(), next(numbers))


def now() -> datetime:
    """Return the true time, as it stands in a step."""
    return datetime.now(UTC).replace(microsecond=0)


def take(caller: Caller, negotiation: Negotiation, action: StepAction) -> Evidence:
    """Take the caller's next step."""
    return caller.submit(STEPS_PATH, negotiation.sign(caller.agency, action, now()))


def conclude(gb: Caller, vn: Caller, negotiation: Negotiation) -> None:
    """Bring terms into force."""
    take(gb, negotiation, PROPOSE)
    take(vn, negotiation, ACCEPT)
    take(gb, negotiation, CONFIRM)


def read_steps(caller: Caller) -> list[Step]:
    """Return every step that the exchange shows this caller."""
    answer = read_answer(caller.get(STEPS_PATH), StepsAnswer)
    assert not answer.more
    return [Step.from_canonical(one.document.payload_bytes) for one in answer.steps]


def view_state(caller: Caller, negotiation: Negotiation) -> State:
    """Return where the agreement stands as anybody computes it from the steps the exchange gives."""
    chains: dict[str, tuple[ChainedStep, ...]] = {}
    for step in read_steps(caller):
        if step.agreement == negotiation.terms.id:
            item = ChainedStep(step, digest_step(step.canonical()))
            chains[step.agency] = (*chains.get(step.agency, ()), item)
    return view_agreement(negotiation.terms.digest(), chains, now()).state
