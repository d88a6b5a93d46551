"""A restriction in place of an erasure keeps a message, its copies and its corrections: to term, officer and list."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from agency_client.aftercare.keeping import find_keepers, list_kept
from agency_client.errors import ConflictError
from agency_client.local_store.content import has_content
from agency_client.retention.by_hand import erase_early, list_holders
from agency_client.retention.rules import Part
from agency_client.retention.running import list_endings, plan_retention, run_retention
from keys.sealing import SealedMessage
from tests.support.aftercare import Row
from tests.support.lying_world import LyingWorld, lying_world, make_aftercare, refer_to
from tests.support.nodes import make_wide_clause
from tests.support.signed_time import hear_the_time

TERM, EVIDENCE_TERM = timedelta(days=20, hours=1), timedelta(days=30, hours=1)


class Held:
    """One message of GB that VN holds, under twenty days of retention and thirty of evidence."""

    def __init__(self, world: LyingWorld, name: str) -> None:
        self.world = world
        days = {"retention_days": 20, "evidence_days": 30}
        clauses = (make_wide_clause("GB", "VN", **days), make_wide_clause("VN", "GB", **days))
        self.terms = world.agree("GB", "VN", name, clauses=clauses)
        self.message = self.receive(world.craft("GB", "VN", self.terms))

    def receive(self, sealed: SealedMessage) -> SealedMessage:
        """Let VN receive a message."""
        self.world.deliver(sealed, "VN")
        self.world.collect("VN")
        return sealed

    def say(self, kind: str, *, minute: int, **details: Any) -> SealedMessage:
        """Let GB say a notice about the message, dated a minute of the last hour, and VN act on it."""
        alert = make_aftercare(kind, self.message, self.world, **details)
        issued_at = self.world.clock.now() - timedelta(minutes=60 - minute)
        return self.receive(
            self.world.craft("GB", "VN", self.terms, alert=alert, refers_to=refer_to(self.message), issued_at=issued_at)
        )

    def erase_what_ended(self, after: timedelta = TERM) -> set[str]:
        """Let a term pass and VN's round run; return of what it erased the content."""
        self.world.clock.ahead += after
        hear_the_time(self.world["VN"])
        return set(run_retention(self.world["VN"]).plan.list_subjects(Part.CONTENT))

    def is_here(self, sealed: SealedMessage) -> bool:
        """Return whether VN has the content."""
        with self.world["VN"].store.read() as snapshot:
            return has_content(snapshot, sealed.digest)


@pytest.fixture(scope="module")
def two_agencies(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LyingWorld]:
    """GB and VN of this module alone: its clock runs ahead, and never back."""
    with lying_world(tmp_path_factory.mktemp("kept"), "GB", "VN") as made:
        yield made


@pytest.fixture
def held(two_agencies: LyingWorld, request: pytest.FixtureRequest) -> Held:
    """One message under an agreement of its own."""
    return Held(two_agencies, request.node.name)


def test_what_is_restricted_in_place_of_being_erased_outlives_its_term_until_it_is_lifted(held: Held) -> None:
    vn, message = held.world["VN"], held.message
    correction = held.say("correction", minute=1)
    held.say("restriction", minute=2, ground="needed-as-evidence")
    # Notices come under no clause, so their content ends with their evidence.
    assert {message.digest, correction.digest}.isdisjoint(held.erase_what_ended(EVIDENCE_TERM))
    assert held.is_here(message)
    assert held.world.look_up("VN", message).evidence
    assert held.is_here(correction), "without it the message would say again what was wrong"
    plan = plan_retention(vn)
    assert {(ending.subject, ending.kept_by) for ending in plan.kept if ending.part is Part.CONTENT} == {
        (message.digest, ("GB",)),
        (correction.digest, ("GB",)),
    }
    assert message.digest in {ending.subject for ending in list_endings(vn).kept}
    with pytest.raises(ConflictError) as refused:
        erase_early(vn, message.header.id, reason="the case was closed")
    assert refused.value.code == "kept-by-restriction"
    held.say("restriction", minute=3, required_action="lift", ground="clarified")
    run_retention(vn)
    assert not held.is_here(message)
    assert not held.is_here(correction)


def test_what_its_sender_wants_erased_even_so_is_kept_by_nothing(held: Held) -> None:
    held.say("restriction", minute=1, ground="needed-as-evidence")
    held.say("withdrawal", minute=2)
    assert not held.is_here(held.message)
    with held.world["VN"].store.read() as snapshot:
        assert list_kept(snapshot) == {}
        assert find_keepers(snapshot, held.message.digest) == ()


def test_what_repeats_its_words_here_goes_with_it_and_who_has_a_copy_is_named(row: Row) -> None:
    original = row.send()
    copy = row.pass_on("VN", original, "BE")
    correction = row.say("correction", original)
    row.world.collect("VN")
    vn = row.world["VN"]
    ending = erase_early(vn, original.id, reason="the case was closed")
    assert list_holders(vn, ending.subject) == ["BE"]
    with row.read_store("VN") as snapshot:
        assert not any(has_content(snapshot, digest) for digest in (original.digest, copy.digest, correction.digest))
    with row.read_store("BE") as snapshot:
        assert has_content(snapshot, copy.digest), "its right is the originator's"
