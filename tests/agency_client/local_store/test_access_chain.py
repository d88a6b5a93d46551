"""An exported access log is checked without the store; whatever was done to it is found, with its place."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agency_client.local_store.access_chain import (
    AccessChainError,
    AccessEntry,
    ChainPoint,
    ErasedEntry,
    compute_head,
    make_link,
    read_line,
    verify_chain,
)
from schemas.codec import CodecError, b64u_encode, decode_canonical, encode_canonical, hash_text
from schemas.log.records import Action

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def make_chain(count: int) -> list[AccessEntry]:
    entries: list[AccessEntry] = []
    for n in range(1, count + 1):
        entry = AccessEntry(
            v=2,
            n=n,
            prev=b64u_encode(compute_head(entries[-1])) if entries else None,
            time=NOON + timedelta(seconds=n),
            salt=hash_text("test", str(n).encode()),
            officer="a.eriksson",
            action=Action.CONSULTATION,
            verb="read",
            reason="case UTO-74-08",
            outcome="done",
        )
        entries.append(entry)
    return entries


ENTRIES = make_chain(6)
CHAIN = [entry.canonical() for entry in ENTRIES]
ERASED = [make_link(entry).canonical() for entry in ENTRIES]
HEADS = {entry.n: b64u_encode(compute_head(entry)) for entry in ENTRIES}


def test_a_whole_export_verifies_and_says_where_it_ends() -> None:
    entries, end = verify_chain(CHAIN, heads=HEADS)
    assert [entry.n for entry in entries] == [1, 2, 3, 4, 5, 6]
    assert end == ChainPoint(6, HEADS[6])


def test_an_export_that_begins_later_continues_a_trusted_place() -> None:
    entries, end = verify_chain(CHAIN[2:], start=ChainPoint(2, HEADS[2]), heads=HEADS)
    assert (len(entries), end) == (4, ChainPoint(6, HEADS[6]))
    with pytest.raises(AccessChainError, match="does not continue"):
        verify_chain(CHAIN[2:], start=ChainPoint(2, HEADS[1]))


def test_an_empty_export_is_whole_only_while_no_head_was_signed() -> None:
    assert verify_chain([]) == ([], None)
    with pytest.raises(AccessChainError, match="missing"):
        verify_chain([], heads={1: HEADS[1]})


def test_entries_cut_off_at_the_end_are_missed_when_their_head_was_signed() -> None:
    with pytest.raises(AccessChainError, match="entry is missing") as broken:
        verify_chain(CHAIN[:4], heads={3: HEADS[3], 6: HEADS[6]})
    assert broken.value.n == 6


def test_a_rewritten_end_does_not_fit_its_signed_head() -> None:
    forged = encode_canonical(decode_canonical(CHAIN[5]) | {"officer": "somebody.else"})
    verify_chain([*CHAIN[:5], forged])
    with pytest.raises(AccessChainError, match="changed after its head was signed") as broken:
        verify_chain([*CHAIN[:5], forged], heads={6: HEADS[6]})
    assert broken.value.n == 6


@given(n=st.integers(1, 5), data=st.data())
def test_whatever_is_changed_dropped_doubled_or_swapped_is_found(n: int, data: st.DataObject) -> None:
    lines = list(CHAIN)
    change = data.draw(st.sampled_from(["alter", "drop", "double", "swap"]))
    if change == "alter":
        lines[n - 1] = encode_canonical(decode_canonical(lines[n - 1]) | {"reason": "another reason"})
    elif change == "drop":
        del lines[n - 1]
    elif change == "double":
        lines.insert(n, lines[n - 1])
    else:
        lines[n - 1], lines[n] = lines[n], lines[n - 1]
    with pytest.raises(AccessChainError) as broken:
        verify_chain(lines, heads={6: HEADS[6]})
    assert n <= broken.value.n <= n + 1


def test_a_line_that_is_not_canonical_is_named() -> None:
    with pytest.raises(AccessChainError, match="entry 2") as broken:
        verify_chain([CHAIN[0], CHAIN[1].replace(b'"v":2', b'"v": 2')])
    assert (broken.value.n, broken.value.exit_code) == (2, 6)


@pytest.mark.parametrize("erased", range(7))
def test_the_chain_and_every_signed_head_hold_whatever_number_of_the_oldest_is_erased(erased: int) -> None:
    entries, end = verify_chain([*ERASED[:erased], *CHAIN[erased:]], heads=HEADS)
    assert [isinstance(entry, ErasedEntry) for entry in entries] == [n < erased for n in range(6)]
    assert end == ChainPoint(6, HEADS[6])


def test_an_entry_erased_alone_is_named() -> None:
    with pytest.raises(AccessChainError, match="an older one was not") as broken:
        verify_chain([*CHAIN[:2], ERASED[2], *CHAIN[3:]], heads=HEADS)
    assert broken.value.n == 3


@pytest.mark.parametrize("member", ["time", "commitment", "prev"])
def test_a_link_is_bound_by_the_next_signed_head(member: str) -> None:
    """An entry cannot be dated back to pass for one whose term is over."""
    other = {"time": "2020-11-21T12:00:02Z", "commitment": HEADS[4], "prev": HEADS[5]}[member]
    forged = encode_canonical(decode_canonical(ERASED[1]) | {member: other})
    with pytest.raises(AccessChainError):
        verify_chain([ERASED[0], forged, *CHAIN[2:]], heads=HEADS)


def test_a_link_says_nothing_of_the_entry_that_could_be_guessed() -> None:
    link = read_line(ERASED[0])
    assert set(link.to_wire()) == {"v", "n", "time", "commitment"}
    twin = ENTRIES[0].model_copy(update={"salt": hash_text("test", b"another")})
    assert make_link(twin).commitment != make_link(ENTRIES[0]).commitment, "the salt keeps it from being tried out"


def change_first(**members: object) -> bytes:
    """Return the first line with other members; None takes one out."""
    changed = decode_canonical(CHAIN[0]) | members
    return encode_canonical({name: value for name, value in changed.items() if value is not None})


def test_an_entry_says_of_whom_and_of_what_only_where_there_is_something_to_say() -> None:
    first = read_line(CHAIN[0])
    assert isinstance(first, AccessEntry)
    absent = (first.prev, first.message, first.partner, first.case, first.purpose, first.conditions)
    assert absent == (None,) * 6


@pytest.mark.parametrize(
    ("member", "last", "first"),
    [
        ("reason", "x" * 300, "x" * 301),
        ("reason", "ca\u00e9", "two\nlines"),
        ("reason", "", "\x7f"),
        ("v", 2, 1),
        ("v", 2, 3),
        ("officer", "a.eriksson", None),
        ("outcome", "denied", None),
    ],
)
def test_an_entry_of_another_form_is_none(member: str, last: object, first: object) -> None:
    read_line(change_first(**{member: last}))
    with pytest.raises(CodecError):
        read_line(change_first(**{member: first}))


def test_a_link_of_another_version_is_none() -> None:
    link = decode_canonical(ERASED[0])
    with pytest.raises(CodecError):
        read_line(encode_canonical(link | {"v": 1}))
    with pytest.raises(CodecError):
        read_line(encode_canonical({name: value for name, value in link.items() if name != "v"} | {"v": 3}))


def test_no_line_is_longer_than_sixteen_kibibytes() -> None:
    with pytest.raises(CodecError) as at_most:
        read_line(b"x" * 16_384)
    with pytest.raises(CodecError) as longer:
        read_line(b"x" * 16_385)
    assert at_most.value.code != longer.value.code


@pytest.mark.parametrize(
    ("lines", "n", "problem"),
    [
        ([*CHAIN[:2], CHAIN[3]], 3, "entry 4 stands in its place"),
        ([CHAIN[0], *CHAIN[2:]], 2, "entry 3 stands in its place"),
        (
            [CHAIN[0], encode_canonical(decode_canonical(CHAIN[1]) | {"prev": HEADS[5]})],
            2,
            "it does not continue the entry before it",
        ),
        ([CHAIN[0], ERASED[1]], 2, "it was erased though an older one was not"),
    ],
)
def test_what_does_not_fit_is_named_by_number_and_in_words(lines: list[bytes], n: int, problem: str) -> None:
    with pytest.raises(AccessChainError) as broken:
        verify_chain(lines)
    assert (broken.value.n, broken.value.sentence) == (n, f"access log entry {n}: {problem}")
    assert broken.value.code == "access-log-broken"


def test_of_several_heads_that_are_missing_the_first_is_named() -> None:
    with pytest.raises(AccessChainError) as broken:
        verify_chain(CHAIN[:2], heads={6: HEADS[6], 4: HEADS[4]})
    assert broken.value.sentence == "access log entry 4: its head was signed, but the entry is missing"
    with pytest.raises(AccessChainError) as changed:
        verify_chain(CHAIN, heads={3: HEADS[4]})
    assert changed.value.sentence == ("access log entry 3: it, or one before it, was changed after its head was signed")


def test_a_head_at_the_trusted_place_itself_is_not_asked_for_again() -> None:
    assert verify_chain([], start=ChainPoint(2, HEADS[2]), heads={2: HEADS[2]}) == ([], ChainPoint(2, HEADS[2]))
