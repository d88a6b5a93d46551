"""A fully hostile broker, at times with a member at its side, against a recipient: no false message is ever opened.

The exchange signs whatever it likes with its true log keys, and messages are sealed with real keys past the client of
their sender. Each test is one attack, in an agreement of its own; what counts is what the recipient's store holds
after. Here: the envelope and the log.
"""

from datetime import timedelta
from typing import Any

import pytest

from agency_client.local_store.contradictions import ContradictionKind, EquivocationError, list_contradictions
from agency_client.local_store.inbox import InboxState
from agency_client.local_store.leases import list_unsettled
from agency_client.witness.observer import LogError
from keys.generation import generate_salt
from schemas.api import LEASE_PATH, LeaseAnswer, MessageItem
from schemas.codec import b64u_decode, b64u_encode
from schemas.envelope import Envelope
from schemas.log.records import RecordedRecipient, RecordType
from schemas.signed import DocumentType, KeyUse
from tests.attacks.recipient import BE, GB, VN, change_item, demand_set_aside, read_payload, state_of
from tests.support.lying_world import (
    LyingWorld,
    find_encryption_key,
)


def test_an_honest_delivery_is_opened(world: LyingWorld, terms: Any) -> None:
    sealed = world.craft(GB, VN, terms)
    world.deliver(sealed, VN)
    assert world.receive(VN, sealed).state is InboxState.OPENED
    assert world.exchange.inboxes[VN] == {}


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
    payload = read_payload(own.envelope).model_copy(
        update={
            "body": read_payload(stolen.envelope).body,
            "recipients": read_payload(stolen.envelope).recipients,
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
    assert state_of(world, placed.accepted.record.message.digest) == ("unverifiable", "body-mismatch")  # type: ignore[union-attr]


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
