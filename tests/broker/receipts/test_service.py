"""Receipts on their way back: only where a message came from, once each, all of a request or none."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from broker.http.refusal import RefusedError
from keys.algorithms import OpeningKey
from keys.receipts import open_receipt, seal_receipt
from schemas.agreements.steps import StepAction
from schemas.api import EvidenceList, ReceiptsRequest
from schemas.batches import AcceptedMember, RefusedMember
from schemas.codec import b64u_encode
from schemas.log.records import RecordType
from schemas.receipts import Receipt, ReceiptedMessage, ReceiptType, SealedReceipt
from schemas.signed import KeyUse
from tests.broker.bench import BE, GB, VN, Bench, receipts_of
from tests.support.members import EXCHANGE, derive_seed
from tests.support.messages import make_id


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path, GB, VN, BE)
    yield bench
    bench.close()


def make_receipt(bench: Bench, name: str = "first", *, sender: str = VN, to: str = GB, salt: str = "") -> SealedReceipt:
    """Return a receipt of `sender` for a message by its name, sealed for `to`."""
    receipt = Receipt(
        v=1,
        exchange=EXCHANGE,
        salt=b64u_encode(derive_seed("receipt", name, salt)),
        type=ReceiptType.VERIFIED,
        from_agency=sender,
        to_agency=to,
        time=bench.now,
        late=False,
        messages=(ReceiptedMessage(id=make_id(name), digest=b64u_encode(bytes(32))),),
    )
    signer = bench.members[sender].signers[KeyUse.RECEIPT]
    return seal_receipt(receipt, signer, bench.members[to].opening_key.jwk, content_key=derive_seed("key", name))


def submit(bench: Bench, agency: str, *receipts: SealedReceipt) -> tuple[EvidenceList, bool]:
    return bench.run(bench.receipts.submit(bench.caller(agency), ReceiptsRequest(receipts=receipts)))


def refuse(bench: Bench, agency: str, *receipts: SealedReceipt) -> tuple[str, str | None]:
    with pytest.raises(RefusedError) as caught:
        submit(bench, agency, *receipts)
    return caught.value.refusal.slug, caught.value.refusal.field


def test_a_receipt_is_a_leaf_and_comes_to_who_sent_the_message(bench: Bench) -> None:
    bench.send(GB, VN, bench.agree(), "first")
    sealed = make_receipt(bench)
    evidence, is_new = submit(bench, VN, sealed)
    assert is_new
    record = evidence.leaves[0].record
    assert (record.type, record.agency, record.partner, record.digest, record.receipt_type) == (
        RecordType.RECEIPT, VN, GB, sealed.digest, ReceiptType.VERIFIED
    )  # fmt: skip
    answer = bench.lease(GB)
    (item,) = receipts_of(answer)
    assert item.receipt == sealed
    assert item.accepted == evidence.leaves[0]
    assert open_receipt(item.receipt, bench.members[GB].opening_key).receipt.messages[0].id == make_id("first")
    assert bench.acknowledge(GB, answer) == 1
    assert bench.lease(GB).items == ()


def test_a_receipt_handed_in_again_keeps_its_leaf_and_comes_once(bench: Bench) -> None:
    bench.send(GB, VN, bench.agree(), "first")
    sealed, other = make_receipt(bench), make_receipt(bench, salt="other")
    first, _ = submit(bench, VN, sealed, sealed)
    bench.restart()
    again, is_new = submit(bench, VN, sealed)
    assert (again.leaves[0], is_new) == (first.leaves[0], False)
    assert first.leaves[0] == first.leaves[1]
    both, is_new = submit(bench, VN, sealed, other)
    assert is_new
    assert both.leaves[0] == first.leaves[0]
    assert len(receipts_of(bench.lease(GB))) == 2


@pytest.mark.parametrize("action", [StepAction.SUSPEND, StepAction.REVOKE])
def test_receipts_pass_in_every_state_of_the_agreement(bench: Bench, action: StepAction) -> None:
    terms = bench.agree()
    bench.send(GB, VN, terms, "first")
    bench.step(GB, terms, action)
    submit(bench, VN, make_receipt(bench))
    assert len(receipts_of(bench.lease(GB))) == 1


def test_no_receipt_goes_where_no_message_came_from(bench: Bench) -> None:
    terms = bench.agree()
    assert refuse(bench, VN, make_receipt(bench)) == ("receipt-refused", "receipts.0.to_agency")
    bench.send(GB, VN, terms, "first")
    assert refuse(bench, GB, make_receipt(bench, sender=GB, to=VN)) == ("receipt-refused", "receipts.0.to_agency")
    assert refuse(bench, VN, make_receipt(bench, to=BE)) == ("receipt-refused", "receipts.0.to_agency")


def test_one_bad_receipt_takes_the_whole_request_back(bench: Bench) -> None:
    bench.send(GB, VN, bench.agree(), "first")
    good, bad = make_receipt(bench), make_receipt(bench, to=BE)
    assert refuse(bench, VN, good, bad) == ("receipt-refused", "receipts.1.to_agency")
    assert bench.records(RecordType.RECEIPT) == []
    assert bench.lease(GB).items == ()
    assert [record.problem for record in bench.records(RecordType.REFUSED)] == ["receipt-refused"]


def test_what_is_wrong_on_the_outside_is_named(bench: Bench) -> None:
    bench.send(GB, VN, bench.agree(), "first")
    sealed = make_receipt(bench)
    stranger = OpeningKey(derive_seed("stranger"))
    other_key = sealed.recipient.model_copy(update={"kid": stranger.kid})
    short_key = sealed.recipient.model_copy(update={"encrypted_key": b64u_encode(bytes(16))})
    cases: dict[tuple[str, str], dict[str, Any]] = {
        ("not-the-sender", "receipts.0.from_agency"): {"from_agency": GB},
        ("wrong-exchange", "receipts.0.exchange"): {"exchange": "staging.example"},
        ("recipient-refused", "receipts.0.to_agency"): {"to_agency": "XX-NOBODY"},
        ("encryption-key-not-current", "receipts.0.recipient.kid"): {"recipient": other_key},
        ("receipt-refused", "receipts.0.recipient"): {"recipient": short_key},
    }
    for expected, changes in cases.items():
        assert refuse(bench, VN, sealed.model_copy(update=changes)) == expected


def test_a_receipt_of_somebody_else_is_not_repeated_to_a_stranger(bench: Bench) -> None:
    bench.send(GB, VN, bench.agree(), "first")
    sealed = make_receipt(bench)
    submit(bench, VN, sealed)
    assert refuse(bench, BE, sealed) == ("not-the-sender", "receipts.0.from_agency")


def submit_each(bench: Bench, agency: str, *receipts: bytes) -> list[AcceptedMember | RefusedMember]:
    return list(bench.run(bench.receipts.submit_each(bench.caller(agency), receipts)).members)


def test_a_batch_passes_on_all_but_what_is_wrong_and_says_so_in_its_place(bench: Bench) -> None:
    bench.send(GB, VN, bench.agree(), "first")
    good, other = (make_receipt(bench, salt=salt).canonical() for salt in ("a", "b"))
    unasked = make_receipt(bench, to=BE).canonical()
    members = submit_each(bench, VN, good, b"{}", unasked, other)
    problems = [item.problem for item in members if isinstance(item, RefusedMember)]
    assert [item.type for item in members] == ["accepted", "refused", "refused", "accepted"]
    assert [(problem.type.rpartition(":")[2], problem.field) for problem in problems] == [
        ("wrong-shape", "v"),
        ("receipt-refused", "to_agency"),
    ]
    assert len(receipts_of(bench.lease(GB))) == 2
    assert len(bench.records(RecordType.REFUSED)) == 2


def test_a_batch_of_receipts_again_keeps_their_leaves(bench: Bench) -> None:
    bench.send(GB, VN, bench.agree(), "first")
    receipts = [make_receipt(bench, salt=salt).canonical() for salt in "abc"]
    first, again = submit_each(bench, VN, *receipts), submit_each(bench, VN, *receipts)
    leaves = [member.leaf for member in first if isinstance(member, AcceptedMember)]
    assert len(leaves) == 3
    assert [(item.leaf, item.new) for item in again if isinstance(item, AcceptedMember)] == [
        (leaf, False) for leaf in leaves
    ]
    assert len(receipts_of(bench.lease(GB))) == 3
