"""The examination: each thing that can be wrong has its own line, its level and its fix."""

from collections.abc import Iterable
from datetime import timedelta

import pytest

from agency_client.doctor import (
    Finding,
    Level,
    check_certificate,
    check_exchange,
    check_keys,
    check_log,
    check_queues,
    check_store,
    check_terminal,
    check_trust,
    check_witnesses,
    examine_node,
    judge_clock,
)
from agency_client.local_store.contradictions import ContradictionKind, EquivocationError, keep_contradiction
from agency_client.local_store.cosignatures import PartnerHead, record_partner_head
from agency_client.local_store.restored import begin_restored_life
from agency_client.node import Node
from agency_client.own_keys.encryption import prepare_encryption_keys
from agency_client.own_keys.revoking import prepare_revocation
from agency_client.trust import pin_partner
from agency_client.witness.walker import walk_log
from schemas.signed import DocumentType, KeyUse
from tests.support.log_simulator import FixedClock, LogSimulator
from tests.support.members import START, make_member


def levels(findings: Iterable[Finding]) -> dict[str, Level]:
    found = list(findings)
    assert all(item.fix for item in found if item.level is not Level.OK), found
    return {item.check: item.level for item in found}


@pytest.mark.parametrize(
    ("seconds", "level"), [(0, Level.OK), (20, Level.OK), (-20, Level.OK), (40, Level.FAIL), (-40, Level.FAIL)]
)
def test_clocks_are_compared_both_ways(seconds: int, level: Level) -> None:
    assert judge_clock(START, START + timedelta(seconds=seconds)).level is level


def test_a_broker_without_a_date_is_a_warning() -> None:
    assert judge_clock(None, START).level is Level.WARN


@pytest.mark.parametrize(
    ("encoding", "level"), [("utf-8", Level.OK), ("UTF8", Level.OK), ("ascii", Level.WARN), (None, Level.WARN)]
)
def test_a_terminal_should_speak_utf8(encoding: str | None, level: Level) -> None:
    assert check_terminal(encoding).level is level


WELL = {"TLS CA": Level.OK, "roots": Level.OK}


def test_keys_near_their_end_warn_and_ended_ones_fail(log: LogSimulator, node: Node, clock: FixedClock) -> None:
    assert levels(check_keys(node)) == {**WELL, "key set": Level.WARN, "encryption key": Level.FAIL}
    prepare_encryption_keys(node)
    log.append_document("GB", DocumentType.KEY_SET, node.own_key_set().document)
    walk_log(node)
    assert levels(check_keys(node)) == {**WELL, "key set": Level.OK, "encryption key": Level.OK}
    clock.moment = START + timedelta(days=40)
    assert levels(check_keys(node))["encryption key"] is Level.WARN
    clock.moment = START + timedelta(days=340)
    assert levels(check_keys(node)) == {
        **WELL,
        "key set": Level.WARN,
        "encryption key": Level.FAIL,
        "opening keys": Level.WARN,
    }
    clock.moment = START + timedelta(days=366)
    assert levels(check_keys(node))["key set"] is Level.FAIL


def test_the_end_of_a_key_set_is_told_sixty_thirty_and_seven_days_before_with_its_date(
    log: LogSimulator, node: Node, clock: FixedClock
) -> None:
    log.append_document("GB", DocumentType.KEY_SET, node.own_key_set().document)
    walk_log(node)
    end = node.own_key_set().key_set.expires_at
    for days_left, level in ((61, Level.OK), (60, Level.WARN), (7, Level.WARN), (0, Level.FAIL)):
        clock.moment = end - timedelta(days=days_left)
        (found,) = (item for item in check_keys(node) if item.check == "key set")
        assert (found.level, found.ends_at, found.days_left) == (level, end, days_left)


def test_missing_and_revoked_keys_are_named(node: Node) -> None:
    kid = node.signer(KeyUse.MESSAGE).kids[0]
    prepare_revocation(node, [kid], "device-lost")
    node.keys.destroy_key(KeyUse.MESSAGE, kid)
    found = [item for item in check_keys(node) if item.check == "keys"]
    assert [(item.level, "message" in item.sentence) for item in found] == [(Level.FAIL, True), (Level.WARN, True)]


def test_the_certificate_the_exchange_and_the_store(node: Node, clock: FixedClock) -> None:
    assert levels(check_certificate(node)) == {"certificate": Level.OK}
    node.identify()
    clock.moment = START + timedelta(days=85)
    assert levels(check_certificate(node)) == {"certificate": Level.WARN}
    clock.moment = START + timedelta(days=91)
    assert levels(check_certificate(node)) == {"certificate": Level.FAIL}
    assert levels(check_exchange(node)) == {"exchange": Level.OK}
    node.profile.exchange_path.write_bytes(LogSimulator(name="other.example").sheet.canonical())
    assert [item.level for item in check_exchange(node)] == [Level.WARN, Level.OK]
    assert levels(check_store(node)) == {"store": Level.OK}
    with node.store.write() as transaction:
        begin_restored_life(transaction, backup="b", at=START)
    assert levels(check_store(node))["restored"] is Level.WARN


def test_what_the_log_proved_or_made_doubtful_is_told(log: LogSimulator, node: Node) -> None:
    assert levels(check_log(node)) == {"log": Level.WARN}
    log.append_document("VN", DocumentType.ENCRYPTION_KEYS, make_member("VN").encryption.document)
    walk_log(node)
    assert levels(check_log(node)) == {"log": Level.OK, "suspicions": Level.WARN}
    error = EquivocationError("x", kind=ContradictionKind.STATUS, signer="VN", documents=(b"1", b"2"))
    keep_contradiction(node.store, error, at=START)
    assert levels(check_log(node))["contradictions"] is Level.FAIL


def test_pins_and_queues(log: LogSimulator, node: Node, clock: FixedClock) -> None:
    vn = make_member("VN")
    assert levels(check_trust(node)) == {"pins": Level.WARN}
    log.append_member(vn)
    walk_log(node)
    pin_partner(node, "VN", vn.anchor)
    assert levels(check_trust(node)) == {"pins": Level.OK}
    with node.store.write() as transaction:
        transaction.execute("UPDATE agency_pin SET anchor = ? WHERE agency = 'VN'", "A" * 43)
    assert Level.FAIL in [item.level for item in check_trust(node)]
    assert levels(check_queues(node)) == {"outbox": Level.OK}
    prepare_encryption_keys(node)
    clock.moment = START + timedelta(hours=2)
    assert levels(check_queues(node)) == {"outbox": Level.WARN}


def test_a_broker_that_is_not_there_hides_no_other_finding(node: Node) -> None:
    found = levels(examine_node(node))
    assert found["broker"] is Level.FAIL
    assert {"key set", "certificate", "exchange", "log", "pins", "outbox", "store"} <= found.keys()


def test_a_quorum_that_has_been_silent_for_a_day_is_a_warning(log: LogSimulator, clock: FixedClock, node: Node) -> None:
    log.append_private(3)
    walk_log(node)
    (alone,) = check_witnesses(node)
    assert (alone.level, alone.sentence) == (Level.OK, "no partner is pinned: only this node has seen the log")
    pin_partner(node, "VN", make_member("VN").anchor)
    (silent,) = check_witnesses(node)
    assert (silent.level, silent.sentence) == (
        Level.WARN, "0 of 1 witness has seen 3 leaves; VN has cosigned nothing yet",
    )  # fmt: skip
    assert "VN" in silent.fix
    head = PartnerHead(log.sheet.origin, "VN", make_member("VN").anchor, "kid", 2, "root", b"note", START, START)
    with node.store.write() as transaction:
        record_partner_head(transaction, head)
    assert [item.level for item in check_witnesses(node)] == [Level.OK]
    clock.moment = START + timedelta(hours=25)
    (behind,) = check_witnesses(node)
    assert behind.level is Level.WARN
    assert "VN last at 2, on 2026-11-01 00:00" in behind.sentence
