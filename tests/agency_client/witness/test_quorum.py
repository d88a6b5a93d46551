"""The quorum is this node and two pinned partners; nobody else's word moves it, and no single one's."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agency_client.witness.quorum import Quorum, Witness, describe_quorum, judge_quorum
from tests.support.members import START

AGENCIES = [f"W{number}" for number in range(6)]
SIZES = st.integers(0, 40)
HEADS = st.dictionaries(st.sampled_from(AGENCIES), SIZES)
PINNED = st.sets(st.sampled_from(AGENCIES))


def judge(own: int, pinned: set[str], heads: dict[str, int]) -> Quorum:
    return judge_quorum(own, pinned, [Witness(agency, size, START) for agency, size in heads.items()])


@given(own=SIZES, pinned=PINNED, heads=HEADS, index=SIZES)
def test_a_leaf_is_witnessed_when_this_node_and_enough_pinned_partners_have_seen_it(
    own: int, pinned: set[str], heads: dict[str, int], index: int
) -> None:
    seen_by = [agency for agency in pinned if heads.get(agency, 0) > index]
    expected = index < own and len(seen_by) >= min(2, len(pinned))
    assert judge(own, pinned, heads).is_witnessed(index) is expected


@given(own=SIZES, pinned=PINNED, heads=HEADS)
def test_witnesses_that_nobody_pinned_count_nothing(own: int, pinned: set[str], heads: dict[str, int]) -> None:
    shams = {f"SHAM{number}": 10**6 for number in range(5)} | dict.fromkeys({*AGENCIES} - pinned, 10**6)
    assert judge(own, pinned, heads | shams) == judge(own, pinned, {k: v for k, v in heads.items() if k in pinned})


@given(own=SIZES, pinned=st.sets(st.sampled_from(AGENCIES), min_size=2), heads=HEADS, data=st.data())
def test_no_single_partner_makes_a_leaf_witnessed_that_no_other_has_seen(
    own: int, pinned: set[str], heads: dict[str, int], data: st.DataObject
) -> None:
    liar = data.draw(st.sampled_from(sorted(pinned)))
    others = max(heads.get(agency, 0) for agency in pinned - {liar})
    assert judge(own, pinned, heads | {liar: 10**6}).witnessed_size <= min(own, others)


@given(own=SIZES, pinned=PINNED, heads=HEADS, data=st.data())
def test_who_sees_more_never_makes_less_of_the_log_witnessed(
    own: int, pinned: set[str], heads: dict[str, int], data: st.DataObject
) -> None:
    agency, more = data.draw(st.sampled_from(AGENCIES)), data.draw(SIZES)
    grown = heads | {agency: heads.get(agency, 0) + more}
    assert judge(own, pinned, grown).witnessed_size >= judge(own, pinned, heads).witnessed_size


@given(own=SIZES, pinned=PINNED, heads=HEADS)
def test_what_is_witnessed_is_never_more_than_this_node_has_checked_itself(
    own: int, pinned: set[str], heads: dict[str, int]
) -> None:
    found = judge(own, pinned, heads)
    assert 0 <= found.witnessed_size <= own
    assert found.is_complete is (found.witnessed_size == own)


def test_a_pinned_partner_that_never_cosigned_is_waited_for() -> None:
    found = judge(10, {"W1", "W2"}, {"W1": 10})
    assert (found.needed, found.witnessed_size) == (2, 0)
    assert found.list_missing(10) == (Witness("W2"),)


@pytest.mark.parametrize(
    ("pinned", "heads", "sentence"),
    [
        (set(), {}, "no partner is pinned: only this node has seen the log"),
        ({"W1"}, {"W1": 1204}, "1 of 1 witness has seen 1,204 leaves"),
        (
            {"W1", "W2", "W3"},
            {"W1": 1204, "W2": 1300, "W3": 1100},
            "2 of 3 witnesses have seen 1,204 leaves; W3 last at 1,100, on 2026-11-01 00:00",
        ),
        ({"W1"}, {}, "0 of 1 witness has seen 1,204 leaves; W1 has cosigned nothing yet"),
    ],
)
def test_it_is_told_who_has_seen_how_much(pinned: set[str], heads: dict[str, int], sentence: str) -> None:
    assert describe_quorum(judge(1204, pinned, heads)) == sentence


def test_only_who_is_behind_can_be_stale() -> None:
    found = judge(10, {"W1", "W2", "W3"}, {"W1": 10, "W2": 9})
    assert [witness.agency for witness in found.list_stale(START + timedelta(hours=24))] == ["W3"]
    assert [witness.agency for witness in found.list_stale(START + timedelta(hours=25))] == ["W2", "W3"]
