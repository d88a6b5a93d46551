"""Knowing a member is not trusting it; and a store that was changed adds no key."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from agency_client.directory.directory import (
    AnchorMismatchError,
    Directory,
    DirectoryDamagedError,
    NotPinnedError,
    load_openings,
    read_placed,
)
from agency_client.errors import NotFoundError
from agency_client.local_store.trust import load_key_chain, note_opened, pin_agency
from agency_client.node import Node
from agency_client.witness.walker import walk_log
from keys.key_sets import sign_key_set
from schemas.signed import DocumentType
from tests.support.log_simulator import FixedClock, LogSimulator, ReaderTemplate, make_reader
from tests.support.members import START, make_member, succeed

VN, BE = make_member("VN"), make_member("BE")


@pytest.fixture
def log() -> LogSimulator:
    log = LogSimulator()
    log.append_member(VN)
    return log


@pytest.fixture
def node(node: Node) -> Node:
    """The same, once it has walked the log."""
    walk_log(node)
    return node


def pin(node: Node, agency: str, anchor: str) -> None:
    with node.store.write() as transaction:
        pin_agency(transaction, agency, anchor, by="x", at=START, replacing=True)


def test_a_member_is_known_and_not_trusted_until_it_is_pinned(node: Node) -> None:
    assert node.directory.load_timeline("VN").agency == "VN"
    assert not node.directory.is_trusted("VN")
    with pytest.raises(NotPinnedError) as caught:
        node.directory.trusted_timeline("VN")
    assert (caught.value.code, caught.value.sentence) == ("not-pinned", "the anchor of VN is not pinned")
    assert caught.value.fix == "compare the paper, then run: agency trust pin VN"
    pin(node, "VN", VN.anchor)
    assert node.directory.is_trusted("VN")
    assert node.directory.trusted_timeline("VN").newest_key_set.digest == VN.verified.digest


def test_a_pin_of_other_roots_trusts_nobody(node: Node) -> None:
    pin(node, "VN", BE.anchor)
    with pytest.raises(AnchorMismatchError) as caught:
        node.directory.trusted_timeline("VN")
    assert caught.value.code == "anchor-mismatch"
    assert caught.value.sentence == "the log shows other roots for VN than the ones pinned on 2026-11-01"
    assert caught.value.fix == (
        "call the partner's duty desk and compare the anchors; trust nothing in its name until then"
    )
    assert not node.directory.is_trusted("VN")


def test_an_agency_that_the_log_does_not_name_is_not_found(node: Node) -> None:
    pin(node, "BE", BE.anchor)
    for look_up in (node.directory.trusted_timeline, node.directory.load_timeline):
        with pytest.raises(NotFoundError) as caught:
            look_up("BE")
        assert caught.value.sentence == "the log names no member BE"
        assert caught.value.fix == "check the id; if it was enrolled just now, run: agency sync"
    assert not node.directory.is_trusted("BE")
    assert node.directory.find_timeline("BE") is None


def test_the_members_are_those_that_the_log_names(log: LogSimulator, node: Node) -> None:
    assert node.directory.list_agencies() == ["VN"]
    log.append_member(BE)
    walk_log(node)
    pin(node, "UTO", BE.anchor)
    assert node.directory.list_agencies() == ["BE", "VN"]


def test_what_is_remembered_is_renewed_when_the_log_says_more(log: LogSimulator, node: Node) -> None:
    first = node.directory.load_timeline("VN")
    assert node.directory.load_timeline("VN") is first
    log.append_document("VN", DocumentType.KEY_SET, sign_key_set(succeed(VN, name="New name"), VN.roots[1:]))
    walk_log(node)
    assert node.directory.load_timeline("VN").newest_key_set.key_set.name == "New name"
    assert len(node.directory.load_timeline("VN").key_sets) == 2


def test_a_store_that_was_changed_adds_no_key(node: Node) -> None:
    with node.store.write() as transaction:
        leaf: bytes = transaction.fetch_value("SELECT leaf FROM key_document WHERE type = 'bilateral-key-set'"
                                              " AND agency = 'VN'")  # fmt: skip
        at = leaf.index(b'"payload":"') + 5000
        changed = leaf[:at] + (b"A" if leaf[at : at + 1] != b"A" else b"B") + leaf[at + 1 :]
        transaction.execute("UPDATE key_document SET leaf = ? WHERE leaf = ?", changed, leaf)
    fresh = Directory(node.store, node.exchange)
    with pytest.raises(DirectoryDamagedError, match=r"^the keys of VN in the store do not verify: .") as caught:
        fresh.load_timeline("VN")
    assert caught.value.fix == "restore the last backup"


def test_what_another_log_had_before_is_rebuilt_by_the_times_of_then(
    reader_template: ReaderTemplate, tmp_path: Path
) -> None:
    opened_at = START + timedelta(days=450)  # VN's key set and its CA have ended
    again = LogSimulator()
    again.append_member(VN, at=opened_at)
    with make_reader(again, reader_template, tmp_path, FixedClock(opened_at)) as node:
        with node.store.write() as transaction:
            note_opened(transaction, node.sheet.origin, opened_at)
        walk_log(node)
        with node.store.read() as snapshot:
            assert load_openings(snapshot) == {1: opened_at}
        assert Directory(node.store, node.exchange).load_timeline("VN") == VN.timeline


def test_a_document_that_names_no_log_is_damage(node: Node) -> None:
    with node.store.read() as snapshot:
        (document,) = load_key_chain(snapshot, "VN", DocumentType.KEY_SET)
    assert read_placed(document).index == 0
    for damaged in (replace(document, leaf=None), replace(document, origin=None)):
        with pytest.raises(DirectoryDamagedError) as caught:
            read_placed(damaged)
        assert caught.value.code == "directory-damaged"
        assert caught.value.sentence == "a key document of VN names no log"
        assert caught.value.fix == "restore the last backup"


def test_a_log_that_goes_on_from_none_has_no_opening(node: Node) -> None:
    with node.store.read() as snapshot:
        assert load_openings(snapshot) == {}
