"""Entries are chained, filtered, exported, and cannot be changed even through SQL."""

from dataclasses import replace

import pytest

from agency_client.errors import UsageError
from agency_client.local_store.access_chain import verify_chain
from agency_client.local_store.access_log import (
    AccessFilter,
    AccessNote,
    SignedHead,
    append_entry,
    find_chain_end,
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
