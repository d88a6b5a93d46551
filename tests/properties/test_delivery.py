"""Delivery against a small model: whatever is sent, leased, lapsed, suspended, withdrawn or restarted, in any order.

The model knows which messages a lease must give at each moment, exactly and in order. So nothing that was accepted is
lost, nothing comes again after its acknowledgement, and nothing leaves while its agreement is suspended or has ended.
"""

import tempfile
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from broker.http.refusal import RefusedError
from broker.inbox.service import LEASE_SECONDS
from schemas.agreements.steps import StepAction
from schemas.agreements.terms import Terms
from schemas.api import LeaseAnswer
from schemas.markings import Urgency
from tests.broker.bench import GB, VN, Bench, ids_of, messages_of, outcomes_of
from tests.support.messages import make_id

ENDS = {"message-returned", "message-withdrawn", "message-expired"}


@dataclass
class Agreement:
    """One agreement as the model sees it."""

    terms: Terms
    suspended_by: set[str] = field(default_factory=set)
    is_revoked: bool = False

    @property
    def is_in_force(self) -> bool:
        return not self.suspended_by and not self.is_revoked


@dataclass
class Sent:
    """One accepted message as the model sees it. `leased_until` is set while a lease holds it."""

    name: str
    agreement: Agreement
    urgency: Urgency
    number: int
    expires_at: datetime
    is_aftercare: bool = False
    is_closed: bool = False
    was_handed_over: bool = False
    leased_until: datetime | None = None
    lease: str | None = None

    def is_leased(self, now: datetime) -> bool:
        return self.leased_until is not None and now < self.leased_until

    def may_leave(self, now: datetime) -> bool:
        if self.is_closed or self.is_leased(now) or now >= self.expires_at:
            return False
        return self.is_aftercare or self.agreement.is_in_force


class Delivery(RuleBasedStateMachine):
    """GB sends, VN collects."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.bench = Bench(Path(self.folder.name))
        self.agreements: list[Agreement] = []
        self.sent: list[Sent] = []
        self.leases: list[LeaseAnswer] = []
        self.names = 0

    def teardown(self) -> None:
        try:
            self.check_the_log()
        finally:
            self.bench.close()
            self.folder.cleanup()

    @initialize()
    def begin(self) -> None:
        self.add_agreement()

    @property
    def newest(self) -> Agreement:
        return self.agreements[-1]

    @rule(
        urgency=st.sampled_from(Urgency),
        hours=st.integers(1, 4),
        repeats=st.integers(0, 2),
    )
    def send(self, urgency: Urgency, hours: int, repeats: int) -> None:
        name, lifetime = self.draw_name(), timedelta(hours=hours)
        sealed = self.bench.seal(GB, VN, self.newest.terms, name, urgency=urgency, lifetime=lifetime)
        self.bench.sent[make_id(name)] = sealed
        if not self.newest.is_in_force:
            with pytest.raises(RefusedError):
                self.bench.submit(GB, sealed)
            return
        evidence, is_new = self.bench.submit(GB, sealed)
        assert is_new
        for _ in range(repeats):
            again, is_new = self.bench.submit(GB, sealed)
            assert (again.leaf, is_new) == (evidence.leaf, False)
        number = evidence.leaf.index
        self.sent.append(Sent(name, self.newest, urgency, number, self.bench.now + lifetime))

    @precondition(lambda self: self.sent)
    @rule(data=st.data())
    def send_again(self, data: st.DataObject) -> None:
        chosen = data.draw(st.sampled_from(self.sent))
        evidence, is_new = self.bench.submit(GB, self.bench.sent[make_id(chosen.name)])
        assert (evidence.leaf.index, is_new) == (chosen.number, False)

    @precondition(lambda self: self.sent)
    @rule(data=st.data())
    def withdraw(self, data: st.DataObject) -> None:
        chosen = data.draw(st.sampled_from(self.sent))
        self.bench.sweep()
        name = self.draw_name()
        sealed = self.bench.seal(
            GB,
            VN,
            chosen.agreement.terms,
            name,
            kind="withdrawal",
            refers_to=self.bench.reference(chosen.name),
            lifetime=timedelta(hours=3),
        )
        is_over = not chosen.was_handed_over and (chosen.is_closed or not self.may_still_be_delivered(chosen))
        if is_over:
            with pytest.raises(RefusedError):
                self.bench.submit(GB, sealed)
            return
        evidence, _ = self.bench.submit(GB, sealed)
        self.bench.sent[make_id(name)] = sealed
        chosen.is_closed = True
        expires_at = self.bench.now + timedelta(hours=3)
        self.sent.append(
            Sent(name, chosen.agreement, Urgency.ROUTINE, evidence.leaf.index, expires_at, is_aftercare=True)
        )

    def may_still_be_delivered(self, sent: Sent) -> bool:
        is_ended = sent.agreement.is_revoked and not sent.is_aftercare
        return self.bench.now < sent.expires_at and not is_ended

    @rule(max_items=st.integers(1, 5))
    def lease(self, max_items: int) -> None:
        now = self.bench.now
        answer = self.bench.lease(VN, max_items=max_items)
        ready = sorted(
            (sent for sent in self.sent if sent.may_leave(now)), key=lambda sent: (-sent.urgency.rank, sent.number)
        )
        expected = ready[:max_items]
        assert ids_of(answer) == [make_id(sent.name) for sent in expected]
        assert answer.more == (len(ready) > max_items)
        for sent, item in zip(expected, messages_of(answer), strict=True):
            assert item.envelope == self.bench.sent[make_id(sent.name)].envelope
            sent.was_handed_over = True
            sent.leased_until = now + timedelta(seconds=LEASE_SECONDS)
            sent.lease = answer.lease
        if expected:
            self.leases.append(answer)

    @precondition(lambda self: self.leases)
    @rule(data=st.data())
    def acknowledge(self, data: st.DataObject) -> None:
        answer = data.draw(st.sampled_from(self.leases))
        numbers = data.draw(st.lists(st.sampled_from([item.number for item in answer.items]), min_size=1, unique=True))
        chosen = [sent for sent in self.sent if sent.number in numbers]
        now = self.bench.now
        is_good = all(sent.lease == answer.lease and (self.is_settled(sent) or sent.is_leased(now)) for sent in chosen)
        if not is_good:
            with pytest.raises(RefusedError) as caught:
                self.bench.acknowledge(VN, answer, *numbers)
            assert caught.value.refusal.slug == "lease-unknown"
            return
        open_before = [sent for sent in chosen if not self.is_settled(sent)]
        assert self.bench.acknowledge(VN, answer, *numbers) == len(open_before)
        for sent in open_before:
            sent.is_closed = True

    def is_settled(self, sent: Sent) -> bool:
        """Return whether the broker has closed the item: acknowledged, withdrawn, returned or expired."""
        return self.bench.state(GB, sent.name) in {"handed-over", "returned", "withdrawn", "expired"}

    @rule(agency=st.sampled_from([GB, VN]))
    def suspend(self, agency: str) -> None:
        if not self.newest.is_revoked:
            self.bench.step(agency, self.newest.terms, StepAction.SUSPEND)
            self.newest.suspended_by.add(agency)

    @precondition(lambda self: self.newest.suspended_by and not self.newest.is_revoked)
    @rule(data=st.data())
    def resume(self, data: st.DataObject) -> None:
        agency = data.draw(st.sampled_from(sorted(self.newest.suspended_by)))
        self.bench.step(agency, self.newest.terms, StepAction.RESUME)
        self.newest.suspended_by.discard(agency)

    @rule(agency=st.sampled_from([GB, VN]))
    def revoke_and_agree_anew(self, agency: str) -> None:
        self.bench.step(agency, self.newest.terms, StepAction.REVOKE)
        self.newest.is_revoked = True
        self.add_agreement()

    @rule(seconds=st.sampled_from([1, 30, LEASE_SECONDS, 1800, 7200]))
    def let_time_pass(self, seconds: int) -> None:
        self.bench.clock.move(seconds)

    @rule()
    def restart(self) -> None:
        self.bench.restart()

    @rule()
    def sweep(self) -> None:
        self.bench.sweep()

    @rule()
    def collect_outcomes(self) -> None:
        answer = self.bench.lease(GB)
        seen = outcomes_of(answer)
        assert len(seen) == len(answer.items)
        if answer.items:
            self.bench.acknowledge(GB, answer)

    @invariant()
    def nothing_waits_that_was_closed(self) -> None:
        for sent in self.sent:
            if sent.is_closed:
                assert self.is_settled(sent), sent.name

    def add_agreement(self) -> None:
        terms = self.bench.agree(id=make_id(("agreement", len(self.agreements))))
        self.agreements.append(Agreement(terms))

    def draw_name(self) -> str:
        self.names += 1
        return f"message {self.names}"

    def check_the_log(self) -> None:
        self.bench.sweep()
        for sent in self.sent:
            fates = self.bench.fates(sent.name)
            assert fates[0] == "message-accepted"
            assert fates.count("message-accepted") == 1
            assert sum(fate in ENDS for fate in fates) <= 1
            assert not any(fate in ENDS for fate in fates[:-1])
            held = [fate for fate in fates if fate in {"message-held", "message-released"}]
            assert held == ["message-held", "message-released"] * (len(held) // 2) + ["message-held"] * (len(held) % 2)
        self.bench.verify_log()


TestDelivery: Any = Delivery.TestCase
TestDelivery.settings = settings(max_examples=16, stateful_step_count=40)
