"""Numbers about agreements: by state and by what is due, without a name, and counted once a minute."""

from datetime import datetime, timedelta
from itertools import count

from prometheus_client import CollectorRegistry, generate_latest

from broker.agreements.book import Agreements
from broker.observability.agreements import AgreementCollector, count_agreements
from schemas.agreements.lifecycle import Chains, State
from schemas.agreements.steps import StepAction
from schemas.agreements.terms import Terms
from tests.strategies.agreements import GB, MORNING, VN, confirm_terms, make_terms, take_step
from tests.support.messages import make_id

DAY = timedelta(days=1)
_LEAVES = count()


class SetClock:
    """A clock that shows what it was set to."""

    def __init__(self) -> None:
        self.shown = MORNING

    def now(self) -> datetime:
        return self.shown


def make_book(*every: Chains) -> Agreements:
    """Return a book of several agreements' chains."""
    steps = [(next(_LEAVES), item) for chains in every for agency in chains for item in chains[agency]]
    return Agreements().add_all(steps)


def make_own_terms(name: str, days: int, review: int) -> Terms:
    """Return terms of an agreement of its own that ends, and is reviewed, so many days from now."""
    return make_terms(
        id=make_id(name),
        in_force_from=MORNING - DAY,
        in_force_until=MORNING + days * DAY,
        review_by=MORNING + review * DAY,
    )


def confirm(terms: Terms) -> Chains:
    chains: Chains = {}
    for agency, action in ((GB, StepAction.PROPOSE), (VN, StepAction.ACCEPT), (GB, StepAction.CONFIRM)):
        chains = take_step(chains, agency, action, terms, agreement=terms.id)
    return chains


def test_versions_are_counted_by_state_and_by_what_is_due() -> None:
    proposed = make_own_terms("proposed", 5, 3)
    suspended = make_own_terms("suspended", 20, 6)
    book = make_book(
        confirm(make_own_terms("long", 400, 300)),
        confirm(make_own_terms("soon", 59, 29)),
        take_step(confirm(suspended), VN, StepAction.SUSPEND, suspended, agreement=suspended.id),
        take_step({}, GB, StepAction.PROPOSE, proposed, agreement=proposed.id),
    )
    counts = count_agreements(book, MORNING)
    assert {state: number for state, number in counts.states.items() if number} == {
        State.IN_FORCE: 2, State.SUSPENDED: 1, State.PROPOSED: 1,
    }  # fmt: skip
    assert set(counts.states) == set(State)
    assert counts.ending == {7: 0, 30: 1, 60: 2}
    assert counts.reviews == {7: 1, 30: 2, 60: 2}
    later = count_agreements(book, MORNING + 30 * DAY)
    assert (later.states[State.EXPIRED], later.ending, later.reviews) == (2, {7: 0, 30: 1, 60: 1}, {7: 1, 30: 1, 60: 1})


def test_what_is_shown_names_nobody_and_is_counted_once_a_minute() -> None:
    clock, asked = SetClock(), []

    def read() -> Agreements:
        asked.append(clock.shown)
        return make_book(confirm_terms(make_terms()))

    registry = CollectorRegistry()
    registry.register(AgreementCollector(read, clock))
    assert asked == []
    text = generate_latest(registry).decode()
    assert 'bilateral_agreements{state="in-force"} 1.0' in text
    assert 'bilateral_agreements_ending{within_days="60"} 0.0' in text
    assert 'bilateral_agreements_review_due{within_days="7"} 0.0' in text
    assert not any(agency in text for agency in (GB, VN))
    clock.shown += timedelta(seconds=59)
    generate_latest(registry)
    assert len(asked) == 1
    clock.shown += timedelta(seconds=1)
    generate_latest(registry)
    assert len(asked) == 2
    clock.shown -= timedelta(hours=1)
    generate_latest(registry)
    assert len(asked) == 3
