"""Aftercare from end to end: GB sends, VN passes on, BE holds a copy; then everything about it turns out otherwise.

A real broker and real nodes in this process, and one time that is set by hand (`tests.torture.site`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from agency_client.aftercare.overview import Overview, view_aftercare
from agency_client.errors import NotFoundError
from agency_client.local_store.inbox import InboxState, load_by_digest
from agency_client.local_store.onward import list_onward_copies
from agency_client.node import Node
from agency_client.onward.passing_on import PassOn, pass_on
from agency_client.reading.messages import NotShownError, ReadMessage, read_message
from agency_client.sending.answering import Author, acknowledge
from agency_client.sending.composing import make_template
from agency_client.sending.draft import Draft
from agency_client.sending.flow import send_alert
from agency_client.sending.noticing import Breach, correct, mark_misused_identity, report_breach, restrict, withdraw
from agency_client.syncing.rounds import run_round, wake_outbox
from schemas.agreements.steps import StepAction
from schemas.agreements.terms import OnwardRule, Terms
from schemas.alerts.coded import RestrictedUse
from schemas.envelope import Reference
from schemas.markings import Purpose, Tlp
from tests.support.nodes import agree, make_wide_clause, take_step
from tests.torture.site import BrokerInProcess, Site, SkewedClock, connect, found_site

GB, VN, BE = "GB", "VN", "BE"
AUTHOR = Author("case 74/08", "Document laboratory", "lab-07")
BREACH = Breach(("confidentiality",), "2026-11-21T16:10:00Z", "It may be known.", "Keys changed.", "+441632960961")
HOLDER = "details.document.holder"


@dataclass
class Town:
    """Three nodes and their exchange, under one time; VN has agreements with both others, which have none."""

    site: Site
    exchange: BrokerInProcess
    nodes: dict[str, Node]
    terms: dict[str, Terms]

    def __getitem__(self, agency: str) -> Node:
        """Return an agency's node."""
        return self.nodes[agency]

    def run(self, *agencies: str) -> None:
        """Let nodes run a whole round each, in this order."""
        for agency in agencies:
            self.site.time.now += timedelta(seconds=5)
            wake_outbox(self[agency])
            failures = [stage.failure for stage in run_round(self[agency]).stages if stage.failure]
            assert not failures, (agency, failures)

    def restart(self, agency: str) -> None:
        """End a node's process, and begin anew on what its store holds."""
        self[agency].close()
        own = self.site.opened[agency]
        self.nodes[agency] = Node(own, self.exchange.clock)
        connect(self.nodes[agency], self.exchange)

    def send(self) -> Reference:
        """Let GB report a passport to VN, and VN pass it on to BE; return GB's message."""
        written = make_template("document-fraud", self.site.time.now)
        alert = {name: value for name, value in written.items() if name not in ("reply_due", "retain_until")}
        number = f"TEST-{self.site.time.now:%H%M%S}"
        alert |= {"onward": [BE], "handling": {"codes": ["h0"]}, "own_reference": number}
        draft = Draft(alert, Purpose.DOCUMENT_INTEGRITY, "It flies tonight.", "t", (VN,), marking=Tlp.GREEN)
        leg = send_alert(self[GB], draft).legs[0]
        self.run(GB, VN)
        pass_on(self[VN], PassOn(leg.message_id, (BE,), reason="they hold the bearer"))
        self.run(VN, BE)
        return Reference(id=leg.message_id, digest=leg.digest)

    def find_copy(self, original: Reference) -> Reference:
        """Return BE's copy of a message."""
        with self[VN].store.read() as snapshot:
            (copy,) = list_onward_copies(snapshot, original.digest)
        return copy.reference

    def view(self, original: Reference) -> dict[tuple[str, str], str | None]:
        """Return what GB sees of its notices about a message: by kind and agency what was done."""
        view: Overview = view_aftercare(self[GB], original.id)
        return {
            (line.notice.kind, acting.agency): acting.effect and acting.effect.value
            for line in view.lines
            for acting in line.agencies
        }


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    folder = tmp_path_factory.mktemp("town")
    site = found_site(folder, GB, VN, BE)
    clock = SkewedClock(site.time)
    exchange = BrokerInProcess(site.folder, clock)
    nodes = {agency: Node(opened, clock) for agency, opened in site.opened.items()}
    for node in nodes.values():
        connect(node, exchange)
    terms = {}
    for other in (GB, BE):
        wide = (make_wide_clause(*pair, onward=OnwardRule.WITH_CONSENT) for pair in ((VN, other), (other, VN)))
        terms[other] = agree(nodes[VN], nodes[other], f"with {other}", clauses=tuple(wide))
    made = Town(site, exchange, nodes, terms)
    yield made
    for node in made.nodes.values():
        node.close()
    exchange.close()


def read_at(town: Town, agency: str, message: Reference, **options: Any) -> ReadMessage:
    """Let an agency read a message it received."""
    found = read_message(town[agency], message.id, reason="case 74/08", **options)
    assert isinstance(found, ReadMessage)
    return found


def test_everything_that_is_said_of_a_message_reaches_a_third_agency_and_comes_back(town: Town) -> None:
    original = town.send()
    copy = town.find_copy(original)
    was = read_at(town, BE, copy).alert.to_wire()["details"]["document"]["number"]
    changes = [{"field": "details.document.number", "was": was, "now": "L898902C4"}]
    correct(town[GB], original.id, AUTHOR, details={"changes": changes, "reason": "typing-error"})
    mark_misused_identity(town[GB], original.id, AUTHOR, subjects=(HOLDER,))
    report_breach(town[GB], original.id, AUTHOR, BREACH)
    town.run(VN)
    town.restart(VN)
    town.run(VN, BE, VN, GB)
    for agency, message in ((VN, original), (BE, copy)):
        found = read_at(town, agency, message)
        assert found.standing.victims == (HOLDER,)
        assert len(found.standing.breaches) == 1
        assert found.corrected is not None
        assert found.corrected.alert.to_wire()["details"]["document"]["number"] == "L898902C4"
        assert found.alert.to_wire()["details"]["document"]["number"] == was
    assert town.view(original) == {
        ("correction", VN): "replaced",
        ("correction", BE): "replaced",
        ("misused-identity", VN): "marked",
        ("misused-identity", BE): "marked",
        ("breach-notice", VN): "marked",
        ("breach-notice", BE): "marked",
    }
    due = {item.notice.kind for item in view_aftercare(town[BE]).due}
    assert due == {"correction", "misused-identity", "breach-notice"}
    for item in view_aftercare(town[BE]).due:
        acknowledge(town[BE], item.message.message_id, AUTHOR)
    assert view_aftercare(town[BE]).due == ()


def test_it_passes_a_suspension_and_a_purge_and_finds_who_was_away(town: Town) -> None:
    original = town.send()
    copy = town.find_copy(original)
    take_step(town[VN], town.terms[GB], StepAction.SUSPEND, town[VN], town[GB])
    town.site.time.now += timedelta(days=2)
    town.exchange.sweep()
    restrict(town[GB], original.id, AUTHOR, ground="accuracy-contested", still_allowed=("legal-claim",))
    town.run(VN)
    assert town.view(original) == {("restriction", VN): None}, "its receipt has not been collected"
    town.run(GB)
    with pytest.raises(NotShownError):
        read_at(town, VN, original)
    assert read_at(town, BE, copy).standing.allowed_uses is None, "BE was away"
    withdraw(town[GB], original.id, AUTHOR, because="wrong")
    town.run(VN, BE, VN, GB)
    for agency, message in ((VN, original), (BE, copy)):
        with pytest.raises(NotFoundError) as caught:
            read_at(town, agency, message, use=RestrictedUse.LEGAL_CLAIM)
        assert caught.value.code == "content-erased"
    assert town.view(original) == {
        ("restriction", VN): "restricted",
        ("restriction", BE): "nothing-held",  # withdrawals are taken in first
        ("withdrawal", VN): "erased",
        ("withdrawal", BE): "erased",
    }
    with town[BE].store.read() as snapshot:
        assert load_by_digest(snapshot, copy.digest).state is InboxState.OPENED
    take_step(town[VN], town.terms[GB], StepAction.RESUME, town[VN], town[GB])


def test_who_has_not_acted_in_time_is_named_with_its_duty_desk(town: Town) -> None:
    original = town.send()
    restrict(town[GB], original.id, AUTHOR, ground="accuracy-contested")
    town.site.time.now += timedelta(hours=73)
    view = view_aftercare(town[GB], original.id)
    assert [(line.notice.kind, acting.agency) for line, acting in view.overdue] == [("restriction", VN)]
    assert "+441632960961" in view.whom_to_call[VN]
    town.run(VN, GB)
    (line,) = view_aftercare(town[GB], original.id).lines
    told = {acting.agency: (acting.effect and acting.effect.value, acting.is_late) for acting in line.agencies}
    assert told[VN] == ("restricted", True)
