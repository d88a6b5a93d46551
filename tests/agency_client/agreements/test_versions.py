"""Which versions are compared, whether a text is the signed one, and when a notice ends."""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from agency_client.agreements import flows
from agency_client.agreements.versions import (
    TextDiffersError,
    find_notice_end,
    find_pair,
    load_notice_end,
    verify_text,
)
from agency_client.errors import NotFoundError, UsageError
from agency_client.local_store.agreements import StoredStep
from agency_client.node import Node
from schemas.codec import b64u_encode
from tests.strategies.agreements import make_terms

Say = Callable[..., StoredStep]
TEXT = b"The memorandum of the two governments."


def test_the_signed_text_is_told_by_its_digest_and_by_nothing_else() -> None:
    named = make_terms(text_sha256=b64u_encode(hashlib.sha256(TEXT).digest()))
    verify_text(named, TEXT)
    with pytest.raises(TextDiffersError, match="not the text that was signed"):
        verify_text(named, TEXT + b"\n")
    with pytest.raises(NotFoundError, match="name no text"):
        verify_text(make_terms(), TEXT)


@pytest.mark.parametrize(
    ("now", "end"),
    [
        (datetime(2026, 11, 21, tzinfo=UTC), datetime(2026, 12, 21, tzinfo=UTC)),
        (datetime(2026, 11, 21, 0, 0, 1, tzinfo=UTC), datetime(2026, 12, 22, tzinfo=UTC)),
        (datetime(2026, 11, 21, 23, 59, 59, tzinfo=UTC), datetime(2026, 12, 22, tzinfo=UTC)),
    ],
)
def test_a_notice_of_thirty_days_ends_at_the_first_midnight_after_them(now: datetime, end: datetime) -> None:
    assert find_notice_end(make_terms(notice_days=30), now) == end


def test_a_day_before_the_notice_ends_is_refused_and_a_later_one_kept(gb: Node, in_force: str) -> None:
    first = load_notice_end(gb, in_force)
    assert first - gb.clock.now() >= timedelta(days=90)
    assert load_notice_end(gb, in_force, first) == first
    assert load_notice_end(gb, in_force, first + timedelta(days=7)) == first + timedelta(days=7)
    with pytest.raises(UsageError, match=f"90 days' notice was agreed: {first:%Y-%m-%d} is the first day"):
        load_notice_end(gb, in_force, first - timedelta(days=1))


def test_a_counter_is_compared_with_what_it_answers(gb: Node, vn: Node, fields: dict[str, Any], say: Say) -> None:
    first = say(gb, flows.propose, fields)
    second = say(vn, flows.counter, first.agreement, {**fields, "notice_days": 5})
    pair = find_pair(gb, first.agreement[:8], [])
    assert (pair.old.digest, pair.new.digest) == (first.terms_digest, second.terms_digest)
    with pytest.raises(UsageError, match="several proposals have the number 1"):
        find_pair(gb, first.agreement, ["1", "1"])
    turned = find_pair(gb, second.terms_digest, [first.terms_digest])
    assert (turned.old.digest, turned.new.digest) == (second.terms_digest, first.terms_digest)


def test_versions_are_compared_by_number(gb: Node, vn: Node, in_force: str, fields: dict[str, Any], say: Say) -> None:
    with pytest.raises(NotFoundError, match="takes the place of another"):
        find_pair(gb, in_force, [])
    second = say(gb, flows.propose, {**fields, "notice_days": 7}, amends=in_force)
    pair = find_pair(vn, in_force, ["1", "2"])
    assert (pair.old.terms.version, pair.new.digest) == (1, second.terms_digest)
    alone = find_pair(vn, second.terms_digest, [])
    assert (alone.old.digest, alone.new.digest) == (pair.old.digest, pair.new.digest)
    with pytest.raises(NotFoundError, match="no version 3"):
        find_pair(vn, in_force, ["1", "3"])
    for wrong in (["1"], ["x", "2"], ["1", "2", "3"]):
        with pytest.raises(UsageError):
            find_pair(vn, in_force, wrong)
