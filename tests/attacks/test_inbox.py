"""Attacks on what waits: other people's inboxes, leases, receipts and statuses."""

from collections.abc import Iterator
from itertools import count

import httpx
import pytest

from keys.receipts import seal_receipt
from keys.signing import sign_document
from schemas.agreements.steps import StepAction
from schemas.api import (
    ACCESS_LOG_HEADS_PATH,
    ACKNOWLEDGE_PATH,
    LEASE_PATH,
    MESSAGES_PATH,
    RECEIPTS_PATH,
    STATUSES_PATH,
    STEPS_PATH,
    AccessLogHead,
    AcknowledgeRequest,
    LeaseRequest,
    ReceiptItem,
    ReceiptsRequest,
    StatusesAnswer,
)
from schemas.codec import b64u_encode
from schemas.log.records import Role
from schemas.receipts import Receipt, ReceiptedMessage, ReceiptType, SealedReceipt
from schemas.signed import DocumentType, KeyUse
from tests.broker.statuses.test_service import make_status
from tests.support.caller import Caller, read_answer, read_slug
from tests.support.delivery import Correspondence, acknowledge, ask_states, envelopes_of, lease, send, tell_time
from tests.support.exchange import RunningExchange, running_exchange
from tests.support.members import EXCHANGE, derive_seed

GB, VN, BE = "GB-HO", "VN-IMM", "BE-OE"
names = count()


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningExchange]:
    with running_exchange(tmp_path_factory.mktemp("inbox"), GB, VN, BE, oversight="OVERSEER") as running:
        yield running


@pytest.fixture(scope="module")
def messages(exchange: RunningExchange) -> Correspondence:
    terms = exchange.agree(GB, VN).terms
    return Correspondence(exchange.members[GB], exchange.members[VN], terms.digest())


def ask_for_items(caller: Caller) -> httpx.Response:
    return caller.post(LEASE_PATH, LeaseRequest(wait_seconds=0, max_items=8))


def test_nobody_collects_or_settles_what_is_for_another(exchange: RunningExchange, messages: Correspondence) -> None:
    sealed = messages.seal(next(names))
    number = send(exchange.caller(GB), sealed).leaf.index
    thief, owner = exchange.caller(BE), exchange.caller(VN)
    assert envelopes_of(lease(thief)) == []
    answer = lease(owner)
    assert sealed.envelope in envelopes_of(answer)
    assert answer.lease is not None
    stolen = AcknowledgeRequest(lease=answer.lease, numbers=(number,))
    assert read_slug(thief.post(ACKNOWLEDGE_PATH, stolen)) == "not-found"
    assert ask_states(exchange.caller(GB), sealed) == ["leased"]
    assert acknowledge(owner, answer) == len(answer.items)
    for stranger in (thief, owner):
        assert read_slug(stranger.get(f"{MESSAGES_PATH}/{sealed.header.id}")) == "not-found"


def test_a_second_node_cannot_take_half_of_an_inbox(exchange: RunningExchange, messages: Correspondence) -> None:
    sealed = messages.seal(next(names))
    send(exchange.caller(GB), sealed)
    lease(exchange.caller(VN), max_items=1)
    second = exchange.caller(VN, node="node-2")
    assert read_slug(ask_for_items(second)) == "second-node"


def test_only_nodes_of_agencies_have_an_inbox(exchange: RunningExchange) -> None:
    for caller in (exchange.caller(VN, Role.AUDITOR), exchange.caller("OVERSEER")):
        assert read_slug(ask_for_items(caller)) == "role-not-allowed"


def test_a_suspension_stops_what_is_waiting_and_a_revocation_sends_it_back(exchange: RunningExchange) -> None:
    agreement = exchange.agree(GB, VN, "stopped")
    own = Correspondence(exchange.members[GB], exchange.members[VN], agreement.terms.digest())
    gb, vn = exchange.caller(GB), exchange.caller(VN)
    sealed = own.seal("waiting")
    send(gb, sealed)
    vn.submit(STEPS_PATH, agreement.sign(VN, StepAction.SUSPEND, tell_time()))
    assert sealed.envelope not in envelopes_of(lease(vn))
    assert ask_states(gb, sealed) == ["held"]
    gb.submit(STEPS_PATH, agreement.sign(GB, StepAction.REVOKE, tell_time()))
    assert sealed.envelope not in envelopes_of(lease(vn))
    assert ask_states(gb, sealed) == ["returned"]


def make_receipt(exchange: RunningExchange, sender: str, to: str) -> SealedReceipt:
    receipt = Receipt(
        v=1,
        exchange=EXCHANGE,
        salt=b64u_encode(derive_seed("salt", next(names))),
        type=ReceiptType.VERIFIED,
        from_agency=sender,
        to_agency=to,
        time=tell_time(),
        late=False,
        messages=(ReceiptedMessage(id="3f0f6d0a-7c57-4c2c-9d3a-0d2f9a4b1c77", digest=b64u_encode(bytes(32))),),
    )
    signer = exchange.members[sender].signers[KeyUse.RECEIPT]
    key = exchange.members[to].opening_key.jwk
    return seal_receipt(receipt, signer, key, content_key=derive_seed("key", next(names)))


def test_a_receipt_cannot_be_forged_onto_a_stranger_or_in_anothers_name(
    exchange: RunningExchange, messages: Correspondence
) -> None:
    send(exchange.caller(GB), messages.seal(next(names)))
    genuine = make_receipt(exchange, VN, GB)
    in_anothers_name = exchange.caller(BE).post(RECEIPTS_PATH, ReceiptsRequest(receipts=(genuine,)))
    assert read_slug(in_anothers_name) == "not-the-sender"
    unasked = make_receipt(exchange, BE, GB)
    nothing_passed = exchange.caller(BE).post(RECEIPTS_PATH, ReceiptsRequest(receipts=(unasked,)))
    assert read_slug(nothing_passed) == "receipt-refused"
    assert exchange.caller(VN).post(RECEIPTS_PATH, ReceiptsRequest(receipts=(genuine,))).status_code == 201
    assert exchange.caller(VN).post(RECEIPTS_PATH, ReceiptsRequest(receipts=(genuine,))).status_code == 200
    answer = lease(exchange.caller(GB))
    receipts = [item.receipt for item in answer.items if isinstance(item, ReceiptItem)]
    assert receipts == [genuine]
    acknowledge(exchange.caller(GB), answer)


def test_a_status_cannot_be_rolled_back_forged_or_read_by_a_third(exchange: RunningExchange) -> None:
    gb = exchange.caller(GB)
    receipt_key = gb.member.signers[KeyUse.RECEIPT]
    first = make_status(tell_time())
    signed = sign_document(first.canonical(), DocumentType.STATUS, [receipt_key])
    gb.submit(STATUSES_PATH, signed)
    assert read_slug(exchange.caller(BE).post(STATUSES_PATH, signed)) == "not-the-sender"
    rolled_back = sign_document(make_status(tell_time(), keyset=9).canonical(), DocumentType.STATUS, [receipt_key])
    assert read_slug(gb.post(STATUSES_PATH, rolled_back)) == "chain-conflict"
    other_type = sign_document(first.canonical(), DocumentType.RECEIPT, [receipt_key])
    assert gb.post(STATUSES_PATH, other_type).status_code == 422
    other_key = sign_document(first.canonical(), DocumentType.STATUS, [gb.member.signers[KeyUse.MESSAGE]])
    assert gb.post(STATUSES_PATH, other_key).status_code == 422
    seen = read_answer(exchange.caller(VN).get(STATUSES_PATH), StatusesAnswer).statuses
    assert [(status.agency, status.document) for status in seen] == [(GB, signed)]
    assert read_answer(exchange.caller(BE).get(STATUSES_PATH), StatusesAnswer).statuses == ()


def test_an_access_log_never_shrinks(exchange: RunningExchange) -> None:
    gb = exchange.caller(GB)

    def hand_in(entries: int, head: int) -> httpx.Response:
        document = AccessLogHead(
            v=1,
            exchange=EXCHANGE,
            agency=GB,
            node="node-1",
            count=entries,
            head=b64u_encode(bytes([head]) * 32),
            time=tell_time(),
        )
        signer = gb.member.signers[KeyUse.RECEIPT]
        return gb.post(
            ACCESS_LOG_HEADS_PATH, sign_document(document.canonical(), DocumentType.ACCESS_LOG_HEAD, [signer])
        )

    assert hand_in(7, 1).status_code == 201
    assert read_slug(hand_in(6, 2)) == "access-log-head-refused"
    assert read_slug(hand_in(7, 2)) == "access-log-head-refused"
    assert hand_in(8, 2).status_code == 201
