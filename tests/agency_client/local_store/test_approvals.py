"""Two persons: the same one counts once, however the name is written, and nothing counts for ever."""

from datetime import timedelta

import pytest

from agency_client.local_store.approvals import (
    Approval,
    ApprovalEnd,
    ApprovalKind,
    end_approvals,
    end_approvals_about,
    expire_approvals,
    give_approval,
    list_approvals,
    name_person,
)
from agency_client.local_store.engine import Store
from tests.agency_client.local_store.conftest import NOON

KIND = ApprovalKind.NEW_LOG
HOUR = timedelta(hours=1)


def approve(store: Store, officer: str, subject: str = "s1", hours: int = 0) -> list[Approval]:
    with store.write() as transaction:
        return give_approval(
            transaction, KIND, subject, what="one thing", officer=officer, reason="paper", at=NOON + hours * HOUR
        )


def test_two_persons_approve_one_thing(store: Store) -> None:
    assert [item.officer for item in approve(store, "a.eriksson")] == ["a.eriksson"]
    assert [item.officer for item in approve(store, "b.jansen", hours=1)] == ["a.eriksson", "b.jansen"]


@pytest.mark.parametrize("again", ["a.eriksson", "A.Eriksson", " a. eriksson ", "\uff41.eriksson"])
def test_the_same_person_counts_once(store: Store, again: str) -> None:
    approve(store, "a.eriksson")
    assert len(approve(store, again, hours=2)) == 1


def test_a_person_is_not_told_apart_by_case_width_or_spaces() -> None:
    assert name_person(" Anna  ERIKSSON") == name_person("anna eriksson")
    assert name_person("anna eriksson") != name_person("anna erikson")


def test_approvals_of_other_things_do_not_add_up(store: Store) -> None:
    approve(store, "a.eriksson", "s1")
    assert [item.subject for item in approve(store, "b.jansen", "s2")] == ["s2"]


def test_an_approval_counts_for_a_day(store: Store) -> None:
    approve(store, "a.eriksson")
    assert len(approve(store, "b.jansen", hours=24)) == 1
    with store.read() as snapshot:
        assert [item.officer for item in list_approvals(snapshot, now=NOON + 24 * HOUR)] == ["b.jansen"]
    assert len(approve(store, "a.eriksson", hours=25)) == 2


def test_what_was_refused_or_used_counts_no_more(store: Store) -> None:
    for end in (ApprovalEnd.REFUSED, ApprovalEnd.USED):
        approve(store, "a.eriksson")
        with store.write() as transaction:
            assert end_approvals(transaction, KIND, "s1", end, by="c.olsen", at=NOON) == 1
            assert list_approvals(transaction, now=NOON) == []
    assert len(approve(store, "b.jansen")) == 1


def test_how_each_ended_stays_on_record(store: Store) -> None:
    approve(store, "a.eriksson")
    with store.write() as transaction:
        assert expire_approvals(transaction, now=NOON + 23 * HOUR) == 0
        assert expire_approvals(transaction, now=NOON + 24 * HOUR) == 1
        (row,) = transaction.fetch_all("SELECT officer, outcome FROM approval")
    assert tuple(row) == ("a.eriksson", "expired")


def test_what_belongs_to_something_ends_when_that_goes_on_without_it(store: Store) -> None:
    with store.write() as transaction:
        for subject, about in (("s1", "one"), ("s2", "one"), ("s3", "other")):
            give_approval(transaction, KIND, subject, what="x", officer="a.eriksson", reason="r", at=NOON, about=about)
        assert end_approvals_about(transaction, ApprovalKind.AGREEMENT_STEP, "one", by="c.olsen", at=NOON) == 0
        assert end_approvals_about(transaction, KIND, "one", by="c.olsen", at=NOON) == 2
        assert [(item.subject, item.about) for item in list_approvals(transaction, now=NOON)] == [("s3", "other")]
        rows = transaction.fetch_all("SELECT outcome, ended_by FROM approval WHERE about = 'one'")
    assert [tuple(row) for row in rows] == [("overtaken", "c.olsen")] * 2
