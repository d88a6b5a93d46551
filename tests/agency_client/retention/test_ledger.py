"""What was erased stays erased though a backup of before comes back: the list of erasures lies outside of it."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from agency_client.errors import NotFoundError
from agency_client.local_store.access_log import AccessNote
from agency_client.local_store.content import ContentEnd, erase_content, find_erasure, has_content, list_content_ends
from agency_client.local_store.receipts import list_receipts
from agency_client.local_store.restored import RestoredNodeError, begin_restored_life, is_behind
from agency_client.node import Node
from agency_client.profiles.private_files import NotPrivateError
from agency_client.reading.messages import ReadMessage, read_message
from agency_client.receiving.own_receipts import sign_owed_receipts
from agency_client.retention.by_hand import erase_early
from agency_client.retention.ledger import LedgerLine, find_ledger, note_erasures, read_ledger, repeat_erasures
from agency_client.retention.running import run_retention
from keys.sealing import SealedMessage
from schemas.log.records import Action
from schemas.model import LATEST_TIME
from tests.support.lying_world import LyingWorld


def receive_one(world: LyingWorld, terms: Any) -> SealedMessage:
    """Let VN receive a message of GB."""
    sealed = world.craft("GB", "VN", terms)
    world.deliver(sealed, "VN")
    world.collect("VN")
    return sealed


def list_kept(node: Node) -> dict[str, ContentEnd]:
    with node.store.read() as snapshot:
        return {found.digest: found for found in list_content_ends(snapshot, until=LATEST_TIME)}


def go_back(node: Node, digest: str) -> None:
    """Bring the store into the state of a backup in which this message was not erased yet, as a restore leaves it."""
    with node.store.write() as transaction:
        transaction.execute("DELETE FROM content_erasure WHERE digest = ?", digest)
        transaction.execute("INSERT INTO content VALUES (?, x'00', 0, NULL)", digest)
        transaction.execute("INSERT INTO content_key VALUES (?, zeroblob(32))", digest)
        begin_restored_life(transaction, backup="digest", at=node.clock.now())


def end_life(node: Node) -> None:
    with node.store.write() as transaction:
        transaction.execute("DELETE FROM setting WHERE name LIKE 'restored-%'")


def test_an_officer_erases_early_and_the_list_has_it(world: LyingWorld, terms: Any) -> None:
    vn, sealed = world["VN"], receive_one(world, terms)
    ending = erase_early(vn, sealed.header.id, reason="the case was closed", case="74/08")
    assert (ending.subject, ending.partner, ending.direction) == (sealed.digest, "GB", "in")
    line = next(line for line in read_ledger(find_ledger(vn.profile)) if line.digest == sealed.digest)
    with vn.store.read() as snapshot:
        erasure = find_erasure(snapshot, sealed.digest)
    assert erasure is not None
    assert (line.code, line.erased_at) == (erasure.code, erasure.erased_at)
    assert line.code == "erased-early"
    assert find_ledger(vn.profile).stat().st_mode & 0o077 == 0
    with pytest.raises(NotFoundError, match="the case was closed"):
        erase_early(vn, sealed.header.id, reason="again")
    sign_owed_receipts(vn)
    with vn.store.read() as snapshot:
        told = [item for item in list_receipts(snapshot, sealed.digest) if item.type == "erased"]
    assert [subject.reason for item in told for subject in item.subjects if subject.message == sealed.digest] == [
        "erased-early"
    ]


def test_a_restored_node_shows_nothing_before_it_has_repeated_the_erasures(world: LyingWorld, terms: Any) -> None:
    vn, erased, kept = world["VN"], receive_one(world, terms), receive_one(world, terms)
    erase_early(vn, erased.header.id, reason="the case was closed")
    go_back(vn, erased.digest)
    for sealed in (erased, kept):
        with pytest.raises(RestoredNodeError, match="repeated"):
            read_message(vn, sealed.header.id, reason="case 74/08")
    report = run_retention(vn)
    assert report.repeated is not None
    assert (report.repeated.erased, report.repeated.is_complete) == (1, True)
    with vn.store.read() as snapshot:
        found = find_erasure(snapshot, erased.digest)
        assert not has_content(snapshot, erased.digest)
        assert not is_behind(snapshot, "erasures")
    assert found is not None
    assert found.code == "erased-before-restore"
    assert isinstance(read_message(vn, kept.header.id, reason="case 74/08"), ReadMessage)
    assert run_retention(vn).repeated is None
    end_life(vn)


def test_without_a_list_the_round_says_so(world: LyingWorld, terms: Any) -> None:
    vn, sealed = world["VN"], receive_one(world, terms)
    erase_early(vn, sealed.header.id, reason="the case was closed")
    elsewhere = find_ledger(vn.profile).rename(vn.profile.folder.with_name("copied.list"))
    go_back(vn, sealed.digest)
    report = run_retention(vn)
    assert report.repeated is not None
    assert not report.repeated.is_complete
    assert sealed.digest in list_kept(vn)
    assert repeat_erasures(vn, read_ledger(elsewhere)) == 1
    assert sealed.digest not in list_kept(vn)
    end_life(vn)


def test_what_the_list_names_is_not_kept_when_it_comes_once_more(world: LyingWorld, terms: Any) -> None:
    vn = world["VN"]
    sealed = world.craft("GB", "VN", terms)
    line = LedgerLine(v=1, digest=sealed.digest, erased_at=world.clock.now() - timedelta(days=1), code="erased-early")
    assert repeat_erasures(vn, [line]) == 1
    world.deliver(sealed, "VN")
    found = world.receive("VN", sealed)
    assert found.problem is not None
    assert found.problem.code == "content-erased"


def test_a_line_that_a_crash_cut_short_costs_no_other(world: LyingWorld, terms: Any) -> None:
    vn, first, second = world["VN"], receive_one(world, terms), receive_one(world, terms)
    path = find_ledger(vn.profile)
    erase_early(vn, first.header.id, reason="the case was closed")
    with path.open("ab") as file:
        file.write(b'{"code":"erased-ea')
    erase_early(vn, second.header.id, reason="the case was closed")
    assert {first.digest, second.digest} <= {line.digest for line in read_ledger(path)}


def test_an_erasure_that_was_not_written_down_is_with_the_next(world: LyingWorld, terms: Any) -> None:
    vn, sealed = world["VN"], receive_one(world, terms)
    with vn.store.write() as transaction:
        note: AccessNote = vn.note_access(Action.ERASURE, "erase", "by another feature")
        erase_content(transaction, sealed.digest, note)
    assert note_erasures(vn) >= 1
    assert note_erasures(vn) == 0
    assert sealed.digest in {line.digest for line in read_ledger(find_ledger(vn.profile))}


def test_a_list_that_others_can_read_is_not_taken(world: LyingWorld, tmp_path: Path) -> None:
    path = tmp_path / "list"
    path.touch()
    path.chmod(0o644)
    with pytest.raises(NotPrivateError):
        read_ledger(path)
