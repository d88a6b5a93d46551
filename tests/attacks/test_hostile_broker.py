"""The broker as the enemy, lie by lie: what it does to a message on its way, and to the inbox it lies in.

Each attack is a switch of the hostile broker (`tests.hostile`), against real nodes over TLS. The recipient sets the
message aside in words, shows nothing of it, says so to its sender, and goes on once the broker is honest again.
"""

from typing import Any

import pytest

from agency_client.local_store.inbound_streams import find_gaps
from agency_client.local_store.inbox import InboxState
from agency_client.local_store.sent import DeliveryFact
from agency_client.sending.answering import Author
from agency_client.sending.delivery import deliver_due
from agency_client.sending.noticing import withdraw
from agency_client.sending.seal import SealedLeg
from agency_client.sending.views import describe_sent
from keys.sealing import SealedMessage
from schemas.agreements.steps import StepAction
from schemas.api import MESSAGES_PATH, Evidence
from schemas.codec import b64u_encode
from schemas.envelope import Envelope
from schemas.signed import DocumentType, KeyUse
from tests.attacks.arena import BE, GB, VN, Arena, demand_unseen, speak
from tests.attacks.recipient import read_payload
from tests.hostile.forging import read_envelope
from tests.support.nodes import make_wide_clause, take_step


@pytest.fixture
def terms(arena: Arena, request: pytest.FixtureRequest) -> Any:
    """An agreement between GB and VN in force, of this test alone."""
    return arena.agree(GB, VN, request.node.name)


def demand_set_aside(arena: Arena, terms: Any, switch: str, code: str, words: str) -> SealedLeg:
    """Let the broker lie about one message; it must be set aside in words, unseen, and its sender must learn so."""
    leg = arena.send(terms)
    with arena.lying(switch):
        arena.sync(VN)
    demand_aside(arena, leg.digest, leg.message_id, code, words)
    arena.sync(GB)
    assert DeliveryFact.UNVERIFIABLE in list_facts(arena, leg)
    arena.demand_service(terms)
    return leg


def demand_aside(arena: Arena, digest: str, message_id: str, code: str, words: str) -> None:
    """Demand that VN holds a message as proven wrong for this reason, and shows nothing of it."""
    found = arena.load(VN, digest)
    assert found.problem is not None
    assert (found.state, found.problem.code) == (InboxState.UNVERIFIABLE, code)
    assert words in found.problem.sentence
    demand_unseen(arena, VN, digest, message_id)


def list_facts(arena: Arena, leg: SealedLeg) -> set[DeliveryFact]:
    """Return what GB knows of a message's way, by signed receipts and by leaves."""
    (delivery,) = describe_sent(arena[GB], leg.message_id).deliveries
    return {fact.fact for fact in delivery.facts}


def is_missed(arena: Arena, leg: SealedLeg) -> bool:
    """Return whether VN knows that a message of GB's should have come."""
    number = arena.read_number(GB, leg.message_id)
    with arena[VN].store.read() as snapshot:
        gaps = [gap for gap in find_gaps(snapshot, GB) if gap.stream == number.stream]
    return any(gap.first <= number.n <= gap.last for gap in gaps)


# What is handed over, and what proves it


def test_an_altered_ciphertext_is_set_aside(arena: Arena, terms: Any) -> None:
    demand_set_aside(arena, terms, "altered-ciphertext", "body-mismatch", "ciphertext")


def test_a_stripped_signature_is_noticed(arena: Arena, terms: Any) -> None:
    demand_set_aside(arena, terms, "stripped-signature", "signature-refused", "signature")


def test_a_leaf_that_was_never_logged_proves_nothing(arena: Arena, terms: Any) -> None:
    demand_set_aside(arena, terms, "invented-leaf", "log-not-proven", "is not shown to be in the log")


def test_the_leaf_of_another_message_proves_nothing(arena: Arena, terms: Any) -> None:
    demand_set_aside(arena, terms, "leaf-of-another", "log-not-proven", "the record's message is")


def test_the_leaf_of_another_hand_over_proves_nothing(arena: Arena, terms: Any) -> None:
    demand_set_aside(arena, terms, "hand-over-of-another", "log-not-proven", "the record's lease is")


def demand_forgery_aside(arena: Arena, terms: Any, switch: str, code: str, words: str) -> None:
    """Let the broker put another message in the place of a true one: it is set aside, and the true one is missed."""
    leg, before = arena.send(terms), arena.list_digests(VN)
    with arena.lying(switch):
        arena.sync(VN)
    (forged,) = arena.list_digests(VN) - before
    assert forged != leg.digest
    demand_aside(arena, forged, arena.load(VN, forged).message_id, code, words)
    speak(arena, GB, VN)
    arena.sync(VN)
    assert is_missed(arena, leg)
    arena.demand_service(terms)


def test_an_altered_header_is_set_aside_though_the_log_says_it_was_accepted(arena: Arena, terms: Any) -> None:
    demand_forgery_aside(arena, terms, "altered-header", "signature-refused", "the sender's signatures")


def test_a_message_made_up_in_a_senders_name_is_set_aside_though_the_log_has_it(arena: Arena, terms: Any) -> None:
    demand_forgery_aside(arena, terms, "forged-message", "key-set-refused", "the sender's signatures")


# The broker with a member at its side


def pass_through(arena: Arena, envelope: Envelope, accomplice: str = BE) -> None:
    """Let a member hand in what the broker lets through, and VN collect it."""
    with arena.lying("let-through"):
        arena[accomplice].connection.post(MESSAGES_PATH, envelope.canonical(), Evidence)
        arena.sync(VN)


def test_a_message_that_a_member_signs_in_anothers_name_is_set_aside(arena: Arena, terms: Any) -> None:
    sealed = arena.craft(GB, VN, terms, signer=arena[BE].signer(KeyUse.MESSAGE))
    pass_through(arena, sealed.envelope)
    demand_aside(arena, sealed.digest, sealed.header.id, "key-set-refused", "the sender's signatures")


def test_an_alert_that_its_recipient_sends_on_as_its_own_does_not_open(arena: Arena, terms: Any) -> None:
    others = arena.agree(BE, VN, "for the thief")
    stolen, own = arena.craft(GB, VN, terms), arena.craft(BE, VN, others)
    forged, digest = put_under(arena, stolen, own)
    pass_through(arena, forged)
    demand_aside(arena, digest, own.header.id, "body-mismatch", "bound to another header")


def put_under(arena: Arena, stolen: SealedMessage, own: SealedMessage) -> tuple[Envelope, str]:
    """Return a stolen ciphertext with its wrapped key under BE's own header and signatures, and its digest."""
    taken = read_payload(stolen.envelope)
    payload = read_payload(own.envelope).model_copy(update={"body": taken.body, "recipients": taken.recipients})
    text = b64u_encode(payload.canonical())
    signatures = arena[BE].signer(KeyUse.MESSAGE).sign(DocumentType.ENVELOPE, text)
    forged = Envelope(payload=text, signatures=signatures, ciphertext=stolen.envelope.ciphertext)
    return forged, read_envelope(forged)[2].digest


def test_a_message_let_through_a_suspension_is_set_aside(arena: Arena) -> None:
    terms = arena.agree(BE, VN, "suspended by VN")
    take_step(arena[VN], terms, StepAction.SUSPEND, arena[VN], arena[BE])
    sealed = arena.craft(BE, VN, terms)
    pass_through(arena, sealed.envelope)
    demand_aside(arena, sealed.digest, sealed.header.id, "agreement-not-in-force", "was suspended")


def test_a_message_that_the_agreement_does_not_cover_is_set_aside_though_it_was_let_through(arena: Arena) -> None:
    clauses = tuple(make_wide_clause(*pair, kinds=("outcome",)) for pair in ((BE, VN), (VN, BE)))
    sealed = arena.craft(BE, VN, arena.agree(BE, VN, "for outcomes only", clauses=clauses))
    pass_through(arena, sealed.envelope)
    demand_aside(arena, sealed.digest, sealed.header.id, "kind-not-covered", "ping")


# What lies in the inbox


def test_a_message_for_another_agency_is_neither_stored_nor_acknowledged(arena: Arena) -> None:
    leg = arena.send(arena.agree(GB, BE, "not for VN"), GB, BE)
    with arena.lying(f"delivered-to-another={VN}"):
        report = arena.collect(VN)
    assert "wrong-recipient" in {problem.code for problem in report.problems}
    assert arena.find(VN, leg.digest) is None
    arena.collect(BE)
    assert arena.load(BE, leg.digest).state is InboxState.OPENED


def test_what_is_handed_over_again_changes_nothing(arena: Arena, terms: Any) -> None:
    leg = arena.send(terms)
    with arena.lying(f"replayed-messages={VN}"):
        first, again = arena.collect(VN), arena.collect(VN)
    assert (first.stored, again.stored, again.repeated) == (1, 0, 1)
    assert again.findings == []
    assert arena.load(VN, leg.digest).state is InboxState.OPENED
    arena.demand_service(terms)


def test_messages_in_another_order_are_all_opened_and_none_is_missed(arena: Arena, terms: Any) -> None:
    legs = [arena.send(terms) for _ in range(3)]
    with arena.lying("reordered-messages"):
        arena.collect(VN)
    assert [arena.load(VN, leg.digest).state for leg in legs] == [InboxState.OPENED] * 3
    assert not any(is_missed(arena, leg) for leg in legs)


def test_a_message_kept_back_is_a_gap_and_comes_when_the_broker_relents(arena: Arena, terms: Any) -> None:
    kept, passed = arena.send(terms), arena.send(terms)
    with arena.lying(f"withheld-message={VN}"):
        arena.sync(VN)
    assert arena.find(VN, kept.digest) is None
    assert arena.load(VN, passed.digest).state is InboxState.OPENED
    assert is_missed(arena, kept)
    arena.let_lease_end()
    arena.sync(VN)
    assert arena.load(VN, kept.digest).state is InboxState.OPENED
    assert not is_missed(arena, kept)


def test_the_last_message_kept_back_is_missed_as_soon_as_its_sender_speaks_of_it(arena: Arena, terms: Any) -> None:
    leg = arena.send(terms)
    speak(arena, GB, VN)
    with arena.lying(f"withheld-inbox={VN}"):
        arena.sync(VN)
        assert arena.find(VN, leg.digest) is None
        assert is_missed(arena, leg)
    arena.sync(VN)
    assert arena.load(VN, leg.digest).state is InboxState.OPENED
    assert not is_missed(arena, leg)


def test_a_message_accepted_and_thrown_away_is_missed_on_both_sides(arena: Arena, terms: Any) -> None:
    with arena.lying(f"lost-messages={GB}"):
        leg = arena.send(terms)
    speak(arena, GB, VN)
    arena.sync(VN)
    assert leg.message_id in {line.message.message_id for line in arena.waiting(GB)}  # nobody has signed for it
    assert is_missed(arena, leg)
    arena.demand_service(terms)


def test_an_acceptance_proved_by_the_leaf_of_another_message_is_none(arena: Arena, terms: Any) -> None:
    with arena.lying(f"false-acceptance={GB}"):
        leg = arena.send(terms)
    line = describe_sent(arena[GB], leg.message_id)
    assert line.acceptance is None
    assert line.item.problem is not None
    assert line.item.problem.code == "log-not-proven"
    arena.sync(GB)
    assert leg.message_id not in deliver_due(arena[GB]).refused
    assert describe_sent(arena[GB], leg.message_id).acceptance is not None
    assert arena.collect(VN).stored == 1
    assert arena.load(VN, leg.digest).state is InboxState.OPENED


def test_a_withdrawal_that_is_only_claimed_delays_and_takes_nothing_back(arena: Arena, terms: Any) -> None:
    leg = arena.send(terms)
    with arena.lying(f"false-withdrawal={VN}"):
        arena.sync(VN)
    waiting = arena.load(VN, leg.digest)
    assert (waiting.state, waiting.problem and waiting.problem.code) == (InboxState.NEW, "withdrawal-awaited")
    arena.sync(VN)
    assert arena.load(VN, leg.digest).state is InboxState.OPENED


def test_a_withdrawal_that_the_broker_hides_still_keeps_the_message_closed(arena: Arena, terms: Any) -> None:
    leg = arena.send(terms)
    author = Author(reason="sent by mistake", unit=GB, pseudonym="officer-1")
    with arena.lying("hidden-withdrawal"):
        withdraw(arena[GB], leg.message_id, author, because="wrong")
        arena.sync(GB)
        arena.sync(GB)
        arena.sync(VN)
    found = arena.load(VN, leg.digest)
    assert (found.state, found.problem and found.problem.code) == (InboxState.REFUSED, "number-voided")
    demand_unseen(arena, VN, leg.digest, leg.message_id)


def test_an_outcome_that_was_never_logged_is_a_suspicion_only(arena: Arena, terms: Any) -> None:
    leg = arena.send(terms)
    with arena.lying(f"made-up-outcome={GB}"):
        arena.collect(GB)
    assert arena.has_doubt(GB, "log-not-proven", "a message-returned record: record")
    assert DeliveryFact.RETURNED not in list_facts(arena, leg)
    arena.collect(VN)
    assert arena.load(VN, leg.digest).state is InboxState.OPENED
