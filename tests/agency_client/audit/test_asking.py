"""Asking the exchange as an auditor: on record first, and only what is proven and was asked for is believed."""

from typing import Any

import pytest

from agency_client.audit.asking import AuditOrder, ask_record, ask_records, verify_is_answer
from agency_client.audit.purposes import LogPurpose
from agency_client.errors import NotFoundError, UsageError
from agency_client.local_store.access_log import AccessFilter, list_entries
from agency_client.witness.observer import LogError
from schemas.api import AUDIT_PATH
from schemas.codec import b64u_encode
from schemas.log.records import RecordType
from tests.support.lying_world import LyingWorld


def test_every_record_that_concerns_the_agency_comes_proven(world: LyingWorld) -> None:
    found = ask_records(world["VN"], AuditOrder("inspection", LogPurpose.SELF_MONITORING))
    mine = [logged.index for logged in world.exchange.records if "VN" in logged.record.concerns]
    assert [logged.index for logged in found.records] == mine[: len(found.records)]
    assert len(found.records) >= 2
    assert not found.more


def test_the_question_is_on_record_before_it_is_asked(world: LyingWorld) -> None:
    def fail(answer: Any) -> Any:
        raise LogError("no answer")

    world.exchange.tamper[AUDIT_PATH] = fail
    with pytest.raises(LogError):
        ask_records(world["VN"], AuditOrder("complaint 12", LogPurpose.SELF_MONITORING, case="12/26"))
    with world["VN"].store.read() as snapshot:
        newest = list_entries(snapshot, AccessFilter(), limit=1)[0]
    assert (newest.verb, newest.reason, newest.case) == ("audit-list", "complaint 12", "12/26")


def test_a_question_without_a_readable_reason_is_not_asked(world: LyingWorld) -> None:
    size = len(world.exchange.records)
    with pytest.raises(UsageError, match="reason"):
        ask_records(world["VN"], AuditOrder("two\nlines", LogPurpose.SELF_MONITORING))
    assert len(world.exchange.records) == size


@pytest.mark.parametrize(
    ("order", "option"),
    [
        (AuditOrder("", LogPurpose.SELF_MONITORING), "--reason"),
        (AuditOrder("inspection", LogPurpose.SELF_MONITORING, case=""), "--case"),
        (AuditOrder("inspection", LogPurpose.SELF_MONITORING, filters={"partner": "nobody!"}), "--partner"),
        (AuditOrder("inspection", LogPurpose.SELF_MONITORING, filters={"message": "5d1c"}), "--message"),
    ],
)
def test_what_cannot_be_asked_is_named_by_its_option_and_not_on_record(
    world: LyingWorld, order: AuditOrder, option: str
) -> None:
    with world["VN"].store.read() as snapshot:
        before = len(list_entries(snapshot))
    with pytest.raises(UsageError, match=option) as refused:
        ask_records(world["VN"], order)
    assert refused.value.exit_code == 2
    with world["VN"].store.read() as snapshot:
        assert len(list_entries(snapshot)) == before


def test_pages_are_followed_to_the_end_of_what_was_asked(world: LyingWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agency_client.audit.asking.MAX_AUDIT_RECORDS", 2)
    for _ in range(8):
        world.exchange.append(RecordType.TOKENS_ISSUED, ("VN",), agency="VN", count=1)
    whole = ask_records(world["VN"], AuditOrder("all", LogPurpose.SELF_MONITORING, limit=7))
    assert len(whole.records) == 7
    assert len({logged.index for logged in whole.records}) == 7
    assert whole.more


@pytest.mark.parametrize("lie", ["a changed record", "a wrong proof", "the same page again", "more than asked for"])
def test_an_answer_that_lies_is_not_believed(world: LyingWorld, lie: str) -> None:
    def tamper(answer: Any) -> Any:
        if lie == "a changed record":
            first = answer.records[0]
            changed = first.model_copy(update={"record": first.record.model_copy(update={"agency": "XX"})})
            return answer.model_copy(update={"records": (changed, *answer.records[1:])})
        if lie == "a wrong proof":
            return answer.model_copy(update={"proofs": ((b64u_encode(bytes(32)),), *answer.proofs[1:])})
        if lie == "the same page again":
            return answer.model_copy(update={"records": answer.records[::-1], "proofs": answer.proofs[::-1]})
        return answer.model_copy(update={"records": answer.records * 2, "proofs": answer.proofs * 2})

    world.exchange.tamper[AUDIT_PATH] = tamper
    with pytest.raises(LogError):
        ask_records(world["VN"], AuditOrder("inspection", LogPurpose.SELF_MONITORING, limit=3))


def test_one_record_is_shown_by_its_leaf(world: LyingWorld) -> None:
    index = next(logged.index for logged in world.exchange.records if "VN" in logged.record.concerns)
    assert ask_record(world["VN"], index, reason="x", purpose=LogPurpose.LAWFULNESS).records[0].index == index


def test_a_record_of_others_is_not_found(world: LyingWorld) -> None:
    foreign = world.exchange.append(RecordType.STATUS, ("GB",), agency="GB", partner="XX", digest="A" * 43)
    with pytest.raises(NotFoundError):
        ask_record(world["VN"], foreign.index, reason="x", purpose=LogPurpose.LAWFULNESS)


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("types", ["status"], ["receipt"]),
        ("action", "access", "keys"),
        ("agency", "VN", "GB"),
        ("partner", "GB", "BE"),
        ("actor", "VN", "GB"),
        ("node", "n1", "n2"),
        ("problem", None, "not-covered"),
    ],
)
def test_each_filter_is_checked_in_the_answer(world: LyingWorld, name: str, right: Any, wrong: Any) -> None:
    actor = {"agency": "VN", "node": "n1", "role": "node"}
    members = {"agency": "VN", "partner": "GB", "digest": "A" * 43, "actor": actor}
    logged = world.exchange.append(RecordType.STATUS, ("VN",), **members)
    verify_is_answer(logged, {name: right}, None)
    with pytest.raises(LogError, match=name):
        verify_is_answer(logged, {name: wrong}, None)


def test_times_and_messages_are_checked_in_the_answer(world: LyingWorld) -> None:
    from datetime import timedelta

    reference = {"id": "0190a6f2-3c4d-7e5f-8a6b-7c8d9e0f1a2b", "digest": "A" * 43}
    logged = world.exchange.append(RecordType.MESSAGE_EXPIRED, ("VN",), agency="VN", partner="GB", message=reference)
    time = logged.record.time
    verify_is_answer(logged, {"since": time, "until": time, "message": reference["id"]}, logged.index - 1)
    for filters in ({"since": time + timedelta(seconds=1)}, {"until": time - timedelta(seconds=1)}, {"message": "x"}):
        with pytest.raises(LogError):
            verify_is_answer(logged, filters, None)
    with pytest.raises(LogError, match="after leaf"):
        verify_is_answer(logged, {}, logged.index)
