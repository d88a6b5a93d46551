"""A fully hostile broker, at times with a member at its side, against a recipient: nothing false is ever opened.

The exchange signs whatever it likes with its true log keys, and messages are sealed with real keys past the client of
their sender. Each test is one attack, in an agreement of its own; what counts is what the recipient's store holds
after.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from agency_client.local_store.contradictions import ContradictionKind, EquivocationError, list_contradictions
from agency_client.local_store.engine import Snapshot
from agency_client.local_store.inbound_streams import apply_announcement
from agency_client.local_store.inbox import InboxState
from agency_client.local_store.leases import list_unsettled
from agency_client.local_store.sent import DeliveryFact, list_facts
from agency_client.local_store.suspicions import list_suspicions
from agency_client.receipts import send_due_receipts, sign_owed_receipts
from agency_client.sending.draft import Draft
from agency_client.sending.flow import SendReport, send_alert
from agency_client.witness.observer import LogError
from keys.generation import generate_bytes, generate_salt
from keys.receipts import seal_receipt
from keys.sealing import SealedMessage
from schemas.agreements.steps import StepAction
from schemas.api import LEASE_PATH, STEPS_PATH, LeaseAnswer, MessageItem
from schemas.codec import b64u_decode, b64u_encode
from schemas.envelope import Envelope
from schemas.log.records import RecordedRecipient, RecordType
from schemas.markings import Purpose
from schemas.receipts import Receipt, ReceiptedMessage, ReceiptType, SealedReceipt
from schemas.signed import DocumentType, KeyUse
from tests.support.lying_answers import PlacedOutcome, PlacedReceipt, log_receipt
from tests.support.lying_world import (
    LyingWorld,
    find_encryption_key,
    lying_world,
    make_aftercare,
    make_alert,
    make_ping,
    refer_to,
)
from tests.support.nodes import make_wide_clause, take_step

GB, VN, BE = "GB", "VN", "BE"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LyingWorld]:
    """Three agencies around an exchange that lies."""
    with lying_world(tmp_path_factory.mktemp("world"), GB, VN, BE) as world:
        yield world


@pytest.fixture
def world(shared: LyingWorld) -> Iterator[LyingWorld]:
    """The same, honest again after every test: inboxes are empty, and proofs against anybody forgotten."""
    yield shared
    for node in shared.nodes.values():
        with node.store.write() as transaction:
            transaction.execute("DELETE FROM contradiction")  # they would stop all sending
    shared.exchange.tamper.clear()
    shared.exchange.inboxes.clear()
    shared.exchange.withdrawn.clear()
    shared.clock.ahead = timedelta()


@pytest.fixture
def terms(world: LyingWorld, request: pytest.FixtureRequest) -> Any:
    """An agreement between GB and VN in force, of this test alone."""
    return world.agree(GB, VN, request.node.name)


def demand_set_aside(world: LyingWorld, sealed: SealedMessage, code: str, state: str = "unverifiable") -> None:
    """Let VN collect; the message must be set aside for this reason, its content nowhere."""
    found = world.receive(VN, sealed)
    assert (found.state, found.problem and found.problem.code) == (state, code)
    assert found.summary is None
    with world[VN].store.read() as snapshot:
        assert snapshot.fetch_one("SELECT 1 FROM content WHERE digest = ?", sealed.digest) is None


def change_item(world: LyingWorld, sealed: SealedMessage, **changes: Any) -> None:
    """Let the exchange change members of the item that carries a message, in every lease."""

    def tamper(answer: LeaseAnswer) -> LeaseAnswer:
        items = tuple(
            item.model_copy(update=changes)
            if isinstance(item, MessageItem) and item.envelope.payload == sealed.envelope.payload
            else item
            for item in answer.items
        )
        return answer.model_copy(update={"items": items})

    world.exchange.tamper[LEASE_PATH] = tamper


def test_an_honest_delivery_is_opened(world: LyingWorld, terms: Any) -> None:
    sealed = world.craft(GB, VN, terms)
    world.deliver(sealed, VN)
    assert world.receive(VN, sealed).state is InboxState.OPENED
    assert world.exchange.inboxes[VN] == {}


# The envelope


def test_an_altered_ciphertext_is_set_aside(world: LyingWorld, terms: Any) -> None:
    sealed = world.craft(GB, VN, terms)
    data = bytearray(b64u_decode(sealed.envelope.ciphertext))
    data[100] ^= 1
    forged = sealed.envelope.model_copy(update={"ciphertext": b64u_encode(bytes(data))})
    world.exchange.deliver(forged, VN)
    demand_set_aside(world, sealed, "body-mismatch")


def test_an_envelope_signed_by_another_member_in_the_senders_name_is_set_aside(world: LyingWorld, terms: Any) -> None:
    sealed = world.craft(GB, VN, terms, signer=world[BE].signer(KeyUse.MESSAGE))
    world.deliver(sealed, VN)
    demand_set_aside(world, sealed, "key-set-refused")


def test_an_envelope_signed_again_over_the_senders_kids_is_set_aside(world: LyingWorld, terms: Any) -> None:
    sealed = world.craft(GB, VN, terms)
    signatures = world[BE].signer(KeyUse.MESSAGE).sign(DocumentType.ENVELOPE, sealed.envelope.payload)
    world.exchange.deliver(sealed.envelope.model_copy(update={"signatures": signatures}), VN)
    demand_set_aside(world, sealed, "signature-refused")


@pytest.mark.parametrize("kept", [0, 1], ids=["the classical one left", "the post-quantum one left"])
def test_an_envelope_with_one_of_its_signatures_is_set_aside(world: LyingWorld, terms: Any, kept: int) -> None:
    sealed = world.craft(GB, VN, terms)
    stripped = sealed.envelope.model_copy(update={"signatures": (sealed.envelope.signatures[kept],)})
    world.exchange.deliver(stripped, VN)
    demand_set_aside(world, sealed, "signature-refused")


def test_a_ciphertext_sent_on_under_another_name_does_not_open(world: LyingWorld, terms: Any) -> None:
    stolen = world.craft(GB, VN, terms)
    others = world.agree(BE, VN, "for the thief")
    own = world.craft(BE, VN, others)
    payload = _read_payload(own.envelope).model_copy(
        update={
            "body": _read_payload(stolen.envelope).body,
            "recipients": _read_payload(stolen.envelope).recipients,
        }
    )
    text = b64u_encode(payload.canonical())
    forged = Envelope(
        payload=text,
        signatures=world[BE].signer(KeyUse.MESSAGE).sign(DocumentType.ENVELOPE, text),
        ciphertext=stolen.envelope.ciphertext,
    )
    placed = world.exchange.deliver(forged, VN)
    world.collect(VN)
    assert _states(world, placed.accepted.record.message.digest) == ("unverifiable", "body-mismatch")  # type: ignore[union-attr]


def test_a_message_for_somebody_else_is_neither_stored_nor_acknowledged(world: LyingWorld, terms: Any) -> None:
    between = world.agree(GB, BE, "not for VN")
    sealed = world.craft(GB, BE, between)
    world.deliver(sealed, VN)
    report = world.collect(VN)
    assert [problem.code for problem in report.problems] == ["wrong-recipient"]
    assert report.stored == 0
    assert len(world.exchange.inboxes[VN]) == 1


def test_a_header_of_another_kind_than_the_alert_inside_is_set_aside(world: LyingWorld, terms: Any) -> None:
    sealed = world.craft(GB, VN, terms, kind="document-status")
    world.deliver(sealed, VN)
    demand_set_aside(world, sealed, "header-mismatch")


def test_a_message_for_another_exchange_is_set_aside(world: LyingWorld, terms: Any) -> None:
    sealed = world.craft(GB, VN, terms, exchange="other.example")
    world.deliver(sealed, VN)
    demand_set_aside(world, sealed, "wrong-exchange")


def test_a_message_sealed_for_a_key_that_was_not_current_is_set_aside(world: LyingWorld, terms: Any) -> None:
    kid, jwk = find_encryption_key(world[VN])
    world.clock.ahead = timedelta(days=46)
    sealed = world.craft(GB, VN, terms, key=(kid, jwk))
    world.deliver(sealed, VN)
    demand_set_aside(world, sealed, "encryption-key-not-current")


@pytest.mark.parametrize(
    "changes",
    [{"issued_at": timedelta(hours=1)}, {"expires_at": timedelta(days=-1)}, {"expires_at": timedelta(days=40)}],
    ids=["issued after its acceptance", "past its deadline", "a deadline too far off"],
)
def test_a_message_whose_times_do_not_fit_its_leaf_is_set_aside(
    world: LyingWorld, terms: Any, changes: dict[str, timedelta]
) -> None:
    now = world.clock.now()
    sealed = world.craft(GB, VN, terms, **{name: now + shift for name, shift in changes.items()})
    world.deliver(sealed, VN)
    demand_set_aside(world, sealed, "wrong-time")


# The log


def test_a_leaf_about_another_message_does_not_prove_this_one(world: LyingWorld, terms: Any) -> None:
    true, sealed = world.craft(GB, VN, terms), world.craft(GB, VN, terms)
    other, _ = world.deliver(true, VN), world.deliver(sealed, VN)
    exchange = world.exchange

    def tamper(answer: LeaseAnswer) -> LeaseAnswer:
        proof = exchange.prove(other.accepted.index)
        swapped = {"accepted": other.accepted, "accepted_proof": proof}
        first, second = answer.items
        return answer.model_copy(update={"items": (first, second.model_copy(update=swapped))})

    exchange.tamper[LEASE_PATH] = tamper
    demand_set_aside(world, sealed, "log-not-proven")
    assert world.look_up(VN, true).state is InboxState.OPENED


@pytest.mark.parametrize(
    "lie",
    [
        {"agency": BE},
        {"kind": "facilitator"},
        {"marking": "clear"},
        {"urgency": "urgent"},
        {"size": 1},
        {"recipients": (RecordedRecipient(agency=BE, agreement="A" * 43),)},
    ],
    ids=lambda lie: next(iter(lie)),
)
def test_a_leaf_that_says_something_else_of_the_message_does_not_prove_it(
    world: LyingWorld, terms: Any, lie: dict[str, Any]
) -> None:
    sealed = world.craft(GB, VN, terms)
    world.deliver(sealed, VN, **lie)
    demand_set_aside(world, sealed, "log-not-proven")


@pytest.mark.parametrize("member", ["accepted_proof", "handed_over_proof"])
def test_a_wrong_proof_of_inclusion_proves_nothing(world: LyingWorld, terms: Any, member: str) -> None:
    sealed = world.craft(GB, VN, terms)
    world.deliver(sealed, VN)
    change_item(world, sealed, **{member: (b64u_encode(bytes(32)),)})
    demand_set_aside(world, sealed, "log-not-proven")


def test_a_leaf_that_was_never_logged_proves_nothing(world: LyingWorld, terms: Any) -> None:
    sealed = world.craft(GB, VN, terms)
    placed = world.deliver(sealed, VN)
    invented = placed.accepted.model_copy(update={"salt": generate_salt()})
    change_item(world, sealed, accepted=invented)
    demand_set_aside(world, sealed, "log-not-proven")


@pytest.mark.parametrize("lie", [{"partner": BE}, {"agency": BE}, {"lease": "0190a6f2-3c4d-7e5f-8a6b-7c8d9e0f1a2b"}])
def test_a_hand_over_leaf_about_another_hand_over_proves_nothing(
    world: LyingWorld, terms: Any, lie: dict[str, Any]
) -> None:
    sealed = world.craft(GB, VN, terms)
    world.deliver(sealed, VN)
    exchange = world.exchange

    def tamper(answer: LeaseAnswer) -> LeaseAnswer:
        (item,) = answer.items
        assert isinstance(item, MessageItem)
        record = item.handed_over.record
        members = {"message": record.message, "agency": record.agency, "partner": record.partner, "lease": record.lease}
        false = exchange.append(RecordType.MESSAGE_HANDED_OVER, (GB, VN), **members | lie)
        proven = {"handed_over": false, "handed_over_proof": exchange.prove(false.index)}
        proven["accepted_proof"] = exchange.prove(item.accepted.index)
        changed = {"items": (item.model_copy(update=proven),), "checkpoint": exchange.sign_note()}
        return answer.model_copy(update=changed)

    exchange.tamper[LEASE_PATH] = tamper
    demand_set_aside(world, sealed, "log-not-proven")


def test_a_second_history_is_proof_against_the_exchange_and_nothing_is_taken_from_it(
    world: LyingWorld, terms: Any
) -> None:
    sealed = world.craft(GB, VN, terms)
    world.deliver(sealed, VN)
    size = world[VN].observer.read_seen().size
    forked = world.exchange.sign_note(size, bytes(32))
    world.exchange.tamper[LEASE_PATH] = lambda answer: answer.model_copy(update={"checkpoint": forked})
    with pytest.raises(EquivocationError):
        world.collect(VN)
    with world[VN].store.read() as snapshot:
        proofs = list_contradictions(snapshot, ContradictionKind.CHECKPOINT)
        assert forked.encode() in {proofs[-1].first, proofs[-1].second}
        assert list_unsettled(snapshot) == {}
        assert snapshot.fetch_one("SELECT 1 FROM inbox_message WHERE digest = ?", sealed.digest) is None


def test_an_answer_under_an_unsigned_checkpoint_is_not_used(world: LyingWorld, terms: Any) -> None:
    sealed = world.craft(GB, VN, terms)
    world.deliver(sealed, VN)

    def strip(answer: LeaseAnswer) -> LeaseAnswer:
        lines = answer.checkpoint.splitlines(keepends=True)
        return answer.model_copy(update={"checkpoint": "".join(lines[:-1])})

    world.exchange.tamper[LEASE_PATH] = strip
    with pytest.raises(LogError):
        world.collect(VN)
    with world[VN].store.read() as snapshot:
        assert snapshot.fetch_one("SELECT 1 FROM inbox_message WHERE digest = ?", sealed.digest) is None


# The agreement


def test_a_message_accepted_while_the_agreement_was_suspended_is_set_aside(world: LyingWorld, terms: Any) -> None:
    take_step(world[VN], terms, StepAction.SUSPEND, world[VN], world[GB])
    sealed = world.craft(GB, VN, terms)
    world.deliver(sealed, VN)
    demand_set_aside(world, sealed, "agreement-not-in-force")


def test_a_message_handed_over_during_a_suspension_waits_until_it_ends(world: LyingWorld, terms: Any) -> None:
    sealed = world.craft(GB, VN, terms)
    world.deliver(sealed, VN)
    take_step(world[VN], terms, StepAction.SUSPEND, world[VN], world[GB])
    assert world.receive(VN, sealed).state is InboxState.NEW
    take_step(world[VN], terms, StepAction.RESUME, world[VN], world[GB])
    assert world.receive(VN, sealed).state is InboxState.OPENED


def test_a_message_under_an_agreement_revoked_since_is_refused(world: LyingWorld, terms: Any) -> None:
    sealed = world.craft(GB, VN, terms)
    world.deliver(sealed, VN)
    take_step(world[VN], terms, StepAction.REVOKE, world[VN], world[GB])
    demand_set_aside(world, sealed, "agreement-revoked", "refused")


def test_a_message_under_an_agreement_of_others_is_set_aside(world: LyingWorld, terms: Any) -> None:
    others = world.agree(BE, VN, "between others")
    sealed = world.craft(GB, VN, others)
    world.deliver(sealed, VN)
    demand_set_aside(world, sealed, "agreement-of-others")


def test_a_message_under_an_agreement_nobody_showed_waits_and_is_not_opened(world: LyingWorld, terms: Any) -> None:
    unknown = terms.model_copy(update={"title": "Never signed"})
    sealed = world.craft(GB, VN, unknown)
    world.deliver(sealed, VN)
    found = world.receive(VN, sealed)
    assert found.state is InboxState.NEW


def test_steps_withheld_by_the_exchange_keep_a_message_closed(world: LyingWorld) -> None:
    world.exchange.tamper[STEPS_PATH] = lambda answer: (
        answer.model_copy(update={"steps": ()}) if hasattr(answer, "steps") else answer
    )
    terms = world.agree(GB, BE, "withheld")  # stands in the stores of GB and BE
    with world[VN].store.read() as snapshot:
        assert terms.id not in {row[0] for row in snapshot.fetch_all("SELECT agreement FROM agreement_step")}
    sealed = world.craft(GB, VN, terms)
    world.deliver(sealed, VN)
    assert world.receive(VN, sealed).state is InboxState.NEW


def test_what_the_agreement_does_not_cover_to_the_brokers_eyes_is_set_aside(world: LyingWorld) -> None:
    narrow = world.agree(GB, VN, "narrow", clauses=(make_wide_clause(GB, VN, kinds=("facilitator",)),))
    sealed = world.craft(GB, VN, narrow)
    world.deliver(sealed, VN)
    demand_set_aside(world, sealed, "kind-not-covered")


@pytest.mark.parametrize(
    ("clause", "code"),
    [
        ({"purposes": (Purpose.BORDER_CONTROL,)}, "purpose-not-covered"),
        ({"handling": ("h2",)}, "handling-not-covered"),
    ],
)
def test_content_that_only_the_recipient_can_judge_is_refused(
    world: LyingWorld, clause: dict[str, Any], code: str
) -> None:
    from schemas.markings import HandlingCode

    if "handling" in clause:
        clause = {"handling": (HandlingCode.H2,)}
    narrow = world.agree(GB, VN, code, clauses=(make_wide_clause(GB, VN, **clause),))
    sealed = world.craft(GB, VN, narrow)
    world.deliver(sealed, VN)
    demand_set_aside(world, sealed, code, "refused")


# Keys and numbers


def test_a_key_revoked_before_the_messages_leaf_signs_nothing_more(tmp_path: Any) -> None:
    from agency_client.own_keys.publishing import publish_queued
    from agency_client.own_keys.revoking import prepare_revocation

    with lying_world(tmp_path, GB, VN) as world:
        terms = world.agree(GB, VN, "revoked")
        signer = world[GB].signer(KeyUse.MESSAGE)
        before, after = (world.craft(GB, VN, terms, signer=signer) for _ in range(2))
        world.deliver(before, VN)
        digest = prepare_revocation(world[GB], [signer.kids[0]], "compromised")
        publish_queued(world[GB], digest)
        world.deliver(after, VN)
        demand_set_aside(world, after, "key-revoked")
        assert world.look_up(VN, before).state is InboxState.OPENED


def test_an_unpinned_sender_waits_until_somebody_pins_it(world: LyingWorld) -> None:
    terms = world.agree(BE, VN, "unpinned")
    sealed = world.craft(BE, VN, terms)
    world.deliver(sealed, VN)
    with world[VN].store.write() as transaction:
        transaction.execute("UPDATE agency_pin SET retired_at = 1 WHERE agency = 'BE'")
    try:
        assert world.receive(VN, sealed).state is InboxState.NEW
    finally:
        with world[VN].store.write() as transaction:
            transaction.execute("UPDATE agency_pin SET retired_at = NULL WHERE agency = 'BE'")
    assert world.receive(VN, sealed).state is InboxState.OPENED


def test_a_replay_changes_nothing(world: LyingWorld, terms: Any) -> None:
    sealed = world.craft(GB, VN, terms)
    placed = world.deliver(sealed, VN)
    first = world.receive(VN, sealed)
    world.exchange.place(VN, placed)
    world.exchange.deliver(sealed.envelope, VN)
    report = world.collect(VN)
    assert (report.stored, report.repeated, report.findings) == (0, 2, [])
    assert world.look_up(VN, sealed) == first


def test_a_second_message_under_the_same_id_is_set_aside(world: LyingWorld, terms: Any) -> None:
    first = world.craft(GB, VN, terms)
    second = world.craft(GB, VN, terms, id=first.header.id)
    world.deliver(first, VN)
    assert world.receive(VN, first).state is InboxState.OPENED
    world.deliver(second, VN)
    demand_set_aside(world, second, "message-id-reused")


def test_a_second_message_under_the_same_number_is_a_proof_against_its_sender(world: LyingWorld, terms: Any) -> None:
    first = world.craft(GB, VN, terms)
    world.deliver(first, VN)
    assert world.receive(VN, first).state is InboxState.OPENED
    second = world.craft(GB, VN, terms, n=first.header.recipients[0].n)
    world.deliver(second, VN)
    demand_set_aside(world, second, "number-reused")
    with world[VN].store.read() as snapshot:
        proof = list_contradictions(snapshot, ContradictionKind.STREAM_NUMBER)[-1]
    assert proof.signer == GB
    assert {proof.first, proof.second} == {_strip(first), _strip(second)}


def test_a_number_its_sender_has_voided_is_refused(world: LyingWorld, terms: Any) -> None:
    sealed = world.craft(GB, VN, terms)
    entry = sealed.header.recipients[0]
    with world[VN].store.write() as transaction:
        apply_announcement(transaction, GB, entry.stream, last=entry.n, voided=[entry.n], at=world.clock.now())
    world.deliver(sealed, VN)
    demand_set_aside(world, sealed, "number-voided", "refused")


# Withdrawals


def test_a_withdrawal_by_another_member_takes_nothing_back(world: LyingWorld, terms: Any) -> None:
    sealed = world.craft(GB, VN, terms)
    world.deliver(sealed, VN)
    others = world.agree(BE, VN, "of the meddler")
    alert = make_aftercare("withdrawal", sealed, world)
    meddling = world.craft(BE, VN, others, alert=alert, refers_to=refer_to(sealed))
    world.deliver(meddling, VN)
    world.collect(VN)
    assert world.look_up(VN, meddling).state is InboxState.UNVERIFIABLE
    found = world.look_up(VN, sealed)
    assert (found.state, found.withdrawn_at) == (InboxState.OPENED, None)


def test_a_message_withdrawn_before_it_was_opened_never_is(world: LyingWorld, terms: Any) -> None:
    sealed = world.craft(GB, VN, terms)
    world.deliver(sealed, VN)
    back = world.craft(GB, VN, terms, alert=make_aftercare("withdrawal", sealed, world), refers_to=refer_to(sealed))
    world.deliver(back, VN)
    found = world.receive(VN, sealed)
    assert found.state is InboxState.WITHDRAWN
    assert found.envelope is None
    assert world.look_up(VN, back).state is InboxState.OPENED


def test_a_message_that_comes_after_its_withdrawal_is_not_opened(world: LyingWorld, terms: Any) -> None:
    sealed = world.craft(GB, VN, terms)
    placed = world.exchange.accept(sealed.envelope)
    back = world.craft(GB, VN, terms, alert=make_aftercare("withdrawal", sealed, world), refers_to=refer_to(sealed))
    world.deliver(back, VN)
    assert world.receive(VN, back).state is InboxState.OPENED
    world.exchange.place(VN, placed)
    assert world.receive(VN, sealed).state is InboxState.WITHDRAWN


def test_a_withdrawal_that_is_only_claimed_delays_and_takes_nothing_back(world: LyingWorld, terms: Any) -> None:
    sealed = world.craft(GB, VN, terms)
    world.deliver(sealed, VN)
    world.exchange.withdrawn[VN] = (refer_to(sealed),)
    assert world.receive(VN, sealed).state is InboxState.NEW
    world.exchange.withdrawn.clear()
    assert world.receive(VN, sealed).state is InboxState.OPENED


def test_aftercare_of_a_message_that_passed_between_others_is_set_aside(world: LyingWorld, terms: Any) -> None:
    sealed = world.craft(GB, VN, terms)
    world.deliver(sealed, VN)
    world.collect(VN)
    others = world.agree(BE, VN, "of a third")
    alert = make_aftercare("correction", sealed, world)
    meddling = world.craft(BE, VN, others, alert=alert, refers_to=refer_to(sealed))
    world.deliver(meddling, VN)
    demand_set_aside(world, meddling, "reference-refused")


def test_a_correction_is_opened_even_while_the_agreement_is_suspended(world: LyingWorld, terms: Any) -> None:
    sealed = world.craft(GB, VN, terms)
    world.deliver(sealed, VN)
    world.collect(VN)
    take_step(world[VN], terms, StepAction.SUSPEND, world[VN], world[GB])
    correction = world.craft(
        GB, VN, terms, alert=make_aftercare("correction", sealed, world), refers_to=refer_to(sealed)
    )
    world.deliver(correction, VN)
    assert world.receive(VN, correction).state is InboxState.OPENED


# Receipts and outcomes of one's own messages


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
    """Return a receipt for a sent message, in GB's name unless changed, signed by whoever `signer` is."""
    leg = sent.legs[0]
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
    return seal_receipt(receipt, world[signer].signer(KeyUse.RECEIPT), jwk, content_key=generate_bytes(32))


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


def test_receipts_made_by_a_node_are_believed_by_the_sender(world: LyingWorld, terms: Any) -> None:
    sent = send(world, terms, "real")
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


def _read_payload(envelope: Envelope) -> Any:
    from schemas.envelope import Payload

    return Payload.from_canonical(envelope.payload_bytes)


def _strip(sealed: SealedMessage) -> bytes:
    from agency_client.receiving.sealed import strip_ciphertext

    return strip_ciphertext(sealed.envelope).canonical()


def _states(world: LyingWorld, digest: str) -> tuple[str, str | None]:
    from agency_client.local_store.inbox import load_by_digest

    with world[VN].store.read() as snapshot:
        found = load_by_digest(snapshot, digest)
    return found.state.value, found.problem.code if found.problem else None
