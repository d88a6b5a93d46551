"""Steps that meet in one batch see each other, and what is read back is what was committed."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

import broker.agreements.service as service_module
from broker.access.caller import Caller
from broker.agreements.errors import ChainConflictError
from broker.agreements.service import StepRange
from broker.http.refusal import RefusedError, find_refusal
from schemas.agreements.lifecycle import State
from schemas.agreements.steps import StepAction, digest_step
from schemas.log.records import Role
from tests.broker.bench import GB, VN, Bench
from tests.support.agreements import Negotiation, sign_step

PROPOSE, ACCEPT, CONFIRM = StepAction.PROPOSE, StepAction.ACCEPT, StepAction.CONFIRM
SUSPEND, RESUME, REVOKE = StepAction.SUSPEND, StepAction.RESUME, StepAction.REVOKE


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path, GB, VN)
    yield bench
    bench.close()


def call(bench: Bench, agency: str, role: Role = Role.NODE) -> Caller:
    return Caller(agency, "node-1", role, bytes(32), bench.clock.now() + timedelta(minutes=5))


def negotiate(bench: Bench) -> Negotiation:
    return Negotiation.between(bench.members[GB], bench.members[VN], bench.clock.now())


def take(bench: Bench, negotiation: Negotiation, agency: str, action: StepAction) -> int:
    document = negotiation.sign(agency, action, bench.clock.now())
    evidence, is_new = bench.run(bench.agreements.submit(call(bench, agency), document))
    assert is_new
    return evidence.leaf.index


def test_crossing_steps_of_one_batch_are_all_kept_and_judged_in_their_order(bench: Bench) -> None:
    negotiation = negotiate(bench)
    take(bench, negotiation, GB, PROPOSE)
    take(bench, negotiation, VN, ACCEPT)
    now = bench.clock.now()
    confirm, suspend = negotiation.sign(GB, CONFIRM, now), negotiation.sign(VN, SUSPEND, now)
    resume = negotiation.sign(VN, RESUME, now)

    async def cross() -> list[object]:
        steps = ((GB, confirm), (VN, suspend), (VN, resume))
        return await asyncio.gather(*(bench.agreements.submit(call(bench, agency), step) for agency, step in steps))

    answers = bench.run(cross())

    assert len(answers) == 3
    assert bench.book.current.view(negotiation.terms.digest(), now).state is State.IN_FORCE


def test_of_two_steps_under_one_number_in_one_batch_the_first_stands(bench: Bench) -> None:
    negotiation = negotiate(bench)
    for agency, action in ((GB, PROPOSE), (VN, ACCEPT), (GB, CONFIRM)):
        take(bench, negotiation, agency, action)
    steps = [negotiation.make_step(GB, action, bench.clock.now()) for action in (SUSPEND, REVOKE)]
    member = bench.members[GB]

    async def cross() -> list[object]:
        submit = bench.agreements.submit
        return await asyncio.gather(
            *(submit(call(bench, GB), sign_step(member, step)) for step in steps), return_exceptions=True
        )

    first, second = bench.run(cross())

    assert isinstance(first, tuple)
    assert isinstance(second, Exception)
    refusal = find_refusal(second)
    assert refusal is not None
    assert refusal.slug == "chain-conflict"
    assert digest_step(steps[0].canonical()) in refusal.detail


def test_the_same_step_twice_in_one_batch_is_one_leaf(bench: Bench) -> None:
    document = negotiate(bench).sign(GB, PROPOSE, bench.clock.now())

    async def cross() -> list[tuple[object, bool]]:
        return await asyncio.gather(*(bench.agreements.submit(call(bench, GB), document) for _ in range(5)))

    answers = bench.run(cross())

    assert [is_new for _, is_new in answers].count(True) == 1
    assert len({evidence.leaf.index for evidence, _ in answers}) == 1  # type: ignore[attr-defined]


def test_after_a_restart_the_book_is_what_it_was(bench: Bench) -> None:
    negotiation = negotiate(bench)
    for agency, action in ((GB, PROPOSE), (VN, ACCEPT), (GB, CONFIRM), (VN, SUSPEND)):
        take(bench, negotiation, agency, action)
    before = bench.book.current

    bench.restart()

    assert bench.book.current == before
    assert bench.book.current.view(negotiation.terms.digest(), bench.clock.now()).suspended_by == {VN}


def test_listeners_hear_of_a_step_once_it_is_durable(bench: Bench) -> None:
    heard: list[tuple[str, str, int]] = []
    bench.agreements.on_step(lambda step, terms: heard.append((step.agency, terms.id, bench.log.view.size)))
    negotiation = negotiate(bench)

    index = take(bench, negotiation, GB, PROPOSE)

    assert heard == [(GB, negotiation.terms.id, index + 1)]


def test_pages_of_steps_follow_each_other(bench: Bench) -> None:
    negotiation = negotiate(bench)
    leaves = [
        take(bench, negotiation, agency, action) for agency, action in ((GB, PROPOSE), (VN, ACCEPT), (GB, CONFIRM))
    ]

    first = bench.agreements.list_steps(call(bench, VN), StepRange(-1, 2))
    second = bench.agreements.list_steps(call(bench, VN), StepRange(first.steps[-1].leaf.index, 2))

    assert [one.leaf.index for one in first.steps] == leaves[:2]
    assert [one.leaf.index for one in second.steps] == leaves[2:]
    assert (first.more, second.more) == (True, False)


def test_an_answer_is_cut_before_it_grows_too_large_but_never_empty(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    negotiation = negotiate(bench)
    take(bench, negotiation, GB, PROPOSE)
    take(bench, negotiation, VN, ACCEPT)
    monkeypatch.setattr(service_module, "MAX_ANSWER_BYTES", 1)

    answer = bench.agreements.list_steps(call(bench, GB), StepRange())

    assert len(answer.steps) == 1
    assert answer.more


@pytest.mark.parametrize(
    ("action", "most", "what"),
    [
        (SUSPEND, service_module.MAX_STEPS_PER_MINUTE, "steps"),
        (PROPOSE, service_module.MAX_PROPOSALS_PER_MINUTE, "proposals"),
    ],
)
def test_a_member_hands_in_so_many_a_minute_and_holds_up_nobody_else(
    bench: Bench, action: StepAction, most: int, what: str
) -> None:
    negotiation = negotiate(bench)
    known = negotiation.sign(GB, PROPOSE, bench.clock.now())
    bench.run(bench.agreements.submit(call(bench, GB), known))
    bench.clock.move(60)
    unfitting = negotiation.sign(GB, action, bench.clock.now(), party_seq=9, party_prev="A" * 43)

    for _ in range(most):
        with pytest.raises(ChainConflictError):
            bench.run(bench.agreements.submit(call(bench, GB), unfitting))
    with pytest.raises(RefusedError, match=f"{most} {what} this minute") as refused:
        bench.run(bench.agreements.submit(call(bench, GB), unfitting))
    assert refused.value.refusal.slug == "too-many-requests"
    assert not bench.run(bench.agreements.submit(call(bench, GB), known))[1]
    take(bench, negotiation, VN, ACCEPT)
    bench.clock.move(60)
    with pytest.raises(ChainConflictError):
        bench.run(bench.agreements.submit(call(bench, GB), unfitting))
