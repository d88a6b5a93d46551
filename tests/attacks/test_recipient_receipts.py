"""A hostile broker against a sender that waits for word: forged receipts and outcomes. See `test_recipient`."""

from pathlib import Path
from typing import Any

import pytest

from agency_client.local_store.engine import Snapshot
from agency_client.local_store.inbox import InboxState
from agency_client.local_store.sent import DeliveryFact, list_facts
from agency_client.local_store.suspicions import list_suspicions
from agency_client.receiving.own_receipts import send_due_receipts, sign_owed_receipts
from agency_client.sending.draft import Draft
from agency_client.sending.flow import SendReport, send_alert
from keys.generation import generate_bytes, generate_salt
from keys.receipts import seal_receipt
from schemas.codec import b64u_encode
from schemas.log.records import RecordType
from schemas.markings import Purpose
from schemas.receipts import Receipt, ReceiptedMessage, ReceiptType, SealedReceipt
from schemas.signed import KeyUse
from tests.attacks.recipient import BE, GB, VN
from tests.support.lying_answers import PlacedOutcome, PlacedReceipt, log_receipt
from tests.support.lying_world import (
    LyingWorld,
    find_encryption_key,
    lying_world,
    make_alert,
    make_ping,
)


def send(world: LyingWorld, terms: Any, name: str) -> SendReport:
    """Let VN send a message to GB through its own client."""
    draft = Draft(
        alert={name_: value for name_, value in make_ping(subject=name).items() if name_ != "thread"},
        purpose=Purpose.SYSTEM_TEST,
        necessity="Test.",
        reason="test",
        recipients=(GB,),
        agreement=terms.id,
        marking=terms.clauses[0].highest_marking,
    )
    return send_alert(world[VN], draft)


def make_receipt(world: LyingWorld, signer: str, sent: SendReport, **changes: Any) -> SealedReceipt:
    """Return a receipt for a sent message, in GB's name unless changed, signed by whoever `signer` is.

    `changes` may name another signing key as `key`.
    """
    leg, key = sent.legs[0], changes.pop("key", None) or world[signer].signer(KeyUse.RECEIPT)
    members: dict[str, Any] = {
        "v": 1,
        "exchange": world.exchange.name,
        "salt": generate_salt(),
        "type": ReceiptType.VERIFIED,
        "from_agency": GB,
        "to_agency": VN,
        "time": world.clock.now(),
        "late": False,
        "messages": (ReceiptedMessage(id=leg.message_id, digest=leg.digest),),
    }
    receipt = Receipt(**members | changes)
    _, jwk = find_encryption_key(world[VN])
    return seal_receipt(receipt, key, jwk, content_key=generate_bytes(32))


def facts_of(snapshot: Snapshot, sent: SendReport) -> list[DeliveryFact]:
    """Return what VN knows of its message's delivery to GB."""
    return [fact.fact for fact in list_facts(snapshot, sent.legs[0].message_id, GB)]


def take_receipt(world: LyingWorld, sent: SendReport, receipt: SealedReceipt, /, **lies: Any) -> list[DeliveryFact]:
    """Let the exchange log a receipt and hand it to VN; return what VN believes then."""
    leaf = log_receipt(world.exchange, receipt, **lies)
    world.exchange.place(VN, PlacedReceipt(receipt, leaf))
    world.collect(VN)
    with world[VN].store.read() as snapshot:
        return facts_of(snapshot, sent)


def test_a_true_receipt_counts(world: LyingWorld, terms: Any) -> None:
    sent = send(world, terms, "true")
    assert take_receipt(world, sent, make_receipt(world, GB, sent)) == ["taken-by-broker", "verified"]


def test_receipts_made_by_a_node_are_believed_by_the_sender(tmp_path: Path) -> None:
    with lying_world(tmp_path, GB, VN) as world:
        sent = send(world, world.agree(VN, GB, "honest receipts"), "real")
        world.collect(GB)
        sign_owed_receipts(world[GB])
        send_due_receipts(world[GB])
        world.collect(VN)
        with world[VN].store.read() as snapshot:
            assert set(facts_of(snapshot, sent)) == {"taken-by-broker", "handed-over", "verified"}


def test_a_receipt_signed_by_another_member_is_kept_as_a_suspicion_only(world: LyingWorld, terms: Any) -> None:
    sent = send(world, terms, "forged")
    assert take_receipt(world, sent, make_receipt(world, BE, sent)) == ["taken-by-broker"]
    with world[VN].store.read() as snapshot:
        assert list_suspicions(snapshot, GB)[-1].code == "receipt-refused"
    assert world.exchange.inboxes[VN] == {}, "what was proven wrong need not come again"


def test_a_receipt_of_somebody_the_message_was_not_sent_to_does_not_count(world: LyingWorld, terms: Any) -> None:
    sent = send(world, terms, "meddled")
    receipt = make_receipt(world, BE, sent, from_agency=BE)
    assert take_receipt(world, sent, receipt) == ["taken-by-broker"]


def test_a_receipt_for_a_message_never_sent_does_not_count(world: LyingWorld, terms: Any) -> None:
    sent = send(world, terms, "unknown")
    unknown = ReceiptedMessage(id=sent.legs[0].message_id, digest=b64u_encode(bytes(32)))
    receipt = make_receipt(world, GB, sent, messages=(unknown,))
    assert take_receipt(world, sent, receipt) == ["taken-by-broker"]


@pytest.mark.parametrize("lie", [{"receipt_type": "opened"}, {"agency": BE}, {"digest": b64u_encode(bytes(32))}])
def test_a_leaf_about_another_receipt_does_not_prove_this_one(
    world: LyingWorld, terms: Any, lie: dict[str, Any]
) -> None:
    sent = send(world, terms, "leaf")
    assert take_receipt(world, sent, make_receipt(world, GB, sent), **lie) == ["taken-by-broker"]


def test_a_receipt_whose_outside_lies_about_its_inside_does_not_count(world: LyingWorld, terms: Any) -> None:
    sent = send(world, terms, "outside")
    receipt = make_receipt(world, GB, sent).model_copy(update={"type": ReceiptType.OPENED})
    assert take_receipt(world, sent, receipt) == ["taken-by-broker"]


def test_a_receipt_for_another_exchange_does_not_count(world: LyingWorld, terms: Any) -> None:
    sent = send(world, terms, "elsewhere")
    receipt = make_receipt(world, GB, sent, exchange="other.example")
    assert take_receipt(world, sent, receipt) == ["taken-by-broker"]


def test_a_replayed_receipt_counts_once(world: LyingWorld, terms: Any) -> None:
    sent = send(world, terms, "twice")
    receipt = make_receipt(world, GB, sent)
    assert take_receipt(world, sent, receipt) == take_receipt(world, sent, receipt)


def outcome_of(world: LyingWorld, sent: SendReport, record_type: RecordType, /, **lies: Any) -> list[DeliveryFact]:
    """Let the exchange say what became of a message of VN; return what VN believes then."""
    leg = sent.legs[0]
    members: dict[str, Any] = {
        "message": {"id": leg.message_id, "digest": leg.digest},
        "agency": VN,
        "partner": GB,
    }
    if record_type is RecordType.MESSAGE_RETURNED:
        members["reasons"] = ("agreement-revoked",)
    leaf = world.exchange.append(record_type, (VN, GB), **members | lies)
    world.exchange.place(VN, PlacedOutcome(leaf))
    world.collect(VN)
    with world[VN].store.read() as snapshot:
        return facts_of(snapshot, sent)


def test_a_true_outcome_counts(world: LyingWorld, terms: Any) -> None:
    sent = send(world, terms, "returned")
    assert outcome_of(world, sent, RecordType.MESSAGE_RETURNED) == ["taken-by-broker", "returned"]


@pytest.mark.parametrize(
    "lie",
    [{"agency": BE}, {"partner": BE}, {"message": {"id": "0190a6f2-3c4d-7e5f-8a6b-7c8d9e0f1a2b", "digest": "A" * 43}}],
    ids=["of another agency", "at another partner", "of another message"],
)
def test_an_outcome_of_something_else_does_not_count(world: LyingWorld, terms: Any, lie: dict[str, Any]) -> None:
    sent = send(world, terms, "else")
    assert outcome_of(world, sent, RecordType.MESSAGE_EXPIRED, **lie) == ["taken-by-broker"]


def test_a_record_that_is_no_outcome_does_not_count(world: LyingWorld, terms: Any) -> None:
    sent = send(world, terms, "no outcome")
    leg = sent.legs[0]
    leaf = world.exchange.append(
        RecordType.MESSAGE_HANDED_OVER,
        (VN, GB),
        message={"id": leg.message_id, "digest": leg.digest},
        agency=VN,
        partner=GB,
        lease="0190a6f2-3c4d-7e5f-8a6b-7c8d9e0f1a2b",
    )
    world.exchange.place(VN, PlacedOutcome(leaf))
    world.collect(VN)
    with world[VN].store.read() as snapshot:
        assert facts_of(snapshot, sent) == ["taken-by-broker"]


def test_an_end_claimed_after_the_recipients_own_word_voids_nothing(world: LyingWorld, terms: Any) -> None:
    sent = send(world, terms, "late lie")
    take_receipt(world, sent, make_receipt(world, GB, sent))
    outcome_of(world, sent, RecordType.MESSAGE_EXPIRED)
    with world[VN].store.read() as snapshot:
        row = snapshot.fetch_one("SELECT voided_at FROM stream_number WHERE message_id = ?", sent.legs[0].message_id)
    assert row is not None
    assert row["voided_at"] is None


def test_a_message_that_arrived_after_its_claimed_end_is_told_at_its_senders(world: LyingWorld, terms: Any) -> None:
    sent = send(world, terms, "handed over, and said to have expired")
    outcome_of(world, sent, RecordType.MESSAGE_EXPIRED)
    leg = sent.legs[0]
    again = ReceiptedMessage(id=leg.message_id, digest=leg.digest, reason="number-voided")
    receipt = make_receipt(world, GB, sent, messages=(again,), late=True)
    world.exchange.place(VN, PlacedReceipt(receipt, log_receipt(world.exchange, receipt)))
    (problem,) = world.collect(VN).problems
    assert problem.code == "arrived-after-its-end"
    assert problem.sentence == f"GB signed that it has message {leg.message_id}, which was expired here"
    with world[VN].store.read() as snapshot:
        fact = list_facts(snapshot, leg.message_id, GB)[-1]
    assert (fact.fact, fact.reason, fact.late) == ("verified", "number-voided", True)


def test_an_answer_settles_the_question_it_answers(world: LyingWorld, terms: Any) -> None:
    sent = send(world, terms, "answered")
    leg = sent.legs[0]
    alert = make_alert(
        "acknowledgement",
        {"action": "noted", "done_at": "2026-11-21T18:40:00Z"},
        in_reply_to={"id": leg.message_id, "digest": leg.digest},
    )
    from schemas.envelope import Reference

    reference = Reference(id=leg.message_id, digest=leg.digest)
    answer = world.craft(GB, VN, terms, alert=alert, refers_to=reference)
    world.deliver(answer, VN)
    assert world.receive(VN, answer).state is InboxState.OPENED
    with world[VN].store.read() as snapshot:
        assert "answered" in facts_of(snapshot, sent)
