"""Entries are chained, filtered, exported, and cannot be changed even through SQL."""

from dataclasses import replace

import pytest

from agency_client.errors import UsageError
from agency_client.local_store.access_chain import AccessEntry, verify_chain
from agency_client.local_store.access_log import (
    AccessFilter,
    AccessNote,
    SignedHead,
    append_entry,
    erase_entries,
    find_chain_end,
    find_ended_entries,
    iterate_lines,
    list_entries,
    list_signed_heads,
    load_newest_signed_head,
    record_signed_head,
)
from agency_client.local_store.engine import DatabaseError, Store
from schemas.log.records import Action
from tests.agency_client.local_store.conftest import MINUTE, NOON, make_digest, make_id

READING = AccessNote(NOON, "a.eriksson", Action.CONSULTATION, "read", "case UTO-74-08", message=make_id(1))


def append(store: Store, *notes: AccessNote) -> None:
    with store.write() as transaction:
        for note in notes:
            append_entry(transaction, note)


def test_what_was_appended_verifies_as_one_chain(store: Store) -> None:
    with store.read() as snapshot:
        assert find_chain_end(snapshot) is None
    append(store, *(replace(READING, time=NOON + n * MINUTE) for n in range(5)))
    append(store, replace(READING, outcome="denied", partner="VN-IMM", case="OP-74"))
    with store.read() as snapshot:
        entries, end = verify_chain(iterate_lines(snapshot))
        assert end == find_chain_end(snapshot)
        assert [entry.n for entry in entries] == [1, 2, 3, 4, 5, 6]
        assert [line.count(b"\n") for line in iterate_lines(snapshot, after=4)] == [0, 0]


@pytest.mark.parametrize("statement", ["UPDATE access_entry SET officer = 'x'", "DELETE FROM access_entry"])
def test_the_store_itself_refuses_to_change_an_entry(store: Store, statement: str) -> None:
    append(store, READING)
    with pytest.raises(DatabaseError, match="only grows"), store.write() as transaction:
        transaction.execute(statement)


def sign_head(store: Store, n: int) -> None:
    """Let a head be on record over the first n entries."""
    with store.write() as transaction:
        record_signed_head(transaction, SignedHead(n, make_digest(n), b"", NOON))


def test_only_the_oldest_end_and_only_what_a_signed_head_covers(store: Store) -> None:
    append(store, *(replace(READING, time=NOON + n * MINUTE) for n in (0, 2, 1, 3, 4)))
    with store.read() as snapshot:
        assert find_ended_entries(snapshot, before=NOON + 9 * MINUTE) is None, "no head is signed yet"
    sign_head(store, 4)
    with store.read() as snapshot:
        found = [find_ended_entries(snapshot, before=NOON + minutes * MINUTE) for minutes in (0, 1, 2, 3, 9)]
    assert [item and (item.first, item.last) for item in found] == [None, (1, 1), (1, 1), (1, 3), (1, 4)]
    assert found[1] is not None
    assert found[1].oldest == NOON


def test_of_an_erased_entry_the_link_stays_and_the_chain_holds(store: Store) -> None:
    append(store, *(replace(READING, time=NOON + n * MINUTE, reason=f"case 74/{n}") for n in range(5)))
    sign_head(store, 4)
    with store.write() as transaction:
        before = find_chain_end(transaction)
        assert erase_entries(transaction, 1, 3, at=NOON) == 3
        assert erase_entries(transaction, 1, 3, at=NOON) == 0
    append(store, READING)
    with store.read() as snapshot:
        lines = list(iterate_lines(snapshot))
        entries, end = verify_chain(lines)
        assert [entry.n for entry in list_entries(snapshot)] == [6, 5, 4]
        ended = find_ended_entries(snapshot, before=NOON + 9 * MINUTE)
        assert snapshot.fetch_all("SELECT 1 FROM access_entry WHERE erased_at IS NOT NULL AND officer <> ''") == []
    assert before is not None
    assert end is not None
    assert (end.count, entries[4]) == (6, AccessEntry.from_canonical(lines[4]))
    assert not any(b"eriksson" in line or b"74/" in line for line in lines[:3])
    assert ended is not None
    assert (ended.first, ended.last) == (4, 4)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE access_entry SET erased_at = 2",
        "UPDATE access_entry SET entry = x'00'",
        "UPDATE access_entry SET erased_at = NULL",
    ],
)
def test_an_erased_entry_is_never_changed_again(store: Store, statement: str) -> None:
    append(store, READING)
    with store.write() as transaction:
        erase_entries(transaction, 1, 1, at=NOON)
    with pytest.raises(DatabaseError, match="only grows"), store.write() as transaction:
        transaction.execute(statement)


def test_entries_are_found_by_who_what_and_when(store: Store) -> None:
    append(
        store,
        READING,
        replace(READING, officer="t.nguyen", action=Action.DISCLOSURE, verb="send", partner="VN-IMM", message=None),
        replace(READING, time=NOON + MINUTE, message=make_id(2), outcome="denied"),
    )
    cases = [
        (AccessFilter(), [3, 2, 1]),
        (AccessFilter(officer="t.nguyen"), [2]),
        (AccessFilter(action=Action.CONSULTATION), [3, 1]),
        (AccessFilter(message=make_id(2)), [3]),
        (AccessFilter(partner="VN-IMM"), [2]),
        (AccessFilter(outcome="denied"), [3]),
        (AccessFilter(since=NOON + MINUTE), [3]),
        (AccessFilter(until=NOON), [2, 1]),
    ]
    with store.read() as snapshot:
        for wanted, expected in cases:
            assert [entry.n for entry in list_entries(snapshot, wanted)] == expected, wanted
        assert [entry.n for entry in list_entries(snapshot, limit=1)] == [3]


@pytest.mark.parametrize(
    ("note", "field"),
    [
        (replace(READING, reason="two\nlines"), "reason"),
        (replace(READING, reason="x" * 301), "reason"),
        (replace(READING, officer=""), "officer"),
        (replace(READING, officer="a\x1b[2Jb"), "officer"),
        (replace(READING, case="\x07"), "case"),
    ],
)
def test_what_cannot_be_recorded_is_refused_by_field(store: Store, note: AccessNote, field: str) -> None:
    with pytest.raises(UsageError, match=field):
        append(store, note)


@pytest.mark.parametrize("reason", ["", "  "])
def test_nothing_is_done_without_a_reason(store: Store, reason: str) -> None:
    with pytest.raises(UsageError, match="reason: it is empty") as refused:
        append(store, replace(READING, reason=reason))
    assert refused.value.fix == "give it with --reason"


def test_text_without_a_utf8_form_is_refused(store: Store) -> None:
    with pytest.raises(UsageError, match="surrogate"):
        append(store, replace(READING, reason="\ud800"))


def test_signed_heads_are_kept_once_each(store: Store) -> None:
    append(store, READING, READING)
    first = SignedHead(1, make_digest(1), b"signed head 1", NOON)
    second = SignedHead(2, make_digest(2), b"signed head 2", NOON + MINUTE)
    with store.write() as transaction:
        assert load_newest_signed_head(transaction) is None
        for head in (second, first, first):
            record_signed_head(transaction, head)
        assert load_newest_signed_head(transaction) == second
        assert list_signed_heads(transaction) == [first, second]
