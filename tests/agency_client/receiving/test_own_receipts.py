"""Receipts owed by an agency: signed once, batched, durable, believed by the broker's leaves only."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from agency_client.errors import NotFoundError
from agency_client.local_store.dispatch import DispatchKind, DispatchState, list_dispatches
from agency_client.local_store.inbox import InboxState
from agency_client.local_store.receipts import Direction, list_receipts
from agency_client.receiving.own_receipts import receipt_message, send_due_receipts, sign_owed_receipts
from agency_client.refusals import NotSentError, RefusalDetails, RefusedError
from agency_client.witness.observer import LogError
from keys.sealing import SealedMessage
from keys.signing import verify_document
from schemas.api import RECEIPT_BATCHES_PATH, RECEIPTS_PATH
from schemas.codec import b64u_encode
from schemas.receipts import Receipt, ReceiptType
from schemas.signed import DocumentType, KeyUse, SignedDocument
from tests.support.lying_batches import refuse_member
from tests.support.lying_world import LyingWorld


def receive_some(world: LyingWorld, terms: Any, count: int = 1) -> list[SealedMessage]:
    """Let VN receive messages of GB."""
    messages = [world.craft("GB", "VN", terms) for _ in range(count)]
    for sealed in messages:
        world.deliver(sealed, "VN")
    world.collect("VN")
    return messages


def settle_all(world: LyingWorld) -> None:
    """Sign whatever is owed from before, and forget it."""
    sign_owed_receipts(world["VN"])
    with world["VN"].store.write() as transaction:
        transaction.execute("DELETE FROM dispatch WHERE kind = 'receipt'")


def count_waiting(world: LyingWorld) -> int:
    """Return how many receipts of VN wait to be handed in."""
    with world["VN"].store.read() as snapshot:
        return sum(item.kind is DispatchKind.RECEIPT for item in list_dispatches(snapshot))


def test_one_document_covers_all_messages_of_a_type(world: LyingWorld, terms: Any) -> None:
    settle_all(world)
    messages = receive_some(world, terms, 3)
    report = sign_owed_receipts(world["VN"])
    assert report.signed == 2, "handed over, and verified"
    with world["VN"].store.read() as snapshot:
        found = list_receipts(snapshot, messages[0].digest)
    assert {item.type for item in found} == {"handed-over", "verified"}
    assert all({subject.message for subject in item.subjects} == {m.digest for m in messages} for item in found)


def test_what_was_signed_is_not_signed_again(world: LyingWorld, terms: Any) -> None:
    receive_some(world, terms)
    settle_all(world)
    assert sign_owed_receipts(world["VN"]).signed == 0


def test_the_stored_receipt_is_the_signed_document_itself(world: LyingWorld, terms: Any) -> None:
    (sealed,) = receive_some(world, terms)
    sign_owed_receipts(world["VN"])
    with world["VN"].store.read() as snapshot:
        stored = next(item for item in list_receipts(snapshot, sealed.digest) if item.type == "verified")
    assert stored.direction is Direction.OUT
    document = SignedDocument.from_canonical(stored.document)
    verify_document(document, DocumentType.RECEIPT, world["VN"].signer(KeyUse.RECEIPT).jwks)
    receipt = Receipt.from_canonical(document.payload_bytes)
    assert (receipt.from_agency, receipt.to_agency, receipt.late) == ("VN", "GB", False)


def test_a_receipt_after_the_deadline_is_marked_late(world: LyingWorld, terms: Any) -> None:
    settle_all(world)
    (sealed,) = receive_some(world, terms)
    world.clock.ahead = timedelta(days=11)
    sign_owed_receipts(world["VN"])
    with world["VN"].store.read() as snapshot:
        stored = list_receipts(snapshot, sealed.digest)[0]
    assert Receipt.from_canonical(SignedDocument.from_canonical(stored.document).payload_bytes).late


def test_a_message_that_was_set_aside_is_receipted_with_the_coded_reason(world: LyingWorld, terms: Any) -> None:
    settle_all(world)
    sealed = world.craft("GB", "VN", terms, kind="document-status")
    world.deliver(sealed, "VN")
    assert world.receive("VN", sealed).state is InboxState.UNVERIFIABLE
    sign_owed_receipts(world["VN"])
    with world["VN"].store.read() as snapshot:
        (stored,) = list_receipts(snapshot, sealed.digest)
    assert (stored.type, stored.subjects[0].reason) == ("unverifiable", "header-mismatch")


def test_an_unpinned_partner_gets_none_until_it_is_pinned(world: LyingWorld, terms: Any) -> None:
    settle_all(world)
    receive_some(world, terms)
    with world["VN"].store.write() as transaction:
        transaction.execute("UPDATE agency_pin SET retired_at = 1 WHERE agency = 'GB'")
    report = sign_owed_receipts(world["VN"])
    with world["VN"].store.write() as transaction:
        transaction.execute("UPDATE agency_pin SET retired_at = NULL WHERE agency = 'GB'")
    assert (report.signed, {problem.code for problem in report.problems}) == (0, {"no-receipt-key"})
    assert sign_owed_receipts(world["VN"]).signed == 2


def test_receipts_wait_while_the_exchange_is_away_and_go_once(world: LyingWorld, terms: Any) -> None:
    settle_all(world)
    receive_some(world, terms)
    sign_owed_receipts(world["VN"])

    def fail(answer: Any) -> Any:
        raise NotSentError("away")

    world.exchange.tamper[RECEIPTS_PATH] = fail
    with pytest.raises(NotSentError):
        send_due_receipts(world["VN"])
    assert count_waiting(world) == 2
    world.exchange.tamper.clear()
    world.clock.ahead = timedelta(minutes=1)
    assert send_due_receipts(world["VN"]).handed_in == 2
    assert count_waiting(world) == 0
    assert send_due_receipts(world["VN"]).handed_in == 0


LIES: dict[str, Callable[[tuple[Any, ...]], tuple[Any, ...]]] = {
    "a member less": lambda members: members[:1],
    "a member more": lambda members: (*members, members[0]),
    "another receipt's leaf": lambda members: members[::-1],
    "no proof": lambda members: tuple(item.model_copy(update={"proof": (b64u_encode(bytes(32)),)}) for item in members),
}


@pytest.mark.parametrize("lie", LIES)
def test_receipts_stay_queued_when_the_exchange_does_not_prove_that_it_has_them(
    world: LyingWorld, terms: Any, lie: str
) -> None:
    settle_all(world)
    receive_some(world, terms)
    sign_owed_receipts(world["VN"])
    world.exchange.tamper[RECEIPT_BATCHES_PATH] = lambda answer: answer.model_copy(
        update={"members": LIES[lie](answer.members)}
    )
    with pytest.raises(LogError):
        send_due_receipts(world["VN"])
    assert count_waiting(world) == 2


def test_no_refusal_is_believed_beside_false_evidence(world: LyingWorld, terms: Any) -> None:
    settle_all(world)
    receive_some(world, terms)
    sign_owed_receipts(world["VN"])
    world.exchange.tamper[RECEIPT_BATCHES_PATH] = lambda answer: answer.model_copy(
        update={"members": (refuse_member("receipt-refused"), answer.members[0])}
    )
    with pytest.raises(LogError):
        send_due_receipts(world["VN"])
    assert count_waiting(world) == 2
    with world["VN"].store.read() as snapshot:
        assert list_dispatches(snapshot, DispatchState.REFUSED) == []


def test_a_receipt_for_a_full_inbox_waits_and_the_others_go(world: LyingWorld, terms: Any) -> None:
    settle_all(world)
    receive_some(world, terms)
    sign_owed_receipts(world["VN"])
    world.exchange.tamper[RECEIPT_BATCHES_PATH] = lambda answer: answer.model_copy(
        update={"members": (refuse_member("inbox-full"), *answer.members[1:])}
    )
    report = send_due_receipts(world["VN"])
    assert (report.handed_in, [problem.code for problem in report.problems]) == (1, ["inbox-full"])
    assert count_waiting(world) == 1
    with world["VN"].store.read() as snapshot:
        assert list_dispatches(snapshot, DispatchState.REFUSED) == []


def test_an_exchange_without_batches_gets_them_one_by_one(world: LyingWorld, terms: Any) -> None:
    settle_all(world)
    receive_some(world, terms)
    sign_owed_receipts(world["VN"])

    def take_none(answer: Any) -> Any:
        raise NotFoundError("there is nothing here")

    world.exchange.tamper[RECEIPT_BATCHES_PATH] = take_none
    assert send_due_receipts(world["VN"]).handed_in == 2
    assert count_waiting(world) == 0


def test_one_refused_receipt_does_not_hold_the_others_up(world: LyingWorld, terms: Any) -> None:
    settle_all(world)
    receive_some(world, terms)
    sign_owed_receipts(world["VN"])
    refused: list[Any] = []

    def refuse_the_first(answer: Any) -> Any:
        digests = [leaf.record.digest for leaf in answer.leaves]
        if not refused:
            refused.append(digests[0])
        if refused[0] in digests:
            raise RefusedError("no", RefusalDetails("receipt-refused", 422, (), "receipts.0"))
        return answer

    world.exchange.tamper[RECEIPTS_PATH] = refuse_the_first
    report = send_due_receipts(world["VN"])
    assert (report.handed_in, [problem.code for problem in report.problems]) == (1, ["receipt-refused"])
    with world["VN"].store.read() as snapshot:
        assert refused[0] in {item.digest for item in list_dispatches(snapshot, DispatchState.REFUSED)}


def test_what_an_officer_says_of_a_message_is_said_once(world: LyingWorld, terms: Any) -> None:
    (sealed,) = receive_some(world, terms)
    stored, node = world.look_up("VN", sealed), world["VN"]
    with node.store.write() as transaction:
        said = [
            receipt_message(node, transaction, stored, ReceiptType.REFUSED, reason="not-competent") for _ in range(2)
        ]
    assert said == [True, False]
