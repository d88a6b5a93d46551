"""Attacks on the record: reading what concerns others, reading unseen, asking for what is not there."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from keys.log_keys import LogPublicKeys, verify_checkpoint
from schemas.agreements.steps import StepAction
from schemas.api import (
    AUDIT_PATH,
    CHECKPOINT_PATH,
    CONSISTENCY_PATH,
    LEAVES_PATH,
    STEPS_PATH,
    AuditAnswer,
    AuditQuery,
    CheckpointAnswer,
    ConsistencyAnswer,
    LeavesAnswer,
    LoggedRecord,
)
from schemas.codec import b64u_decode
from schemas.key_documents import ExchangeSheet
from schemas.log.checkpoint import Checkpoint
from schemas.log.leaf import commit_record, leaf_hash, make_leaf
from schemas.log.records import Action, RecordType, Role
from schemas.log.tree import MerkleTree, verify_consistency, verify_inclusion
from tests.support.caller import Caller, read_answer, read_problem, read_slug
from tests.support.exchange import RunningExchange, running_exchange

GB, VN, BE = "GB-HO", "VN-IMM", "BE-OE"


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningExchange]:
    """Two agreements: GB with VN, VN with BE."""
    with running_exchange(tmp_path_factory.mktemp("audit"), GB, VN, BE, oversight="OVERSEER") as running:
        running.agree(GB, VN, "gb-vn")
        running.agree(VN, BE, "vn-be")
        yield running


@pytest.fixture
def auditor(exchange: RunningExchange) -> Caller:
    return exchange.caller(GB, Role.AUDITOR, node="audit-desk")


@pytest.fixture
def overseer(exchange: RunningExchange) -> Caller:
    return exchange.caller("OVERSEER")


def query(caller: Caller, **filters: object) -> AuditAnswer:
    asked = AuditQuery.from_wire({"reason": "yearly review", "limit": 500} | filters)
    return read_answer(caller.post(AUDIT_PATH, asked), AuditAnswer)


def open_note(sheet: ExchangeSheet, note: str) -> Checkpoint:
    keys = LogPublicKeys(sheet.log_keys.ed25519.public_bytes, sheet.log_keys.ml_dsa.public_bytes)
    return verify_checkpoint(note.encode(), sheet.origin, keys)


def verify_logged(leaf: LoggedRecord, proof: tuple[str, ...], checkpoint: Checkpoint) -> None:
    commitment = commit_record(leaf.record.to_wire(), b64u_decode(leaf.salt))
    hashed = leaf_hash(make_leaf("public" if leaf.record.is_public else "private", commitment))
    verify_inclusion(hashed, leaf.index, checkpoint.size, [b64u_decode(one) for one in proof], checkpoint.root)


@pytest.mark.parametrize("agency", [GB, VN])
def test_a_node_may_not_audit(exchange: RunningExchange, agency: str) -> None:
    refused = exchange.caller(agency).post(AUDIT_PATH, AuditQuery(reason="curious", limit=1))

    assert read_slug(refused) == "role-not-allowed"


def test_an_auditor_sees_what_concerns_its_agency_and_nothing_else(auditor: Caller, overseer: Caller) -> None:
    own, everything = query(auditor), query(overseer)

    assert {GB} <= {agency for found in own.records for agency in found.record.concerns}
    assert all(GB in found.record.concerns for found in own.records)
    hidden = {found.index for found in everything.records} - {found.index for found in own.records}
    assert any(BE in found.record.concerns for found in everything.records if found.index in hidden)


@pytest.mark.parametrize(
    "filters",
    [
        {"agency": BE},
        {"partner": BE},
        {"actor": BE},
        {"types": ["agreement-step"], "agency": VN, "partner": BE},
        {"action": "agreements", "agency": BE},
    ],
)
def test_no_filter_widens_what_an_auditor_sees(auditor: Caller, filters: dict[str, object]) -> None:
    assert query(auditor, **filters).records == ()


def test_every_question_is_a_record_before_it_is_answered(auditor: Caller, overseer: Caller) -> None:
    answer = query(auditor, types=["agreement-step"], case="HO/2026/17", partner=VN)

    asked = answer.query.record
    assert (asked.type, asked.agency, asked.count) == (RecordType.AUDIT_QUERY, GB, len(answer.records))
    assert asked.actor is not None
    assert (asked.actor.role, asked.actor.node) == (Role.AUDITOR, "audit-desk")
    assert asked.detail == "yearly review [case=HO/2026/17; types=agreement-step; partner=VN-IMM]"
    assert query(overseer, types=["audit-query"], actor=GB).records[-1].index == answer.query.index


def test_a_question_without_a_reason_is_refused(auditor: Caller) -> None:
    for body in (
        b'{"limit":1}',
        b'{"limit":1,"reason":""}',
        b'{"limit":501,"reason":"x"}',
        b'{"limit":1,"reason":null}',
    ):
        assert auditor.post(AUDIT_PATH, body).status_code in (400, 422)


def test_each_record_is_proven_under_one_checkpoint_that_covers_the_question_too(
    exchange: RunningExchange, overseer: Caller
) -> None:
    answer = query(overseer)
    checkpoint = open_note(exchange.sheet, answer.checkpoint)

    for found, proof in zip(answer.records, answer.proofs, strict=True):
        verify_logged(found, proof, checkpoint)
    assert answer.query.index < checkpoint.size


def test_pages_follow_each_other_without_gap_or_repetition(overseer: Caller) -> None:
    whole = [found.index for found in query(overseer, until="2026-11-21T00:00:00Z").records] or None
    first = query(overseer, limit=4)
    second = query(overseer, limit=4, after_index=first.records[-1].index)

    assert whole is None or whole == sorted(whole)
    assert first.more
    assert [found.index for found in first.records] == [0, 1, 2, 3]
    assert [found.index for found in second.records] == [4, 5, 6, 7]


def test_filters_combine(overseer: Caller) -> None:
    steps = query(overseer, action="agreements", agency=VN)

    assert {found.record.type for found in steps.records} == {RecordType.AGREEMENT_STEP}
    assert {found.record.agency for found in steps.records} == {VN}
    assert {found.record.partner for found in steps.records} == {GB, BE}
    assert query(overseer, action="agreements", types=["key-set"]).records == ()
    assert query(overseer, since="2999-01-01T00:00:00Z").records == ()
    assert Action.AGREEMENTS in {found.record.action for found in steps.records}


def test_the_log_as_everybody_walks_it_hides_private_records_and_hashes_to_its_checkpoint(
    exchange: RunningExchange,
) -> None:
    be = exchange.caller(BE)
    checkpoint = open_note(exchange.sheet, read_answer(be.get(CHECKPOINT_PATH), CheckpointAnswer).checkpoint)
    tree = MerkleTree()
    while len(tree) < checkpoint.size:
        answer = read_answer(be.get(LEAVES_PATH, start=len(tree), end=checkpoint.size), LeavesAnswer)
        assert answer.start == len(tree)
        for leaf in answer.leaves:
            commitment = b64u_decode(leaf.commitment)
            if leaf.record is not None and leaf.salt is not None:
                assert leaf.record.is_public
                assert commit_record(leaf.record.to_wire(), b64u_decode(leaf.salt)) == commitment
            tree.append(leaf_hash(make_leaf(leaf.leaf_class, commitment)))

    assert tree.root() == checkpoint.root


def test_every_older_checkpoint_is_proven_to_be_the_beginning_of_the_newest(
    exchange: RunningExchange, overseer: Caller
) -> None:
    old = open_note(exchange.sheet, read_answer(overseer.get(CHECKPOINT_PATH), CheckpointAnswer).checkpoint)
    query(overseer)

    answer = read_answer(overseer.get(CONSISTENCY_PATH, **{"from": old.size}), ConsistencyAnswer)

    new = open_note(exchange.sheet, answer.checkpoint)
    assert new.size > old.size
    verify_consistency(old.size, new.size, old.root, new.root, [b64u_decode(one) for one in answer.proof])


def test_two_checkpoints_somebody_holds_are_compared_though_the_log_has_grown_since(
    exchange: RunningExchange, overseer: Caller
) -> None:
    """A client that asks about its own two checkpoints must never be told of a third."""
    first, second, newest = (open_note(exchange.sheet, query(overseer).checkpoint) for _ in range(3))

    answer = read_answer(overseer.get(CONSISTENCY_PATH, **{"from": first.size, "to": second.size}), ConsistencyAnswer)

    proof = [b64u_decode(one) for one in answer.proof]
    verify_consistency(first.size, second.size, first.root, second.root, proof)
    assert open_note(exchange.sheet, answer.checkpoint).size >= newest.size > second.size


def test_ranges_the_log_does_not_have_are_refused(overseer: Caller) -> None:
    for start, end in ((0, 10_000), (5, 5), (5, 4)):
        assert read_slug(overseer.get(LEAVES_PATH, start=start, end=end)) == "range-refused"
    for sizes in ({"from": 10_000}, {"from": 0, "to": 10_000}, {"from": 5, "to": 4}):
        assert read_slug(overseer.get(CONSISTENCY_PATH, **sizes)) == "range-refused"
    for strange in (-1, "x", 2**60):
        assert read_slug(overseer.get(LEAVES_PATH, start=strange, end=4)) == "wrong-shape"
    assert read_slug(overseer.get(LEAVES_PATH)) == "wrong-shape"


def test_a_refusal_says_nothing_of_what_it_hides(exchange: RunningExchange, auditor: Caller) -> None:
    problem = read_problem(auditor.post(STEPS_PATH, exchange.members[GB].verified.document))

    assert problem.detail == "this takes the role node, the token is for auditor"
    assert StepAction.PROPOSE.value not in problem.detail


def test_a_question_that_cannot_be_recorded_is_not_answered(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The broker is killed before the question's commit: nothing was answered, and the log that is left is sound."""
    import httpx

    folder = tmp_path_factory.mktemp("unrecorded")
    with running_exchange(folder, GB, BILATERAL_FAILPOINT="audit.query-recorded") as exchange:
        auditor = exchange.caller(GB, Role.AUDITOR)
        assert auditor.token
        with pytest.raises(httpx.TransportError):
            auditor.post(AUDIT_PATH, AuditQuery(reason="unseen", limit=10))
        exchange.wait()
        exchange.start(BILATERAL_FAILPOINT="")

        found = query(exchange.caller(GB, Role.AUDITOR), types=["audit-query"])

        assert found.records == ()
        assert found.query.record.time <= datetime.now(UTC)
