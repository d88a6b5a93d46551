"""Notices as a weapon: said of others' messages, made up, turned round, withheld, and answers that nobody signed.

A member that looks away and an exchange that lets everything through, against the nodes that must act on a notice.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from agency_client.aftercare.overview import view_aftercare
from agency_client.aftercare.rules import NOTHING_SAID
from agency_client.local_store.inbox import InboxState, load_by_digest
from agency_client.onward.held import make_provenance
from agency_client.reading.messages import NotShownError, ReadMessage, read_message
from agency_client.sending.answering import Author
from agency_client.sending.noticing import restrict
from agency_client.terminal.aftercare_pages import list_correction_lines
from schemas.alerts import kind_of, notice_kinds
from schemas.alerts.coded import RestrictedUse
from schemas.disclosure import disclose
from schemas.envelope import Message, Provenance, Reference
from schemas.model import format_timestamp
from schemas.signed import SignedDocument
from tests.attacks.arena import GB as ARENA_GB
from tests.attacks.arena import VN as ARENA_VN
from tests.attacks.arena import Arena, speak
from tests.attacks.recipient import BE, GB, VN
from tests.support.aftercare import CHAIN, Row, agree_in_a_row, find_content
from tests.support.lying_world import LyingWorld, lying_world, make_aftercare, refer_to

OF_THE_SENDER = [kind for kind in notice_kinds() if kind_of(kind).is_senders_alone]
AUTHOR = Author("case 74/08", "Desk", "officer-17")


@pytest.fixture(scope="module")
def row(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Row]:
    """GB sends to VN, VN passes on to BE, BE to AL."""
    with lying_world(tmp_path_factory.mktemp("row"), *CHAIN) as world:
        yield agree_in_a_row(world)


@pytest.fixture
def agreed(arena: Arena, request: pytest.FixtureRequest) -> Any:
    """An agreement between GB and VN around the real broker, of this test alone."""
    return arena.agree(ARENA_GB, ARENA_VN, request.node.name)


@pytest.fixture
def held(world: LyingWorld, terms: Any) -> Any:
    """A message of GB that VN has opened."""
    sealed = world.craft(GB, VN, terms)
    world.deliver(sealed, VN)
    assert world.receive(VN, sealed).state is InboxState.OPENED
    return sealed


@pytest.mark.parametrize("kind", OF_THE_SENDER)
def test_another_member_says_what_becomes_of_a_message_it_did_not_send(world: LyingWorld, held: Any, kind: str) -> None:
    others = world.agree(BE, VN, f"of others {kind}")
    notice = world.craft(BE, VN, others, alert=make_aftercare(kind, held, world), refers_to=refer_to(held))
    world.deliver(notice, VN)
    found = world.receive(VN, notice)
    assert (found.state, found.problem and found.problem.code) == (InboxState.UNVERIFIABLE, "reference-refused")
    assert read_message(world[VN], held.header.id, reason="x").standing == NOTHING_SAID


@pytest.mark.parametrize("kind", OF_THE_SENDER)
def test_a_recipient_turns_a_notice_on_the_sender_of_the_message(row: Row, kind: str) -> None:
    original = row.send()
    named: Any = _Named(original)
    alert = make_aftercare(kind, named, row.world)
    notice = row.world.craft(VN, GB, row.terms[GB, VN], alert=alert, refers_to=original)
    row.world.deliver(notice, GB)
    found = row.world.receive(GB, notice)
    assert (found.state, found.problem and found.problem.code) == (InboxState.UNVERIFIABLE, "reference-refused")
    assert row.standing(GB, original) == NOTHING_SAID


@pytest.mark.parametrize("action", ["delete", "stop-using"])
def test_a_recipient_tells_of_a_breach_to_take_the_senders_own_message_away(row: Row, action: str) -> None:
    original = row.send()
    row.say("breach-notice", original, sender=VN, required_action=action)
    row.world.collect(GB)
    assert [notice.effect for notice in row.notices(GB, original)] == ["marked"]
    assert row.standing(GB, original).words == ("breach",)
    assert read_message(row.world[GB], original.id, reason="x").alert.kind == "ping"


def test_a_member_takes_a_message_of_another_back_before_it_comes(world: LyingWorld, terms: Any) -> None:
    others = world.agree(BE, VN, "before it comes")
    held = world.craft(GB, VN, terms)
    notice = world.craft(BE, VN, others, alert=make_aftercare("withdrawal", held, world), refers_to=refer_to(held))
    world.deliver(notice, VN)
    assert world.receive(VN, notice).state is InboxState.OPENED, "whose message it is about nobody knows yet"
    world.deliver(held, VN)
    assert world.receive(VN, held).state is InboxState.OPENED
    found = read_message(world[VN], held.header.id, reason="x")
    assert found.standing == NOTHING_SAID


def forge_relay(row: Row, about: Any, **changes: Any) -> Any:
    """Let VN seal for BE what it says is a correction of GB's, with the true one's provenance changed or misused.

    `alert` is what it says, `target` the copy it says it of.
    """
    from agency_client.local_store.content import read_content
    from schemas.envelope import PADDING_BUCKETS
    from schemas.log.records import Action

    node = row.world[VN]
    (notice,) = row.notices(VN, about)
    with row.read_store(VN) as snapshot:
        stored = load_by_digest(snapshot, notice.digest)
    note = node.note_access(Action.CONSULTATION, "attack", "a test")
    message = Message.from_canonical(read_content(node.store, notice.digest, note), max_bytes=PADDING_BUCKETS[-1])
    provenance = changes.get("provenance") or make_provenance(VN, stored, message)
    return _craft_with_provenance(row, changes.get("alert", message.alert), provenance, changes["target"])


class _Named:
    """A message by its reference alone, as `make_aftercare` asks for it."""

    def __init__(self, reference: Reference) -> None:
        self.header, self.digest = reference, reference.digest


def _craft_with_provenance(row: Row, alert: dict[str, Any], provenance: Provenance, target: Any) -> Any:
    world = row.world
    sealed = world.craft(
        VN,
        BE,
        row.terms[VN, BE],
        alert=alert,
        refers_to=target,
        stream="A" * 21 + "Q",
        provenance=provenance,
    )
    world.deliver(sealed, BE)
    return world.receive(BE, sealed)


def test_a_holder_makes_up_a_notice_that_the_originator_never_signed(row: Row) -> None:
    original = row.send()
    copy = row.pass_on(VN, original, BE)
    row.say("correction", original)
    row.world.collect(VN)
    (notice,) = row.notices(VN, original)
    alert = _read_alert(row, notice.digest)
    alert["details"]["changes"] = [{"field": "details.text", "was": "hello", "now": "what the holder wants"}]
    found = forge_relay(row, original, target=copy, alert=alert)
    assert found.state is InboxState.UNVERIFIABLE
    assert row.standing(BE, copy) == NOTHING_SAID


def test_a_true_notice_is_said_of_another_copy(row: Row) -> None:
    original, other = row.send(), row.send()
    row.pass_on(VN, original, BE)
    copy_of_other = row.pass_on(VN, other, BE)
    row.say("withdrawal", original)
    row.world.collect(VN)
    found = forge_relay(row, original, target=copy_of_other)
    assert (found.state, found.problem and found.problem.code) == (InboxState.UNVERIFIABLE, "reference-refused")
    with row.read_store(BE) as snapshot:
        assert find_content(snapshot, copy_of_other.digest)


def test_a_holder_lifts_what_the_originator_restricted(row: Row) -> None:
    original = row.send()
    copy = row.pass_on(VN, original, BE)
    row.say("restriction", original)
    row.sync(VN, BE)
    assert row.standing(BE, copy).is_restricted
    row.world.clock.ahead += timedelta(minutes=1)
    row.say("restriction", copy, sender=VN, required_action="lift", still_allowed=None, ground="clarified")
    row.sync(VN, BE)
    assert [notice.effect for notice in row.notices(BE, copy)] == ["restricted", "lifted"]
    assert row.standing(BE, copy).is_restricted, "VN lifts what VN restricted, which is nothing"
    with pytest.raises(NotShownError):
        read_message(row.world[BE], copy.id, reason="x", use=RestrictedUse.EVIDENCE)


def test_a_holder_corrects_what_the_originator_wrote(row: Row) -> None:
    original = row.send()
    copy = row.pass_on(VN, original, BE)
    row.say("correction", copy, sender=VN)
    row.sync(VN, BE)
    found = read_message(row.world[BE], copy.id, reason="x")
    assert found.corrected is not None
    assert found.corrected.alert == found.alert
    assert "only GB corrects them" in found.corrected.fields[0].misfit
    row.say("correction", original)
    row.sync(VN, BE)
    found = read_message(row.world[BE], copy.id, reason="x")
    assert isinstance(found, ReadMessage)
    lines = list(list_correction_lines(found.standing, found.followed_by))
    assert [line.partition(" of ")[2] for line in lines] == ["VN: read it too", "GB, through VN: read it too"]
    assert found.corrected is not None
    assert found.corrected.alert.to_wire()["details"] == {"text": "goodbye"}


def test_a_copy_does_not_come_again_after_its_originator_took_it_back(row: Row) -> None:
    original = row.send()
    row.pass_on(VN, original, BE)
    provenance, alert = _read_own_copy(row, original)
    row.say("withdrawal", original)
    row.sync(VN, BE)
    found = _craft_with_provenance(row, alert, provenance, None)
    assert (found.state, found.problem and found.problem.code) == (InboxState.REFUSED, "withdrawn")
    with row.read_store(BE) as snapshot:
        assert not find_content(snapshot, found.digest)


def test_a_notice_dated_ahead_is_none_of_who_passes_it_on_either(row: Row) -> None:
    """GB dates a lifting ahead, past the next restriction; VN shows it to BE past every check of its own."""
    original = row.send()
    copy = row.pass_on(VN, original, BE)
    named: Any = _Named(original)
    alert = make_aftercare("restriction", named, row.world, required_action="lift", ground="clarified")
    ahead = row.world.clock.now() + timedelta(days=1)
    terms = row.terms[GB, VN]
    notice = row.world.craft(GB, VN, terms, alert=alert, refers_to=original, issued_at=ahead, stream="A" * 21 + "Q")
    accepted = row.world.exchange.make_evidence(row.world.exchange.accept(notice.envelope).accepted)
    document = SignedDocument(payload=notice.envelope.payload, signatures=notice.envelope.signatures)
    message = Message.from_canonical(notice.message_bytes, max_bytes=1 << 20)
    provenance = Provenance(original=disclose(document, message, accepted.canonical()), path=(GB, VN))
    found = _craft_with_provenance(row, alert, provenance, copy)
    assert (found.state, found.problem and found.problem.code) == (InboxState.UNVERIFIABLE, "wrong-time")


def _read_own_copy(row: Row, original: Reference) -> tuple[Provenance, dict[str, Any]]:
    """Return the provenance and the alert that VN's copy of a message of GB shows."""
    with row.read_store(VN) as snapshot:
        stored = load_by_digest(snapshot, original.digest)
    found = read_message(row.world[VN], original.id, reason="x")
    return make_provenance(VN, stored, found.message), found.message.alert


def test_a_notice_dated_ahead_does_not_outlive_what_is_said_after_it(world: LyingWorld, terms: Any) -> None:
    """What is issued more than five minutes after its acceptance is no message at all."""
    held = world.craft(GB, VN, terms)
    world.deliver(held, VN)
    world.collect(VN)
    alert = make_aftercare("restriction", held, world, required_action="lift", ground="clarified")
    ahead = world.clock.now() + timedelta(days=1)
    notice = world.craft(GB, VN, terms, alert=alert, refers_to=refer_to(held), issued_at=ahead)
    world.deliver(notice, VN)
    found = world.receive(VN, notice)
    assert (found.state, found.problem and found.problem.code) == (InboxState.UNVERIFIABLE, "wrong-time")


def test_a_notice_kept_back_is_a_gap_at_its_recipient_and_not_yet_at_its_sender(arena: Arena, agreed: Any) -> None:
    from agency_client.local_store.inbound_streams import find_gaps

    leg = arena.send(agreed)
    arena.sync(ARENA_VN)
    arena.sync(ARENA_GB)
    item = restrict(arena[ARENA_GB], leg.message_id, AUTHOR, ground="accuracy-contested").items[0]
    speak(arena, ARENA_GB, ARENA_VN)
    number = arena.read_number(ARENA_GB, item.message_id)
    with arena.lying(f"withheld-inbox={ARENA_VN}"):
        arena.sync(ARENA_VN)
        with arena[ARENA_VN].store.read() as snapshot:
            gaps = [gap for gap in find_gaps(snapshot, ARENA_GB) if gap.stream == number.stream]
        assert gaps, "the status speaks of a number that did not come"
    arena.sync(ARENA_GB)
    (line,) = view_aftercare(arena[ARENA_GB], item.message_id).lines
    assert [acting.effect for acting in line.agencies] == [None]
    late = line.list_overdue(line.notice.acknowledge_by + timedelta(seconds=1))
    assert [acting.agency for acting in late] == [ARENA_VN]
    arena.sync(ARENA_VN)
    arena.sync(ARENA_GB)
    (line,) = view_aftercare(arena[ARENA_GB], item.message_id).lines
    assert [acting.effect and acting.effect.value for acting in line.agencies] == ["restricted"]


def test_nobody_has_acted_by_a_receipt_that_nobody_signed(arena: Arena, agreed: Any) -> None:
    leg = arena.send(agreed)
    arena.sync(ARENA_VN)
    arena.sync(ARENA_GB)
    item = restrict(arena[ARENA_GB], leg.message_id, AUTHOR, ground="accuracy-contested").items[0]
    with arena.lying(f"forged-receipt={ARENA_GB}"):
        arena.collect(ARENA_GB)
    assert arena.has_doubt(ARENA_GB, "receipt-refused", "has no such receipt key")
    (line,) = view_aftercare(arena[ARENA_GB], item.message_id).lines
    assert [acting.effect for acting in line.agencies] == [None]
    arena.sync(ARENA_VN)


def _read_alert(row: Row, digest: str) -> dict[str, Any]:
    from agency_client.local_store.content import read_content
    from schemas.codec import decode_canonical
    from schemas.log.records import Action

    node = row.world[VN]
    note = node.note_access(Action.CONSULTATION, "attack", f"a test at {format_timestamp(node.clock.now())}")
    alert: dict[str, Any] = decode_canonical(read_content(node.store, digest, note))["alert"]
    return alert
