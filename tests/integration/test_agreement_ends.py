"""What becomes of messages under way when an agreement changes or ends, seen on both sides.

A real broker and real nodes in this process, and one time that is set by hand (`tests.torture.site`).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from agency_client.agreements import flows
from agency_client.agreements.signing import StepNotAllowedError
from agency_client.agreements.versions import load_notice_end
from agency_client.agreements.views import list_lines, view_page
from agency_client.errors import ClientError
from agency_client.local_store.agreements import StoredStep
from agency_client.local_store.inbox import InboxState
from agency_client.local_store.outbox import OutboxState
from agency_client.node import Node
from agency_client.sending.composing import make_template
from agency_client.sending.draft import Draft
from agency_client.sending.flow import NotCoveredError, push_past_client, send_alert
from agency_client.sending.views import describe_sent
from agency_client.syncing.rounds import (
    AGREEMENTS,
    LOG,
    Stage,
    run_round,
    wake_outbox,
)
from schemas.agreements.lifecycle import State
from tests.strategies.agreements import make_terms
from tests.support.drafts import make_draft
from tests.support.nodes import make_wide_clause
from tests.support.officers import sign_by_two
from tests.support.witnesses import see_together
from tests.torture.site import BrokerInProcess, Site, SkewedClock, connect, found_site

GB, VN = "GB", "VN"
DAY = timedelta(days=1)


@dataclass
class Town:
    """Two nodes and their exchange, all under one time."""

    site: Site
    exchange: BrokerInProcess
    gb: Node
    vn: Node

    def pass_time(self, span: timedelta) -> None:
        """Let time pass, and let the exchange's sweeper see to what is due."""
        self.site.time.now += span
        self.exchange.sweep()

    @property
    def tomorrow(self) -> datetime:
        """Return the next midnight."""
        return self.site.time.now.replace(hour=0, minute=0, second=0) + DAY

    def meet(self) -> None:
        """Let both nodes hear and witness what was said of agreements, and collect nothing."""
        for node in (self.gb, self.vn, self.gb):
            self._run(node, (LOG, AGREEMENTS))
        see_together(self.gb, self.vn)

    def collect(self) -> None:
        """Let what is under way be collected, and let the sender know what became of it."""
        for node in (self.vn, self.gb):
            self._run(node, None)

    def _run(self, node: Node, stages: tuple[Stage, ...] | None) -> None:
        self.site.time.now += timedelta(seconds=5)
        wake_outbox(node)
        failures = [stage.failure for stage in run_round(node, stages).stages if stage.failure]
        assert not failures

    def say(self, node: Node, verb: Callable[..., flows.Said], *arguments: Any, **options: Any) -> StoredStep:
        """Let a node say something, and both know it."""
        step = sign_by_two(node, verb, *arguments, **options)
        self.meet()
        return step

    def agree(self, proposer: Node, amends: str | None = None, **changes: Any) -> str:
        """Bring terms into force and return the agreement's id."""
        accepter = self.vn if proposer is self.gb else self.gb
        agreement = self.say(proposer, flows.propose, self.draft(**changes), amends=amends).agreement
        self.say(accepter, flows.accept, agreement)
        self.say(proposer, flows.confirm, agreement)
        return agreement

    def draft(self, *, kinds: tuple[str, ...] | None = None, **changes: Any) -> dict[str, Any]:
        """Return terms as an officer writes them, from yesterday on; `kinds` are what may be sent both ways."""
        narrow = {} if kinds is None else {"kinds": kinds}
        since = self.site.time.now.replace(hour=0, minute=0, second=0) - DAY
        fitting: dict[str, Any] = {
            "clauses": (make_wide_clause(GB, VN, **narrow), make_wide_clause(VN, GB, **narrow)),
            "in_force_from": since,
            "in_force_until": since + 365 * DAY,
            "review_by": since + 180 * DAY,
        }
        wire = make_terms(GB, VN, **fitting | changes).to_wire()
        filled_in = {"v", "exchange", "id", "version", "parties"}
        return {"parties": [GB, VN]} | {name: value for name, value in wire.items() if name not in filled_in}

    def send(self) -> str:
        """Let GB send VN a message that the exchange takes, and return its id."""
        (item,) = send_alert(self.gb, self.write_draft()).items
        assert item.state is OutboxState.TAKEN, item
        return item.message_id

    def write_draft(self) -> Draft:
        """Return a message of document fraud for VN that was written now."""
        draft = make_draft(VN)
        written = make_template("document-fraud", self.site.time.now)
        return replace(draft, alert={name: written.get(name, value) for name, value in draft.alert.items()})

    def versions(self, agreement: str) -> list[tuple[int, State]]:
        """Return how the versions of an agreement stand, which both nodes must see alike."""
        gb, vn = (
            sorted(
                (line.terms.version, line.state)
                for line in list_lines(node, even_ended=True)
                if line.agreement == agreement
            )
            for node in (self.gb, self.vn)
        )
        assert gb == vn
        return gb

    def find_standing(self, message: str) -> tuple[str, str]:
        """Return how a message stands with VN, as GB sees it, and why."""
        (delivery,) = describe_sent(self.gb, message).deliveries
        assert delivery.standing is not None
        return delivery.standing.fact.value, delivery.standing.reason or ""

    def has_opened(self, message: str) -> bool:
        """Return whether VN has a message open."""
        with self.vn.store.read() as snapshot:
            rows = snapshot.fetch_all("SELECT state FROM inbox_message WHERE message_id = ?", message)
        return [row["state"] for row in rows] == [InboxState.OPENED]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    return found_site(tmp_path_factory.mktemp("town"), GB, VN)


@pytest.fixture
def town(site: Site, tmp_path: Path) -> Iterator[Town]:
    own = site.copy(tmp_path)
    clock = SkewedClock(own.time)
    exchange = BrokerInProcess(own.folder, clock)
    nodes = {agency: Node(opened, clock) for agency, opened in own.opened.items()}
    for node in nodes.values():
        connect(node, exchange)
    yield Town(own, exchange, nodes[GB], nodes[VN])
    for node in nodes.values():
        node.close()
    exchange.close()


def test_a_wider_version_lets_through_what_was_under_way(town: Town) -> None:
    agreement = town.agree(town.gb, kinds=("ping", "document-fraud"))
    message = town.send()
    assert town.agree(town.vn, amends=agreement) == agreement
    town.collect()
    assert town.has_opened(message)
    assert town.find_standing(message)[0] == "verified"
    assert town.versions(agreement) == [(1, State.SUPERSEDED), (2, State.IN_FORCE)]


def test_a_narrower_version_sends_back_what_was_under_way(town: Town) -> None:
    agreement = town.agree(town.gb)
    message = town.send()
    town.agree(town.vn, amends=agreement, kinds=("ping",))
    town.collect()
    assert not town.has_opened(message)
    assert town.find_standing(message) == ("returned", "agreement-superseded, kind-not-covered")
    assert town.versions(agreement) == [(1, State.SUPERSEDED), (2, State.IN_FORCE)]
    with pytest.raises(NotCoveredError, match="document-fraud is not among ping"):
        town.send()


def test_a_version_of_tomorrow_changes_nothing_today(town: Town) -> None:
    agreement = town.agree(town.gb)
    message = town.send()
    town.agree(town.vn, amends=agreement, kinds=("ping",), in_force_from=town.tomorrow)
    assert town.versions(agreement) == [(1, State.IN_FORCE), (2, State.CONFIRMED)]
    town.collect()
    assert town.find_standing(message)[0] == "verified"
    later = town.send()
    town.pass_time(DAY)
    assert town.versions(agreement) == [(1, State.SUPERSEDED), (2, State.IN_FORCE)]
    town.collect()
    assert town.find_standing(later) == ("returned", "agreement-superseded, kind-not-covered")


def test_a_revocation_at_once_sends_back_what_was_under_way(town: Town) -> None:
    agreement = town.agree(town.gb)
    message = town.send()
    town.say(town.vn, flows.revoke, agreement, reason="the law has changed")
    assert town.versions(agreement) == [(1, State.REVOKED)]
    town.collect()
    assert not town.has_opened(message)
    assert town.find_standing(message) == ("returned", "agreement-revoked")
    with pytest.raises(ClientError, match=r"revoked|no agreement"):
        town.send()


def test_a_revocation_with_notice_lets_through_what_was_handed_over_in_time(town: Town) -> None:
    agreement = town.agree(town.gb, notice_days=2)
    end = load_notice_end(town.gb, agreement)
    town.say(town.gb, flows.revoke, agreement, reason="ended with notice", effective_from=end)
    assert town.versions(agreement) == [(1, State.IN_FORCE)]
    for node in (town.gb, town.vn):
        assert view_page(node, agreement).line.due == f"revoked with notice: ends on {end:%Y-%m-%d}"
    in_time = town.send()
    town.collect()
    assert town.find_standing(in_time)[0] == "verified"
    too_late = town.send()
    town.pass_time(end - town.site.time.now)
    assert town.versions(agreement) == [(1, State.REVOKED)]
    town.collect()
    assert not town.has_opened(too_late)
    assert town.find_standing(too_late) == ("returned", "agreement-revoked")


def test_what_was_accepted_before_an_agreement_expired_is_still_handed_over(town: Town) -> None:
    agreement = town.agree(town.gb, in_force_until=town.tomorrow + DAY, review_by=town.tomorrow)
    message = town.send()
    town.pass_time(2 * DAY)
    assert town.versions(agreement) == [(1, State.EXPIRED)]
    town.collect()
    assert town.find_standing(message)[0] == "verified"
    with pytest.raises(ClientError, match=r"expired|no agreement"):
        town.send()
    refused = push_past_client(town.gb, town.write_draft())
    assert [item.problem.code for item in refused.items if item.problem] == ["agreement-not-in-force"]


def test_an_acceptance_that_lapses_is_taken_back_by_the_accepters_node_itself(town: Town) -> None:
    agreement = town.say(town.gb, flows.propose, town.draft()).agreement
    town.say(town.vn, flows.accept, agreement, confirm_by=town.site.time.now + 2 * DAY)
    assert town.versions(agreement) == [(1, State.ACCEPTED)]
    town.pass_time(2 * DAY + timedelta(seconds=1))
    assert town.versions(agreement) == [(1, State.LAPSED)]
    with pytest.raises(StepNotAllowedError, match="lapsed: GB did not confirm in time"):
        flows.confirm(town.gb, agreement)
    town.meet()
    assert town.versions(agreement) == [(1, State.WITHDRAWN)]
    last = view_page(town.gb, agreement).history[-1]
    assert (last.step.agency, last.step.action.value, last.is_logged) == (VN, "withdraw", True)
    assert last.step.reason == "it was not confirmed in time"
