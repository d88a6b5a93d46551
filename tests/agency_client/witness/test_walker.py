"""Walking a log that may lie: what does not hash is not believed at all, what does not hold is believed of nobody."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from agency_client.directory.directory import load_openings
from agency_client.local_store.checkpoints import load_walk
from agency_client.local_store.contradictions import EquivocationError, list_contradictions
from agency_client.local_store.suspicions import list_suspicions
from agency_client.local_store.trust import load_key_chain, pin_agency
from agency_client.node import Node
from agency_client.own_keys.documents import load_own_key_sets
from agency_client.witness.observer import LogError
from agency_client.witness.prefix import PrefixProof, verify_prefix_proof
from agency_client.witness.walker import LogWalker, WalkUnfinishedError, walk_log
from keys.encryption_keys import sign_encryption_keys, sign_revocation
from keys.key_sets import sign_key_set
from schemas.api import CONSISTENCY_PATH, LEAVES_PATH, LeavesAnswer
from schemas.codec import b64u_encode
from schemas.envelope import SeenCheckpoint
from schemas.key_documents import Revocation
from schemas.log.checkpoint import parse_checkpoint
from schemas.log.note import parse_note
from schemas.log.records import Record, RecordType
from schemas.log.tree import MerkleTree
from schemas.signed import DocumentType, KeyUse
from tests.support.log_simulator import LogSimulator, ReaderTemplate, make_reader, make_template
from tests.support.members import EXCHANGE, START, Member, derive_seed, make_member, make_signer, succeed

LATER = START + timedelta(hours=1)


@pytest.fixture
def log() -> LogSimulator:
    return LogSimulator()


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> ReaderTemplate:
    return make_template(tmp_path_factory.mktemp("template"))


@pytest.fixture
def node(log: LogSimulator, template: ReaderTemplate, tmp_path: Path) -> Iterator[Node]:
    with make_reader(log, template, tmp_path) as reader:
        yield reader


def log_own(log: LogSimulator, node: Node) -> None:
    log.append_document(node.agency, DocumentType.KEY_SET, node.own_key_set().document)


def find_codes(node: Node) -> list[tuple[int, str]]:
    with node.store.read() as snapshot:
        return [(item.leaf_index, item.code) for item in list_suspicions(snapshot)]


def test_members_are_learnt_with_their_leaves_and_a_second_walk_reads_only_what_is_new(
    log: LogSimulator, node: Node
) -> None:
    vn, be = make_member("VN"), make_member("BE")
    log.append_private(3)
    log.append_member(vn)
    report = walk_log(node)
    assert (report.start, report.size, len(report.documents), report.suspicions) == (0, 5, 2, [])
    log.append_private(2)
    log.append_member(be)
    log.asked.clear()
    report = walk_log(node)
    assert (report.start, report.size, report.leaves) == (5, 9, 4)
    assert [query for path, query in log.asked if path == LEAVES_PATH] == [{"start": 5, "end": 9}]
    timeline = node.directory.load_timeline("BE")
    assert [index for index, _ in timeline.key_sets] == [7]
    assert [index for index, _ in timeline.encryption_keys] == [8]
    assert node.directory.list_agencies() == ["BE", "VN"]
    assert walk_log(node).leaves == 0


def test_the_first_log_goes_on_from_no_other_whatever_its_first_leaf_says(log: LogSimulator, node: Node) -> None:
    before = SeenCheckpoint(origin=node.sheet.origin, size=7, root=b64u_encode(bytes(32)))
    opened = Record(v=1, type=RecordType.EXCHANGE_OPENED, time=START, concerns=(), detail="opened", checkpoint=before)
    log.append(opened)
    walk_log(node)
    with node.store.read() as snapshot:
        assert load_openings(snapshot) == {}, "nothing counts as carried over from before it"


def test_a_long_log_is_walked_in_stages_that_are_each_proven_and_kept(log: LogSimulator, node: Node) -> None:
    log.append_member(make_member("VN"))
    log.append_private(2500)
    log.append_member(make_member("BE"))
    seen: list[tuple[int, int]] = []
    report = LogWalker(node, stage_leaves=1200).walk(lambda size, total: seen.append((size, total)))
    assert report.size == 2504
    assert seen == [(1000, 2504), (1200, 2504), (2200, 2504), (2400, 2504), (2504, 2504)]
    assert sum(path == CONSISTENCY_PATH for path, _ in log.asked) == 2
    assert node.directory.list_agencies() == ["BE", "VN"]


def test_a_stage_that_was_kept_is_not_read_again_after_a_failure(log: LogSimulator, node: Node) -> None:
    log.append_private(30)

    def fail_late(path: str, answer: Any) -> Any:
        if path == LEAVES_PATH and answer.start >= 20:
            raise LogError("the line broke")
        return answer

    log.tamper = fail_late
    with pytest.raises(LogError):
        LogWalker(node, stage_leaves=10).walk()
    with node.store.read() as snapshot:
        walk = load_walk(snapshot, node.sheet.origin)
    assert walk is not None
    assert walk.size == 20
    log.tamper = lambda _, answer: answer
    assert walk_log(node).leaves == 10


def tamper_leaves(change: Any) -> Any:
    return lambda path, answer: change(answer) if path == LEAVES_PATH else answer


def replace_leaf(answer: LeavesAnswer, position: int, **changes: Any) -> LeavesAnswer:
    leaves = list(answer.leaves)
    leaves[position] = leaves[position].model_copy(update=changes)
    return answer.model_copy(update={"leaves": tuple(leaves)})


def _drop_last(answer: LeavesAnswer) -> LeavesAnswer:
    return answer.model_copy(update={"leaves": answer.leaves[:-1]}) if answer.start == 0 else answer


def _hide_record(answer: LeavesAnswer) -> LeavesAnswer:
    return replace_leaf(answer, 0, record=None, salt=None)


def _show_another_record(answer: LeavesAnswer) -> LeavesAnswer:
    return replace_leaf(answer, 0, record=answer.leaves[1].record, salt=answer.leaves[1].salt)


def _change_commitment(answer: LeavesAnswer) -> LeavesAnswer:
    return replace_leaf(answer, 2, commitment=b64u_encode(derive_seed("other")))


def _change_class(answer: LeavesAnswer) -> LeavesAnswer:
    return replace_leaf(answer, 0, leaf_class="private", record=None, salt=None)


def _shift(answer: LeavesAnswer) -> LeavesAnswer:
    return answer.model_copy(update={"start": answer.start + 1})


def _answer_nothing(answer: LeavesAnswer) -> LeavesAnswer:
    return answer.model_copy(update={"leaves": ()})


def _answer_too_much(answer: LeavesAnswer) -> LeavesAnswer:
    return answer.model_copy(update={"leaves": (*answer.leaves, answer.leaves[-1])})


@pytest.mark.parametrize(
    "lie",
    [
        _hide_record,
        _show_another_record,
        _change_commitment,
        _change_class,
        _shift,
        _answer_nothing,
        _answer_too_much,
    ],
)
def test_leaves_that_do_not_hash_to_the_checkpoint_are_not_believed(log: LogSimulator, node: Node, lie: Any) -> None:
    log.append_member(make_member("VN"))
    log.append_private(2)
    log.tamper = tamper_leaves(lie)
    with pytest.raises(LogError):
        walk_log(node)
    with node.store.read() as snapshot:
        assert load_walk(snapshot, node.sheet.origin) is None
    assert node.directory.list_agencies() == []


def test_fewer_leaves_than_asked_for_are_an_honest_answer(log: LogSimulator, node: Node) -> None:
    log.append_member(make_member("VN"))
    log.append_private(3)
    log.tamper = tamper_leaves(_drop_last)
    assert walk_log(node).size == 5
    assert [query for path, query in log.asked if path == LEAVES_PATH] == [
        {"start": 0, "end": 5},
        {"start": 4, "end": 5},
    ]


def test_another_history_of_the_same_size_stops_everything_and_is_kept(log: LogSimulator, node: Node) -> None:
    log.append_private(4)
    walk_log(node)
    log.tree, log.leaves = MerkleTree(), []
    log.append_private(2, at=LATER)
    log.append_private(2)
    with pytest.raises(EquivocationError):
        walk_log(node)
    with node.store.read() as snapshot:
        (found,) = list_contradictions(snapshot)
    assert found.signer == node.sheet.origin


@pytest.mark.parametrize("size", [3, 4], ids=["by the exchange's own path", "by the leaves it shows"])
def test_a_log_that_forgot_proves_it_by_its_own_larger_head(log: LogSimulator, node: Node, size: int) -> None:
    log.append_private(size)
    walk_log(node)
    log.tree, log.leaves = MerkleTree(), []
    log.append_private(6, at=LATER)
    with pytest.raises(EquivocationError):
        walk_log(node)
    with node.store.read() as snapshot:
        (kept,) = list_contradictions(snapshot)
    assert kept.proof is not None
    smaller, larger = (parse_checkpoint(parse_note(note).text) for note in (kept.first, kept.second))
    assert (smaller.size, larger.size) == (size, 6)
    verify_prefix_proof(PrefixProof.from_canonical(kept.proof), smaller, larger)


def test_a_log_that_forgot_and_shows_no_path_is_not_followed(log: LogSimulator, node: Node) -> None:
    log.append_private(4)
    walk_log(node)
    log.tree, log.leaves = MerkleTree(), []
    log.append_private(6, at=LATER)
    log.tamper = lambda path, answer: answer.model_copy(update={"proof": ()}) if path == CONSISTENCY_PATH else answer
    with pytest.raises(LogError):
        walk_log(node)
    with node.store.read() as snapshot:
        assert list_contradictions(snapshot) == []
        assert [item.leaf_index for item in list_suspicions(snapshot)] == [6]


def _of_another_type(log: LogSimulator, vn: Member) -> None:
    log.append(Record(v=1, type=RecordType.TOKENS_ISSUED, time=START, concerns=(), agency="VN", count=1), "public")


def _unsigned(log: LogSimulator, vn: Member) -> None:
    document = vn.verified.document
    log.append_document("VN", DocumentType.KEY_SET, document.model_copy(update={"signatures": document.signatures[:2]}))


def _of_another_exchange(log: LogSimulator, vn: Member) -> None:
    other = make_member("VN", exchange="other.example")
    log.append_document("VN", DocumentType.KEY_SET, other.verified.document)


def _digest_of_another(log: LogSimulator, vn: Member) -> None:
    digest = make_member("BE").verified.digest
    log.append_document("VN", DocumentType.KEY_SET, vn.verified.document, digest=digest)


def _in_another_name(log: LogSimulator, vn: Member) -> None:
    log.append_document("BE", DocumentType.KEY_SET, vn.verified.document)


def _before_its_key_set(log: LogSimulator, vn: Member) -> None:
    log.append_document("VN", DocumentType.ENCRYPTION_KEYS, vn.encryption.document)


def _no_document_at_all(log: LogSimulator, vn: Member) -> None:
    broken = vn.verified.document.model_copy(update={"payload": b64u_encode(b"{}")})
    log.append_document("VN", DocumentType.KEY_SET, broken)


@pytest.mark.parametrize(
    "write",
    [
        _of_another_type,
        _unsigned,
        _of_another_exchange,
        _digest_of_another,
        _in_another_name,
        _before_its_key_set,
        _no_document_at_all,
    ],
)
def test_a_record_that_does_not_hold_is_told_and_the_walk_goes_on(log: LogSimulator, node: Node, write: Any) -> None:
    vn = make_member("VN")
    write(log, vn)
    log.append_member(vn)
    report = walk_log(node)
    assert [item.leaf_index for item in report.suspicions] == [0]
    assert [index for index, _ in node.directory.load_timeline("VN").key_sets] == [1]
    assert node.directory.find_timeline("BE") is None
    assert walk_log(node).suspicions == []


def test_a_time_that_goes_back_is_told_also_in_a_later_walk(log: LogSimulator, node: Node) -> None:
    log.append_member(make_member("VN"), at=LATER)
    walk_log(node)
    log.append_document("BE", DocumentType.KEY_SET, make_member("BE").verified.document, at=START)
    assert [item.code for item in walk_log(node).suspicions] == ["time-went-back"]
    assert node.directory.find_timeline("BE") is None


def test_an_unknown_key_set_in_our_own_name_is_an_alarm(log: LogSimulator, node: Node) -> None:
    false = make_member(node.agency).key_set.model_copy(update={"roots": make_member("XX").key_set.roots})
    log.append_document(node.agency, DocumentType.KEY_SET, sign_key_set(false, make_member("XX").roots[:2]))
    log_own(log, node)
    walk_log(node)
    assert find_codes(node) == [(0, "key-set-refused")]
    assert node.directory.trusted_timeline(node.agency).newest_key_set.digest == node.own_key_set().digest


def test_a_key_set_by_our_own_roots_that_is_not_installed_is_an_alarm_and_a_proof(
    log: LogSimulator, node: Node
) -> None:
    log.append_member(make_member(node.agency))
    walk_log(node)
    assert find_codes(node)[0] == (0, "not-ours")
    with node.store.read() as snapshot:
        (found,) = list_contradictions(snapshot)
        assert len(load_own_key_sets(snapshot, node.agency)) == 1
    assert found.signer == node.agency


def test_a_document_by_our_own_keys_that_this_node_did_not_make_is_an_alarm(log: LogSimulator, node: Node) -> None:
    log_own(log, node)
    stolen = node.signer(KeyUse.ROTATION)
    opening = make_member("VN").opening_key
    from tests.support.members import make_encryption_keys

    verified = node.directory
    walk_log(node)
    key_set = verified.load_timeline(node.agency).newest_key_set
    false = make_encryption_keys(key_set, stolen, opening)
    log.append_document(node.agency, DocumentType.ENCRYPTION_KEYS, false.document)
    walk_log(node)
    assert find_codes(node) == [(1, "not-ours")]


def test_our_own_key_set_is_no_alarm_and_learns_its_leaf(log: LogSimulator, node: Node) -> None:
    assert not node.own_key_set().is_logged
    log.append_private(2)
    log_own(log, node)
    assert walk_log(node).suspicions == []
    assert node.own_key_set().is_logged
    assert [index for index, _ in node.directory.trusted_timeline(node.agency).key_sets] == [2]


def test_false_roots_that_come_first_do_not_take_the_place_of_pinned_ones(log: LogSimulator, node: Node) -> None:
    vn = make_member("VN")
    roots = tuple(make_member("XX").roots)
    false = vn.key_set.model_copy(update={"roots": make_member("XX").key_set.roots})
    log.append_document("VN", DocumentType.KEY_SET, sign_key_set(false, roots[:2]))
    log.append_member(vn)
    with node.store.write() as transaction:
        pin_agency(transaction, "VN", vn.anchor, by="x", at=START)
    walk_log(node)
    assert find_codes(node) == [(0, "key-set-refused")]
    assert node.directory.trusted_timeline("VN").newest_key_set.digest == vn.verified.digest


def test_two_key_sets_of_one_number_are_proof_against_their_signer(log: LogSimulator, node: Node) -> None:
    vn = make_member("VN")
    log.append_member(vn)
    log.append_document("VN", DocumentType.KEY_SET, sign_key_set(succeed(vn), vn.roots[:2]))
    log.append_document("VN", DocumentType.KEY_SET, sign_key_set(succeed(vn, name="Another"), vn.roots[:2]))
    walk_log(node)
    assert find_codes(node) == [(3, "key-set-refused")]
    with node.store.read() as snapshot:
        (found,) = list_contradictions(snapshot)
    assert (found.signer, found.kind.value) == ("VN", "key-document")
    assert node.directory.load_timeline("VN").newest_key_set.key_set.name == vn.key_set.name


def test_a_first_key_set_by_other_roots_is_no_proof_against_the_agency(log: LogSimulator, node: Node) -> None:
    vn = make_member("VN")
    log.append_member(vn)
    false = vn.key_set.model_copy(update={"roots": make_member("XX").key_set.roots})
    log.append_document("VN", DocumentType.KEY_SET, sign_key_set(false, make_member("XX").roots[:2]))
    walk_log(node)
    assert find_codes(node) == [(2, "key-set-refused")]
    with node.store.read() as snapshot:
        assert list_contradictions(snapshot) == []


def test_a_key_of_one_member_in_anothers_set_is_not_believed(log: LogSimulator, node: Node) -> None:
    vn, be = make_member("VN"), make_member("BE")
    log.append_member(vn)
    copied = be.key_set.model_copy(update={"tls_ca": vn.key_set.tls_ca})
    log.append_document("BE", DocumentType.KEY_SET, sign_key_set(copied, be.roots[:2]))
    log.append_document("BE", DocumentType.KEY_SET, be.verified.document)
    stolen = be.encryption.encryption_keys.model_copy(update={"keys": vn.encryption.encryption_keys.keys})
    document = sign_encryption_keys(stolen, be.signers[KeyUse.ROTATION])
    log.append_document("BE", DocumentType.ENCRYPTION_KEYS, document)
    walk_log(node)
    assert find_codes(node) == [(2, "key-set-refused"), (4, "encryption-keys-refused")]
    assert node.directory.load_timeline("BE").encryption_keys == ()


def make_revocation(member: Member, *kids: str) -> Revocation:
    return Revocation(
        v=1, exchange=EXCHANGE, agency=member.agency, kids=kids, effective_from=START, issued_at=START, reason="lost"
    )


def test_a_revoked_rotation_key_publishes_nothing_more(log: LogSimulator, node: Node) -> None:
    vn = make_member("VN")
    rotation = vn.signers[KeyUse.ROTATION]
    log.append_document("VN", DocumentType.KEY_SET, vn.verified.document)
    revocation = sign_revocation(make_revocation(vn, *rotation.kids), rotation)
    log.append_document("VN", DocumentType.REVOCATION, revocation)
    log.append_document("VN", DocumentType.ENCRYPTION_KEYS, vn.encryption.document)
    again = sign_revocation(make_revocation(vn, *vn.signers[KeyUse.MESSAGE].kids), rotation)
    log.append_document("VN", DocumentType.REVOCATION, again)
    walk_log(node)
    assert find_codes(node) == [(2, "key-revoked"), (3, "key-revoked")]
    timeline = node.directory.load_timeline("VN")
    assert (len(timeline.revocations), timeline.encryption_keys) == (1, ())


def test_a_revocation_by_no_key_of_the_agency_revokes_nothing(log: LogSimulator, node: Node) -> None:
    vn = make_member("VN")
    log.append_member(vn)
    forged = sign_revocation(make_revocation(vn, *vn.signers[KeyUse.MESSAGE].kids), make_signer("XX", KeyUse.ROTATION))
    log.append_document("VN", DocumentType.REVOCATION, forged)
    walk_log(node)
    assert [index for index, _ in find_codes(node)] == [2]
    assert node.directory.load_timeline("VN").revocations == ()


def test_walk_and_documents_are_kept_together_or_not_at_all(
    log: LogSimulator, node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    log.append_member(make_member("VN"))

    def fail(*_: object) -> None:
        raise RuntimeError("the power went")

    with monkeypatch.context() as context:
        context.setattr("agency_client.witness.walker.save_walk", fail)
        with pytest.raises(RuntimeError):
            walk_log(node)
    with node.store.read() as snapshot:
        assert load_key_chain(snapshot, "VN", DocumentType.KEY_SET) == []
        assert len(load_own_key_sets(snapshot, node.agency)) == 1
    assert walk_log(node).size == 2


def test_another_process_that_walked_meanwhile_is_no_failure(log: LogSimulator, node: Node) -> None:
    log.append_member(make_member("VN"))
    raced: list[int] = []

    def race(path: str, answer: Any) -> Any:
        if path == LEAVES_PATH and not raced:
            raced.append(1)
            walk_log(node)
        return answer

    log.tamper = race
    assert walk_log(node).documents == []
    assert node.directory.list_agencies() == ["VN"]


def test_a_log_of_any_length_keeps_a_node_reading_for_so_long_and_goes_on_next_time(
    log: LogSimulator, node: Node
) -> None:
    log.append_private(25)
    for read in (10, 20):
        with pytest.raises(WalkUnfinishedError, match=f"25 leaves, and {read} of them are read"):
            LogWalker(node, stage_leaves=5, max_leaves=10).walk()
    assert LogWalker(node, stage_leaves=5, max_leaves=10).walk().size == 25
