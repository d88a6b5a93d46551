"""What did not arrive is listed with its reasons and age, and nothing of what was in it."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from broker.dead_letters.service import read_care, read_letters, read_needs
from broker.dead_letters.views import describe_report
from broker.inbox.rules import ItemState
from schemas.agreements.steps import StepAction
from schemas.codec import encode_canonical
from tests.broker.attachments.uploads import agree_to_files, lose, seal_with, upload
from tests.broker.bench import BE, GB, VN, Bench
from tests.support.messages import make_id

DAY = timedelta(days=1)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path, GB, VN, BE)
    yield bench
    bench.close()


def list_letters(bench: Bench, reach: timedelta = DAY) -> list[tuple[str, str, tuple[str, ...]]]:
    found = read_letters(bench.database, bench.now - reach, 100)
    return [(letter.state.value, letter.message, letter.reasons) for letter in found.letters]


def list_needs(bench: Bench) -> list[tuple[str, str]]:
    needs = read_needs(bench.database, bench.directory.current, bench.files, bench.now)
    return [(need.code, need.agency) for need in needs]


def test_what_is_held_or_was_returned_or_expired_is_listed_with_its_reasons(bench: Bench) -> None:
    suspended, revoked, plain = bench.agree(GB, VN), bench.agree(GB, BE), bench.agree(BE, VN)
    bench.send(GB, VN, suspended, "held")
    bench.send(GB, BE, revoked, "returned")
    bench.send(BE, VN, plain, "expired", lifetime=timedelta(minutes=5))
    bench.send(BE, VN, plain, "waiting")
    bench.step(VN, suspended, StepAction.SUSPEND)
    bench.step(BE, revoked, StepAction.REVOKE, reason="for a test")
    bench.clock.move(300)
    bench.sweep()
    assert sorted(list_letters(bench)) == [
        ("expired", make_id("expired"), ()),
        ("held", make_id("held"), ("agreement-suspended",)),
        ("returned", make_id("returned"), ("agreement-revoked",)),
    ]
    counts = read_letters(bench.database, bench.now - DAY, 0).counts
    assert counts == {ItemState.HELD: 1, ItemState.EXPIRED: 1, ItemState.RETURNED: 1}


def test_a_letter_says_since_when_and_between_whom_and_has_no_content(bench: Bench) -> None:
    terms = bench.agree()
    sent_at = bench.now
    bench.send(GB, VN, terms, "held")
    bench.clock.move(60)
    bench.step(VN, terms, StepAction.SUSPEND)
    bench.sweep()
    bench.clock.move(90)
    found = read_letters(bench.database, bench.now - DAY, 100)
    (letter,) = found.letters
    assert (letter.sender, letter.recipient, letter.accepted_at, letter.since) == (
        GB, VN, sent_at, sent_at + timedelta(seconds=60)
    )  # fmt: skip
    report = describe_report(found, (), bench.now)
    assert report["letters"][0]["age_seconds"] == 90
    sealed = bench.sent[make_id("held")].envelope
    said = encode_canonical(report).decode()
    assert sealed.ciphertext[:40] not in said
    assert sealed.payload[:40] not in said


def test_what_was_released_or_is_older_than_asked_for_is_listed_no_more(bench: Bench) -> None:
    terms = bench.agree()
    bench.send(GB, VN, terms, "expired", lifetime=timedelta(minutes=5))
    bench.send(GB, VN, terms, "held")
    bench.step(VN, terms, StepAction.SUSPEND)
    bench.clock.move(300)
    bench.sweep()
    bench.step(VN, terms, StepAction.RESUME)
    bench.sweep()
    assert list_letters(bench) == [("expired", make_id("expired"), ())]
    bench.clock.move(2 * DAY.total_seconds())
    assert list_letters(bench) == []
    assert list_letters(bench, 3 * DAY) == [("expired", make_id("expired"), ())]


def test_no_more_are_listed_than_were_asked_for_the_newest_first(bench: Bench) -> None:
    terms = bench.agree()
    for minutes in (5, 6, 7):
        bench.send(GB, VN, terms, minutes, lifetime=timedelta(minutes=minutes))
    for _ in range(3):
        bench.clock.move(150)
        bench.sweep()
    found = read_letters(bench.database, bench.now - DAY, 2)
    assert [letter.message for letter in found.letters] == [make_id(7), make_id(6)]
    assert found.counts[ItemState.EXPIRED] == 3


def test_an_inbox_that_nobody_collects_for_days_needs_an_operator(bench: Bench) -> None:
    bench.send(GB, VN, bench.agree(), "first", lifetime=20 * DAY)
    bench.clock.move(2 * DAY.total_seconds() - 1)
    assert list_needs(bench) == []
    bench.clock.move(1)
    assert list_needs(bench) == [("inbox-uncollected", VN)]
    bench.acknowledge(VN, bench.lease(VN))
    assert list_needs(bench) == []


def test_lost_bytes_of_an_attachment_need_an_operator_until_they_would_have_ended(bench: Bench) -> None:
    terms = agree_to_files(bench)
    sealed = upload(bench, "file", b"x" * 100)
    bench.submit(GB, seal_with(bench, terms, sealed))
    assert list_needs(bench) == []
    lose(bench, sealed)
    assert list_needs(bench) == [("attachments-lost", GB)]
    care = read_care(bench.database, bench.directory.current, bench.files, bench.now)
    assert care["dead_letters"] == {"expired": 0, "held": 0, "returned": 0}
    assert [need["code"] for need in care["needs"]] == ["attachments-lost"]
