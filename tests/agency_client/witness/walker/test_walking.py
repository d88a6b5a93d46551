"""Walking a log: in stages that are proven and kept, from where the last walk ended, for a bounded time."""

from typing import Any

import pytest

from agency_client.directory.directory import load_openings
from agency_client.local_store.checkpoints import load_walk
from agency_client.local_store.trust import load_key_chain
from agency_client.node import Node
from agency_client.own_keys.documents import load_own_key_sets
from agency_client.witness.observer import LogError
from agency_client.witness.walker import LogWalker, WalkUnfinishedError, walk_log
from schemas.api import CONSISTENCY_PATH, LEAVES_PATH
from schemas.codec import b64u_encode
from schemas.envelope import SeenCheckpoint
from schemas.log.records import Record, RecordType
from schemas.signed import DocumentType
from tests.support.log_simulator import LogSimulator
from tests.support.members import START, make_member


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
