"""Statuses and access-log heads: signed, in order, the newest for whoever they are for."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from broker.http.refusal import RefusedError
from keys.encryption_keys import sign_revocation
from keys.errors import KeyRevokedError, KeysError, SignatureError
from keys.signing import sign_document
from schemas.api import AccessLogHead, Evidence
from schemas.codec import b64u_encode
from schemas.envelope import SeenCheckpoint
from schemas.key_documents import AgencyClass, Revocation
from schemas.log.records import RecordType
from schemas.signed import DocumentType, KeyUse, SignedDocument
from schemas.status import Status, digest_status
from tests.broker.bench import BE, GB, OVERSIGHT, VN, Bench
from tests.support.members import EXCHANGE


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path, GB, VN, BE)
    yield bench
    bench.close()


def make_status(
    now: datetime, seq: int = 1, prev: str | None = None, *, agency: str = GB, partner: str = VN, **changes: Any
) -> Status:
    whole: dict[str, Any] = {
        "v": 1,
        "exchange": EXCHANGE,
        "agency": agency,
        "partner": partner,
        "seq": seq,
        "prev": prev,
        "time": now,
        "keyset": 1,
        "revoked": (),
        "chains": (),
        "streams": (),
        "checkpoint": SeenCheckpoint(origin=f"{EXCHANGE}/1", size=1, root=b64u_encode(bytes(32))),
    }
    return Status(**whole | changes)


def make_head(now: datetime, count: int, head: int = 0, **changes: Any) -> AccessLogHead:
    whole: dict[str, Any] = {
        "v": 1,
        "exchange": EXCHANGE,
        "agency": GB,
        "node": "node-1",
        "count": count,
        "head": b64u_encode(bytes([head]) * 32),
        "time": now,
    }
    return AccessLogHead(**whole | changes)


def sign(
    bench: Bench, document: Status | AccessLogHead, *, use: KeyUse = KeyUse.RECEIPT, by: str = GB
) -> SignedDocument:
    document_type = DocumentType.STATUS if isinstance(document, Status) else DocumentType.ACCESS_LOG_HEAD
    return sign_document(document.canonical(), document_type, [bench.members[by].signers[use]])


def submit(bench: Bench, document: SignedDocument, caller: str = GB) -> tuple[Evidence, bool]:
    return bench.run(bench.statuses.submit_status(bench.caller(caller), document))


def submit_head(bench: Bench, head: AccessLogHead, node: str = "node-1") -> tuple[Evidence, bool]:
    return bench.run(bench.statuses.submit_head(bench.caller(GB, node=node), sign(bench, head)))


def refuse(bench: Bench, document: SignedDocument, caller: str = GB) -> tuple[str, str | None]:
    with pytest.raises(RefusedError) as caught:
        submit(bench, document, caller)
    return caught.value.refusal.slug, caught.value.refusal.field


def refuse_head(bench: Bench, head: AccessLogHead) -> tuple[str, str | None]:
    with pytest.raises(RefusedError) as caught:
        submit_head(bench, head)
    return caught.value.refusal.slug, caught.value.refusal.field


def test_the_partner_gets_the_newest_status_with_its_proof(bench: Bench) -> None:
    first = make_status(bench.now)
    evidence, is_new = submit(bench, sign(bench, first))
    assert is_new
    bench.verify(evidence)
    assert evidence.leaf.record.concerns == (GB, VN)
    bench.clock.move(60)
    second = sign(bench, make_status(bench.now, 2, digest_status(first.canonical())))
    newest, _ = submit(bench, second)
    submit(bench, sign(bench, make_status(bench.now, partner=BE)))
    answer = bench.run(bench.statuses.list_statuses(bench.caller(VN)))
    (shown,) = answer.statuses
    assert (shown.agency, shown.document, shown.leaf) == (GB, second, newest.leaf)
    bench.verify(Evidence(leaf=shown.leaf, proof=shown.proof, checkpoint=answer.checkpoint))
    assert bench.run(bench.statuses.list_statuses(bench.caller(GB))).statuses == ()


def test_a_status_handed_in_again_keeps_its_leaf(bench: Bench) -> None:
    document = sign(bench, make_status(bench.now))
    first, _ = submit(bench, document)
    bench.restart()
    again, is_new = submit(bench, document)
    assert (again.leaf, is_new) == (first.leaf, False)
    assert len(bench.records(RecordType.STATUS)) == 1


def test_a_status_continues_its_chain_and_the_refusal_says_how(bench: Bench) -> None:
    first = make_status(bench.now)
    digest = digest_status(first.canonical())
    submit(bench, sign(bench, first))
    for wrong in (
        make_status(bench.now, 1, None, keyset=2),
        make_status(bench.now, 2, None),
        make_status(bench.now, 2, b64u_encode(bytes(32))),
        make_status(bench.now, 3, None),
    ):
        with pytest.raises(RefusedError) as caught:
            submit(bench, sign(bench, wrong))
        assert caught.value.refusal.slug == "chain-conflict"
        assert f"expected is seq 2 with prev {digest}" in caught.value.refusal.detail
    older = make_status(bench.now - timedelta(seconds=1), 2, digest)
    assert refuse(bench, sign(bench, older)) == ("chain-conflict", "time")


def test_a_status_may_pass_over_numbers_that_an_earlier_log_had_but_never_go_back(bench: Bench) -> None:
    unseen = b64u_encode(bytes(32))
    submit(bench, sign(bench, make_status(bench.now, 7, unseen)))
    submit(bench, sign(bench, make_status(bench.now, 9, unseen)))
    assert refuse(bench, sign(bench, make_status(bench.now, 8, unseen))) == ("chain-conflict", "seq")


def test_what_is_wrong_with_a_status_is_named(bench: Bench) -> None:
    bench.enrol(OVERSIGHT, agency_class=AgencyClass.OVERSIGHT)
    cases = {
        ("wrong-exchange", "exchange"): make_status(bench.now, exchange="staging.example"),
        ("status-refused", "partner"): make_status(bench.now, partner=GB),
        ("recipient-refused", "partner"): make_status(bench.now, partner=OVERSIGHT),
        ("wrong-time", "time"): make_status(bench.now + timedelta(seconds=301)),
    }
    for expected, status in cases.items():
        assert refuse(bench, sign(bench, status)) == expected
    nobody = make_status(bench.now, partner="XX-NOBODY")
    assert refuse(bench, sign(bench, nobody)) == ("recipient-refused", "partner")
    assert refuse(bench, sign(bench, make_status(bench.now)), caller=VN) == ("not-the-sender", "agency")
    assert len(bench.records(RecordType.REFUSED)) == 6


@pytest.mark.parametrize(("use", "by"), [(KeyUse.MESSAGE, GB), (KeyUse.RECEIPT, VN)])
def test_a_status_is_signed_by_its_agencys_receipt_key(bench: Bench, use: KeyUse, by: str) -> None:
    with pytest.raises(KeysError):
        submit(bench, sign(bench, make_status(bench.now), use=use, by=by))
    assert bench.records(RecordType.STATUS) == []


def test_a_status_with_a_false_signature_is_refused(bench: Bench) -> None:
    document = sign(bench, make_status(bench.now))
    other = sign(bench, make_status(bench.now, keyset=2))
    with pytest.raises(SignatureError):
        submit(bench, other.model_copy(update={"payload": document.payload}))


def test_a_revoked_receipt_key_signs_no_status(bench: Bench) -> None:
    document = sign(bench, make_status(bench.now))
    revocation = Revocation(
        v=1,
        exchange=EXCHANGE,
        agency=GB,
        kids=bench.members[GB].signers[KeyUse.RECEIPT].kids,
        effective_from=bench.now,
        issued_at=bench.now,
        reason="lost-device",
    )
    signed = sign_revocation(revocation, bench.members[GB].signers[KeyUse.ROTATION])
    bench.run(bench.directory_service.submit(bench.caller(GB), signed, DocumentType.REVOCATION))
    with pytest.raises(KeyRevokedError):
        submit(bench, document)


def test_an_access_log_head_is_a_private_leaf_and_only_grows(bench: Bench) -> None:
    evidence, is_new = submit_head(bench, make_head(bench.now, 5, 1))
    assert is_new
    bench.verify(evidence)
    assert (evidence.leaf.record.concerns, evidence.leaf.record.count) == ((GB,), 5)
    again, is_new = submit_head(bench, make_head(bench.now, 5, 1))
    assert (again.leaf, is_new) == (evidence.leaf, False)
    bench.clock.move(3600)
    assert submit_head(bench, make_head(bench.now, 5, 1))[1]
    assert submit_head(bench, make_head(bench.now, 8, 2))[1]
    assert refuse_head(bench, make_head(bench.now, 7, 3)) == ("access-log-head-refused", "count")
    assert refuse_head(bench, make_head(bench.now, 8, 3)) == ("access-log-head-refused", "head")
    assert [record.count for record in bench.records(RecordType.ACCESS_LOG_HEAD)] == [5, 5, 8]


def test_a_head_is_of_the_node_that_hands_it_in(bench: Bench) -> None:
    assert refuse_head(bench, make_head(bench.now, 1, node="node-2")) == ("access-log-head-refused", "node")
    assert refuse_head(bench, make_head(bench.now, 1, agency=VN)) == ("not-the-sender", "agency")
    assert refuse_head(bench, make_head(bench.now, 1, exchange="staging.example")) == ("wrong-exchange", "exchange")
    assert refuse_head(bench, make_head(bench.now + timedelta(hours=1), 1)) == ("wrong-time", "time")
