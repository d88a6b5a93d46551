"""Notices in the store: each once, by their message, and what they demand without opening anything."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from agency_client.local_store.aftercare import (
    LastReport,
    OnwardEffect,
    StoredNotice,
    count_unanswered,
    find_last_report,
    find_notice,
    list_notices,
    list_onward_effects,
    list_owed_relays,
    list_own_notices,
    list_received_notices,
    list_relays,
    list_report_ids,
    list_reportable_notices,
    record_notice,
    record_onward_effect,
    record_relay,
    record_report,
    rename_relay,
)
from agency_client.local_store.engine import Store
from agency_client.local_store.onward import OnwardCopy, record_onward_copy
from agency_client.onward.rules import RightKind

NOW = datetime(2026, 11, 21, 18, 40, tzinfo=UTC)


def make_notice(digest: str = "n1", **changes: Any) -> StoredNotice:
    """Return a restriction of GB's about the message x1, acted on here."""
    usual: dict[str, Any] = {
        "digest": digest,
        "origin": digest,
        "target": "x1",
        "author": "GB",
        "kind": "restriction",
        "action": "restrict",
        "allowed": ("legal-claim",),
        "subjects": (),
        "said_at": NOW,
        "acknowledge_by": NOW + timedelta(days=3),
        "is_own": False,
        "effect": "restricted",
        "acted_at": NOW + timedelta(minutes=1),
    }
    return StoredNotice(**usual | changes)


def make_copy(digest: str = "c1", recipient: str = "BE") -> OnwardCopy:
    """Return a copy of the message x1 that went on."""
    return OnwardCopy(digest, f"id-of-{digest}", "x1", "x1", recipient, RightKind.NAMED, None, NOW)


def test_a_notice_is_kept_once_and_comes_back_as_it_was(store: Store) -> None:
    notice = make_notice(subjects=("persons.0",))
    with store.write() as transaction:
        assert record_notice(transaction, notice)
        assert not record_notice(transaction, make_notice(effect="erased"))
    with store.read() as snapshot:
        assert find_notice(snapshot, "n1") == notice
        assert find_notice(snapshot, "n2") is None
        assert list_notices(snapshot, "x1") == [notice]
        assert list_notices(snapshot, "x2") == []


def test_notices_come_in_the_order_they_were_said_and_by_whose_they_are(store: Store) -> None:
    later, own = make_notice("n2", said_at=NOW + timedelta(minutes=1)), make_notice("n0", is_own=True, effect="")
    with store.write() as transaction:
        for notice in (later, own, make_notice()):
            record_notice(transaction, notice)
    with store.read() as snapshot:
        assert [notice.digest for notice in list_notices(snapshot, "x1")] == ["n0", "n1", "n2"]
        assert list_own_notices(snapshot) == [own]
        assert [notice.digest for notice in list_received_notices(snapshot)] == ["n2", "n1"]
        assert list_received_notices(snapshot, "correction") == []


def test_each_notice_is_owed_once_to_each_copy(store: Store) -> None:
    with store.write() as transaction:
        record_notice(transaction, make_notice())
        record_notice(transaction, make_notice("n0", is_own=True))
        for copy in (make_copy(), make_copy("c2", "AL")):
            record_onward_copy(transaction, copy)
    with store.read() as snapshot:
        assert list_owed_relays(snapshot) == [("n1", "c1"), ("n1", "c2")]
    with store.write() as transaction:
        assert record_relay(transaction, "n1", "c1", "m1", at=NOW)
        assert not record_relay(transaction, "n1", "c1", "m2", at=NOW)
        rename_relay(transaction, "m1", "m3")
    with store.read() as snapshot:
        assert list_owed_relays(snapshot) == [("n1", "c2")]
        assert list_relays(snapshot, "n1") == [("c1", "m3")]
        assert [notice.digest for notice in list_reportable_notices(snapshot)] == ["n1"]


def test_the_last_report_is_the_last_within_one_second_too(store: Store) -> None:
    with store.write() as transaction:
        for number, told in enumerate((b"first", b"second", b"third")):
            record_report(transaction, "n1", f"m{9 - number}", told, at=NOW)
    with store.read() as snapshot:
        assert find_last_report(snapshot, "n1") == LastReport(b"third", NOW, 3)
        assert find_last_report(snapshot, "n2") is None
        assert list_report_ids(snapshot, "n1") == {"m9", "m8", "m7"}


def test_what_was_done_further_on_is_not_taken_back_by_an_earlier_word(store: Store) -> None:
    told = OnwardEffect("n1", "BE", "AL", ("LU",), "", None, NOW)
    done = OnwardEffect("n1", "BE", "AL", ("LU",), "erased", NOW, NOW + timedelta(minutes=1))
    with store.write() as transaction:
        for found in (told, done, told):
            record_onward_effect(transaction, found)
    with store.read() as snapshot:
        assert list_onward_effects(snapshot, "n1") == [done]
        assert list_onward_effects(snapshot, "n2") == []


def test_what_was_done_further_on_is_said_once_and_not_another_way_each_time(store: Store) -> None:
    done = OnwardEffect("n1", "BE", "AL", (), "marked", NOW, NOW)
    with store.write() as transaction:
        for effect in ("marked", "erased", "marked"):
            record_onward_effect(transaction, replace(done, effect=effect))
    with store.read() as snapshot:
        assert list_onward_effects(snapshot, "n1") == [done]


def test_a_notice_that_did_not_come_here_is_nobodys_to_answer(store: Store) -> None:
    with store.write() as transaction:
        record_notice(transaction, make_notice(kind="breach-notice"))
    with store.read() as snapshot:
        assert count_unanswered(snapshot, "breach-notice") == 0
